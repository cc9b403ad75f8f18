"""Data and estimators for the tests of searches."""

import numpy as np
import pytest
from sklearn.datasets import make_classification

from multilayer import MLPClassifier

SPACE = {
    "hidden_layer_sizes": [(4,), (8,), (12, 6)],
    "learning_rate_init": [0.003, 0.01, 0.03],
    "alpha": [0.0, 1e-3],
}


@pytest.fixture(scope="session")
def rows():
    X, y = make_classification(
        240, 6, n_informative=4, n_classes=3, n_clusters_per_class=1, random_state=0
    )
    return X.astype(np.float32), np.array(["a", "b", "c"])[y]


@pytest.fixture
def network():
    return MLPClassifier((6,), max_iter=18, batch_size=40, random_state=0)
