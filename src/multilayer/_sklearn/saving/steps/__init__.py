"""Fitted preprocessing steps of scikit-learn as plain data and back, one record per kind."""
