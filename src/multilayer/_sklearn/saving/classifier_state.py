"""A fitted MLPClassifier as plain data and back."""

from typing import Any

import numpy as np

from multilayer._sklearn.classifier import MLPClassifier
from multilayer._sklearn.fit.weight_normalization import Seen
from multilayer._sklearn.saving import network_state, target_state
from multilayer._sklearn.saving.reader import Arrays, Values

params = network_state.params


def fitted(estimator: MLPClassifier) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return the fitted values, as JSON and as arrays."""
    values, arrays = network_state.fitted(estimator)
    target, labels = target_state.encode_target(estimator)
    return values | target, arrays | labels


def rebuild(params: Values, fitted: Values, arrays: Arrays) -> MLPClassifier:
    """Make the classifier again."""
    estimator = network_state.read_classifier(MLPClassifier, params, fitted, arrays)
    estimator._resumable = network_state.FreshOptimizer()
    estimator._seen = Seen()
    return estimator
