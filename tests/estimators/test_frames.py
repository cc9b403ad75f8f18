"""Columns that are no numbers are named, whichever method is given them, and nothing is changed."""

from copy import deepcopy

import numpy as np
import pandas as pd
import pytest

from multilayer import DataError, MLPClassifier, MLPRegressor, Perceptron

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N = 30
GOOD = pd.DataFrame(np.random.default_rng(0).normal(size=(N, 3)), columns=["age", "city", "size"])
y = np.arange(N) % 2
MADE = {
    MLPClassifier: lambda: MLPClassifier((3,), max_iter=1),
    MLPRegressor: lambda: MLPRegressor(hidden_layer_sizes=(3,), max_iter=1),
    Perceptron: lambda: Perceptron(max_iter=1),
}
BAD = {
    "text": (GOOD.assign(city="Paris"), r"'city' \(text, for example 'Paris'\)\. Encode text"),
    "dates": (
        GOOD.assign(city=pd.Timestamp("2020-01-01")),
        r"'city' \(dates, for example .*days since the first",
    ),
    "truth with missing values": (
        GOOD.assign(city=pd.array([True, None] * (N // 2), dtype="boolean")),
        r"X contains NaN: values are missing in column 'city' \(15\)\. .*SimpleImputer",
    ),
    "missing values": (
        GOOD.where(GOOD["age"] > 0, np.nan),
        r"missing in columns 'age' \(\d+\), 'city' \(\d+\)",
    ),
    "infinity": (GOOD.assign(size=np.inf), r"X contains infinity in column 'size' \(30\)"),
}
CALLS = {
    "fit": lambda model, X: model.fit(X, y),
    "partial_fit": lambda model, X: model.partial_fit(X, y),
    "predict": lambda model, X: model.predict(X),
    "score": lambda model, X: model.score(X, y),
    "evaluate": lambda model, X: model.evaluate(X, y),
    "transform": lambda model, X: model.transform(X),
    "X_val": lambda model, X: model.fit(GOOD, y, X_val=X, y_val=y),
}

OF_NETWORKS = ("evaluate", "transform", "X_val")  # a perceptron has no such method or argument


@pytest.fixture(scope="module")
def fitted():
    return {kind: make().fit(GOOD, y) for kind, make in MADE.items()}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.parametrize(
    ("kind", "call"),
    [
        (kind, call)
        for kind in MADE
        for call in CALLS
        if kind is not Perceptron or call not in OF_NETWORKS
    ],
)
def test_columns_are_named(fitted, kind, case, call):
    model = deepcopy(fitted[kind])
    X, words = BAD[case]
    with pytest.raises(DataError, match=words) as caught:
        CALLS[call](model, X)
    assert ("X_val" in str(caught.value)) == (call == "X_val")
    np.testing.assert_array_equal(model.predict(GOOD), fitted[kind].predict(GOOD))


@pytest.mark.parametrize("kind", MADE)
def test_polars_dates_beside_numbers(fitted, kind):
    pl = pytest.importorskip("polars", reason="an optional holder of tables")
    table = pl.DataFrame({"age": GOOD["age"].to_numpy(), "city": pd.date_range("2020", periods=N)})
    with pytest.raises(DataError, match=r"'city' \(dates, for example datetime"):
        MADE[kind]().fit(table, y)


def test_other_columns_than_in_training_come_first(fitted):
    with pytest.raises(ValueError, match="unseen at fit time:\n- town"):
        fitted[MLPClassifier].predict(GOOD.assign(town="Paris"))


def test_a_table_of_targets_with_text():
    targets = pd.DataFrame({"one": y, "two": ["1"] * N})
    with pytest.raises(DataError, match=r"y must contain numbers, got columns.*'two' \(text"):
        MADE[MLPRegressor]().fit(GOOD, targets)
