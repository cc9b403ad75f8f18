"""Programs that XLA compiles: what the training loop calls for its arithmetic."""
