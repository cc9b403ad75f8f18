"""What a training run must not depend on: where calls end, where rows lie, what pads them."""

import jax
import numpy as np
import pytest
from scipy import sparse

from multilayer import MLPClassifier
from multilayer._data import source as source_module
from multilayer._data.order import shuffled
from multilayer._data.source import IteratedSource, ResidentSource, Rows, StreamedSource
from multilayer._engine.callbacks.protocol import Callback
from multilayer._engine.loop import train

EPOCHS = 4

CASES = {
    "adam with dropout": {"dropout": 0.3, "batch_size": 32},
    "sgd": {"solver": "sgd", "batch_size": 50, "learning_rate": "cosine"},
    "sgd, adaptive": {
        "solver": "sgd",
        "batch_size": 64,
        "learning_rate": "adaptive",
        "tol": 0.1,
        "n_iter_no_change": 1,
    },
    "early stopping": {"batch_size": 40, "early_stopping": True, "learning_rate_init": 0.05},
}


def estimator(**arguments):
    return MLPClassifier((8, 6), max_iter=EPOCHS, **arguments)


def params_of(training):
    return [np.asarray(leaf) for leaf in jax.tree.leaves(training.state.params)]


def run(training, **how):
    train(training, EPOCHS * training.source.steps_per_epoch, **how)
    return training


# Where calls begin and end ----------------------------------------------------------------------


def whole_epochs(per_epoch):
    return lambda step: per_epoch - step % per_epoch


def at_random(per_epoch):
    rng = np.random.default_rng(5)
    return lambda step: int(rng.integers(1, 2 * per_epoch))


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, marks=pytest.mark.slow) if case == "sgd, adaptive" else case
        for case in CASES
    ],
)
@pytest.mark.usefixtures("optimized")
def test_where_calls_end(make_training, assert_same_bits, blobs, case):
    X, y = blobs

    def training():
        return make_training(
            estimator(**CASES[case]), X[:170], y[:170], validation=(X[170:], y[170:]), epochs=EPOCHS
        )

    calls = []

    class Count(Callback):
        only_watches = True

        def on_progress(self, progress):
            calls.append(progress.step)

    at_once = run(training(), budget=lambda step: 10**6, callbacks=[Count()])
    per_epoch = at_once.source.steps_per_epoch
    assert calls == [at_once.step]
    assert per_epoch > 2
    assert np.isfinite(at_once.history["validation_loss"]).all()
    for budget in (whole_epochs(per_epoch), at_random(per_epoch), lambda step: 1, None):
        assert_same_bits(at_once, run(training(), budget=budget))


def test_training_goes_on_after_a_stop_in_mid_epoch(make_training, assert_same_bits, blobs):
    whole = run(make_training(estimator(dropout=0.2, batch_size=32), *blobs))
    parts = make_training(estimator(dropout=0.2, batch_size=32), *blobs)
    for stop in (1, 5, 6, 20):
        train(parts, stop)
        assert parts.step == stop
        assert len(parts.history) == stop // parts.source.steps_per_epoch
    assert_same_bits(whole, run(parts))


# Where rows come from -----------------------------------------------------------------------------


def streamed(chunk_bytes):
    def make(X, y, weight, batch_size, order):
        return StreamedSource(
            lambda rows: X[rows], y, weight, batch_size, order, chunk_bytes=chunk_bytes
        )

    return make


def iterated(piece):
    def make(X, y, weight, batch_size, order):
        def chunks(epoch):
            rows = order(epoch)
            for i in range(0, len(rows), piece):
                part = rows[i : i + piece]
                yield Rows(X[part], y[part], weight[part])

        return IteratedSource(chunks, len(X), batch_size)

    return make


