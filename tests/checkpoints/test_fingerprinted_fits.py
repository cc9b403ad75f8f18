"""Fits of equal data share a folder, in any process and search; others never do."""

import os
import runpy
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from multilayer import Checkpoint, MLPClassifier, MLPRegressor
from multilayer._sklearn.fit.fingerprint import of_fit
from multilayer._sklearn.fit.samples import Samples

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

# Data ------------------------------------------------------------------------------------------

X = np.arange(24.0, dtype=np.float32).reshape(8, 3)
Y = np.arange(8) % 2


def samples(X=X, y=Y, weight=None, labels=None):
    weight = np.ones(len(y)) if weight is None else weight
    return Samples(X, y, weight, y if labels is None else labels)


def fingerprint(rows, validation=None, start=None):
    return of_fit({}, start or {}, rows, validation)


def changed(array, place=-1):
    array = np.array(array)
    array.flat[place] += 1
    return array


DATA = {
    "given": (samples(),),
    "one input": (samples(changed(X)),),
    "other order": (samples(X[::-1]),),
    "other type": (samples(X.astype(np.float64)),),
    "other shape": (samples(X.reshape(8, 3, 1)),),
    "columns": (samples(X[:, [0, 2, 1]]),),
    "one target": (samples(y=changed(Y)),),
    "one weight": (samples(weight=changed(np.ones(8))),),
    "labels": (samples(labels=np.array(["a", "b"])[Y]),),
    "other labels": (samples(labels=np.array(["a", "c"])[Y]),),
    "objects": (samples(labels=np.array(["b", "c"], object)[Y]),),
    "validation": (samples(), samples()),
    "other validation": (samples(), samples(changed(X))),
    "start": (samples(), None, {"seed": 1}),
    "another start": (samples(), None, {"seed": 2}),
    "sparse": (samples(sparse.csr_matrix(X)),),
    "sparse, another": (samples(sparse.csr_matrix(changed(X))),),
}


def test_other_data_are_another_fit():
    assert len({fingerprint(*rows) for rows in DATA.values()}) == len(DATA)


def test_equal_data_in_another_form(tmp_path):
    np.save(tmp_path / "X.npy", X)
    forms = [X.copy(), np.asfortranarray(X), np.load(tmp_path / "X.npy", mmap_mode="r")]
    forms.append(np.repeat(X, 2, axis=0)[::2])
    assert {fingerprint(samples(form)) for form in forms} == {fingerprint(samples())}
    matrices = [form(X) for form in (sparse.csr_matrix, sparse.csc_matrix, sparse.coo_array)]
    assert len({fingerprint(samples(matrix)) for matrix in matrices}) == 1


def test_large_data_are_hashed_in_blocks(monkeypatch):
    monkeypatch.setattr("multilayer._sklearn.fit.fingerprint.BLOCK", 13)
    whole = fingerprint(samples())
    assert fingerprint(samples(X.copy())) == whole
    others = {fingerprint(samples(changed(X, place))) for place in range(X.size)}
    assert len(others - {whole}) == X.size


def test_a_users_sparse_matrix_is_left_alone():
    parts = np.ones(4), np.array([1, 1, 2, 0]), np.array([0, 2, 4])
    matrix = sparse.csr_matrix(parts, shape=(2, 3))
    for part in (matrix.data, matrix.indices, matrix.indptr):
        part.flags.writeable = False  # like one that is memory-mapped
    summed = sparse.csr_matrix(matrix.toarray())
    assert fingerprint(samples(matrix, Y[:2])) == fingerprint(samples(summed, Y[:2]))
    assert matrix.nnz == 4


# Whole fits ------------------------------------------------------------------------------------

TINY = {"hidden_layer_sizes": (3,), "max_iter": 1, "random_state": 0, "batch_size": 4}


def n_folders(folder, *fits):
    """Number of folders that fits make: (estimator, X, y, more) each."""
    for estimator, inputs, targets, more in fits:
        estimator.set_params(checkpoint=Checkpoint(folder)).fit(inputs, targets, **more)
    return len(list(folder.iterdir()))


def test_class_weights_are_of_labels(tmp_path):
    weighted = MLPClassifier(**TINY, class_weight={0: 5.0})
    assert n_folders(tmp_path, (weighted, X, Y, {}), (weighted, X, Y - 1, {})) == 2


