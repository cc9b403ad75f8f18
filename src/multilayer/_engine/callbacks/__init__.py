"""What may look on while a network trains; nothing in here starts JAX."""