def assert_close(first, second):
    """Equal up to rounding: windows of other shapes are other programs."""
    np.testing.assert_allclose(first.history["loss"], second.history["loss"], rtol=1e-6)
    for a, b in zip(params_of(first), params_of(second), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.usefixtures("optimized")
def test_where_rows_come_from(make_training, assert_same_bits, blobs):
    settings = estimator(dropout=0.3, batch_size=32)
    resident, chunks, step_by_step, *iterators = (
        run(make_training(settings, *blobs, make_source=make_source))
        for make_source in (None, streamed(2000), streamed(1), iterated(7), iterated(500))
    )
    assert chunks.source.window(0).stop > 1
    assert_close(resident, chunks)
    assert_close(resident, step_by_step)
    for iterator in iterators:
        assert_same_bits(step_by_step, iterator)


@pytest.mark.parametrize("make_source", [streamed(2000), iterated(30)])
def test_where_calls_end_in_other_sources(make_training, assert_same_bits, blobs, make_source):
    settings = estimator(dropout=0.3, batch_size=32)
    at_once = run(make_training(settings, *blobs, make_source=make_source))
    cut = make_training(settings, *blobs, make_source=make_source)
    assert_same_bits(at_once, run(cut, budget=at_random(7)))


def test_full_batches_where_rows_come_from(make_training, assert_same_bits, blobs):
    full = estimator(batch_size=211)
    resident, stream, iterator = (
        run(make_training(full, *blobs, make_source=make_source))
        for make_source in (None, streamed(10**6), iterated(60))
    )
    assert resident.source.width > 211
    assert_close(resident, stream)
    assert_same_bits(stream, iterator)


# Padding ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch_size", [100, 799])
def test_padded_sizes_change_nothing(make_training, monkeypatch, batch_size):
    rng = np.random.default_rng(0)
    y = rng.integers(3, size=799)
    X = rng.normal(size=(799, 5)) + np.eye(3, 5)[y]
    padded = run(make_training(estimator(batch_size=batch_size), X, y))
    assert len(padded.source.window(0).rows.X) == 1024
    monkeypatch.setattr(source_module, "rows_bucket", lambda n: n)
    monkeypatch.setattr(source_module, "batch_bucket", lambda n: n)
    exact = run(make_training(estimator(batch_size=batch_size), X, y))
    assert len(exact.source.window(0).rows.X) == 799
    assert_close(padded, exact)


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array], ids=["dense", "sparse"])
def test_padding_of_rows_that_are_visited_once(monkeypatch, blobs, make):
    X, y = blobs

    def trained():
        # Not "adam": see the test of weights under batch norm.
        clf = estimator(batch_size=40, norm="batch", solver="sgd", random_state=0)
        for n_rows in (1, 30, 40, 90, 211):
            weight = np.arange(n_rows) % 3 + 0.5
            clf.partial_fit(make(X[:n_rows]), y[:n_rows], weight, classes=[0, 1, 2])
        return clf

    padded = trained()
    monkeypatch.setattr(source_module, "visit_bucket", lambda n: n)
    exact = trained()
    np.testing.assert_allclose(padded.loss_curve_, exact.loss_curve_, rtol=1e-5)
    for a, b in zip(padded.coefs_, exact.coefs_, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
    np.testing.assert_allclose(padded.norm_means_[0], exact.norm_means_[0], atol=1e-5)


class Divided(ResidentSource):
    """Rows with divisors of their own."""

    def __init__(self, X, y, weight, batch_size, order):
        super().__init__(X, y, weight, batch_size, order, weight / 2)


class Poisoned(Divided):
    """Rows whose padding is NaN."""

    def window(self, step):
        window = super().window(step)
        X, y, weight, divisor = (np.array(part) for part in window.rows)
        assert len(X) > self.n_rows
        X[self.n_rows :] = np.nan
        weight[self.n_rows :] = divisor[self.n_rows :] = np.nan
        return window._replace(rows=Rows(X, y, weight, divisor))


def test_padding_is_never_read(make_training, assert_same_bits, blobs):
    for batch_size in (60, 211):
        clean = run(make_training(estimator(batch_size=batch_size), *blobs, make_source=Divided))
        poisoned = run(
            make_training(estimator(batch_size=batch_size), *blobs, make_source=Poisoned)
        )
        assert_same_bits(clean, poisoned)


# Weights ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["adam", pytest.param("sgd", marks=pytest.mark.slow)])
def test_batch_without_weight_makes_no_update(make_training, blobs, solver):
    X, y = blobs[0][:12], blobs[1][:12]
    settings = estimator(solver=solver, batch_size=4, alpha=0.5)
    weight = np.ones(12)
    weight[4:8] = 0
    in_order = lambda epoch: np.arange(12)  # noqa: E731
    holed = run(make_training(settings, X, y, weight=weight, weighted=True, order=in_order))
    kept = weight > 0
    without = run(make_training(settings, X[kept], y[kept], order=lambda epoch: np.arange(8)))
    assert (holed.step, without.step) == (3 * EPOCHS, 2 * EPOCHS)
    mine, theirs = (jax.tree.leaves(r.state.opt_state) for r in (holed, without))
    for a, b in zip(mine, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    assert_close(holed, without)


def test_weighted_rows_are_repeated_rows(make_training, blobs):
    X, y = blobs
    counts = np.random.default_rng(1).integers(0, 4, len(X))
    repeated = np.repeat(np.arange(len(X)), counts)
    settings = {"solver": "sgd", "alpha": 0.5, "batch_size": 10**4, "learning_rate_init": 0.1}
    weighted = run(make_training(estimator(**settings), X, y, weight=counts, weighted=True))
    copies = run(make_training(estimator(**settings), X[repeated], y[repeated]))
    assert weighted.source.steps_per_epoch == copies.source.steps_per_epoch == 1
    assert_close(weighted, copies)


def test_order_is_a_function_of_seed_and_epoch():
    order = shuffled(50, 4)
    assert not np.array_equal(order(0), order(1))
    np.testing.assert_array_equal(order(7), shuffled(50, 4)(7))
    np.testing.assert_array_equal(np.sort(order(3)), np.arange(50))
    assert not np.array_equal(order(0), shuffled(50, 5)(0))
