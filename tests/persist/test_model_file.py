"""A model comes back from its file as it was; any other file is refused in one line."""

import json
import os
import pickle
import stat
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from safetensors.numpy import load_file, save_file
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.impute import KNNImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

import multilayer
from multilayer import MLPClassifier, ModelFileError, load, save
from multilayer._persist import atomic
from multilayer._persist.manifest import read_manifest

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4)).astype(np.float32)
THREE = np.arange(60) % 3
TWO = np.arange(60) % 2
ARGUMENTS = {"max_iter": 3, "learning_rate": "cosine", "batch_size": 20, "random_state": 0}
UNTRAINED = {"max_iter": 0}  # weights as they were drawn: nothing is compiled
TEMPORARY = "_resumable"  # the optimizer's state, which no file keeps


def classifier(**changes):
    return MLPClassifier(**({"hidden_layer_sizes": (5,)} | ARGUMENTS | changes))


def round_trip(model, folder):
    path = folder / "model.safetensors"
    save(model, path)
    return load(path)


def assert_same(a, b):
    """Compare values of attributes, types included."""
    assert type(a) is type(b)
    if isinstance(a, np.ndarray):
        assert a.dtype == b.dtype
        assert_array_equal(a, b)
    elif isinstance(a, dict):
        assert sorted(a) == sorted(b)
        assert all(assert_same(a[key], b[key]) is None for key in a)
    elif isinstance(a, list | tuple):
        assert len(a) == len(b)
        assert all(assert_same(x, y) is None for x, y in zip(a, b, strict=True))
    else:
        assert a == b or (a != a and b != b)  # NaN equals NaN here


def assert_same_estimator(a, b):
    ours, theirs = (dict(vars(e)) for e in (a, b))
    for values in (ours, theirs):
        values.pop(TEMPORARY)
        values.pop("_seen", None)  # of training, as the one above
        values["_history"] = values["_history"].reports(0)
    assert sorted(ours) == sorted(theirs)
    for name in ours:
        assert_same(ours[name], theirs[name])


@pytest.fixture(scope="module")
def fitted():
    return classifier(early_stopping=True, n_iter_no_change=np.inf).fit(X, THREE)


