"""Validation rows of sparse and of memory-mapped data: the curves of dense ones, and no copies."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.datasets import load_digits

from multilayer import MLPClassifier, MLPRegressor
from multilayer._data import rows as rows_module

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y = load_digits(return_X_y=True)
X = (X / 16).astype(np.float32)
TRAIN, TEST = slice(0, 500), slice(500, 1700)  # more than one block of validation rows
SETTINGS = {"hidden_layer_sizes": (10,), "max_iter": 4, "batch_size": 100, "random_state": 0}


@pytest.mark.parametrize("Estimator", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize("changes", [{}, {"early_stopping": True, "scoring": "loss"}])
@pytest.mark.parametrize("form", [sparse.csr_array, sparse.csc_matrix])
def test_the_same_curves_as_of_dense_rows(Estimator, changes, form):
    weights = np.arange(1200) % 3 + 0.5
    dense, other = (
        Estimator(**SETTINGS | changes).fit(
            make(X[TRAIN]), y[TRAIN], X_val=make(X[TEST]), y_val=y[TEST], sample_weight_val=weights
        )
        for make in (np.asarray, form)
    )
    for column in ("loss", "validation_loss", "validation_score"):
        assert_allclose(other.history_[column], dense.history_[column], rtol=2e-5, err_msg=column)
    score = other.score(X[TEST], y[TEST], sample_weight=weights)
    assert_allclose(other.validation_scores_[-1], score, rtol=1e-5)


@pytest.mark.parametrize("scoring", [None, "f1_macro"])
def test_rows_set_aside_stay_where_they_are(tmp_path, monkeypatch, scoring):
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    taken = []
    compact = rows_module.compact

    def watched(part, dtype):
        taken.append(len(part))
        return compact(part, dtype)

    monkeypatch.setattr(rows_module, "compact", watched)
    clf = MLPClassifier(**SETTINGS, early_stopping=True, scoring=scoring)
    clf.fit(mapped, y)
    assert max(taken) <= 0.9 * len(X) + 1  # windows of training rows, blocks of validation rows
    plain = MLPClassifier(**SETTINGS, early_stopping=True, scoring=scoring).fit(np.array(X), y)
    assert_array_equal(clf.validation_scores_, plain.validation_scores_)


def test_picking_from_a_streamed_matrix_copies_no_inputs(tmp_path):
    from multilayer._sklearn.fit.samples import Samples

    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    samples = Samples(mapped, y, np.ones(len(y), np.float32), y, streamed=True)
    some = samples.pick(np.arange(10, 100)).pick(np.array([5, 3]))
    assert some.X is mapped
    assert_array_equal(some.taker("float32")(slice(0, 2)), X[[15, 13]])
    assert_array_equal(some.labels, y[[15, 13]])
