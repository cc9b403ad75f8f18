"""Networks as data: layer shapes, activations, initial weights, the forward pass."""
