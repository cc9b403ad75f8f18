"""Prediction from model files with NumPy alone."""
