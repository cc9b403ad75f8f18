"""Searches over arguments: many networks trained side by side, with scikit-learn's interface."""

from multilayer._search.optuna_pruning import OptunaPruning
from multilayer._search.search_cv import MLPSearchCV
from multilayer._sklearn.weighted_ensembles import EnsembleClassifier, EnsembleRegressor

__all__ = ["EnsembleClassifier", "EnsembleRegressor", "MLPSearchCV", "OptunaPruning"]