@pytest.fixture
def path(fitted, tmp_path):
    save(fitted, tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


# Round trips ----------------------------------------------------------------------------------


def test_everything_comes_back_but_the_optimizer(fitted, tmp_path):
    again = round_trip(fitted, tmp_path)
    assert_same_estimator(fitted, again)
    assert_array_equal(fitted.predict_proba(X), again.predict_proba(X))
    assert_array_equal(fitted.decision_function(X), again.decision_function(X))


@pytest.mark.parametrize(
    "labels",
    [
        np.array([3, -7, 2**60]),
        np.array([3, 7, 9], np.uint8),
        np.array([0.0, -1.0, 1e15]),
        np.array([1, 2, 4], np.float32),
        np.array(["a", "long name", "zürich"]),
        np.array(["a", "b, c", 'd "e"'], object),
        np.array([False, True]),
        np.array(["no", "yes"]),
    ],
    ids=lambda labels: f"{labels.dtype}-{len(labels)}",
)
def test_labels_keep_their_type(labels, tmp_path):
    y = labels[THREE if len(labels) == 3 else TWO]
    model = classifier(**UNTRAINED).fit(X, y)
    again = round_trip(model, tmp_path)
    assert_same(model.classes_, again.classes_)
    assert_same(model.predict(X), again.predict(X))


def test_indicator_matrix(tmp_path):
    model = classifier(**UNTRAINED).fit(X, np.column_stack([TWO, 1 - TWO, THREE == 1]).astype(int))
    again = round_trip(model, tmp_path)
    assert_same_estimator(model, again)
    assert_array_equal(model.predict(X), again.predict(X))


@pytest.mark.parametrize(
    "changes",
    [
        {"solver": "lbfgs", "tol": 10.0, "learning_rate": "constant"},
        UNTRAINED,
        UNTRAINED | {"hidden_layer_sizes": ()},
        UNTRAINED | {"hidden_layer_sizes": [6, 4], "dropout": (0.1, 0.2)},
        UNTRAINED
        | {"hidden_layer_sizes": np.array([6, 4]), "schedule_params": {"end_factor": 0.1}},
    ],
    ids=str,
)
def test_other_ways_to_fit(changes, tmp_path):
    model = classifier(**changes).fit(X, THREE)
    again = round_trip(model, tmp_path)
    assert_array_equal(model.predict_proba(X), again.predict_proba(X))
    names = set(vars(model)) - set(model.get_params())
    assert names == set(vars(again)) - set(again.get_params())


def test_arguments_keep_their_types(tmp_path):
    given = {"n_iter_no_change": np.inf, "solver_params": {}, "alpha": np.float64(0.5)}
    model = classifier(**UNTRAINED, **given)
    again = round_trip(model.fit(X, THREE), tmp_path)
    assert again.get_params() == model.get_params()
    assert type(again.hidden_layer_sizes) is tuple
    assert type(again.alpha) is float


def test_arguments_that_were_changed_since(tmp_path):
    clf = classifier(**UNTRAINED).fit(X, THREE).set_params(hidden_layer_sizes=(3, 3, 3))
    again = round_trip(clf, tmp_path)
    assert again.hidden_layer_sizes == (3, 3, 3)
    assert_array_equal(again.predict(X), clf.predict(X))


def test_what_is_not_kept_is_none(tmp_path):
    given = {"random_state": np.random.RandomState(0), "callbacks": []}
    model = classifier(**UNTRAINED, **given).fit(X, THREE)
    again = round_trip(model, tmp_path)
    assert again.random_state is None
    assert again.callbacks is None


def test_transposed_arrays(fitted, tmp_path):
    model = pickle.loads(pickle.dumps(fitted))
    model.coefs_ = [np.asfortranarray(kernel) for kernel in fitted.coefs_]
    again = round_trip(model, tmp_path)
    for kernel, expected in zip(again.coefs_, fitted.coefs_, strict=True):
        assert_array_equal(kernel, expected)


def test_loaded_model_is_a_full_estimator(path):
    model = load(path)
    assert clone(model).get_params() == model.get_params()
    assert clone(model.set_params(alpha=0.5)).alpha == 0.5
    assert model.coefs_[0].flags.writeable
    save(model, path)
    assert_same_estimator(model.set_params(alpha=0.5), load(path))


def test_training_goes_on_with_a_fresh_optimizer(path):
    model = load(path).set_params(warm_start=True, early_stopping=False, max_iter=2)
    before = [kernel.copy() for kernel in model.coefs_]
    model.fit(X, THREE)
    assert model.n_iter_ == 2
    assert model.history_["epoch"].tolist() == [0, 1, 2, 3, 4]
    assert not np.array_equal(model.coefs_[0], before[0])
    model.partial_fit(X, THREE)
    assert len(model.loss_curve_) == 6


def test_column_names(tmp_path):
    frame = pd.DataFrame(X, columns=["a", "b", "ü", "d"])
    model = classifier().fit(frame, THREE)
    again = round_trip(model, tmp_path)
    assert_same(model.feature_names_in_, again.feature_names_in_)
    assert_array_equal(model.predict_proba(frame), again.predict_proba(frame))


@pytest.mark.parametrize(
    "scaler",
    [
        StandardScaler(),
        StandardScaler(with_mean=False),
        StandardScaler(with_std=False),
        StandardScaler(with_mean=False, with_std=False, copy=False),
    ],
    ids=str,
)
def test_pipelines(scaler, tmp_path):
    frame = pd.DataFrame(X, columns=list("abcd"))
    model = Pipeline([("first", scaler), ("last", classifier())]).fit(frame, THREE)
    again = round_trip(model, tmp_path)
    assert [name for name, _ in again.steps] == ["first", "last"]
    assert_same(vars(model[0]), vars(again[0]))
    assert_same_estimator(model[1], again[1])
    assert_array_equal(model.predict_proba(frame), again.predict_proba(frame))


def test_pipeline_that_hands_frames_on(tmp_path):
    frame = pd.DataFrame(X, columns=list("abcd"))
    frame.loc[0, "a"] = 1e3
    model = make_pipeline(StandardScaler(), classifier()).set_output(transform="pandas")
    model.fit(frame, THREE)
    again = round_trip(model, tmp_path)
    assert_array_equal(model.predict(frame), again.predict(frame))


def test_pipeline_of_a_classifier_alone(tmp_path):
    assert type(round_trip(make_pipeline(classifier()).fit(X, THREE), tmp_path)) is Pipeline


def test_rows_seen_by_column(tmp_path):
    scaler = StandardScaler().fit(np.where(X > 2, np.nan, X))
    model = Pipeline([("scaler", scaler), ("network", classifier().fit(X, THREE))])
    assert_same(scaler.n_samples_seen_, round_trip(model, tmp_path)[0].n_samples_seen_)


def test_same_model_same_bytes(fitted, tmp_path):
    save(fitted, tmp_path / "a")
    save(load(tmp_path / "a"), tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


# What cannot be saved -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: make_pipeline(KNNImputer(), classifier()), "'knnimputer'"),
        (lambda: make_pipeline(StandardScaler()), "must end in one of"),
        (MinMaxScaler, "MinMaxScaler"),
    ],
    ids=["other step", "no classifier", "no model"],
)
def test_other_models_are_refused_by_name(make, words, tmp_path):
    with pytest.raises(ModelFileError, match=words):
        save(make().fit(X, THREE), tmp_path / "model")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "labels",
    [np.array([1, 2, 3], object), np.array([1, 2, 3], "M8[D]"), np.array([b"a", b"b", b"c"])],
    ids=lambda labels: str(labels.dtype),
)
def test_other_labels_are_refused_by_name(fitted, labels, tmp_path):
    model = pickle.loads(pickle.dumps(fitted))
    model.classes_ = labels
    with pytest.raises(ModelFileError, match="classes_ must be"):
        save(model, tmp_path / "model")


