"""Callbacks, which observe training; nothing in here starts JAX."""
