"""What is searched where the user names no space: one for each family of estimators."""

from collections.abc import Mapping
from typing import Any

from scipy.stats import loguniform
from sklearn.base import BaseEstimator, is_classifier
from sklearn.pipeline import Pipeline

from multilayer._sklearn.reference.realmlp import RealMLP
from multilayer._sklearn.reference.tabm import TabM
from multilayer._sklearn.tabular.tabular_estimators import ByData

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

BY_DATA: Mapping[str, Any] = {
    "n_folds": [4, 8],
    "n_estimators": [8, 16],
}
"""Of `TabularClassifier` and `TabularRegressor`, whose recipe the data choose.

There is little to search: how many rows each network misses, and how many networks there are; more
of them are no worse, and cost what they are more. Every number of networks is a multiple of every
number of folds.
"""

REALMLP: Mapping[str, Any] = {
    "hidden_layer_sizes": [(256,) * 3] * 3 + [(64,) * 5, (512,)],
    "numeric_embedding": ["pbld", None],
    "activation": ["selu", "mish", "relu"],
    "learning_rate_init": loguniform(2e-2, 3e-1),
    "dropout": [0.0, 0.0, 0.0, 0.15, 0.15, 0.15, 0.15, 0.15, 0.3, 0.3],
    "weight_decay": [0.0, 0.02],
}
"""Of `RealMLPClassifier` and `RealMLPRegressor`: the published one, for 50 configurations.

"Better by Default" (Holzmueller et al., 2024), the random search of its RealMLP-HPO; a value that
is listed more often is drawn more often. Left out are arguments that these estimators do not have:
other embeddings of numbers and their scale, the layer that weighs inputs. Learning rates are large
because kernels are in NTK parametrisation.
"""

REALMLP_CLASSES: Mapping[str, Any] = {
    **REALMLP,
    "label_smoothing": [0.0, 0.0, 0.0, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1],
}
"""Of `RealMLPClassifier`: smoothed labels for seven of ten, as published."""

TABM: Mapping[str, Any] = {
    "variant": ["TabM", "TabM-mini"],
    "hidden_layer_sizes": [(width,) * depth for depth in (1, 2, 3) for width in (128, 256, 512)],
    "learning_rate_init": loguniform(1e-4, 3e-3),
    "dropout": [0.0, 0.0, 0.0, 0.1, 0.2, 0.4],
    "weight_decay": [0.0, 0.0, 0.0, 3e-4, 3e-3, 3e-2],
    "n_bins": [8, 16, 32, 48, 64, 128],
    "embedding_size": [8, 16, 32],
}
"""Of `TabMClassifier` and `TabMRegressor`: the published one, made smaller.

Gorishniy et al. (2025): one to four layers of 64 to 1024 units, learning rates from 0.0001 to
0.003, no dropout for half of the networks and up to 0.5 for the others, no weight decay for half of
them and 0.0001 to 0.1 for the others, 2 to 128 bins, 8 to 32 numbers for each. It is for 100
configurations on accelerators; these steps of it are for 20 to 60, on a processor.
"""


def default_space(estimator: BaseEstimator) -> Mapping[str, Any]:
    """Return the space of an estimator; in a pipeline, of its last step."""
    if isinstance(estimator, Pipeline):
        name, last = estimator.steps[-1]
        return {f"{name}__{key}": values for key, values in default_space(last).items()}
    if isinstance(estimator, ByData):
        return BY_DATA
    if isinstance(estimator, RealMLP):
        return REALMLP_CLASSES if is_classifier(estimator) else REALMLP
    return TABM if isinstance(estimator, TabM) else NETWORKS
