"""What a fitted network offers: prediction, parameters, curves, a drawing, ONNX."""
