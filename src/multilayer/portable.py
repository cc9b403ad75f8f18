"""Prediction from model files with NumPy alone: no JAX, no SciPy, no scikit-learn is imported."""

from multilayer._portable.classifier import Classifier
from multilayer._portable.perceptron import Perceptron
from multilayer._portable.reading import load
from multilayer._portable.regressor import Regressor
from multilayer._portable.transformed import TransformedRegressor

__all__ = ["Classifier", "Perceptron", "Regressor", "TransformedRegressor", "load"]
