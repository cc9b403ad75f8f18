"""One odd input given to a network of ours and to scikit-learn's, and what came of it."""

import re
import traceback
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn import neural_network
from sklearn.exceptions import ConvergenceWarning

import multilayer

N, N_FEATURES = 30, 4
_rng = np.random.default_rng(0)
X = _rng.normal(size=(N, N_FEATURES))
COUNTS = _rng.integers(0, 5, size=(N, N_FEATURES))
LABELS = np.digitize(X[:, 0] + X[:, 1], [-0.5, 0.5])  # three classes
TARGET = X[:, 0] - 2 * X[:, 1] + 0.5
TARGETS = np.column_stack([TARGET, X[:, 2], -TARGET])
INDICATOR = (X[:, :2] > 0).astype(int)
WEIGHT = np.linspace(0.2, 3.0, N)

# Whole batches from the same initial weights: nothing is left to chance, so that the two networks
# agree to rounding. Plain numbers, since Adam would blow up the rounding of a vanishing gradient.
ARGUMENTS = {
    "hidden_layer_sizes": (5,),
    "solver": "sgd",
    "learning_rate_init": 0.1,
    "max_iter": 4,
    "random_state": 0,
}


@dataclass(frozen=True)
class Case:
    """What goes into the constructor and the methods of a network."""

    kind: str  # name of the estimator, the same in both libraries
    X: Any
    y: Any
    new: Any  # X of the predictions
    weight: Any = None
    fit: Mapping[str, Any] = field(default_factory=dict)  # further arguments of fit
    params: Mapping[str, Any] = field(default_factory=dict)
    steps: tuple[str, ...] = ("fit", "predict")
    peer: Any = None  # an estimator that answers for scikit-learn's network, which lacks something


def classify(X: Any = X, y: Any = LABELS, **more: Any) -> Case:
    """Case of a classifier; the predictions are those of the training rows by default."""
    return Case("MLPClassifier", X, y, more.pop("new", X), **more)


def regress(X: Any = X, y: Any = TARGET, **more: Any) -> Case:
    """Case of a regressor; the predictions are those of the training rows by default."""
    return Case("MLPRegressor", X, y, more.pop("new", X), **more)


@dataclass
class Outcome:
    """What an estimator made of a case."""

    estimator: Any
    learned: dict[str, Any] = field(default_factory=dict)
    predictions: dict[str, Any] = field(default_factory=dict)
    warned: set[type] = field(default_factory=set)
    step: str = ""  # the last method called
    error: Exception | None = None


def attempt(library: Any, make: Callable[[], Case]) -> Outcome:
    """Give a fresh case (a generator can be read once) to the estimator of a library."""
    with warnings.catch_warnings(action="ignore"):  # making odd things may be frowned upon
        case = make()
    if library is neural_network and case.peer is not None:
        outcome = Outcome(case.peer)
    else:
        outcome = Outcome(getattr(library, case.kind)(**{**ARGUMENTS, **case.params}))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            for outcome.step in case.steps:
                call(outcome, case)
        except Exception as error:
            outcome.error = error
    outcome.warned = {w.category for w in caught} - {ConvergenceWarning}
    settings = outcome.estimator.get_params()
    outcome.learned = {k: v for k, v in vars(outcome.estimator).items() if k not in settings}
    return outcome


def call(outcome: Outcome, case: Case) -> None:
    """Call the method of the present step."""
    estimator = outcome.estimator
    if outcome.step == "predict":
        methods = ("predict", "predict_proba")
        for method in methods[: 1 + hasattr(estimator, "predict_proba")]:
            prediction = getattr(estimator, method)(case.new)
            # scikit-learn answers a sparse indicator with a sparse one, we with a dense one.
            dense = prediction.toarray() if sparse.issparse(prediction) else prediction
            outcome.predictions[method] = dense
        return
    weight = {} if case.weight is None else {"sample_weight": case.weight}
    getattr(estimator, outcome.step)(case.X, case.y, **weight, **case.fit)


def ours(make: Callable[[], Case]) -> Outcome:
    """Outcome of this package's estimator."""
    return attempt(multilayer, make)


