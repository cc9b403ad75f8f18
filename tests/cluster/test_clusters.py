"""Searches on clusters and in a database: what ``make cluster`` runs, in its own environment."""

import joblib
import pytest
from numpy.testing import assert_array_equal
from scipy.stats import loguniform
from sklearn.datasets import load_digits
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from multilayer import DivergenceError, MLPClassifier
from multilayer._search.lanes import Lane
from multilayer._search.optuna_study import StudyRecord
from multilayer.search import MLPSearchCV

REASON = "clusters have an environment of their own: make cluster"
distributed = pytest.importorskip("distributed", reason=REASON)
ray = pytest.importorskip("ray", reason=REASON)

pytestmark = pytest.mark.filterwarnings("default")
SPACE = {
    "mlpclassifier__hidden_layer_sizes": [(8,), (16,), (8, 8)],
    "mlpclassifier__learning_rate_init": loguniform(1e-3, 3e-2),
}
X, y = load_digits(return_X_y=True)


def searched(**changes):
    network = make_pipeline(StandardScaler(), MLPClassifier(max_iter=9, random_state=0))
    search = MLPSearchCV(network, SPACE, n_iter=10, cv=3, random_state=0, **changes)
    return search.fit(X, y)


def assert_same(found, expected):
    for name, column in expected.cv_results_.items():
        if "time" not in name:
            assert_array_equal(found.cv_results_[name], column, err_msg=name)
    assert_array_equal(found.predict_proba(X), expected.predict_proba(X))


@pytest.fixture(scope="module")
def here():
    """The search in this process."""
    return searched()


@pytest.fixture(scope="module", params=["dask", "ray"])
def cluster(request):
    """A cluster of two processes."""
    if request.param == "dask":
        cluster = distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None
        )
        with cluster, distributed.Client(cluster):
            yield "dask"
        return
    from ray.util.joblib import register_ray

    register_ray()
    ray.init(num_cpus=2, include_dashboard=False, logging_level="ERROR")
    yield "ray"
    ray.shutdown()


def test_a_cluster_changes_no_bit(cluster, here):
    with joblib.parallel_config(cluster):
        assert_same(searched(), here)


def test_a_search_that_a_cluster_began_goes_on_here(cluster, here, tmp_path, monkeypatch):
    checked, seen = StudyRecord.checked, []

    def stopping(self, lane):
        checked(self, lane)
        seen.append(lane)
        if len(seen) == 33:  # in the second rung
            raise KeyboardInterrupt

    path = tmp_path / "study.journal"
    with monkeypatch.context() as patched, joblib.parallel_config(cluster):
        patched.setattr(StudyRecord, "checked", stopping)
        searched(storage=path)
    assert_same(searched(storage=path), here)
    again, begin = [], Lane._begin
    monkeypatch.setattr(Lane, "_begin", lambda lane: again.append(lane) or begin(lane))
    assert_same(searched(storage=path), here)
    assert not again


def test_what_fails_in_a_worker_is_raised(cluster):
    network = MLPClassifier(learning_rate_init=1e30, solver="sgd", max_iter=3)
    search = MLPSearchCV(network, {"alpha": [0.0, 1.0]}, cv=2, error_score="raise")
    with joblib.parallel_config(cluster), pytest.raises(DivergenceError, match="infinite or NaN"):
        search.fit(X, y)
