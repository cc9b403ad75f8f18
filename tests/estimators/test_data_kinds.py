"""Every holder of the same numbers gives the same network, and keeps its numbers."""

import warnings
from functools import cache

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.datasets import load_digits

from multilayer import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SETTINGS = {"hidden_layer_sizes": (6,), "max_iter": 5, "batch_size": 32, "random_state": 0}
# Whole numbers from 0 to 16: the same in every type, half of them zeros.
X = load_digits().data[:120, 8:32:3].astype(np.float32)
COLUMNS = [f"pixel {i}" for i in range(8)]
TARGETS = {MLPClassifier: load_digits().target[:120] % 3, MLPRegressor: X[:, 0] / 16 - X[:, 5] / 32}
both = pytest.mark.parametrize("Estimator", list(TARGETS))


def values(estimator, rows):
    """What the network says, before any rounding to the type of the rows."""
    return getattr(estimator, "decision_function", estimator.predict)(rows)


def assert_same(mine, theirs, **tolerance):
    """Compare networks, curves and outputs; to the bit where no tolerance is given."""
    for name in ("coefs_", "intercepts_"):
        for a, b in zip(getattr(mine, name), getattr(theirs, name), strict=True):
            np.testing.assert_allclose(a, b, **{"rtol": 0, "atol": 0} | tolerance)
    for name in ("loss", "validation_loss", "validation_score"):
        a, b = mine.history_[name], theirs.history_[name]
        np.testing.assert_allclose(a, b, **{"rtol": 0, "atol": 0} | tolerance, err_msg=name)


@pytest.fixture(scope="module")
def reference():
    """A network of each kind, from float32 rows in C order."""
    return cache(lambda Estimator: Estimator(**SETTINGS).fit(X, TARGETS[Estimator]))


# Dense --------------------------------------------------------------------------------------------


def read_only(rows):
    rows = rows.copy()
    rows.flags.writeable = False
    return rows


def strided(rows):
    wide = np.zeros((240, 16), np.float32)
    wide[::2, ::2] = rows
    return wide[::2, ::2]


def backwards(rows):
    return np.ascontiguousarray(rows[::-1, ::-1])[::-1, ::-1]


def unaligned(rows):
    memory = np.zeros(rows.nbytes + 1, np.uint8)
    held = memory[1:].view(np.float32).reshape(rows.shape)
    held[:] = rows
    return held


def as_polars(rows):
    polars = pytest.importorskip("polars", reason="an optional holder of tables")
    return polars.DataFrame(rows, schema=COLUMNS)


def frame(rows, dtype=None):
    return pd.DataFrame(rows, columns=COLUMNS).astype(dtype or rows.dtype)


SAME_MEMORY = {
    "Fortran order": np.asfortranarray,
    "read-only": read_only,
    "strided": strided,
    "backwards": backwards,
    "unaligned": unaligned,
    "big-endian": lambda rows: rows.astype(">f4"),
    "object": lambda rows: rows.astype(object),
    "longdouble": lambda rows: rows.astype(np.longdouble),
    "float64": lambda rows: rows.astype(np.float64),
    "int64": lambda rows: rows.astype(np.int64),
    "uint64": lambda rows: rows.astype(np.uint64),
    "int32": lambda rows: rows.astype(np.int32),
    "list": np.ndarray.tolist,
    "list of arrays": list,
    "tuple of tuples": lambda rows: tuple(map(tuple, rows.tolist())),
    "pandas": frame,
    "pandas, mixed": lambda rows: frame(rows).astype({"pixel 1": "int64", "pixel 2": "float64"}),
    "pandas Float32": lambda rows: frame(rows, "Float32"),
    "pandas Int64": lambda rows: frame(rows, "Int64"),
    "pandas UInt8": lambda rows: frame(rows, "UInt8"),
    "pandas, pyarrow": lambda rows: frame(rows, "float[pyarrow]"),
    "polars": as_polars,
}
"""Holders that become the same float32 rows before training."""


@pytest.mark.parametrize("holder", SAME_MEMORY)
@both
def test_holders_of_the_same_numbers(reference, Estimator, holder):
    held = SAME_MEMORY[holder](X)
    fitted = Estimator(**SETTINGS).fit(held, TARGETS[Estimator])
    assert_same(fitted, reference(Estimator))
    np.testing.assert_array_equal(values(fitted, held), values(reference(Estimator), X))


@pytest.mark.parametrize("dtype", ["float16", "int8", "uint8", "uint16", ">i2"])
def test_small_types_stay_small_and_give_the_same(reference, dtype):
    """These go to the device as they are: another program, the same arithmetic."""
    fitted = MLPClassifier(**SETTINGS).fit(X.astype(dtype), TARGETS[MLPClassifier])
    assert_same(fitted, reference(MLPClassifier))
    np.testing.assert_array_equal(values(fitted, X.astype(dtype)), values(fitted, X))


@both
def test_truths(Estimator):
    truths = X > 4
    fitted = Estimator(**SETTINGS).fit(truths, TARGETS[Estimator])
    direct = Estimator(**SETTINGS).fit(truths.astype(np.uint8), TARGETS[Estimator])
    assert_same(fitted, direct)
    nullable = frame(truths).astype("boolean")
    np.testing.assert_array_equal(
        values(Estimator(**SETTINGS).fit(nullable, TARGETS[Estimator]), nullable),
        values(fitted, truths),
    )


@pytest.mark.parametrize("dtype", ["Float32", "Int64"])
def test_missing_numbers_of_pandas_are_refused(dtype):
    table = frame(X, dtype)
    table.iloc[3, 2] = pd.NA
    with pytest.raises(ValueError, match="X contains NaN"):
        MLPClassifier(**SETTINGS).fit(table, TARGETS[MLPClassifier])


