"""The native rule of the perceptron equals the rule in NumPy to the last bit."""

import ctypes
import signal
import time
from itertools import islice

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse

from multilayer import InvalidArgumentError, Perceptron
from multilayer._core.errors import DivergenceError
from multilayer._data.order import drawn_permutation, shuffled_again
from multilayer._data.row_blocks import RowBlocks
from multilayer._engine import engines
from multilayer._engine.native import coverage, library
from multilayer._sklearn.perceptron import layer, native_rule
from multilayer._sklearn.perceptron.rule import Lesson, Rule, Stopping, Unit, passes_of, train

if coverage.unavailable():
    pytest.skip(coverage.unavailable(), allow_module_level=True)


@pytest.fixture(autouse=True, params=["baseline", "best"])
def instruction_set(request):
    loaded = library.library()
    loaded.ml_use(0 if request.param == "baseline" else -1)
    yield
    loaded.ml_use(-1)


RULES = {
    "plain": Rule(eta=0.3),
    "without a bias": Rule(learns_bias=False),
    "share": Rule(bias_share=0.01),
    "l2": Rule(eta=0.3, alpha=0.01),
    "strong l2": Rule(eta=0.9, alpha=0.7),  # weights shrink below the smallest factor
    "l1": Rule(eta=0.3, alpha=0.003, l1_ratio=1.0),
    "both": Rule(eta=0.3, alpha=0.003, l1_ratio=0.4),
}
N_ROWS, N_FEATURES = 150, 37