def test_subclass_is_refused(tmp_path):
    class Special(MLPClassifier):
        def __init__(self):
            super().__init__((5,), **ARGUMENTS)

    with pytest.raises(ModelFileError, match="Special"):
        save(Special().fit(X, THREE), tmp_path / "model")


def test_unfitted_model_is_refused(tmp_path):
    with pytest.raises(NotFittedError):
        save(classifier(), tmp_path / "model")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_refused(fitted, value, tmp_path):
    model = pickle.loads(pickle.dumps(fitted))
    model.coefs_[0][0, 0] = value
    with pytest.raises(ModelFileError, match=r"coefs\.0"):
        save(model, tmp_path / "model")


def test_weights_of_other_shapes_are_refused(fitted, tmp_path):
    model = pickle.loads(pickle.dumps(fitted))
    model.coefs_[0] = model.coefs_[0][1:]
    with pytest.raises(ModelFileError, match="fit the layers"):
        save(model, tmp_path / "model")


# Writing --------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", ["fsync", "replace"])
def test_failure_leaves_the_previous_file(fitted, path, stage, monkeypatch):
    before = path.read_bytes()

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic.os, stage, fail)
    with pytest.raises(ModelFileError, match="No space left"):
        save(classifier(alpha=0.3).fit(X, THREE), path)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


