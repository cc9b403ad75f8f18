"""Networks whose widths coincide: each backend tells layers apart by their place, not their width.

They are not trained, which compiles no training program; biases and moments are random.
"""

import itertools

import numpy as np
import pytest

from multilayer import MLPClassifier, MLPRegressor

from .backends import answers, difference, others, shuffled

RNG = np.random.default_rng(0)
ROWS = 12
# Inputs, hidden layers, outputs: all alike, each pair alike, and of width 1.
WIDTHS = [
    *[(n, (n, n), n) for n in (1, 3)],
    *[(3, (3, 3), 2), (2, (3, 3), 3), (3, (2, 2), 3), (1, (2, 2), 1), (2, (1, 1), 2)],
    *[(3, (3, 4, 4), 4), (4, (4, 4, 3), 3), (4, (3, 3, 4), 4)],
]
NORMS = (None, "batch", "layer")


def assert_same(model, X, folder):
    expected = answers(model, X, getattr(model, "loss", None))
    for name, found in others(model, X, folder):
        assert difference(expected, found) <= 1e-5, name


@pytest.mark.parametrize("widths", WIDTHS, ids=str)
def test_regressors(widths, tmp_path):
    n_inputs, hidden, n_outputs = widths
    X = RNG.normal(size=(ROWS, n_inputs)).astype(np.float32)
    y = RNG.normal(size=(ROWS, n_outputs))
    for residual, norm in itertools.product((True, False), NORMS[: 1 if n_outputs > 1 else 3]):
        model = MLPRegressor(
            hidden_layer_sizes=hidden, residual=residual, norm=norm, max_iter=0, random_state=0
        )
        assert_same(shuffled(model.fit(X, y[:, 0] if n_outputs == 1 else y)), X, tmp_path)


@pytest.mark.parametrize("widths", [each for each in WIDTHS if each[2] > 1], ids=str)
def test_classifiers(widths, tmp_path):
    n_inputs, hidden, n_classes = widths
    X = RNG.normal(size=(ROWS, n_inputs)).astype(np.float32)
    for out_activation, norm in (("softmax", None), ("logistic", "layer"), ("softmax", "batch")):
        model = MLPClassifier(
            hidden,
            residual=True,
            norm=norm,
            out_activation=out_activation,
            max_iter=0,
            random_state=0,
        )
        model.fit(X, np.arange(ROWS) % n_classes)
        assert_same(shuffled(model), X, tmp_path)


@pytest.mark.parametrize("loss", ["quantile", "gaussian_nll"])
def test_losses_of_several_units(loss, tmp_path):
    X = RNG.normal(size=(ROWS, 2)).astype(np.float32)
    units = {"quantile": 6, "gaussian_nll": 4}[loss]  # of two targets
    model = MLPRegressor(loss, (units, units), residual=True, max_iter=0, random_state=0)
    assert_same(shuffled(model.fit(X, X)), X, tmp_path)


def test_images_as_in_the_report(tmp_path):
    X = RNG.integers(0, 17, (ROWS, 64)).astype(np.float32) / 16
    model = MLPClassifier((10, 10), residual=True, max_iter=0, random_state=0)
    assert_same(shuffled(model.fit(X, np.arange(ROWS) % 10)), X, tmp_path)
