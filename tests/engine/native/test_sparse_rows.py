"""Sparse rows give the bits that dense ones give, in training, validation and prediction."""

import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.frozen import FrozenEstimator

from multilayer import MLPClassifier, MLPRegressor
from multilayer._data import rows as rows_module
from multilayer._engine import loop
from multilayer._engine.native import coverage, maker
from multilayer._nn.network import Network
from multilayer._sklearn.fit import samples
from multilayer.callbacks import Callback

if coverage.unavailable():
    pytest.skip(coverage.unavailable(), allow_module_level=True)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N_ROWS, WIDTH = 110, 75
RNG = np.random.default_rng(0)
WHOLE = RNG.integers(1, 200, (N_ROWS, WIDTH)) * (RNG.random((N_ROWS, WIDTH)) < 0.1)
WHOLE[3:6], WHOLE[:, 10:45] = 0, 0  # rows without entries, panels of columns without any
X = (WHOLE / 200).astype(np.float32)
Y = RNG.integers(0, 3, N_ROWS)
WEIGHT = RNG.integers(0, 3, N_ROWS).astype(float)
SETTINGS = {"hidden_layer_sizes": (37,), "batch_size": 32, "max_iter": 3, "random_state": 0}


def assert_same(mine, theirs, rows, other):
    """Compare two networks to the bit: parameters, curves, and what they say of rows."""
    for name in ("coefs_", "intercepts_"):
        for a, b in zip(getattr(mine, name), getattr(theirs, name), strict=True):
            assert_array_equal(a, b)
    for name in ("loss", "validation_loss", "validation_score"):
        assert_array_equal(mine.history_[name], theirs.history_[name])
    say = getattr(mine, "predict_proba", mine.predict)
    assert_array_equal(say(rows), say(other))
    if mine.hidden_layer_sizes:
        assert_array_equal(mine.transform(rows), mine.transform(other))
    assert mine.engine_ == "native"


def both(estimator, fit=lambda e, rows: e.fit(rows, Y), rows=X, form=sparse.csr_matrix):
    """Fit by sparse and by dense rows, and compare."""
    held = form(rows)
    made = [fit(type(estimator)(**estimator.get_params(deep=False)), each) for each in (held, rows)]
    assert_same(*made, held, rows)
    return made[0]


@pytest.fixture
def dense(monkeypatch):
    """How many dense rows have been made of sparse ones."""
    taken = []
    original = rows_module.row_taker

    def watched(matrix, dtype):
        take = original(matrix, dtype)
        if not sparse.issparse(matrix):
            return take
        return lambda rows: taken.append(1) or take(rows)

    for module in (rows_module, samples):
        monkeypatch.setattr(module, "row_taker", watched)
    return taken


class Gradients(Callback):
    """The gradients of the batch before each end of an epoch."""

    def __init__(self):
        self.seen = []

    def on_train_begin(self, run):
        self._run = run

    def on_epoch_end(self, report):
        self.seen.append(self._run.gradient()[0].kernel)


