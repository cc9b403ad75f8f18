"""Models and parameters in files."""
