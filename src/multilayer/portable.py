"""Prediction from model files with NumPy alone: no JAX, no SciPy, no scikit-learn is imported."""

from multilayer._portable.averages import WeightedClassifier, WeightedRegressor
from multilayer._portable.compositions import TransformedRegressor
from multilayer._portable.ensembles import TableClassifier, TableEncoder, TableRegressor
from multilayer._portable.estimators import Classifier, Perceptron, Regressor
from multilayer._portable.reading import load

__all__ = [
    "Classifier",
    "Perceptron",
    "Regressor",
    "TableClassifier",
    "TableEncoder",
    "TableRegressor",
    "TransformedRegressor",
    "WeightedClassifier",
    "WeightedRegressor",
    "load",
]
