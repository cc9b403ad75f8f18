"""Rows of many columns become dense, if at all, in blocks of so many bytes, not of so many rows."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse

from multilayer import MLPClassifier
from multilayer._data import rows as rows_module
from multilayer._data.source import BLOCK_BYTES
from multilayer._engine import engines
from multilayer._engine.xla.inference import BLOCKS, block_size
from multilayer._engine.xla.maker import XLA
from multilayer._nn.network import widest
from multilayer._sklearn.fit import assembly, samples

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N_ROWS, WIDTH = 400, 60_000  # dense in float32 96 MB
RNG = np.random.default_rng(0)
X = sparse.random_array((N_ROWS, WIDTH), density=5e-4, format="csr", rng=RNG)
Y = RNG.integers(3, size=N_ROWS)


@pytest.fixture
def made(monkeypatch):
    """Bytes of the dense rows that are made of sparse ones."""
    sizes = []
    original = rows_module.row_taker

    def watched(matrix, dtype):
        take = original(matrix, dtype)

        def taken(rows):
            dense = take(rows)
            sizes.append(dense.nbytes)
            return dense

        return taken

    monkeypatch.setattr(rows_module, "row_taker", watched)
    monkeypatch.setattr(samples, "row_taker", watched)
    return sizes


@pytest.fixture(scope="module")
def trained():
    return MLPClassifier((4,), batch_size=32, max_iter=1, random_state=0).fit(X, Y)


@pytest.mark.parametrize("engine", engines.NAMES)
def test_blocks_of_prediction_are_bounded_in_bytes(made, trained, engine, monkeypatch):
    monkeypatch.setattr(trained, "engine_", engine)
    for use in (trained.predict_proba, trained.transform):
        use(X)
    trained.evaluate(X, Y)
    trained.score(X, Y)
    if engine == engines.NATIVE:
        assert made == []
    else:
        assert len(made) >= 4 * N_ROWS * WIDTH * 4 / BLOCK_BYTES
        assert max(made) <= BLOCK_BYTES


NOISE = {"input_noise": 0.1}  # for which the native engine makes rows dense


@pytest.mark.parametrize(
    ("scoring", "noise"), [(None, NOISE), ("loss", NOISE), ("accuracy", NOISE), ("loss", {})]
)
def test_blocks_of_validation_are_bounded_in_bytes(made, scoring, noise):
    clf = MLPClassifier((), batch_size=32, max_iter=1, early_stopping=True, scoring=scoring)
    clf.set_params(**noise).fit(X[:100], Y[:100], X_val=X, y_val=Y)
    assert bool(made) == bool(noise)
    assert not noise or sum(made) > (N_ROWS + 100) * WIDTH * 4
    assert max(made, default=0) <= BLOCK_BYTES


@pytest.mark.parametrize("noise", [NOISE, {}])
def test_blocks_of_partial_fit_are_bounded_in_bytes(made, noise):
    clf = MLPClassifier((), batch_size=32, **noise)
    clf.partial_fit(X, Y, classes=[0, 1, 2], X_val=X, y_val=Y)
    assert len(clf.validation_scores_) == 1
    assert bool(made) == bool(noise)
    assert max(made, default=0) <= BLOCK_BYTES


def test_dense_validation_rows_are_padded_by_less_than_a_block(trained):
    config = assembly.configuration(
        trained._check_parameters(),
        trained._network,
        trained._trained,
        weighted=False,
        validate=True,
        dtype="float32",
    )
    dense = samples.Samples(X[:90].toarray(), Y[:90], np.ones(90), Y[:90])
    blocks = assembly.validation_of(config, dense, trained._parameters(), XLA.put).blocks
    assert blocks.X[0].nbytes <= BLOCK_BYTES
    assert blocks.X.shape[0] * blocks.X.shape[1] < 90 + blocks.X.shape[1]


def test_activations_count_as_inputs_do():
    few = MLPClassifier((8, 100_000), max_iter=0).fit(X[:4, :20], [0, 1, 0, 1])
    assert widest(few._parameters()) == 100_000
    for n_rows in (1, 100, 10_000):
        assert block_size(n_rows, 100_000, 4) == BLOCKS[0]
        assert block_size(n_rows, 16_000, 4) * 16_000 * 4 <= BLOCK_BYTES
    assert [block_size(n, 784, 4) for n in (1, 100, 10_000)] == [BLOCKS[0], BLOCKS[1], BLOCKS[-1]]


def test_a_row_is_what_it_is_among_however_many(trained):
    whole = trained.predict_proba(X)
    for rows in (slice(0, 1), slice(7, 60), slice(100, 400)):
        assert_array_equal(trained.predict_proba(X[rows]), whole[rows])
    assert_array_equal(trained.predict_proba(X[::-1])[::-1], whole)


@pytest.mark.parametrize("n_rows", [40, 48, 130, 144, 500, 2064])
def test_a_row_is_what_it_is_at_any_place(n_rows):
    """With AVX-512 the last 8 of 32, 128 or 512 rows differed in their last bits."""
    rows = np.random.default_rng(1).random((n_rows, 784), dtype=np.float32)
    clf = MLPClassifier((30, 10), max_iter=0, random_state=0).fit(rows[:9], np.arange(9) % 3)
    assert_array_equal(clf.predict_proba(rows[::-1])[::-1], clf.predict_proba(rows))


def test_taking_sparse_rows_leaves_the_matrix_alone():
    given = sparse.csr_array(np.eye(3))
    dense = rows_module.row_taker(given, "float32")(slice(0, 3))
    assert dense.dtype == np.float32
    assert given.dtype == given.data.dtype == np.float64