def test_scores_are_of_targets_as_they_were_given(tmp_path):
    more = {"X_val": X, "y_val": Y}
    scored = MLPRegressor(**TINY, standardize_target=True, scoring="neg_mean_absolute_error")
    fits = [(scored, X, Y * factor, {**more, "y_val": Y * factor}) for factor in (1.0, 2.0)]
    assert n_folders(tmp_path, *fits) == 2


def test_what_training_starts_from(tmp_path):
    first, second = (
        FrozenEstimator(MLPClassifier(**TINY | {"random_state": seed}).fit(X, Y)) for seed in (1, 2)
    )
    fits = [
        (MLPClassifier(**TINY | changes), X, Y, {})
        for changes in (
            {},
            {"random_state": 1},
            {"random_state": None},
            {"reuse_from": first, "n_reused_layers": 1},
            {"reuse_from": second, "n_reused_layers": 1},
            {"reuse_from": first, "n_reused_layers": 1, "freeze_reused": True},
        )
    ]
    assert n_folders(tmp_path, *fits) == len(fits)
    same = MLPClassifier(**TINY, warm_start=True)  # its first fit is one like any other
    assert n_folders(tmp_path, (same, X, Y, {})) == len(fits)
    assert n_folders(tmp_path, (same, X, Y, {})) == len(fits) + 1


def test_other_numbers_than_float32(tmp_path):
    fits = [(MLPClassifier(**TINY), X, Y, {})]
    assert n_folders(tmp_path, *fits) == 1
    with jax.enable_x64(True):
        assert n_folders(tmp_path, *fits) == 2


# Searches --------------------------------------------------------------------------------------

SCRIPT = Path(__file__).parent / "scripts" / "describe.py"
rng = np.random.default_rng(0)
ROWS = rng.normal(size=(40, 3))
CLASSES = (ROWS[:, 0] > 0).astype(int)
GRID = {"mlpclassifier__alpha": np.logspace(-3, 0, 2), "mlpclassifier__solver": ["sgd", "adam"]}


def search(n_jobs, checkpoint=None):
    mlp = MLPClassifier((3,), max_iter=3, random_state=0, checkpoint=checkpoint)
    pipeline = make_pipeline(StandardScaler(), mlp)
    found = GridSearchCV(pipeline, GRID, cv=3, n_jobs=n_jobs, return_train_score=True)
    return found.fit(ROWS, CLASSES)


@pytest.fixture(scope="module")
def without():
    return search(1)


@pytest.mark.parametrize("n_jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_grid_search_finds_the_same_with_checkpoints(n_jobs, without, tmp_path):
    kept = [search(n_jobs, tmp_path), search(n_jobs, tmp_path)]  # the second trains nothing
    assert len(list(tmp_path.iterdir())) == 4 * 3 + 1  # and the best on all rows
    for found in kept:
        assert found.best_params_ == without.best_params_
        for name, values in without.cv_results_.items():
            if "test_score" in name or "train_score" in name:
                assert_array_equal(found.cv_results_[name], values, err_msg=name)
        proba = without.predict_proba(ROWS)
        assert_array_equal(found.predict_proba(ROWS), proba)


@pytest.mark.filterwarnings("ignore:os.fork")
def test_cross_validation_in_threads(tmp_path):
    import joblib

    mlp = MLPClassifier((3,), max_iter=3)
    results = []
    for random_state, folder in ((0, None), (0, tmp_path / "a"), (None, tmp_path / "b")):
        asked = clone(mlp).set_params(random_state=random_state, checkpoint=folder)
        with joblib.parallel_backend("threading", n_jobs=2):
            results.append(cross_validate(asked, ROWS, CLASSES, cv=4)["test_score"])
    assert_array_equal(results[0], results[1])
    for name in "ab":
        assert len(list((tmp_path / name).iterdir())) == 4


# Other processes -------------------------------------------------------------------------------


def test_the_same_in_another_process(capfd):
    seed = "1" if os.environ.get("PYTHONHASHSEED", "random") != "1" else "2"
    other = subprocess.run(
        [sys.executable, SCRIPT],
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    ).stdout.split()
    runpy.run_path(str(SCRIPT), run_name="__main__")
    assert capfd.readouterr().out.split() == other
    assert len(other) == 13
    assert len(set(other)) == 12  # a jitted function is the function
