"""RealMLP and TabM as estimators: raw tables in, predictions out, files and graphs."""

import json
import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from safetensors.numpy import load_file, save_file
from sklearn.base import clone

from multilayer import (
    DataError,
    DivergenceError,
    InvalidArgumentError,
    RealMLPClassifier,
    RealMLPRegressor,
    TabMClassifier,
    TabMRegressor,
    TabularClassifier,
    load,
    portable,
    save,
    to_onnx,
)
from multilayer._cli.info import info
from multilayer._data.encoding import TableLayout
from multilayer._persist.manifest import read_manifest
from multilayer.callbacks import Callback, Stop

SMALL = {"hidden_layer_sizes": 16, "random_state": 0}


def visits(n=120, seed=0):
    """A frame with missing cells, a category to embed and one that becomes flags."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "age": np.where(rng.random(n) < 0.1, np.nan, rng.integers(18, 90, n)),
            "income": rng.lognormal(10, 1, n),
            "city": rng.choice([f"city {i}" for i in range(11)], n),
            "plan": pd.Categorical(rng.choice(["free", "paid", None], n)),
            "member": rng.random(n) < 0.5,
        }
    )
    score = np.log(frame["income"]) - 10 + frame["member"]
    return frame, score.to_numpy() + rng.normal(0, 0.1, n)


X, SCORE = visits()
LABELS = np.where(SCORE > 0.8, "high", np.where(SCORE > 0, "middle", "low"))
ROWS = X.assign(plan="unknown", age=np.nan).iloc[::-1]


class Quiet(Callback):
    """A callback, which no file has."""


@pytest.fixture(scope="module")
def models():
    return {
        "realmlp": RealMLPClassifier(
            **SMALL, max_iter=40, n_cv=2, n_ens=2, class_weight="balanced", callbacks=[Quiet()]
        ).fit(X, LABELS),
        "realmlp-s": RealMLPRegressor(
            **SMALL, variant="TD-S", max_iter=40, n_ens=2, n_refit=3, scoring="r2"
        ).fit(X, 1000 + 50 * SCORE),
        "tabm": TabMRegressor(
            **SMALL, k=4, max_iter=60, n_bins=8, embedding_size=4, learning_rate_init=0.01
        ).fit(X, np.stack([SCORE, -SCORE], axis=1)),
        "tabm-mini": TabMClassifier(
            **SMALL,
            variant="TabM-mini",
            k=3,
            numeric_scaling="robust",
            max_iter=30,
            max_one_hot=4,
            scoring="loss",
        ).fit(X, LABELS),
    }


NAMES = ("realmlp", "realmlp-s", "tabm", "tabm-mini")


# Fits ---------------------------------------------------------------------------------------------


def test_they_learn(models):
    assert models["realmlp"].score(X, LABELS) > 0.85
    assert models["realmlp-s"].score(X, 1000 + 50 * SCORE) > 0.8
    assert models["tabm"].score(X, np.stack([SCORE, -SCORE], axis=1)) > 0.8
    assert models["tabm-mini"].score(X, LABELS) > 0.6


def test_reports_say_what_was_done(models):
    reports = {name: model.report_ for name, model in models.items()}
    assert {name: report.n_members for name, report in reports.items()} == {
        "realmlp": 4,
        "realmlp-s": 6,
        "tabm": 4,
        "tabm-mini": 3,
    }
    assert [len(report.best_epochs) for report in reports.values()] == [2, 1, 1, 1]
    assert [report.n_validation_rows for report in reports.values()] == [120, 24, 24, 24]
    for model in models.values():
        report, epochs = model.report_, model.report_.best_epochs
        assert report.n_rows == 120
        assert report.n_epochs == model.n_iter_ == len(model.history_["loss"])
        assert max(epochs) < report.n_epochs
        figures = model.history_["validation_score"]
        if len(epochs) == 1:
            assert figures[epochs[0]] == pytest.approx(report.validation_score)
        assert f"n_members            {report.n_members}" in model.summary()
    assert reports["realmlp"].stop_reason == "max_iter"


def test_the_epoch_is_the_best_by_what_is_asked(models):
    history, best = models["tabm-mini"].history_, models["tabm-mini"].report_.best_epochs[0]
    assert best == np.argmin(history["validation_loss"])
    history, best = models["realmlp-s"].history_, models["realmlp-s"].report_.best_epochs[0]
    assert history["validation_score"][best] == history["validation_score"].max()


def test_one_member_trains_by_xla():
    X = np.random.default_rng(0).normal(size=(60, 2))
    given = {"hidden_layer_sizes": 8, "n_bins": 4, "max_iter": 2, "random_state": 0}
    one, two = (TabMRegressor(k=k, **given).fit(X, X[:, 0]) for k in (1, 2))
    assert (one.engine_, two.engine_) == ("xla", "native")
    assert np.isfinite(one.predict(X)).all()


def test_the_same_seed_gives_the_same_bits(models):
    again = clone(models["tabm-mini"]).fit(X, LABELS)
    assert_array_equal(again.predict_proba(X), models["tabm-mini"].predict_proba(X))
    other = clone(models["tabm-mini"]).set_params(random_state=1).fit(X, LABELS)
    assert (other.predict_proba(X) != again.predict_proba(X)).any()


def test_numbers_stay_in_the_range_of_training_in_td_alone():
    rows = np.zeros((3, 1), np.float32), TableLayout(1, 0, ()), [-1.0, 0.0, 1.0], np.ones(3), None
    inside, outside, tabm = (
        model._encoded(*rows)[0]
        for model in (RealMLPRegressor(), RealMLPRegressor(variant="TD-S"), TabMRegressor())
    )
    far = np.array([[-50.0], [50.0]])
    assert_array_equal(inside.decode(far), [[-1], [1]])
    for targets in (outside, tabm):
        assert_allclose(targets.decode(far), far * targets.spread + targets.mean)


def test_intervals_come_from_the_rows_set_aside(models):
    model = models["realmlp-s"]
    low, high = model.predict_interval(X, coverage=0.9).T
    assert (low < high).all()
    assert np.mean((low <= 1000 + 50 * SCORE) & (high >= 1000 + 50 * SCORE)) > 0.8
    assert models["tabm"].predict_interval(X, coverage=0.5).shape == (120, 2, 2)
    with pytest.raises(InvalidArgumentError, match=r"at most 0\.96 with 24"):
        model.predict_interval(X, coverage=0.99)


def test_weights_of_zero_leave_rows_out(models):
    more, weight = pd.concat([X, X[:30]]), np.append(np.ones(120), np.zeros(30))
    model = clone(models["tabm-mini"]).fit(more, np.append(LABELS, LABELS[:30]), weight)
    assert model.report_.n_rows == 120
    assert_array_equal(model.predict_proba(X), models["tabm-mini"].predict_proba(X))


def test_a_callback_ends_training_and_the_best_so_far_is_used(models):
    class After(Callback):
        def on_epoch_end(self, report):
            return Stop("enough") if report["epoch"] == 2 else None

    model = clone(models["realmlp-s"]).set_params(callbacks=[After()]).fit(X, 1000 + 50 * SCORE)
    assert (model.n_iter_, model.stop_reason_) == (3, "enough")
    assert model.predict(X).shape == (120,)


def test_an_interrupt_leaves_the_networks_so_far(models):
    class Interrupt(Callback):
        def on_epoch_end(self, report):
            if report["epoch"] == 20:
                raise KeyboardInterrupt

    model = clone(models["realmlp-s"]).set_params(callbacks=[Interrupt()])
    with pytest.warns(UserWarning, match="interrupted by user"):
        model.fit(X, 1000 + 50 * SCORE)
    assert (model.report_.stop_reason, model.report_.n_members) == ("interrupted", 2)
    assert model.score(X, 1000 + 50 * SCORE) > 0.2


# Arguments ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "argument", "value"),
    [
        (RealMLPClassifier, "variant", "td"),
        (RealMLPClassifier, "hidden_layer_sizes", (8, 0)),
        (RealMLPClassifier, "activation", "softmax"),
        (RealMLPClassifier, "numeric_embedding", "plr"),
        (RealMLPClassifier, "max_one_hot", 1),
        (RealMLPClassifier, "dropout", 1.0),
        (RealMLPClassifier, "weight_decay", -1),
        (RealMLPClassifier, "learning_rate_init", 0),
        (RealMLPClassifier, "beta_2", 1),
        (RealMLPClassifier, "batch_size", 0),
        (RealMLPClassifier, "n_cv", 0),
        (RealMLPClassifier, "n_ens", 0),
        (RealMLPClassifier, "n_refit", -1),
        (RealMLPClassifier, "label_smoothing", 1),
        (RealMLPClassifier, "max_iter", 0),
        (RealMLPClassifier, "validation_fraction", 1),
        (RealMLPClassifier, "scoring", "accurracy"),
        (RealMLPRegressor, "verbose", 2),
        (TabMClassifier, "variant", "mini"),
        (TabMClassifier, "k", 0),
        (TabMClassifier, "numeric_embedding", "auto"),
        (TabMClassifier, "numeric_scaling", "standard"),
        (TabMRegressor, "n_bins", 0),
        (TabMRegressor, "embedding_size", 0),
        (TabMRegressor, "clip_norm", 0),
        (TabMRegressor, "dropout", -0.1),
        (TabMRegressor, "weight_decay", "auto"),
        (TabMRegressor, "learning_rate_init", -1),
        (TabMRegressor, "batch_size", "all"),
        (TabMRegressor, "share_training_batches", 1),
        (TabMRegressor, "n_iter_no_change", -1),
        (TabMRegressor, "hidden_layer_sizes", "big"),
    ],
)
def test_arguments_that_break_their_rule_are_refused(model, argument, value):
    with pytest.raises(InvalidArgumentError, match=rf"{argument} must be .*{argument}="):
        model(**{argument: value}).fit(X, SCORE)


def test_unusable_targets_are_refused():
    with pytest.raises(DataError, match="one column of classes"):
        TabMClassifier().fit(X, np.stack([LABELS, LABELS], axis=1))
    with pytest.raises(ValueError, match="requires y"):
        RealMLPRegressor().fit(X, None)


# Files and graphs ---------------------------------------------------------------------------------


def outputs(model, rows):
    return model.predict_proba(rows) if hasattr(model, "predict_proba") else model.predict(rows)


@pytest.mark.parametrize("name", NAMES)
def test_all_comes_back_from_files(models, name, tmp_path):
    model, path = models[name], tmp_path / "model"
    save(model, path)
    again, alone = load(path), portable.load(path)
    assert type(again) is type(model)
    for rows in (X, ROWS):
        assert_array_equal(outputs(again, rows), outputs(model, rows))
        assert_allclose(outputs(alone, rows), outputs(model, rows), rtol=1e-4, atol=1e-5)
        assert_array_equal(pickle.loads(pickle.dumps(model)).predict(rows), model.predict(rows))
    assert again.report_ == model.report_
    assert again.get_params() == model.get_params() | {"callbacks": None}


def test_files_from_before_numeric_scaling_had_robust_scaling(models, tmp_path):
    model, path = models["tabm-mini"], tmp_path / "model"
    save(model, path)
    manifest = read_manifest(path)
    del manifest["steps"][0]["params"]["numeric_scaling"]
    save_file(load_file(path), path, metadata={"multilayer": json.dumps(manifest)})
    again = load(path)
    assert again.numeric_scaling == "robust"
    assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    assert_array_equal(again.fit(X, LABELS).predict_proba(X), model.predict_proba(X))


def test_info_names_the_layers(models, tmp_path, capsys):
    save(models["tabm-mini"], tmp_path / "model")
    info(tmp_path / "model")
    shown = capsys.readouterr().out
    assert "TabMClassifier" in shown
    assert "3 x " in shown


@pytest.mark.parametrize("name", NAMES)
def test_a_graph_predicts_the_same(models, name):
    onnxruntime = pytest.importorskip("onnxruntime")
    model = models[name]
    session = onnxruntime.InferenceSession(to_onnx(model, X=X).SerializeToString())
    for rows in (X, ROWS):
        feed = {}
        for tensor in session.get_inputs():
            column = rows[tensor.name].to_numpy()
            if tensor.type == "tensor(string)":
                column = np.where(pd.isna(column), "", column).astype(object)
            else:
                kind = {"tensor(double)": np.float64, "tensor(bool)": bool}[tensor.type]
                column = column.astype(kind)
            feed[tensor.name] = column[:, None]
        found, expected = session.run(None, feed)[-1], outputs(model, rows)
        found = found.reshape(expected.shape)
        assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_divergence_names_the_remedy_and_leaves_networks(models):
    model = clone(models["realmlp-s"]).set_params(learning_rate_init=1e25)
    with pytest.raises(DivergenceError, match="A lower learning rate helps"):
        model.fit(X, 1000 + 50 * SCORE)
    assert model.report_.stop_reason == "diverged"
    assert np.isfinite(model.predict(X)).all()


@pytest.mark.parametrize(
    ("model", "argument", "meant"),
    [
        (RealMLPClassifier, "n_epochs", "max_iter"),
        (TabMRegressor, "dropuot", "dropout"),
        (TabularClassifier, "n_estimator", "n_estimators"),
    ],
)
def test_unknown_arguments_are_named_with_what_was_meant(model, argument, meant):
    with pytest.raises(TypeError, match=rf"{argument!r}. Did you mean {meant!r}"):
        model(**{argument: 1})