def lesson(dtype="float64", form=np.asarray, seed=0):
    """Rows that no plane separates, steps of several sizes, also 0."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(N_ROWS, N_FEATURES))
    if np.dtype(dtype).kind in "iu":
        X = (9 * np.abs(X) if np.dtype(dtype).kind == "u" else 9 * X).round()
    if form is not np.asarray:
        X[rng.random(X.shape) < 0.6] = 0
        X[7] = 0  # a row without entries
    X = form(X.astype(dtype))
    targets = rng.choice([-1.0, 1.0], N_ROWS)
    return Lesson(RowBlocks(X), targets, 0.3 * rng.choice([0.0, 0.5, 1.0, 2.0], N_ROWS))


def five_passes(task, rule, passes):
    """Weights, bias, losses and updates of five passes, from weights that are not 0."""
    unit = Unit(np.random.default_rng(3).normal(size=N_FEATURES), 0.1)
    visit, settle = passes(unit, task, rule)
    orders = islice(shuffled_again(np.random.default_rng(4).permutation(N_ROWS)), 5)
    tallies = [visit(order[: N_ROWS - i]) for i, order in enumerate(orders)]
    settle()
    losses, updates = zip(*tallies, strict=True)
    return unit.weights, unit.bias, np.array(losses), updates


def assert_same_passes(task, rule, native=None):
    native = native or native_rule.NativeRule(task.rows)
    expected = five_passes(task, rule, passes_of)
    found = five_passes(task, rule, native.passes_of)
    assert_array_equal(found[0], expected[0])
    assert found[1] == expected[1]
    assert found[3] == expected[3]
    assert min(expected[3]) > 10
    if rule.alpha:
        np.testing.assert_allclose(found[2], expected[2], rtol=1e-12)
    else:
        assert_array_equal(found[2], expected[2])


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("name", RULES)
def test_rules(name, form):
    assert_same_passes(lesson(form=form), RULES[name])


@pytest.mark.parametrize("name", ["plain", "both"])
@pytest.mark.parametrize(
    "dtype",
    [*native_rule.ROW_TYPES, "float16", "uint32", ">f8", "bool"],
)
def test_types_of_dense_rows(dtype, name):
    assert_same_passes(lesson(dtype), RULES[name])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_columns_in_memory(dtype):
    assert_same_passes(lesson(dtype, form=np.asfortranarray), RULES["plain"])


@pytest.mark.parametrize("name", ["plain", "both"])
def test_sparse_rows_with_long_indices(name):
    task = lesson(form=sparse.csr_array)
    task.rows.X.indices = task.rows.X.indices.astype(np.int64)
    task.rows.X.indptr = task.rows.X.indptr.astype(np.int64)
    assert native_rule.NativeRule(task.rows).visit().index_bytes == 8
    assert_same_passes(task, RULES[name])


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("name", ["plain", "both"])
def test_calls_may_end_anywhere(name, form):
    task = lesson(form=form)
    native = native_rule.NativeRule(task.rows)
    whole = five_passes(task, RULES[name], native.passes_of)
    native.rows_per_call = 7
    for expected, found in zip(
        whole, five_passes(task, RULES[name], native.passes_of), strict=True
    ):
        assert_array_equal(found, expected)


def test_sums_are_taken_from_the_first_feature_to_the_last():
    """Rows whose score is all rounding: by another order of addition it is another one."""
    rng = np.random.default_rng(0)
    X, targets = rng.choice([1.0, -1.0, 1e16, -1e16], (500, 24)), rng.choice([-1.0, 1.0], 500)
    task = Lesson(RowBlocks(X), targets, np.zeros(500))
    native = native_rule.NativeRule(task.rows)
    for passes in (passes_of, native.passes_of):
        unit = Unit(np.ones(24))
        tally = passes(unit, task, Rule())[0](np.arange(500))
        scores = np.add.accumulate(X, axis=1)[:, -1]
        assert tally == (np.add.accumulate(np.maximum(0, -targets * scores))[-1], 0)


def test_tenths_that_add_up_to_0():
    rng = np.random.default_rng(0)
    half = rng.integers(-99, 100, (400, 20)) / 10
    X = np.vstack([np.ones(40), rng.permuted(np.hstack([half, -half]), axis=1)])
    targets, sizes = np.append(1.0, rng.choice([-1.0, 1.0], 400)), np.append(1.0, np.zeros(400))
    task = Lesson(RowBlocks(X), targets, sizes)
    tallies = [
        passes(Unit(np.zeros(40)), task, Rule(learns_bias=False))[0](np.arange(401))
        for passes in (passes_of, native_rule.NativeRule(task.rows).passes_of)
    ]
    assert tallies[0] == tallies[1]
    assert tallies[0].loss > 0


@pytest.mark.parametrize("alpha", [0.0, 1e-4])
def test_overflow_is_refused(alpha):
    task = Lesson(
        RowBlocks(np.full((4, 1), 1e308)), np.array([1.0, 1, -1, -1]), np.array([4.0, 4, 4, 4])
    )
    orders = iter([np.arange(4)] * 5)
    passes = native_rule.NativeRule(task.rows).passes_of
    with pytest.raises(DivergenceError, match=r"in pass 1\. Scale the columns"):
        train(Unit(np.zeros(1)), task, orders, Rule(alpha=alpha), Stopping(5), passes=passes)


@pytest.mark.parametrize("n_rows", [1, 2, 100, 1001])
@pytest.mark.parametrize("seed", [0, 1, 2**31 - 2])
def test_permutation(n_rows, seed):
    assert_array_equal(native_rule.permutation(n_rows, seed), drawn_permutation(n_rows, seed))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_fit_is_the_same_without_the_engine(form, monkeypatch):
    rng = np.random.default_rng(0)
    X, y, weight = form(rng.normal(size=(120, 9))), rng.integers(0, 3, 120), rng.random(120)
    arguments = {"max_iter": 8, "tol": None, "early_stopping": True, "class_weight": "balanced"}
    X_before = X.copy()
    natively = Perceptron(**arguments).fit(X, y, sample_weight=weight)
    monkeypatch.setattr(layer, "native_problem", lambda: "it is not to be used")
    monkeypatch.setattr(native_rule.NativeRule, "__init__", None)
    in_numpy = Perceptron(**arguments).fit(X, y, sample_weight=weight)
    assert_array_equal(natively.coef_, in_numpy.coef_)
    assert_array_equal(natively.intercept_, in_numpy.intercept_)
    assert natively.n_updates_ == in_numpy.n_updates_ > 0
    assert abs(X - X_before).max() == 0


def test_fit_is_native():
    assert layer.native_problem is engines.native_problem
    assert layer.native_problem() == ""


# What must not be read --------------------------------------------------------------------------


@pytest.mark.parametrize("row", [-1, N_ROWS])
def test_orders_of_other_rows_are_refused(row):
    task = lesson()
    visit, _ = native_rule.NativeRule(task.rows).passes_of(Unit(np.zeros(N_FEATURES)), task, Rule())
    with pytest.raises(InvalidArgumentError, match="order must be numbers of rows from 0 to 149"):
        visit(np.array([0, row]))


@pytest.mark.parametrize("change", ["sizes", "targets", "weights", "float32", "strided"])
def test_other_sizes_are_refused(change):
    task, unit = lesson(), Unit(np.zeros(N_FEATURES))
    native = native_rule.NativeRule(task.rows)
    targets, sizes = task.targets, task.sizes
    if change == "weights":
        unit = Unit(np.zeros(N_FEATURES - 1))
    sizes = sizes[1:] if change == "sizes" else sizes
    targets = {
        "targets": targets[1:],
        "float32": targets.astype("float32"),
        "strided": np.repeat(targets, 2)[::2],
    }.get(change, targets)
    with pytest.raises(InvalidArgumentError, match="contiguous numbers of float64"):
        native.passes_of(unit, Lesson(task.rows, targets, sizes), Rule())


@pytest.mark.parametrize(
    ("part", "value"), [("indices", N_FEATURES), ("indices", -1), ("indptr", 9)]
)
def test_broken_sparse_rows_are_refused(part, value):
    rows = lesson(form=sparse.csr_array).rows
    getattr(rows.X, part)[0 if part == "indices" else 1] = value if part == "indices" else 10**6
    rows.__dict__["norms"] = np.ones(N_ROWS)
    with pytest.raises(InvalidArgumentError, match="X must be a sparse matrix"):
        native_rule.NativeRule(rows)


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize(
    "change",
    [
        {"X": None},
        {"order": None},
        {"weights": None},
        {"X_type": 8},
        {"X_type": -2},
        {"n_rows": 0},
        {"n_rows": 3},  # the order names more
        {"n_features": 0},
        {"first": -1},
        {"stop": N_ROWS + 1},
        {"factor": 0.0},
        {"factor": float("nan")},
    ],
    ids=str,
)
def test_library_checks_again(change, form):
    assert visited(lesson(form=form), **change) == 2


@pytest.mark.parametrize(
    "change", [{"index_bytes": 2}, {"indptr": None}, {"n_entries": 3}, {"n_features": 2}], ids=str
)
def test_library_checks_sparse_rows_again(change):
    assert visited(lesson(form=sparse.csr_array), **change) == 2
    assert visited(lesson(form=sparse.csr_array)) == 0


def visited(task, **change):
    """The code of a call over all rows with something wrong in its structure."""
    native = native_rule.NativeRule(task.rows)
    visitor = native_rule.Visitor(native, Unit(np.zeros(N_FEATURES)), task, Rule())
    visitor.visit(np.arange(3))
    order, visit = np.arange(N_ROWS), visitor._visit
    visit.order, visit.n_order, visit.stop = order.ctypes.data, N_ROWS, N_ROWS
    for name, value in change.items():
        setattr(visit, name, value)
    return library.library().ml_visit(ctypes.byref(visit))


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="the system has no such timer")
def test_signals_are_noticed_at_once():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60_000, 100)), rng.integers(0, 2, 60_000)
    clf = Perceptron(max_iter=10**5, tol=None, shuffle=False)
    before = signal.signal(signal.SIGVTALRM, signal.default_int_handler)
    begun = time.process_time()
    signal.setitimer(signal.ITIMER_VIRTUAL, 0.5)  # seconds of this process, however busy others are
    try:
        with pytest.raises(KeyboardInterrupt):
            clf.fit(X, y)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
    assert time.process_time() - begun < 0.5 + 0.25
    assert not hasattr(clf, "coef_")
