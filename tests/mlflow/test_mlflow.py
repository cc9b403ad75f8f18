"""MLflow and networks: what ``make mlflow`` runs, in an environment with MLflow."""

import contextlib
import io
import re
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from multilayer import MLPClassifier, MLPRegressor
from multilayer.callbacks import KeepBest

mlflow = pytest.importorskip("mlflow", reason="mlflow has an environment of its own: make mlflow")

PAGE = Path(__file__).parents[2] / "docs" / "mlflow.md"
X, y = load_iris(return_X_y=True, as_frame=True)
SETTINGS = {"hidden_layer_sizes": (8,), "learning_rate": "cosine", "max_iter": 5, "random_state": 0}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Where all runs of these tests are kept: making a database takes seconds."""
    folder = tmp_path_factory.mktemp("store")
    mlflow.set_tracking_uri(f"sqlite:///{folder / 'mlflow.db'}")
    return folder


@pytest.fixture(autouse=True)
def _folder(store, monkeypatch):
    """MLflow keeps the files of runs in the present folder."""
    monkeypatch.chdir(store)


@pytest.fixture
def autologged():
    mlflow.set_experiment("automatic")
    mlflow.sklearn.autolog(log_models=False, log_datasets=False)
    yield
    mlflow.sklearn.autolog(disable=True)


def runs():
    return mlflow.search_runs(experiment_names=["automatic"], output_format="list")


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_a_pipeline_is_logged(autologged, kind):
    name = kind.__name__.lower()
    pipe = make_pipeline(StandardScaler(), kind(**SETTINGS, callbacks=[KeepBest("loss")]))
    pipe.fit(X, y, **{f"{name}__sample_weight": np.linspace(1, 2, len(y))})
    run = mlflow.last_active_run()
    assert run.info.status == "FINISHED"
    assert run.data.params[f"{name}__hidden_layer_sizes"] == "(8,)"
    assert set(run.data.params) >= {f"{name}__{argument}" for argument in kind().get_params()}
    assert run.data.metrics["training_score"] == pytest.approx(pipe.score(X, y))


def test_a_search_is_logged_with_a_run_for_each_candidate(autologged):
    before = len(runs())
    pipe = make_pipeline(StandardScaler(), MLPClassifier(**SETTINGS))
    search = GridSearchCV(pipe, {"mlpclassifier__alpha": [0.0, 1.0, 2.0]}, cv=2).fit(X, y)
    assert len(runs()) == before + 1 + 3
    metrics = mlflow.last_active_run().data.metrics
    assert metrics["best_cv_score"] == pytest.approx(search.best_score_)


def test_a_network_alone_is_not_logged(autologged):
    """The guide says so: MLflow watches scikit-learn's own classes."""
    before = len(runs())
    MLPClassifier(**SETTINGS).fit(X, y)
    assert len(runs()) == before


@pytest.mark.parametrize("form", ["cloudpickle", "skops"])
def test_models_of_scikit_learn_s_kind(form):
    clf = MLPClassifier(**SETTINGS, norm="batch", callbacks=[KeepBest("loss")]).fit(X, y)
    options = {}
    if form == "skops":
        skops_io = pytest.importorskip("skops.io")
        options["skops_trusted_types"] = skops_io.get_untrusted_types(data=skops_io.dumps(clf))
        assert all(t.startswith(("multilayer.", "optax.")) for t in options["skops_trusted_types"])
    mlflow.set_experiment("kinds")
    with mlflow.start_run():
        logged = mlflow.sklearn.log_model(
            clf, name="m", serialization_format=form, pip_requirements=["multilayer"], **options
        )
    same = mlflow.sklearn.load_model(logged.model_uri)
    assert (same.predict_proba(X) == clf.predict_proba(X)).all()
    assert (mlflow.pyfunc.load_model(logged.model_uri).predict(X) == clf.predict(X)).all()
    assert same.partial_fit(X, y).n_iter_ == 1


# The guide ----------------------------------------------------------------------------------------


def pickles(model):
    folder = Path(mlflow.artifacts.download_artifacts(model.model_uri))
    return list(folder.rglob("*.pkl"))


def test_the_guide_runs_and_prints_what_it_says():
    names = {"__name__": "guide"}
    blocks = re.findall(r"```python\n(.*?)```\n(?:\n```text\n(.*?)```\n)?", PAGE.read_text(), re.S)
    tracking = mlflow.get_tracking_uri()
    for code, prints in blocks:
        if code.startswith("# served.py"):
            Path("served.py").write_text(code)
            continue
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, str(PAGE), "exec"), names)
        assert printed.getvalue() == prints, code
    assert len(blocks) == PAGE.read_text().count("```python")
    assert not pickles(names["logged"])
    assert pickles(names["pickled"])
    mlflow.set_tracking_uri(tracking)
