"""The gradient that callbacks may ask a run for."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.datasets import load_iris
from sklearn.preprocessing import scale

from multilayer import MLPClassifier
from multilayer.callbacks import Callback

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y = load_iris(return_X_y=True)
X = scale(X).astype(np.float32)


def classifier(callback, **settings):
    defaults = {"hidden_layer_sizes": (8,), "max_iter": 4, "random_state": 0}
    return MLPClassifier(**defaults | settings, callbacks=[callback])


class Gradients(Callback):
    """Keeps weights and gradients of each epoch."""

    def on_train_begin(self, run):
        self.run, self.kernels, self.gradients = run, [], []

    def on_epoch_end(self, report):
        self.kernels.append(np.array(self.run.network[0].kernel))
        self.gradients.append(np.array(self.run.gradient()[0].kernel))


def test_the_gradient_is_that_of_the_next_step_of_descent():
    """One batch holds all rows: each epoch is ``w -= rate * gradient(w)``."""
    seen, rate = Gradients(), 0.125
    descent = {"solver": "sgd", "momentum": 0.0, "learning_rate_init": rate}
    classifier(seen, **descent, batch_size=150, shuffle=False, alpha=5.0).fit(X, y)
    assert_allclose(seen.gradients[:-1], -np.diff(seen.kernels, axis=0) / rate, atol=2e-6)


def test_the_gradient_of_all_rows_vanishes_at_a_minimum():
    seen = Gradients()
    classifier(seen, solver="lbfgs", alpha=1.0, max_iter=200, tol=1e-5).fit(X, y)
    assert np.abs(seen.gradients[0]).max() > 1e-3
    assert np.abs(seen.gradients[-1]).max() < 1e-4
