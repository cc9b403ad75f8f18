"""Networks as data: layer shapes, initial weights, the forward pass."""
