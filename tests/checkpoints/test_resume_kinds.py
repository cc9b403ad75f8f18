"""All kinds of training go on after a crash with the bits of training that did not crash."""

from functools import partial

import jax.numpy as jnp
import numpy as np
import optax
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.metrics import f1_score

from multilayer import MLPClassifier, MLPRegressor, nn
from multilayer.callbacks import EarlyStopping, KeepBest, TimeBudget

from .crashes import (
    SETTINGS,
    CrashesAt,
    X,
    assert_goes_on_alike,
    assert_same_result,
    fitted_after_crashes,
    y,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

VALIDATION = {"X_val": X[150:], "y_val": y[150:]}
STREAMED = sparse.csr_matrix(X)
STREAMED_VALIDATION = {"X_val": STREAMED[150:], "y_val": y[150:]}
MANY = np.stack([y % 2, y % 3], 1)
CRASHES = 17, 31  # steps, of 50


def f1(estimator, X, y):
    return f1_score(y, estimator.predict(X), average="macro")


NETWORK = nn.sequential(
    nn.gaussian_noise(0.05), nn.dense(8), nn.batch_norm(), nn.tanh, nn.dropout(0.2), nn.dense(10)
)


KINDS = {
    "average": ({"ema_decay": 0.9}, (X, y), {}),
    "groups of batches": ({"accumulate_steps": 3}, (X, y), {}),
    "average of groups": ({"ema_decay": 0.9, "accumulate_steps": 2}, (X, y), VALIDATION),
    "batch norm": ({"norm": "batch", "hidden_layer_sizes": (8, 8)}, (X, y), {}),
    "noise": ({"dropout": 0.3, "input_dropout": 0.1, "input_noise": 0.2}, (X, y), {}),
    "adaptive": (
        {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.3, "n_iter_no_change": 1},
        (X, y),
        {},
    ),
    "converged": ({"tol": 10.0, "n_iter_no_change": 3, "max_iter": 50}, (X, y), {}),
    "several outputs": ({}, (X, MANY), {}),
    "several labels": ({}, (X, MANY > 0), {}),
    "own network": ({"network": NETWORK, "hidden_layer_sizes": (100,)}, (X, y), {}),
    "sparse": ({"early_stopping": True}, (STREAMED, y), {}),
    "streamed": ({"early_stopping": True, "input_noise": 0.1}, (STREAMED, y), {}),
    "streamed validation": ({"input_dropout": 0.1}, (STREAMED, y), STREAMED_VALIDATION),
    "scored": ({"scoring": f1, "early_stopping": True}, (X, y), {}),
    "scored by name": ({"scoring": "f1_macro"}, (X, y), VALIDATION),
    "stopped": ({"callbacks": [EarlyStopping("loss", min_delta=1.0, patience=4)]}, (X, y), {}),
    "best kept": ({"callbacks": [KeepBest()], "learning_rate_init": 0.3}, (X, y), VALIDATION),
    "in time": ({"callbacks": [TimeBudget(1000.0)]}, (X, y), {}),
    "factory": ({"solver": optax.lion, "solver_params": {"weight_decay": 0.1}}, (X, y), {}),
    "partial factory": ({"solver": partial(optax.sgd, nesterov=True, momentum=0.9)}, (X, y), {}),
    "activation": ({"activation": lambda x: jnp.tanh(0.5 * x)}, (X, y), {}),
    "random state": ({"random_state": np.random.RandomState(5)}, (X, y), {}),
    "text": ({"class_weight": "balanced"}, (X, np.array(list("abcdefghij"))[y]), {}),
    "not shuffled": ({"shuffle": False}, (X, y), {}),
}
REGRESSIONS = {
    "plain": ({}, y),
    "Huber": ({"loss": "huber", "standardize_target": True}, y * 100.0),
    "quantiles": ({"loss": "quantile", "early_stopping": True}, y),
    "several targets": ({"learning_rate": "one_cycle"}, MANY * 1.0),
}


def assert_resumes(estimator, folder, data, more):
    # A clone has a copy of a RandomState, the estimator its own, which a fit moves on.
    whole = clone(estimator).fit(*data, **more)
    resumed = fitted_after_crashes(estimator, folder, map(CrashesAt, CRASHES), *data, **more)
    assert_same_result(whole, resumed)
    assert_array_equal(whole.predict(data[0]), resumed.predict(data[0]))
    assert_goes_on_alike(whole, resumed, *data, **more)


@pytest.mark.parametrize("kind", KINDS)
def test_classifiers(kind, tmp_path):
    changes, data, more = KINDS[kind]
    assert_resumes(MLPClassifier(**SETTINGS | changes), tmp_path, data, more)


@pytest.mark.parametrize("kind", REGRESSIONS)
def test_regressors(kind, tmp_path):
    changes, targets = REGRESSIONS[kind]
    assert_resumes(MLPRegressor(**SETTINGS | changes), tmp_path, (X, targets), {})
