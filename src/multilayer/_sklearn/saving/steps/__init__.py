"""Fitted preprocessing of scikit-learn's as plain data and back, kind by kind."""