@both
def test_memory_mapped(reference, Estimator, tmp_path):
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    fitted = Estimator(**SETTINGS).fit(mapped, TARGETS[Estimator])
    assert_same(fitted, reference(Estimator))
    np.testing.assert_array_equal(values(fitted, mapped), values(reference(Estimator), X))


def test_double_precision_is_rounded_without_a_warning():
    rng = np.random.default_rng(0)
    doubles = rng.normal(size=(120, 8))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message="Stochastic Optimizer: Maximum iterations")
        fits = [
            MLPClassifier(**SETTINGS).fit(rows, TARGETS[MLPClassifier])
            for rows in (doubles, doubles.astype(np.float32))
        ]
        outputs = values(fits[0], doubles), values(fits[1], doubles.astype(np.float32))
    assert_same(*fits)
    assert outputs[0].dtype == np.float64  # as scikit-learn returns it
    np.testing.assert_array_equal(*outputs)


# Sparse -------------------------------------------------------------------------------------------

SPARSE = {
    name: getattr(sparse, name)
    for name in ("csr_array", "csc_array", "csr_matrix", "csc_matrix", "coo_array", "lil_array")
}
SPARSE_TABLE = {"pandas": lambda rows: frame(rows, pd.SparseDtype("float32", 0.0))}


@pytest.mark.parametrize("kind", SPARSE | SPARSE_TABLE)
@both
def test_sparse_is_dense(Estimator, kind):
    y = TARGETS[Estimator]
    held = (SPARSE | SPARSE_TABLE)[kind](X)
    plain = frame(X) if kind in SPARSE_TABLE else X  # for its names
    mine = Estimator(**SETTINGS).fit(held, y, X_val=held, y_val=y)
    theirs = Estimator(**SETTINGS).fit(plain, y, X_val=plain, y_val=y)
    assert_same(mine, theirs)
    np.testing.assert_array_equal(values(mine, held), values(mine, plain))


@pytest.mark.parametrize("kind", [name for name in SPARSE if name.startswith("cs")])
def test_sparse_is_never_made_dense_as_a_whole(monkeypatch, kind):
    n, width, most = 5_000, 4_000, []

    def counting(make_dense):
        def count(self, *args, **kwargs):
            most.append(self.shape[0])
            return make_dense(self, *args, **kwargs)

        return count

    for name in SPARSE:
        for method in ("toarray", "todense"):
            make_dense = getattr(SPARSE[name], method)
            monkeypatch.setattr(SPARSE[name], method, counting(make_dense), raising=False)
    rows = SPARSE[kind](sparse.random_array((n, width), density=0.001, rng=0, dtype=np.float32))
    clf = MLPClassifier((2,), max_iter=1, batch_size=500, random_state=0)
    clf.fit(rows, np.arange(n) % 2)
    assert clf.predict(rows).shape == (n,)
    assert most == []
    clf.set_params(input_noise=0.1).fit(rows, np.arange(n) % 2)  # rows are dense with noise
    assert len(most) >= 2
    assert max(most) <= n / 2


# Names --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", [frame, as_polars])
@both
def test_names_are_kept_and_checked(Estimator, table):
    fitted = Estimator(**SETTINGS).fit(table(X), TARGETS[Estimator])
    np.testing.assert_array_equal(fitted.feature_names_in_, COLUMNS)
    names = [f"{Estimator.__name__.lower()}{i}" for i in range(6)]
    assert list(fitted.get_feature_names_out()) == names
    fitted.predict(table(X))
    with pytest.raises(ValueError, match="feature names should match"):
        fitted.predict(table(X)[COLUMNS[::-1]])
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        fitted.predict(X)
    assert not hasattr(fitted.fit(X, TARGETS[Estimator]), "feature_names_in_")


@pytest.mark.parametrize("library", ["pandas", "polars"])
@both
def test_transform_gives_the_table_asked_for(reference, Estimator, library):
    made = pytest.importorskip(library, reason="an optional holder of tables").DataFrame
    fitted = Estimator(**SETTINGS).set_output(transform=library).fit(X, TARGETS[Estimator])
    table = fitted.transform(X)
    assert isinstance(table, made)
    assert list(table.columns) == list(fitted.get_feature_names_out())
    np.testing.assert_array_equal(table.to_numpy(), reference(Estimator).transform(X))


# Targets and weights ------------------------------------------------------------------------------


def polars_series(y):
    return pytest.importorskip("polars", reason="an optional holder of tables").Series(y)


@pytest.mark.parametrize(
    "convert",
    [
        np.ndarray.tolist,
        pd.Series,
        lambda y: pd.Series(y, index=np.arange(120)[::-1]),
        lambda y: pd.Series(y).convert_dtypes(),
        polars_series,
        read_only,
        lambda y: np.repeat(y, 2)[::2],
    ],
    ids=["list", "pandas", "pandas, reversed index", "nullable", "polars", "read-only", "strided"],
)
@both
def test_holders_of_targets_and_weights(Estimator, convert):
    y, weight = TARGETS[Estimator], np.linspace(0.5, 1.5, 120)
    plain = X, y, weight, X, y, weight
    held = X, convert(y), convert(weight), X, convert(y), convert(weight)
    mine, theirs = (
        Estimator(**SETTINGS).fit(a, b, c, X_val=d, y_val=e, sample_weight_val=f)
        for a, b, c, d, e, f in (held, plain)
    )
    assert_same(mine, theirs)
    np.testing.assert_array_equal(mine.predict(X), theirs.predict(X))
