"""From arrays to batches: padding, order, sources."""
