"""What predictors refuse: files that are damaged, and rows that are not the model's."""

import copy

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    KBinsDiscretizer,
    OneHotEncoder,
    PowerTransformer,
    QuantileTransformer,
    SplineTransformer,
    StandardScaler,
    TargetEncoder,
)

from multilayer import (
    DataError,
    InvalidArgumentError,
    MLPClassifier,
    MLPRegressor,
    ModelFileError,
    Perceptron,
    portable,
    save,
)
from multilayer._sklearn.saving.models import describe
from multilayer._sklearn.targets.class_outputs import labels_of

from .reading_again import read

X = np.random.default_rng(0).normal(size=(40, 3))
THREE = np.arange(40) % 3
QUICK = {"hidden_layer_sizes": (4,), "max_iter": 0, "random_state": 0}


def models():
    words = np.column_stack([X[:, :2], THREE]).astype(object)
    parts = [
        ("numbers", make_pipeline(SimpleImputer(), PowerTransformer()), [0, 1]),
        ("words", OneHotEncoder(max_categories=2), slice(2, 3)),
    ]
    yield MLPClassifier(**QUICK, norm="batch").fit(X, THREE)
    yield MLPRegressor("quantile", **QUICK).fit(X, X[:, :2])
    yield Perceptron().fit(X, THREE)
    yield make_pipeline(StandardScaler(), MLPClassifier(**QUICK)).fit(X, THREE)
    bins = KBinsDiscretizer(2, strategy="uniform")
    yield make_pipeline(ColumnTransformer(parts), bins, MLPClassifier(**QUICK)).fit(words, THREE)
    parts = [("splines", SplineTransformer(), [0, 1]), ("means", TargetEncoder(), [2])]
    regressor = make_pipeline(ColumnTransformer(parts), MLPRegressor(**QUICK))
    targets = make_pipeline(QuantileTransformer(n_quantiles=9), PowerTransformer())
    yield TransformedTargetRegressor(regressor, transformer=targets).fit(words, X[:, 0])


@pytest.fixture(scope="module")
def contents():
    """Return the descriptions and arrays of some models."""
    described = [describe(model) for model in models()]
    return [(each.steps, each.arrays) for each in described]


def test_descriptions_that_are_whole(contents):
    for steps, arrays in contents:
        read(steps, arrays)


