"""A table with every kind of column: trained, saved, and predicted in other processes.

One fit for classes and one for numbers; what is read again is compared with them.
"""

import json
import subprocess
import sys
from copy import copy
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from multilayer import (
    InvalidArgumentError,
    ModelFileError,
    TabularClassifier,
    TabularRegressor,
    load,
    portable,
    save,
    to_onnx,
)
from multilayer._cli.info import info
from multilayer._cli.model_inputs import load_model
from multilayer._core.pytrees import map_leaves
from multilayer._nn.activation_layers import activate
from multilayer._nn.column_layers import robust_scaling
from multilayer._nn.embeddings import (
    category_embedding,
    periodic_embedding,
    piecewise_linear_embedding,
)
from multilayer._nn.members import batch_ensemble, init_members, shared
from multilayer._nn.quantile_layers import quantile_scaling
from multilayer._nn.tabular_layers import linear, scaling
from multilayer.callbacks import Callback

onnxruntime = pytest.importorskip("onnxruntime")

N = 60
RNG = np.random.default_rng(0)
GAPS = RNG.random(N) < 0.2
COLOURS = RNG.choice(["red", "green", "blue"], N)
NUMBERS = RNG.normal(size=N)
SMALL = {"n_folds": 2, "n_estimators": 2, "random_state": 0}


def gaps(values, missing=None):
    return [missing if gap else value for value, gap in zip(list(values), GAPS, strict=True)]


