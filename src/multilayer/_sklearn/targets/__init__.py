"""Targets: classes and numbers, how they are encoded and what the outputs mean."""