def places(tree):
    """Yield the way to each value within lists and dictionaries."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, value in items:
        yield (key,)
        if isinstance(value, dict | list):
            yield from ((key, *rest) for rest in places(value))


def copy_without(steps, way):
    """Return a copy of a description, and what holds the value at the end of a way."""
    changed = copy.deepcopy(steps)
    holder = changed
    for key in way[:-1]:
        holder = holder[key]
    return changed, holder


def is_refused(steps, arrays):
    try:
        read(steps, arrays).predict(np.column_stack([X[:, :2], THREE]))
    except (ModelFileError, DataError):
        return True
    return False


SHARE = 2  # values tried in each place
OTHER = (None, True, -1, 10**12, 0.5, "word", [], {}, [[]], {"float": "nan"}, {"tuple": [1, "a"]})


def test_values_that_are_changed(contents):
    refused = []
    for n, (steps, arrays) in enumerate(contents):
        for i, way in enumerate(places(steps)):
            changed, holder = copy_without(steps, way)
            for j in range(SHARE):
                holder[way[-1]] = OTHER[(SHARE * i + j + n) % len(OTHER)]
                refused.append(is_refused(changed, arrays))
    assert sum(refused) > 100
    assert not all(refused)  # most values of training say nothing of predictions


def test_values_that_are_missing(contents):
    for steps, arrays in contents:
        for way in places(steps):
            changed, holder = copy_without(steps, way)
            del holder[way[-1]]
            refused = is_refused(changed, arrays)  # but for arguments, and steps left out
            assert refused or {"params", "fitted"} & set(way) or way[-2] == "steps"


def test_arrays_that_do_not_fit(contents):
    for steps, arrays in contents:
        assert is_refused(steps, arrays | {"more": X})
        for name, array in arrays.items():
            if ".history." in name or array.ndim == 0:
                continue
            rest = {key: arrays[key] for key in arrays if key != name}
            assert is_refused(steps, rest) or "infrequent" in name  # without, none is
            for other in (array[:-1], array[None], array.astype(complex)):
                assert is_refused(steps, arrays | {name: other}), name


def test_a_class_alone_is_what_is_predicted():  # no fit has one, a file may
    assert_array_equal(labels_of("multiclass", np.array(["a"]), [np.ones((2, 1))]), ["a", "a"])


def test_files_that_are_none(tmp_path):
    with pytest.raises(ModelFileError, match="not found"):
        portable.load(tmp_path / "nowhere.safetensors")
    (tmp_path / "text").write_text("no model")
    with pytest.raises(ModelFileError, match="is not a model file"):
        portable.load(tmp_path / "text")


# Rows -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def named(tmp_path_factory):
    """Return the predictor of a model of named columns."""
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    path = tmp_path_factory.mktemp("named") / "model.safetensors"
    save(MLPClassifier(**QUICK).fit(frame, THREE), path)
    return portable.load(path)


ROWS = {
    "too few columns": (X[:, :2], "X has 2 features, but 3 are expected"),
    "one row": (X[0], "must be a table with one row for each sample"),
    "no rows": (X[:0], "must be a table with one row for each sample"),
    "ragged": ([[1.0, 2.0, 3.0], [1.0]], "rows of equal length"),
    "not a number": (np.where(X > 2, np.nan, X), "contains NaN or infinity"),
    "infinite": (np.where(X > 1, np.inf, X), "contains NaN or infinity"),
    "text": (np.full((2, 3), "one"), "must contain numbers"),
    "objects": (np.full((2, 3), "one", dtype=object), "must contain numbers"),
    "complex": (X * 1j, "must contain numbers"),
    "dates": (np.zeros((2, 3), "M8[s]"), "must contain numbers"),
    "huge": (np.full((2, 3), 1e300), "too large for dtype"),
    "sparse": (sparse.csr_matrix(X), r"X\.toarray"),
    "other order": (pd.DataFrame(X, columns=["b", "a", "c"]), "the columns of training"),
}


@pytest.mark.parametrize(("rows", "message"), ROWS.values(), ids=ROWS)
def test_rows_that_are_refused(named, rows, message):
    with pytest.raises(DataError, match=message):
        named.predict(rows)


def test_rows_with_and_without_names(named):
    expected = named.predict(X)
    assert_array_equal(named.predict(pd.DataFrame(X, columns=["a", "b", "c"])), expected)
    assert_array_equal(named.predict(X.tolist()), expected)
    assert_array_equal(named.predict(X.astype(object)), expected)
    assert list(named.feature_names_in_) == ["a", "b", "c"]
    assert named.n_features_in_ == 3


def test_outputs_that_overflow(named):
    with pytest.raises(DataError, match="values too large for the network"):
        named.predict(np.full((2, 3), 3e38))


def test_what_a_loss_does_not_have(tmp_path):
    save(MLPRegressor(**QUICK).fit(X, X[:, 0]), tmp_path / "model.safetensors")
    predictor = portable.load(tmp_path / "model.safetensors")
    with pytest.raises(InvalidArgumentError, match="return_std must be False"):
        predictor.predict(X, return_std=True)
    with pytest.raises(AttributeError, match="loss='quantile'"):
        predictor.predict_quantiles(X)
    assert not hasattr(predictor, "predict_proba")
    assert not hasattr(predictor, "feature_names_in_")


# Dates ----------------------------------------------------------------------------------------


DATES = {
    "pandas": lambda: pd.DataFrame({"a": X[:, 0], "day": pd.Timestamp("2020-01-01")}),
    "polars": lambda: pytest.importorskip("polars", reason="an optional holder").DataFrame(
        {"a": X[:, 0], "day": pd.date_range("2020-01-01", periods=len(X))}
    ),
    "objects": lambda: np.array([[0.5, np.timedelta64(1, "D")]] * len(X), object),
}


@pytest.mark.parametrize("holder", DATES)
def test_dates_and_durations_are_no_numbers(tmp_path, holder):
    model = MLPClassifier(**QUICK).fit(X[:, :2], THREE)
    save(model, tmp_path / "m")
    with pytest.raises(DataError, match=r"X must contain numbers, got (dates|durations)"):
        portable.load(tmp_path / "m").predict(DATES[holder]())


@pytest.mark.parametrize("holder", ["pandas", "polars"])
def test_dates_may_be_left_out_by_a_step(tmp_path, holder):
    rows = DATES[holder]()
    parts = ColumnTransformer([("numbers", StandardScaler(), ["a"])])
    model = make_pipeline(parts, MLPClassifier(**QUICK)).fit(DATES["pandas"](), THREE)
    save(model, tmp_path / "m")
    assert_array_equal(portable.load(tmp_path / "m").predict(rows), model.predict(rows))
