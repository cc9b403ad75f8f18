"""The search of the tests of storages, in this process and in others."""

import warnings

import numpy as np
from scipy.stats import loguniform
from sklearn.datasets import make_classification

from multilayer import MLPClassifier
from multilayer.search import MLPSearchCV

SPACE = {
    "hidden_layer_sizes": [(4,), (8,), (12, 6)],
    "learning_rate_init": loguniform(0.003, 0.03),
    "alpha": [0.0, 1e-3],
}
X, y = make_classification(
    240, 6, n_informative=4, n_classes=3, n_clusters_per_class=1, random_state=0
)
X = X.astype(np.float32)


def search_of(**changes):
    """Return a search of twelve configurations in three rungs."""
    network = MLPClassifier((6,), max_iter=18, batch_size=40, random_state=0)
    given = {"n_iter": 12, "cv": 3, "random_state": 0, "n_jobs": 2, **changes}
    return MLPSearchCV(network, SPACE, **given)


def searched(**changes):
    """Return it fitted."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return search_of(**changes).fit(X, y)