def test_interruption_leaves_the_previous_file(path, monkeypatch):
    before = path.read_bytes()

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(atomic.os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        save(load(path), path)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no umask")
@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_permissions_follow_the_umask(fitted, tmp_path, umask):
    previous = os.umask(umask)
    try:
        save(fitted, tmp_path / "model")
    finally:
        os.umask(previous)
    assert stat.S_IMODE((tmp_path / "model").stat().st_mode) == 0o666 & ~umask


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_links_are_followed(fitted, tmp_path):
    link = tmp_path / "latest"
    (tmp_path / "folder").mkdir()
    link.symlink_to(tmp_path / "folder" / "model")
    save(fitted, link)
    assert link.is_symlink()
    assert os.listdir(tmp_path / "folder") == ["model"]


@pytest.mark.parametrize(("name", "words"), [("", "is a folder"), ("no/model", "does not exist")])
def test_places_that_cannot_be_written(fitted, tmp_path, name, words):
    with pytest.raises(ModelFileError, match=words):
        save(fitted, tmp_path / name)
    with pytest.raises(ModelFileError, match=words):
        atomic.check_writable(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_checking_leaves_an_existing_file_alone(path):
    before = path.read_bytes()
    atomic.check_writable(path)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


# Reading --------------------------------------------------------------------------------------


def refused(path):
    """Return the one line with which a file is refused."""
    with pytest.raises(ModelFileError) as caught:
        load(path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    return message


def test_missing_file(tmp_path):
    assert "not found" in refused(tmp_path / "none.safetensors")


def test_folder(tmp_path):
    assert "folder" in refused(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        b"a,b,target\n1,2,x\n" * 10,
        pickle.dumps({"a": 1}),
        b'{"format": "multilayer-model"}',
        b"\x00",
        bytes(8),
        bytes(4096),
        b"PK\x03\x04" + bytes(60),
    ],
    ids=["csv", "pickle", "json", "byte", "zeros", "many zeros", "zip"],
)
def test_other_kinds_of_file(content, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(content)
    assert "not a model file" in refused(path)


def test_empty_file(tmp_path):
    (tmp_path / "file").touch()
    assert "empty" in refused(tmp_path / "file")


def test_foreign_safetensors(tmp_path):
    save_file({"weight": np.ones(3)}, tmp_path / "file")
    assert "not one that multilayer wrote" in refused(tmp_path / "file")


def test_every_truncation_is_refused(path):
    content = path.read_bytes()
    for length in [*range(9, len(content), 97), len(content) - 1]:
        path.write_bytes(content[:length])
        assert "truncated" in refused(path)


def test_trailing_bytes_are_refused(path):
    path.write_bytes(path.read_bytes() + b"more")
    assert "damaged" in refused(path)


def altered(path, change_manifest=None, change_arrays=None):
    """Write a model file again with changes."""
    manifest, arrays = read_manifest(path), load_file(path)
    for change, value in ((change_manifest, manifest), (change_arrays, arrays)):
        if change is not None:
            change(value)
    save_file(arrays, path, metadata={"multilayer": json.dumps(manifest)})
    return path


def test_newer_protocol(path):
    message = refused(altered(path, lambda manifest: manifest.update(protocol=3)))
    assert "newer multilayer" in message
    assert "Upgrade" in message


def test_argument_of_a_newer_version(path):
    def change(manifest):
        manifest["steps"][0]["params"]["invented"] = 1

    assert "'invented'" in refused(altered(path, change))


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("steps",), []),
        (("steps",), None),
        (("steps", 0), 1),
        (("steps", 0, "kind"), "Other"),
        (("steps", 0, "name"), None),
        (("steps", 0, "params"), None),
        (("steps", 0, "params", "activation"), "sneaky"),
        (("steps", 0, "params", "alpha"), {"code": "x"}),
        (("steps", 0, "fitted", "classes"), None),
        (("steps", 0, "fitted", "classes", "dtype"), "M8"),
        (("steps", 0, "fitted", "classes", "values"), [1, 2]),
        (("steps", 0, "fitted", "classes", "values"), [1, [2], 3]),
        (("steps", 0, "fitted", "layer_sizes"), [4, 5]),
        (("steps", 0, "fitted", "layer_sizes"), [4, 5.5, 3]),
        (("steps", 0, "fitted", "layer_sizes"), [9, 5, 3]),
        (("steps", 0, "fitted", "feature_names"), ["a"]),
        (("steps", 0, "fitted", "seed"), True),
        (("steps", 0, "fitted", "n_iter"), "3"),
        (("steps", 0, "fitted", "history"), ["epoch", "nothing"]),
        (("format",), "other"),
        (("protocol",), "1"),
    ],
    ids=str,
)
def test_altered_descriptions_are_refused(path, where, value):
    def change(manifest):
        for key in where[:-1]:
            manifest = manifest[key]
        manifest[where[-1]] = value

    assert "damaged" in refused(altered(path, change))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda arrays: arrays.pop("MLPClassifier.coefs.1"), "'coefs.1' is missing"),
        (lambda arrays: arrays.pop("MLPClassifier.history.loss"), "'history.loss' is missing"),
        (
            lambda arrays: arrays.update({"MLPClassifier.coefs.0": np.ones((5, 4), np.float32)}),
            "shape",
        ),
        (lambda arrays: arrays.update({"MLPClassifier.intercepts.0": np.ones(5, np.int32)}), "int"),
        (lambda arrays: arrays["MLPClassifier.coefs.0"].fill(np.nan), "NaN"),
        (
            lambda arrays: arrays.update({"MLPClassifier.history.loss": np.ones(2)}),
            "differ in length",
        ),
    ],
)
def test_altered_arrays_are_refused(path, change, words):
    message = refused(altered(path, change_arrays=change))
    assert "damaged" in message
    assert words in message


def test_reading_the_description_loads_no_machinery(path):
    code = (
        "import sys; from multilayer._persist.manifest import read_manifest\n"
        f"assert read_manifest({str(path)!r})['steps'][0]['kind'] == 'MLPClassifier'\n"
        "print([m for m in ('jax', 'sklearn', 'scipy', 'pandas') if m in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    assert done.stdout.strip() == "[]"


def test_description_names_versions(path):
    versions = read_manifest(path)["versions"]
    assert versions["multilayer"] == multilayer.__version__
    assert {"python", "jax", "scikit-learn", "numpy"} <= set(versions)
