"""Published recipes for tables by name: RealMLP and TabM."""
