"""Networks behind scikit-learn's contract."""
