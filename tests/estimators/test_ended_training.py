"""What ends training early leaves a network that can be used."""

import signal
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sklearn.ensemble import AdaBoostClassifier, BaggingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV, cross_validate
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from multilayer import DivergenceError, MLPClassifier
from multilayer._sklearn.fit import engine_run
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


# Ctrl-C where fit is one of many -----------------------------------------------------------------


def interrupted_classifier(**changes):
    return MLPClassifier((5,), callbacks=[Interrupt(0)], max_iter=3, random_state=0, **changes)


@pytest.mark.parametrize(
    "around",
    [
        lambda clf: GridSearchCV(clf, {"alpha": [0.1, 1.0]}, cv=2, error_score=0.0),
        lambda clf: RandomizedSearchCV(clf, {"alpha": [0.1, 1.0]}, n_iter=2, cv=2),
        lambda clf: GridSearchCV(make_pipeline(clf), {"mlpclassifier__alpha": [0.1, 1.0]}, cv=2),
        lambda clf: BaggingClassifier(clf, n_estimators=2),
        lambda clf: AdaBoostClassifier(clf, n_estimators=2),
        OneVsRestClassifier,
    ],
)
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_an_interrupt_stops_a_search_or_an_ensemble(around, solver):
    with pytest.raises(KeyboardInterrupt):
        around(interrupted_classifier(solver=solver)).fit(X, y)


def test_an_interrupt_stops_cross_validation():
    with pytest.raises(KeyboardInterrupt):
        cross_validate(interrupted_classifier(), X, y, cv=2)


def test_an_interrupt_stops_a_study():
    study = {"__name__": "optuna.study.study"}
    exec("def optimize(objective):\n    return objective()", study)
    clf = interrupted_classifier()
    with pytest.raises(KeyboardInterrupt):
        study["optimize"](lambda: clf.fit(X, y))
    assert clf.stop_reason_ == "interrupted"
    assert clf.predict(X).shape == (N,)  # in place all the same


@pytest.mark.parametrize(
    "around", [make_pipeline, lambda clf: make_pipeline(StandardScaler(), clf)]
)
def test_an_interrupt_in_a_pipeline_keeps_the_network(around):
    with pytest.warns(UserWarning, match="press Ctrl-C again within 3 s"):
        model = around(interrupted_classifier()).fit(X, y)
    assert model.predict(X).shape == (N,)


def test_a_second_interrupt_shortly_after_stops_a_loop(monkeypatch):
    clock = iter([100.0, 104.0, 106.0])
    monkeypatch.setattr(engine_run, "monotonic", lambda: next(clock))
    for _ in range(2):
        with pytest.warns(UserWarning, match="Training interrupted by user"):
            interrupted_classifier().fit(X, y)
    third = interrupted_classifier()
    with pytest.raises(KeyboardInterrupt):
        third.fit(X, y)
    assert third.stop_reason_ == "interrupted"
    assert third.predict(X).shape == (N,)


def test_an_interrupt_outside_the_main_thread_is_raised():
    with ThreadPoolExecutor(1) as thread, pytest.raises(KeyboardInterrupt):
        thread.submit(interrupted_classifier().fit, X, y).result()


SEARCH = """
import numpy as np
from sklearn.model_selection import GridSearchCV
from multilayer import MLPClassifier
from multilayer.callbacks import Callback

class Say(Callback):
    def on_train_begin(self, run):
        print("fit", flush=True)

X = np.random.default_rng(0).normal(size=(2000, 20))
y = (X[:, 0] > 0).astype(int)
clf = MLPClassifier((50,), solver="sgd", callbacks=[Say()], max_iter=10**6, tol=0.0,
                    n_iter_no_change=10**6)
GridSearchCV(clf, {"alpha": [0.1, 1.0]}, cv=2).fit(X, y)
print("went on")
"""


def test_one_sigint_ends_a_process_that_searches():
    process = subprocess.Popen(
        [sys.executable, "-c", SEARCH], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "fit\n"
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=60)
    assert process.returncode != 0
    assert out == ""  # neither another fit nor what comes after the search
    assert errors.rstrip().endswith("KeyboardInterrupt")


def test_an_interrupt_while_a_fit_is_prepared_changes_nothing():
    def interrupt(estimator, X, y):
        raise KeyboardInterrupt

    clf = MLPClassifier((5,), max_iter=2, random_state=0).fit(X, y)
    before = clf.coefs_[0].copy()
    with pytest.raises(KeyboardInterrupt):
        clf.set_params(scoring=interrupt, random_state=1).fit(X, y, X_val=X, y_val=y)
    np.testing.assert_array_equal(clf.coefs_[0], before)
    fresh = MLPClassifier((5,), scoring=interrupt)
    with pytest.raises(KeyboardInterrupt):
        fresh.fit(X, y, X_val=X, y_val=y)
    assert not hasattr(fresh, "coefs_")


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
