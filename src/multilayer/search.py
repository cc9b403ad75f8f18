"""Searches over arguments: many networks trained side by side, with scikit-learn's interface."""

from multilayer._search.optuna_pruning import OptunaPruning
from multilayer._search.search_cv import MLPSearchCV

__all__ = ["MLPSearchCV", "OptunaPruning"]
