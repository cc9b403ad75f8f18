"""Encoders of raw tables as graphs: alone, before a network, and among other steps."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from multilayer import (
    InvalidArgumentError,
    MLPClassifier,
    MLPRegressor,
    TabularClassifier,
    TabularEncoder,
    to_onnx,
)

skl2onnx = pytest.importorskip("skl2onnx")

N = 40
RNG = np.random.default_rng(0)
QUICK = {"hidden_layer_sizes": (4,), "max_iter": 0, "random_state": 0}
COLOURS = RNG.choice(["red", "green", "blue"], N)
FRAME = pd.DataFrame(
    {
        "width": np.where(RNG.random(N) < 0.2, np.nan, RNG.normal(size=N)),
        "colour": COLOURS,
        "number": RNG.integers(0, 4, N),
        "name": RNG.choice([f"name {i}" for i in range(10)], N),
    }
)
ROLES = {"number": "categorical"}
UNKNOWN = FRAME.assign(colour="violet", number=99, name="", width=1e300)


@pytest.mark.parametrize("max_one_hot", [None, 4])
@pytest.mark.parametrize("smooth_clip", [True, False])
def test_an_encoder_alone(max_one_hot, smooth_clip, runner):
    encoder = TabularEncoder(
        feature_roles=ROLES, max_one_hot=max_one_hot, smooth_clip=smooth_clip
    ).fit(FRAME)
    run = runner(to_onnx(encoder))
    for rows in (FRAME, UNKNOWN):
        expected = encoder.transform(rows)
        assert_allclose(run(rows)["encoded"], expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("zone", [None, "UTC", "+05:30"])
def test_calendars(zone, runner):
    seconds = np.append(RNG.uniform(-4e9, 4e9, 500).round(3), [0, -1, 951782400, 1709164800])
    days = pd.Series(pd.to_datetime(seconds, unit="s").as_unit("ms"))
    if zone is not None:
        days = days.dt.tz_localize("UTC").dt.tz_convert(zone)
    frame = pd.DataFrame({"day": days.where(RNG.random(len(days)) > 0.1), "other": seconds})
    encoder = TabularEncoder(smooth_clip=False).fit(frame)
    assert [part for part, _ in encoder.columns_[0].parts] == [
        *("year", "month", "day", "weekday", "hour")
    ]
    moments = (
        frame["day"].dt.tz_localize(None) if zone is None else frame["day"].dt.tz_convert(None)
    )
    fed = frame.assign(day=(moments - pd.Timestamp(0)) / pd.Timedelta(seconds=1))
    found = runner(to_onnx(encoder))(fed)["encoded"]
    assert_allclose(found, encoder.transform(frame), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("sample", [None, FRAME])
def test_before_a_network(sample, runner):
    model = make_pipeline(
        TabularEncoder(feature_roles=ROLES, max_one_hot=None), MLPClassifier(**QUICK)
    )
    model.fit(FRAME, COLOURS)
    run = runner(to_onnx(model, X=sample))
    for rows in (FRAME, UNKNOWN):
        found = run(rows)
        assert_array_equal(found["label"], model.predict(rows))
        assert_allclose(found["probabilities"], model.predict_proba(rows), rtol=0, atol=1e-5)


def test_among_other_steps(runner):
    columns = ColumnTransformer(
        [
            ("table", TabularEncoder(max_one_hot=None), ["colour", "name"]),
            ("scaled", StandardScaler(), ["number"]),
        ]
    )
    model = make_pipeline(columns, MLPRegressor(**QUICK)).fit(FRAME, FRAME["number"])
    found = runner(to_onnx(model, X=FRAME))(FRAME)["variable"]
    assert_allclose(found[:, 0], model.predict(FRAME), rtol=1e-5, atol=1e-5)


def test_objects_without_names(runner):
    X = FRAME[["number", "colour"]].to_numpy()
    encoder = TabularEncoder().fit(X)
    run = runner(to_onnx(encoder, X=X))
    assert run.inputs == {"column_0": "tensor(double)", "column_1": "tensor(string)"}
    found = run(pd.DataFrame(X, columns=[*run.inputs]))["encoded"]
    assert_allclose(found, encoder.transform(X), rtol=1e-6, atol=1e-6)


@pytest.fixture(scope="module")
def of_an_array():
    X = FRAME[["width", "number"]].to_numpy()
    return TabularClassifier(n_folds=2, n_estimators=2, random_state=0).fit(X, COLOURS), X


def test_arrays(of_an_array, runner):
    model, X = of_an_array
    with pytest.raises(InvalidArgumentError, match="inputs must be given"):
        to_onnx(model)
    for given in ({"inputs": "double"}, {"X": X}):
        found = runner(to_onnx(model, **given))(X)
        assert_array_equal(found["label"], model.predict(X))
        assert_allclose(found["probabilities"], model.predict_proba(X), rtol=0, atol=1e-5)


def test_options_of_skl2onnx(of_an_array, runner):
    model, X = of_an_array
    expected = model.predict_proba(X)

    def made(**options):
        converted = skl2onnx.to_onnx(model, X[:1], options={id(model): options}, target_opset=17)
        return runner(converted)(X)

    columns = made(zipmap="columns")
    assert_allclose(columns["sblue"], expected[:, 0], rtol=0, atol=1e-5)
    numbers = made(zipmap=False, nocl=True)
    assert_array_equal(numbers["label"], expected.argmax(axis=1))
    raw = made(zipmap=False, raw_scores=True)["probabilities"]
    weights = np.exp(raw - raw.max(axis=1, keepdims=True))
    assert_allclose(weights / weights.sum(axis=1, keepdims=True), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"inputs": "double"}, "inputs must be None for a model of columns that have types"),
        ({"X": FRAME.to_numpy()[:, 1:]}, "X must be rows of 4 columns"),
        ({"X": FRAME[["width"]]}, "X must be None, an array or a data frame with the columns"),
        ({"X": FRAME.to_dict()}, "X must be None, an array or a data frame with the columns"),
    ],
)
def test_what_is_refused(arguments, message):
    encoder = TabularEncoder().fit(FRAME)
    with pytest.raises(InvalidArgumentError, match=message):
        to_onnx(encoder, **arguments)


def test_text_where_numbers_were(of_an_array):
    model, X = of_an_array
    with pytest.raises(InvalidArgumentError, match="column 0 of X must be numbers for ONNX"):
        to_onnx(model, X=X.astype(str).astype(object))
