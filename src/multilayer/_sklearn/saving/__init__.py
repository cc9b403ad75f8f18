"""Fitted models as plain data and back."""
