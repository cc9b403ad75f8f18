"""Small estimators, and what their checkpoints hold."""

import logging

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_iris

from multilayer import estimator
from multilayer._persist.checkpoints import read_checkpoint


@pytest.fixture(scope="session")
def iris():
    """X (150, 4) float32 in a new order, y (150,)."""
    X, y = load_iris(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    return X[order].astype(np.float32), y[order]


@pytest.fixture(scope="session")
def digits():
    """X (1797, 64) float32 from 0 to 1, y (1797,)."""
    X, y = load_digits(return_X_y=True)
    return (X / 16).astype(np.float32), y


@pytest.fixture
def make_classifier(tmp_path):
    """A function that makes a classifier of three classes of four numbers, in a new folder."""
    made = []

    def make(model_dir=None, *, config=None, **arguments):
        made.append(model_dir or tmp_path / f"model{len(made)}")
        arguments = {
            "hidden_units": [5],
            "feature_columns": [estimator.numeric_column("X", shape=[4])],
            "n_classes": 3,
            **arguments,
        }
        config = estimator.RunConfig(tf_random_seed=3) if config is None else config
        return estimator.DNNClassifier(model_dir=made[-1], config=config, **arguments)

    return make


@pytest.fixture
def trained():
    """A function that returns the arrays of an estimator's newest checkpoint."""
    return lambda model: read_checkpoint(model.latest_checkpoint()).arrays


@pytest.fixture
def assert_same_bits(trained):
    """A function that compares two estimators' newest checkpoints bit by bit."""

    def check(one, other):
        mine, theirs = trained(one), trained(other)
        assert mine.keys() == theirs.keys()
        for name, array in mine.items():
            np.testing.assert_array_equal(array, theirs[name], err_msg=name)

    return check


@pytest.fixture(autouse=True)
def _quiet_again():
    """Leave the logger as it was."""
    logger = logging.getLogger("multilayer")
    before = logger.level, list(logger.handlers)
    yield
    logger.setLevel(before[0])
    logger.handlers[:] = before[1]
