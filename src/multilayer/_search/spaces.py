"""What is searched where the user names no space."""

from collections.abc import Mapping
from typing import Any

from scipy.stats import loguniform
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

WIDTHS = (32, 64, 128, 256)
DEPTHS = (1, 2, 3)

NETWORKS: Mapping[str, Any] = {
    "hidden_layer_sizes": [(width,) * depth for depth in DEPTHS for width in WIDTHS],
    "learning_rate_init": loguniform(3e-4, 1e-2),
    "alpha": loguniform(1e-6, 1e-2),
    "dropout": [0.0, 0.0, 0.1, 0.25],
    "batch_size": [32, 64, 128, 256],
}
"""Of `MLPClassifier` and `MLPRegressor`.

Layers of the same width: one number less, and no worse than a width for each layer. The learning
rate decides most; its range is that of Adam. Half of the networks have no dropout, which small
tables and short training do without.
"""


def default_space(estimator: BaseEstimator) -> Mapping[str, Any]:
    """Return the space of an estimator; in a pipeline, of its last step."""
    if isinstance(estimator, Pipeline):
        name, last = estimator.steps[-1]
        return {f"{name}__{key}": values for key, values in default_space(last).items()}
    return NETWORKS
