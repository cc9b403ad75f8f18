"""Searches over arguments: many networks trained side by side, behind scikit-learn's search API."""
