"""Pipelines come back from their files as they were: every kind of step, on data that fits it.

Run under each release of scikit-learn, it says that files are the same everywhere.
"""

import copy
from collections import UserList
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from scipy.interpolate import BSpline
from sklearn.base import BaseEstimator, clone
from sklearn.compose import (
    TransformedTargetRegressor,
)
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    MinMaxScaler,
    PowerTransformer,
    StandardScaler,
)

from multilayer import MLPClassifier, MLPRegressor, Perceptron, load, save
from multilayer._sklearn.saving.parser import COMPOSITIONS, KINDS, TRANSFORMERS

from .step_cases import CASES, FRAME, NUMBERS, QUIET, THREE, fitted_case, same, target

pytestmark = QUIET
LOOSE = {"_transformers_feature_names_out", "memory", "random_state", "transform_input"}
"""Attributes that files do not keep, and one that only frames have."""


class Pair(NamedTuple):
    """A pipeline, the file it was saved in, and what was loaded from there."""

    model: Pipeline
    path: Path
    again: Pipeline


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Return the pair of a case; it is made when it is first asked for."""
    pairs = {}

    def pair(name):
        if name not in pairs:
            model = fitted_case(name)
            path = tmp_path_factory.mktemp("case") / "model.safetensors"
            save(model, path)
            pairs[name] = Pair(model, path, load(path))
        return pairs[name]

    return pair


def round_trip(model, folder):
    save(model, folder / "model.safetensors")
    return load(folder / "model.safetensors")


def plain(value):
    """Return a value as nested tuples that are equal where values and types are; NaN equals NaN."""
    if isinstance(value, BaseEstimator):
        return type(value), plain(vars(value))
    if isinstance(value, BSpline):
        return plain(value.t), plain(value.c), value.k, value.extrapolate
    if isinstance(value, np.ndarray) and value.dtype.kind not in "bO":
        return value.dtype.str, value.shape, repr(value.tolist())
    if isinstance(value, np.ndarray | list | tuple):
        return tuple(plain(item) for item in value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items() if key not in LOOSE}
    if isinstance(value, UserList):  # of columns, in scikit-learn 1.6
        return plain(value.data)
    if isinstance(value, np.generic):
        value = value.item()
    return value if callable(value) else repr(value)


def clone_of_choice(model):
    """Return a pipeline with the columns that its functions chose in place of the functions."""
    model = copy.deepcopy(model)
    step = model[0]
    given = zip(step.transformers, step._columns, strict=True)
    step.transformers = [(name, transformer, list(c)) for (name, transformer, _), c in given]
    return model


# Every kind of step -----------------------------------------------------------------------------


def test_every_kind_has_a_case():
    others = ("TransformedTargetRegressor", "EnsembleClassifier", "EnsembleRegressor")
    told = " ".join([*CASES, *others])
    assert [kind for kind in KINDS if kind not in told] == []
    for name, kind in (TRANSFORMERS | COMPOSITIONS).items():
        assert kind.name == kind.cls.__name__ == name


@pytest.mark.parametrize("name", CASES)
def test_everything_comes_back(name, saved, tmp_path):
    model, path, again = saved(name)
    X = CASES[name].X
    if name == "ColumnTransformer by type":  # the columns that were chosen come back, as a list
        assert plain(again) == plain(clone_of_choice(model))
    else:
        assert plain(again) == plain(model)
    same(again[:-1].transform(X), model[:-1].transform(X))
    same(again.decision_function(X), model.decision_function(X))
    same(again.predict(X), model.predict(X))
    save(again, tmp_path / "model.safetensors")
    assert (tmp_path / "model.safetensors").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("name", CASES)
def test_loaded_pipeline_can_be_fitted_anew(name, saved):
    model, _, again = saved(name)
    X = CASES[name].X
    refitted = [clone(each).fit(X, target(X)) for each in (again, model)]
    same(*(each.predict(X) for each in refitted))


@pytest.mark.parametrize("name", CASES)
def test_names_come_back(name, saved):
    model, _, again = saved(name)
    if hasattr(model[0], "get_feature_names_out"):
        same(again[0].get_feature_names_out(), model[0].get_feature_names_out())


# Compositions around an estimator ---------------------------------------------------------------

NETWORK = {"hidden_layer_sizes": (3,), "max_iter": 0, "random_state": 0}


def test_pipeline_of_a_frame_and_a_network(tmp_path):
    steps = CASES["ColumnTransformer by name"].step, MLPClassifier(**NETWORK)
    model = make_pipeline(clone(steps[0]), steps[1]).fit(FRAME, THREE)
    again = round_trip(model, tmp_path)
    same(again.predict_proba(FRAME), model.predict_proba(FRAME))
    same(again.feature_names_in_, model.feature_names_in_)
    shuffled = FRAME[["size", "income", "city", "age"]]
    same(again.predict(shuffled), model.predict(FRAME))


@pytest.mark.parametrize("transformer", [None, StandardScaler(), PowerTransformer()])
@pytest.mark.parametrize("n_targets", [1, 2])
def test_transformed_targets(transformer, n_targets, tmp_path):
    y = NUMBERS[:, 0] * 100 if n_targets == 1 else NUMBERS[:, :2] * 100
    regressor = make_pipeline(StandardScaler(), MLPRegressor(**NETWORK))
    model = TransformedTargetRegressor(regressor, transformer=transformer).fit(NUMBERS, y)
    again = round_trip(model, tmp_path)
    same(again.predict(NUMBERS), model.predict(NUMBERS))
    assert type(again.transformer) is type(transformer)
    assert again.n_features_in_ == 3


@pytest.mark.parametrize("freeze", [True, False])
def test_pipelines_within_pipelines(freeze, tmp_path):
    inner = make_pipeline(StandardScaler(), Perceptron(max_iter=2)).fit(NUMBERS, THREE)
    model = make_pipeline(MinMaxScaler(), FrozenEstimator(inner) if freeze else inner)
    again = round_trip(model.fit(NUMBERS, THREE), tmp_path)
    same(again.predict(NUMBERS), model.predict(NUMBERS))
    assert isinstance(again[-1], FrozenEstimator if freeze else Pipeline)


def test_steps_hand_frames_on(tmp_path):
    model = clone(CASES["ColumnTransformer by name"].step)
    model = make_pipeline(model.set_params(sparse_threshold=0), Perceptron(max_iter=2))
    model.set_output(transform="pandas")
    model[0].set_params(words__sparse_output=False)
    model.fit(FRAME, THREE)
    again = round_trip(model, tmp_path)
    pd.testing.assert_frame_equal(again[:-1].transform(FRAME), model[:-1].transform(FRAME))


def test_what_is_not_kept(tmp_path):
    steps = [("scale", StandardScaler()), ("net", Perceptron(max_iter=2))]
    model = Pipeline(steps, memory=str(tmp_path / "cache"), verbose=False).fit(NUMBERS, THREE)
    assert round_trip(model, tmp_path).memory is None
