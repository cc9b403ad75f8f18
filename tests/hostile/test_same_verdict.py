"""Damaged files get the same verdict from every reader, and what is read predicts the same."""

import contextlib
import io
import warnings
from typing import Any, NamedTuple

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.impute import SimpleImputer
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (
    KBinsDiscretizer,
    OneHotEncoder,
    PolynomialFeatures,
    PowerTransformer,
    StandardScaler,
)

import multilayer
from multilayer import MLPClassifier, MLPRegressor, ModelFileError, Perceptron, portable
from multilayer._cli.info import info
from multilayer._core.pytrees import leaves
from multilayer.search import EnsembleClassifier

from . import ensembles
from .mutations import structural, told

RNG = np.random.default_rng(0)
N = 24
X = RNG.normal(size=(N, 3)).round(2)
THREE = np.arange(N) % 3
TABLE = np.column_stack([X[:, :2], THREE])
GAPS = np.where(RNG.random(X.shape) < 0.2, np.nan, X)
QUICK: dict[str, Any] = {"hidden_layer_sizes": (3,), "max_iter": 0, "random_state": 0}
LOSSES = ("squared_error", "absolute_error", "huber", "poisson", "quantile", "gaussian_nll")
NOT_HERE = ("is not supported by", "has no inverse in", "is sparse", "gives the number of columns")
"""What :mod:`multilayer.portable` says of a valid file that it cannot predict with."""
SHARDS, SHARE = 5, 1000


def models():
    """Yield models of every kind, not trained, and rows for them."""
    yield MLPClassifier(**QUICK, norm="batch", class_weight="balanced").fit(X, THREE), X
    yield MLPClassifier(**QUICK).fit(X, np.array(["no", "yes"])[THREE % 2]), X
    yield MLPClassifier(**QUICK, out_activation="softmax").fit(X, np.eye(3, dtype=int)[THREE]), X
    yield MLPClassifier(**QUICK).fit(X, np.column_stack([THREE, THREE > 1])), X
    for loss in LOSSES:
        n_targets = 1 + len(loss) % 2
        target = np.exp(X[:, :n_targets])
        scaled = {"standardize_target": loss != "poisson"}
        yield (
            MLPRegressor(loss, **QUICK, **scaled).fit(
                X, target[:, 0] if n_targets == 1 else target
            ),
            X,
        )
    yield Perceptron(max_iter=5, tol=1e9, n_iter_no_change=1).fit(X, THREE), X
    columns = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(add_indicator=True), StandardScaler()), [0]),
            ("both", FeatureUnion([("all", "passthrough"), ("power", PowerTransformer())]), [1]),
            ("labels", OneHotEncoder(drop="first", max_categories=3), [2]),
        ]
    )
    yield make_pipeline(columns, MLPClassifier(**QUICK)).fit(TABLE, THREE), TABLE
    steps = (
        PolynomialFeatures(2, include_bias=False),
        KBinsDiscretizer(2, strategy="uniform", encode="ordinal"),
    )
    yield make_pipeline(SimpleImputer(), *steps, MLPRegressor(**QUICK)).fit(GAPS, X[:, 0]), GAPS
    around = TransformedTargetRegressor(MLPRegressor(**QUICK), transformer=StandardScaler())
    yield around.fit(X, X[:, :2]), X
    several = [(name, MLPClassifier(**QUICK)) for name in ("one", "other")]
    yield EnsembleClassifier(several, weights=[2, 1]).fit(X, THREE), X
    flags = ensembles.TabularEncoder(max_one_hot=None)
    yield make_pipeline(flags, MLPClassifier(**QUICK)).fit(ensembles.TABLE, THREE), ensembles.TABLE
    for model in (ensembles.classifier(), ensembles.regressor(), ensembles.encoded()):
        yield model, ensembles.TABLE


class Seed(NamedTuple):
    """A valid file, and rows for its model."""

    content: bytes
    X: np.ndarray


@pytest.fixture(scope="module")
def saved(place):
    made = []
    for model, rows in models():
        multilayer.save(model, place)
        made.append(Seed(place.read_bytes(), rows))
    return made


class Verdict(NamedTuple):
    """What a reader says of a file."""

    taken: bool
    made: Any = None
    reason: str = ""


def verdict(read, place):
    """Return what a reader says; whatever it raises beside the documented error goes through."""
    try:
        return Verdict(True, read(place))
    except ModelFileError as error:
        return Verdict(False, reason=str(error))


def quietly(work, *arguments):
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")  # of numbers that overflow on the way
        return work(*arguments)


def answer(model, rows):
    """Return predictions, or None where the rows, or what becomes of them, are refused.

    Of networks for classes they are probabilities: labels turn over at ties, which XLA, flushing
    the smallest numbers to 0, has where NumPy has none.
    """
    try:
        if not hasattr(model, "predict"):
            return model.transform(rows)
        predicted = model.predict(rows)
        if not hasattr(model, "predict_proba"):
            return predicted
        found = model.predict_proba(rows)
        return np.hstack(found) if isinstance(found, list) else found
    except ValueError:
        return None


def is_steep(model):
    """Whether an ensemble has weights that make leaps of what rounding leaves between readers."""
    own = getattr(model, "_ensemble", None)
    return own is not None and max(abs(each).max(initial=0) for each in leaves(own.params)) > 1e5


def check(place, rows):
    """Ask all readers about a file; return whether it is a model."""
    loaded = quietly(verdict, multilayer.load, place)
    alone = quietly(verdict, portable.load, place)
    shown = quietly(verdict, lambda path: info(path, json=True), place)
    if not loaded.taken or any(word in alone.reason for word in NOT_HERE):
        assert (loaded.taken, False) == (shown.taken, alone.taken), (loaded, alone, shown)
        return loaded.taken
    assert (alone.taken, shown.taken) == (True, True), (loaded, alone, shown)
    expected, found = (quietly(answer, each.made, rows) for each in (loaded, alone))
    assert (expected is None) == (found is None), (expected, found)
    if expected is not None and is_steep(loaded.made):
        return True
    if expected is not None and expected.dtype.kind == "f":
        finite = np.isfinite(expected)
        np.testing.assert_array_equal(np.isfinite(found), finite)
        scale = max(1.0, np.abs(expected[finite], dtype=float).max(initial=0))
        np.testing.assert_allclose(found[finite], expected[finite], rtol=0, atol=1e-4 * scale)
    elif expected is not None:
        np.testing.assert_array_equal(found, expected)  # of perceptrons, in float64
    return True


def judge(saved, place, first, count):
    """Judge many damaged files; return how many of them are models."""
    n_models = 0
    for number in range(first, first + count):
        rng = np.random.default_rng(number)
        content, rows = saved[rng.integers(len(saved))]
        mutant = structural(rng, content)
        place.write_bytes(mutant)
        try:
            n_models += check(place, rows)
        except Exception as error:
            changed = told(content, mutant)
            raise AssertionError(f"damaged file number {number}:\n{changed}\n{error!r}") from error
    return n_models


def test_valid_files(saved, place):
    for content, rows in saved:
        place.write_bytes(content)
        assert check(place, rows)


@pytest.mark.parametrize("shard", range(SHARDS))
def test_5_000_damaged_files(shard, saved, place):
    assert 0 < judge(saved, place, shard * SHARE, SHARE) < SHARE // 2


@pytest.mark.slow
@pytest.mark.parametrize("shard", range(10 * SHARDS))
def test_50_000_damaged_files(shard, saved, place):
    assert 0 < judge(saved, place, 10**6 + shard * SHARE, SHARE) < SHARE // 2