SCORED = {"early_stopping": True, "scoring": lambda e, rows, y: e.score(rows, y)}
OPTIONS = {
    "adam": {},
    "penalised": {"alpha": 0.1, "l1_ratio": 0.3},
    "plain steps": {"solver": "sgd", "momentum": 0.0, "alpha": 0.0},
    "plain steps with a penalty": {"solver": "sgd", "momentum": 0.0, "alpha": 0.01},
    "plain steps, averaged": {"solver": "sgd", "momentum": 0.0, "alpha": 0.0, "ema_decay": 0.9},
    "momentum": {"solver": "sgd", "learning_rate": "adaptive"},
    "adagrad": {"solver": "adagrad", "alpha": 0.0},
    "adamw": {"solver": "adamw", "weight_decay": 0.1},
    "lbfgs": {"solver": "lbfgs"},
    "no hidden layer": {"hidden_layer_sizes": ()},
    "wide": {"hidden_layer_sizes": (150, 9), "activation": "tanh"},
    "batch normalised": {"norm": "batch"},
    "layer normalised": {"norm": "layer", "activation": "gelu", "dropout": 0.2},
    "residual": {"residual": True, "hidden_layer_sizes": (20, 20)},
    "written down": {"clip_norm": 0.1, "max_norm": 0.5, "ema_decay": 0.9},
    "accumulated": {"accumulate_steps": 3, "alpha": 0.0, "solver": "sgd"},
    "layers at rates of their own": {"layer_learning_rates": [0.1, 2.0]},
    "early stopping": {"early_stopping": True, "validation_fraction": 0.4},
    "scored in Python": SCORED,
    "class weights": {"class_weight": "balanced", "label_smoothing": 0.1},
    "calibrated": {"calibration_fraction": 0.3},
    "not shuffled": {"shuffle": False, "batch_size": N_ROWS},
    "float64": {"precision": "float64"},
    "float64, normalised": {"precision": "float64", "norm": "layer", "clip_norm": 0.1},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_options(options, dense):
    both(MLPClassifier(**SETTINGS | options))
    assert not dense


@pytest.mark.parametrize("rows", [WHOLE.astype(np.uint8), X], ids=["whole", "real"])
def test_scaled_inputs(rows):
    both(MLPClassifier(**SETTINGS, input_scale=1 / 255), rows=rows)


def test_weights_and_validation_rows_of_either_kind(dense):
    def fit(estimator, rows):
        return estimator.fit(rows, Y, WEIGHT, X_val=rows[:50], y_val=Y[:50])

    fitted = both(MLPClassifier(**SETTINGS), fit)
    both(MLPRegressor(**SETTINGS), lambda e, rows: e.fit(rows, X[:, 5], WEIGHT))
    for train, judge in ((X, sparse.csr_array(X[:50])), (sparse.csr_array(X), X[:50])):
        other = MLPClassifier(**SETTINGS).fit(train, Y, WEIGHT, X_val=judge, y_val=Y[:50])
        assert_same(other, fitted, X, X)
    assert not dense


def test_in_steps(dense):
    def partly(estimator, rows):
        for some in (slice(0, 60), slice(60, 110), slice(0, 1)):
            estimator.partial_fit(rows[some], Y[some], classes=[0, 1, 2])
        return estimator

    both(MLPClassifier(**SETTINGS), partly)
    both(MLPClassifier(**SETTINGS, warm_start=True), lambda e, r: e.fit(r, Y).fit(r, Y))
    assert not dense


def test_frozen_layers():
    source = MLPClassifier(**SETTINGS | {"hidden_layer_sizes": (37, 9)}).fit(X, Y)
    arguments = {"reuse_from": FrozenEstimator(source), "n_reused_layers": 1, "freeze_reused": True}
    fitted = both(MLPClassifier(**SETTINGS | {"hidden_layer_sizes": (37, 9)} | arguments))
    assert_array_equal(fitted.coefs_[0], source.coefs_[0])


def test_gradients_for_callbacks():
    watched = [Gradients(), Gradients()]
    for callback, rows in zip(watched, (sparse.csr_matrix(X), X), strict=True):
        MLPClassifier(**SETTINGS, callbacks=[callback]).fit(rows, Y)
    assert len(watched[0].seen) == 3
    assert_array_equal(watched[0].seen, watched[1].seen)


@pytest.mark.parametrize("noise", ["input_dropout", "input_noise"])
def test_disturbed_inputs_are_made_dense_to_train_on(noise, dense):
    fitted = both(MLPClassifier(**SETTINGS, **{noise: 0.2}))
    n_dense = len(dense)
    assert n_dense > 0
    fitted.evaluate(sparse.csr_matrix(X), Y)
    assert len(dense) == n_dense
    network = Network((WIDTH, 3), (), **{noise: True})
    assert not coverage.reads_sparse(network)
    assert coverage.reads_sparse(network.at_prediction())


# Kinds of matrices --------------------------------------------------------------------------------


def with_wide_indices(rows):
    made = sparse.csr_matrix(rows)
    made.indices, made.indptr = made.indices.astype(np.int64), made.indptr.astype(np.int64)
    return made


def with_stored_zeros(rows):
    made = sparse.csr_matrix(np.ones_like(rows))
    made.data = rows.ravel()
    return made


def backwards(rows):
    """Columns that fall within each row, and each number in two halves."""
    coo = sparse.coo_matrix(rows)
    order = np.lexsort((-coo.col, coo.row)).repeat(2)
    starts = 2 * sparse.csr_matrix(rows).indptr
    return sparse.csr_matrix((coo.data[order] / 2, coo.col[order], starts), shape=rows.shape)


KINDS = {
    **{name: getattr(sparse, f"{name}_array") for name in ("csr", "csc", "coo", "bsr", "lil")},
    "diagonals": lambda rows: sparse.dia_array((rows[:9], range(9)), shape=rows.shape),
    "wide indices": with_wide_indices,
    "stored zeros": with_stored_zeros,
    "backwards": backwards,
}


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_of_matrices(kind):
    made, before = KINDS[kind](X), KINDS[kind](X)
    asked = MLPClassifier(**SETTINGS, early_stopping=True)
    both(asked, rows=made.toarray(), form=lambda rows: made)
    for name in {"data", "indices", "indptr"} & vars(made).keys():
        assert_array_equal(getattr(made, name), getattr(before, name))


@pytest.mark.parametrize("dtype", [bool, np.int8, np.float64, np.int64])
def test_types_of_numbers(dtype):
    both(MLPClassifier(**SETTINGS), rows=(WHOLE // 2).astype(dtype))


def test_rows_without_any_entry():
    both(MLPClassifier(**SETTINGS), rows=np.zeros_like(X))


# Threads, calls and instruction sets --------------------------------------------------------------


@pytest.fixture(scope="module")
def wide():
    """Rows for a layer of more than 150,000 weights, which threads share by columns."""
    return sparse.random_array((90, 900), density=0.05, format="csr", rng=1, dtype=np.float32)


WIDE = {
    "hidden_layer_sizes": (200,),
    "batch_size": 40,
    "max_iter": 2,
    "random_state": 0,
    "validation_fraction": 0.3,
    "early_stopping": True,
}


@pytest.mark.parametrize("options", [{}, {"norm": "layer"}, {"solver": "adagrad", "alpha": 0.0}])
def test_threads_and_calls_change_no_bit(wide, options, monkeypatch):
    y = np.arange(90) % 4
    expected = MLPClassifier(**WIDE, **options).fit(wide.toarray(), y)
    for threads in (1, 2, 3):
        monkeypatch.setattr(maker, "n_threads", lambda products, n=threads: n)
        monkeypatch.setattr(loop.Pace, "__call__", lambda pace, step: 1 + step % 2)
        assert_same(MLPClassifier(**WIDE, **options).fit(wide, y), expected, wide, wide.toarray())


# Memory -------------------------------------------------------------------------------------------

MEASURED = """
import resource
import sys
import numpy as np
from scipy import sparse
from multilayer import MLPClassifier

n, width, per_row = 4_000, 50_000, 50
rng = np.random.default_rng(0)
columns = (np.arange(per_row) * 1000 + rng.integers(0, 1000, (n, 1))).astype(np.int32).ravel()
values = rng.random(n * per_row, dtype=np.float32)
X = sparse.csr_matrix((values, columns, np.arange(n + 1) * per_row), shape=(n, width))
y = np.arange(n) % 2
clf = MLPClassifier((1,), batch_size=2000, max_iter=1, random_state=0, early_stopping=True)
clf.fit(X[:100], y[:100])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
clf.fit(X, y).predict_proba(X)
kilobytes = 1024 if sys.platform == "darwin" else 1
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // kilobytes)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="the module resource is of POSIX")
def test_no_memory_for_dense_rows():
    found = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", MEASURED], capture_output=True, text=True, check=True
    )
    # Dense, all rows take 800 MB, a batch 400 MB; the matrix takes 1.6 MB.
    assert int(found.stdout) < 60_000
