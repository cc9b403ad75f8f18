"""What ends training early leaves a network that can be used."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from multilayer import DivergenceError, MLPClassifier
from multilayer.callbacks import Callback

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N = 30
X = np.random.default_rng(0).normal(size=(N, 4))
y = np.arange(N) % 3


@pytest.mark.parametrize("validation", [{}, {"X_val": X, "y_val": y}])
@pytest.mark.parametrize("rate", [1e10, 1e20, 1e30])
@pytest.mark.parametrize("batch_size", [7, N])
def test_divergence_keeps_the_last_finite_network(validation, rate, batch_size):
    clf = MLPClassifier(
        (5,), solver="sgd", learning_rate_init=rate, batch_size=batch_size, random_state=0
    )
    with pytest.raises(DivergenceError, match="learning_rate_init") as caught:
        clf.fit(X, y, **validation)
    assert isinstance(caught.value, ValueError)
    assert clf.stop_reason_ == "diverged"
    assert not np.isfinite(clf.loss_curve_[-1])
    assert np.isfinite(clf.loss_curve_[:-1]).all()
    for part in clf.coefs_ + clf.intercepts_:
        assert np.isfinite(part).all()
    assert set(clf.predict(X)) <= {0, 1, 2}


class Interrupt(Callback):
    """Raises what Ctrl-C raises, at the end of an epoch."""

    def __init__(self, epoch):
        self.epoch = epoch

    def on_epoch_end(self, report):
        if report["epoch"] == self.epoch:
            raise KeyboardInterrupt


@pytest.mark.parametrize("validation", [{}, {"X_val": X, "y_val": y}])
def test_an_interrupt_keeps_the_network(validation):
    clf = MLPClassifier((5,), callbacks=[Interrupt(3)], random_state=0, learning_rate_init=0.01)
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        clf.fit(X, y, **validation)
    assert clf.stop_reason_ == "interrupted"
    assert clf.n_iter_ == len(clf.loss_curve_) >= 4
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert clf.predict(X).shape == (N,)
    settings = {**clf.get_params(), "callbacks": None, "max_iter": clf.n_iter_}
    if not validation:
        same = MLPClassifier(**settings).fit(X, y)
        np.testing.assert_array_equal(clf.coefs_[0], same.coefs_[0])


def test_an_error_in_a_callback_comes_out():
    class Broken(Interrupt):
        def on_epoch_end(self, report):
            raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        MLPClassifier((5,), callbacks=[Broken(0)], max_iter=3).fit(X, y)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_warnings_name_the_line_of_the_user(solver):
    clf = MLPClassifier((5,), solver=solver, max_iter=2, random_state=0)
    with pytest.warns(ConvergenceWarning) as caught:
        clf.fit(X, y)
    assert [warning.filename for warning in caught] == [__file__]
    if solver == "adam":
        with pytest.warns(ConvergenceWarning) as caught:
            clf.set_params(max_iter=1).partial_fit(X, y)
        assert [warning.filename for warning in caught] == [__file__]