def every_kind():
    """Return a frame of all columns that a graph of ONNX can take, and some that are dropped."""
    days = pd.date_range("2023-12-20 07:00", periods=N, freq="37h")
    return pd.DataFrame(
        {
            "number": gaps(NUMBERS, np.nan),
            "integer": RNG.integers(0, 9, N),
            "infinite": np.where(GAPS, np.inf, np.where(COLOURS == "red", -np.inf, NUMBERS)),
            "huge": NUMBERS * 1e300,
            "spelt": [f"{value:.2f}" for value in NUMBERS[::-1]],
            "nullable": pd.array(gaps(range(N)), "Int64"),
            "colour": gaps(COLOURS),
            "rare": ["first", "second", *["usual", "other"] * (N // 2 - 1)],
            "city": [f"city {i % 12}" for i in range(N)],
            "code": pd.Categorical(RNG.integers(0, 4, N)),
            "size": pd.Categorical(gaps(COLOURS[::-1]), ["red", "blue", "green"], ordered=True),
            "flag": COLOURS == "red",
            "perhaps": pd.array(gaps(NUMBERS > 0), "boolean"),
            "day": days,
            "utc": pd.Series(gaps(days[::-1], pd.NaT)).dt.tz_localize("UTC"),
            "time spent": pd.to_timedelta(RNG.integers(0, 10**6, N), unit="s"),
            "row": [f"id-{i}" for i in range(N)],
            "constant": 7,
            "empty": None,
            "again": COLOURS == "red",
        }
    )


X = every_kind()
SHIFTED = X[X.columns[::-1]].iloc[::-1].assign(colour="violet", size=None, number=np.inf)
"""Columns in another order, unknown and missing values."""


class Quiet(Callback):
    """A callback, which no file has."""


@pytest.fixture(scope="module")
def classifier():
    y = np.where(COLOURS == "red", "stop", np.where(NUMBERS > 0, "go", "wait"))
    return TabularClassifier(**SMALL, callbacks=[Quiet()], class_weight="balanced").fit(X, y)


@pytest.fixture(scope="module")
def regressor():
    return TabularRegressor(**SMALL).fit(X, 1e5 + 1e4 * NUMBERS)


@pytest.fixture(scope="module")
def files(classifier, regressor, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    paths = folder / "classifier", folder / "regressor"
    for model, path in zip((classifier, regressor), paths, strict=True):
        save(model, path)
    return paths


# The model file -----------------------------------------------------------------------------------


def test_all_that_a_fit_learnt_comes_back(classifier, regressor, files):
    for model, path in zip((classifier, regressor), files, strict=True):
        again = load(path)
        assert type(again) is type(model)
        for rows in (X, SHIFTED):
            assert_array_equal(again.predict(rows), model.predict(rows))
        assert again.report_ == model.report_
        assert again.feature_roles_ == model.feature_roles_
        assert again.summary() == model.summary()
        assert again.get_params() == model.get_params() | {"callbacks": None}
        assert (again.n_iter_, again.stop_reason_) == (model.n_iter_, model.stop_reason_)
        for name, curve in model.history_.items():
            assert_array_equal(again.history_[name], curve)
        ours, theirs = model.encoder_, again.encoder_
        assert (theirs.columns_, theirs.dropped_) == (ours.columns_, ours.dropped_)
        assert theirs.dtypes_ == ours.dtypes_
        assert_array_equal(theirs.get_feature_names_out(), ours.get_feature_names_out())
    assert_array_equal(load(files[0]).predict_proba(SHIFTED), classifier.predict_proba(SHIFTED))


def test_saved_again_the_bytes_are_the_same(files, tmp_path):
    save(load(files[0]), tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == files[0].read_bytes()


def test_an_encoder_by_itself(classifier, tmp_path, capsys):
    encoder, path = classifier.encoder_, tmp_path / "encoder"
    save(encoder, path)
    assert_array_equal(load(path).transform(SHIFTED), encoder.transform(SHIFTED))
    alone = portable.load(path)
    assert_array_equal(alone.transform(SHIFTED), encoder.transform(SHIFTED))
    assert_array_equal(alone.feature_names_in_, X.columns)
    info(path)
    shown = capsys.readouterr().out
    assert "2 boolean: 'flag', 'perhaps'" in shown
    assert "network" not in shown
    with pytest.raises(InvalidArgumentError, match="must be one that predicts"):
        load_model(path)
    with pytest.raises(ModelFileError, match="it has steps that are no model"):
        save(make_pipeline(encoder), path)


def test_what_was_loaded_is_trained_anew(classifier, files):
    again = load(files[0])
    y = classifier.predict(X)
    assert_array_equal(again.fit(X, y).predict(X), clone(classifier).fit(X, y).predict(X))


def test_info_has_roles_and_members(files, capsys):
    info(files[0], json=True)
    facts = json.loads(capsys.readouterr().out)
    assert (facts["kind"], facts["n_members"]) == ("TabularClassifier", 2)
    assert facts["classes"] == ["go", "stop", "wait"]
    assert facts["roles"]["size"] == "ordinal"
    assert facts["roles"]["row"] == facts["roles"]["again"] == "drop"
    info(files[1])
    shown = capsys.readouterr().out
    assert "2 x " in shown
    assert "2 boolean: 'flag', 'perhaps'" in shown


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scoring": max}, "scoring of TabularClassifier must be"),
        ({"n_folds": None}, "n_folds=None"),
    ],
    ids=["a function", "out of range"],
)
def test_arguments_that_no_file_has(change, message, classifier, files, tmp_path):
    model = load(files[0]).set_params(**change)
    with pytest.raises(ModelFileError, match=message):
        save(model, tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_networks_that_are_not_finite_are_not_saved(files, tmp_path):
    model = load(files[0])
    model._ensemble.params[-1].bias[0, 0] = np.nan
    with pytest.raises(ModelFileError, match="bias' contains NaN or infinity"):
        save(model, tmp_path / "model")


# With NumPy alone ---------------------------------------------------------------------------------


ALONE = """
import json, sys

for name in ("scipy", "sklearn", "jax", "jaxlib", "optax", "safetensors", "joblib"):
    sys.modules[name] = None  # importing it raises ImportError
import pandas as pd
from multilayer import portable

classifier, regressor = map(portable.load, sys.argv[2:])
X = pd.read_pickle(sys.argv[1])
found = [*(classifier.predict_proba(X), classifier.predict(X)), regressor.predict(X)]
print(json.dumps([values.tolist() for values in found]))
"""


def test_another_process_predicts_with_numpy_alone(classifier, regressor, files, tmp_path):
    for rows in (X, SHIFTED):
        rows.to_pickle(tmp_path / "rows")
        command = [sys.executable, "-c", ALONE, tmp_path / "rows", *files]
        run = subprocess.run(command, check=True, capture_output=True, text=True)
        probabilities, labels, numbers = json.loads(run.stdout)
        assert_allclose(probabilities, classifier.predict_proba(rows), rtol=0, atol=1e-6)
        assert_array_equal(labels, classifier.predict(rows))
        assert_allclose(numbers, regressor.predict(rows), rtol=1e-6)


def test_tables_of_every_library(classifier, files):
    pl, pa = pytest.importorskip("polars"), pytest.importorskip("pyarrow")
    predictor = portable.load(files[0])
    plain = X.assign(empty=X["empty"].astype(str), code=X["code"].astype(int))
    objects = plain.astype(object).where(plain.notna(), None)
    tables = {
        "polars": pl.from_pandas(plain),
        "Arrow": pa.Table.from_pandas(plain),
        "objects": objects.to_numpy(),
        "lists": objects.to_numpy().tolist(),
    }
    for name, table in tables.items():
        found = predictor.predict_proba(table)
        expected = classifier.predict_proba(X)
        assert_allclose(found, expected, rtol=0, atol=1e-6, err_msg=name)


def test_intervals(regressor, files):
    expected = regressor.predict_interval(SHIFTED, coverage=0.8)
    assert_array_equal(load(files[1]).predict_interval(SHIFTED, coverage=0.8), expected)
    predictor = portable.load(files[1])
    assert_allclose(predictor.predict_interval(SHIFTED, coverage=0.8), expected, rtol=1e-6)
    with pytest.raises(InvalidArgumentError, match=r"coverage must be at most 0\.98"):
        predictor.predict_interval(SHIFTED, coverage=0.999)


def test_columns_that_are_not_there(files):
    predictor = portable.load(files[1])
    assert len(predictor.predict(X.drop(columns=["row", "constant", "empty"]))) == N
    with pytest.raises(ValueError, match="X lacks 'city'"):
        predictor.predict(X.drop(columns="city"))


# ONNX ---------------------------------------------------------------------------------------------


def fed(rows, session):
    """Return the columns of a frame as a graph takes them, as the guide says."""
    feeds = {}
    for each in session.get_inputs():
        column = rows[each.name]
        if each.type == "tensor(string)":
            values = column.astype(object).where(column.notna(), "").to_numpy(object)
        elif column.dtype.kind == "M":
            seconds = column.dt.tz_localize(None) - pd.Timestamp(0)
            values = (seconds / pd.Timedelta(seconds=1)).to_numpy(float)
        elif column.dtype.kind == "m":
            values = column.dt.total_seconds().to_numpy()
        else:
            values = pd.to_numeric(column).to_numpy(float, na_value=np.nan)
        kinds = {"tensor(int64)": np.int64, "tensor(bool)": bool, "tensor(double)": np.float64}
        feeds[each.name] = values.astype(kinds.get(each.type, object))[:, None]
    return feeds


@pytest.mark.parametrize("opset", [17, 21])
@pytest.mark.parametrize("sample", [None, X[:3]], ids=["no sample", "sample"])
def test_graphs_predict_the_same(sample, opset, classifier, regressor):
    graphs = [to_onnx(model, X=sample, target_opset=opset) for model in (classifier, regressor)]
    first, second = (onnxruntime.InferenceSession(made.SerializeToString()) for made in graphs)
    for rows in (X, SHIFTED):
        label, probabilities = first.run(None, fed(rows, first))
        assert_array_equal(label, classifier.predict(rows))
        assert_allclose(probabilities, classifier.predict_proba(rows), rtol=0, atol=1e-5)
        (numbers,) = second.run(None, fed(rows, second))
        assert_allclose(numbers[:, 0], regressor.predict(rows), rtol=1e-5)


@pytest.fixture(scope="module")
def of_steps(classifier):
    """The classifier with another network: layers of columns one after another, some shared."""
    layout, encoded = classifier.encoder_.layout_, classifier.encoder_.transform(X)
    layers = (
        shared(robust_scaling(layout.n_numeric + layout.n_flags)),
        quantile_scaling(2, 7),
        shared(piecewise_linear_embedding(2, 5, 3)),
        periodic_embedding(3, 4, 2),
        category_embedding(layout.cardinalities, 2),
        scaling(1.0, initial="normal"),
        batch_ensemble(4, "random_signs"),
        activate("relu"),
        shared(linear(4)),
        linear(3),
    )
    params = init_members(layers, np.random.default_rng(0), encoded, 2)
    params = map_leaves(lambda leaf: leaf + np.float32(0.05), params)  # so that nothing is 0
    model = copy(classifier)
    network = replace(classifier._ensemble.network, layers=layers)
    model._ensemble = replace(classifier._ensemble, network=network, params=params, engine="xla")
    return model


def test_every_kind_of_layer_predicts_the_same_everywhere(of_steps, tmp_path):
    save(of_steps, tmp_path / "model")
    again, alone = load(tmp_path / "model"), portable.load(tmp_path / "model")
    session = onnxruntime.InferenceSession(to_onnx(of_steps, X=X).SerializeToString())
    for rows in (X, SHIFTED, X[:1]):
        expected = of_steps.predict_proba(rows)
        assert np.ptp(expected) > 0.01
        assert_array_equal(again.predict_proba(rows), expected)
        assert_allclose(alone.predict_proba(rows), expected, rtol=0, atol=1e-5)
        _, found = session.run(None, fed(rows, session))
        assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_inputs_are_the_columns_in_use(classifier):
    made = to_onnx(classifier, X=X)
    types = {each.name: each.type.tensor_type.elem_type for each in made.graph.input}
    roles = classifier.feature_roles_
    assert [*types] == [name for name, role in roles.items() if role != "drop"]
    assert (types["integer"], types["flag"], types["colour"], types["day"]) == (7, 9, 8, 11)


@pytest.mark.parametrize(
    ("column", "changes", "message"),
    [
        ("utc", {"zone": "Europe/Rome"}, "column 'utc' must have dates whose clocks never change"),
        ("colour", {"levels": (1, "red")}, "column 'colour' must have levels that are all text"),
    ],
)
def test_columns_that_no_graph_has(column, changes, message, files):
    model = load(files[1])
    encoding = model.encoder_._encoding
    columns = [
        replace(each, **changes) if each.name == column else each for each in encoding.columns
    ]
    model.encoder_._encoding = replace(encoding, columns=tuple(columns))
    with pytest.raises(InvalidArgumentError, match=message):
        to_onnx(model)