def theirs(make: Callable[[], Case]) -> Outcome:
    """Outcome of scikit-learn's."""
    return attempt(neural_network, make)


# Comparisons --------------------------------------------------------------------------------------


def require_fitted(*outcomes: Outcome) -> None:
    """Show the error of an estimator that should have taken its case."""
    for outcome in outcomes:
        if outcome.error is not None:
            raise AssertionError(
                f"{type(outcome.estimator).__module__} refused in {outcome.step}"
            ) from outcome.error


def check_same_kind(mine: Outcome, other: Outcome, warns: bool | None = None) -> None:
    """Compare shapes, kinds of type, classes and names, and the warnings that users see."""
    for method, prediction in other.predictions.items():
        got = mine.predictions[method]
        assert isinstance(got, np.ndarray), method
        assert got.shape == prediction.shape, method
        assert got.dtype.kind == prediction.dtype.kind, method
        if got.dtype.kind == "f":
            assert np.isfinite(got).all(), method
    for name in ("classes_", "feature_names_in_"):
        assert hasattr(mine.estimator, name) == hasattr(other.estimator, name), name
        if hasattr(other.estimator, name):
            expected = getattr(other.estimator, name)
            assert_array_equal(getattr(mine.estimator, name), expected, err_msg=name)
            assert getattr(mine.estimator, name).dtype.kind == expected.dtype.kind, name
    for name in ("n_features_in_", "n_outputs_", "out_activation_", "n_layers_"):
        assert getattr(mine.estimator, name) == getattr(other.estimator, name), name
    # NumPy's overflows are theirs alone: ours computes in compiled code.
    expected = other.warned - {RuntimeWarning}
    assert mine.warned == (expected if warns is None else {UserWarning} if warns else set())


def check_same_loss(mine: Outcome, other: Outcome, tolerance: float) -> None:
    """Compare the loss of the last epoch."""
    chances = other.predictions.get("predict_proba")
    # scikit-learn caps the loss of a row at 36, ours has no cap: compared where none is near it.
    if chances is None or chances.min() > 1e-6:
        loss = other.estimator.loss_
        assert_allclose(mine.estimator.loss_, loss, rtol=tolerance, atol=tolerance)


def check_same_values(mine: Outcome, other: Outcome, tolerance: float) -> None:
    """Compare predictions, labels where they are no near tie."""
    chances = other.predictions.get("predict_proba")
    if chances is None:
        expected = other.predictions["predict"]
        scale = tolerance * max(1.0, float(np.abs(expected).max()))
        assert_allclose(mine.predictions["predict"], expected, atol=scale, rtol=tolerance)
        return
    assert_allclose(mine.predictions["predict_proba"], chances, atol=tolerance)
    labels = other.predictions["predict"]
    if labels.ndim == 2:  # several labels per row, each with its own chance
        clear = np.abs(chances - 0.5) > tolerance / 10
    else:
        least, most = np.sort(chances, axis=1)[:, -2:].T
        clear = most - least > tolerance / 10
    assert clear.any()
    assert_array_equal(mine.predictions["predict"][clear], labels[clear])


def check_refusal(mine: Outcome, text: str, other: Outcome | None = None) -> None:
    """Hold an error of ours to its text; the estimator must be as it was before the call."""
    error = mine.error
    assert error is not None, f"accepted, and predicts {mine.predictions.get('predict')!r}"
    assert isinstance(error, ValueError | TypeError), repr(error)
    assert is_written(error, other), f"nobody wrote this text: {error!r}"
    assert re.search(text, str(error)), f"{text!r} is not in: {error}"
    if mine.step == "fit" and not isinstance(error, multilayer.DivergenceError):
        assert not mine.learned, "a refused estimator has learned something"


def is_written(error: Exception, other: Outcome | None) -> bool:
    """Whether an error was raised on purpose: by this package, or by scikit-learn's checks."""
    if isinstance(error, multilayer.MultilayerError):
        return True
    if other is not None and type(error) is type(other.error) and str(error) == str(other.error):
        return True
    frame, _ = list(traceback.walk_tb(error.__traceback__))[-1]
    return frame.f_globals["__name__"].startswith("sklearn.") and error.__cause__ is None
