"""Ensembles for raw tables that were never trained: small, of every kind of layer and column."""

import numpy as np
import pandas as pd

from multilayer import TabularClassifier, TabularEncoder, TabularRegressor
from multilayer._core.types import REPORT_COLUMNS
from multilayer._engine.history import History
from multilayer._nn.activation_layers import activate, parametric, scheduled_dropout
from multilayer._nn.column_layers import n_bins, robust_scaling, table_inputs
from multilayer._nn.embeddings import (
    category_embedding,
    periodic_embedding,
    piecewise_linear_embedding,
)
from multilayer._nn.members import (
    Members,
    batch_ensemble,
    init_layers,
    init_members,
    shared,
    stacked,
)
from multilayer._nn.quantile_layers import quantile_scaling
from multilayer._nn.tabular_layers import linear, ntk_dense, scaling
from multilayer._sklearn.tabular.ensemble import Ensemble, TabularReport

N, N_MEMBERS = 24, 2
RNG = np.random.default_rng(0)
TABLE = pd.DataFrame(
    {
        "number": np.where(np.arange(N) % 5 == 0, np.nan, RNG.normal(size=N).round(2)),
        "text": RNG.choice(["a", "b", "c"], N),
        "many": [f"city {i % 11}" for i in range(N)],
        "mixed": pd.Series([1, "one", 2.5, None] * (N // 4), dtype=object),
        "rank": pd.Categorical(RNG.choice(["low", "mid", "high"], N), ["low", "mid", "high"], True),
        "flag": RNG.random(N) > 0.5,
        "day": pd.date_range("2024-02-27", periods=N, freq="31h", tz="Europe/Rome"),
        "nothing": np.zeros(N),
    }
)


def encoded(**arguments):
    """Return a fitted encoder."""
    return TabularEncoder(max_one_hot=4, **arguments).fit(TABLE)


def ensemble(encoder, n_outputs, temperature=1.0):
    """Return an ensemble as it was drawn."""
    X, layout = encoder.transform(TABLE), encoder.layout_
    bins = tuple(n_bins(column, 3) for column in X[:, : layout.n_numeric].T)
    layers = (
        table_inputs(layout.n_numeric, layout.n_flags, layout.cardinalities, bins, 2),
        scheduled_dropout(0.25),
        scaling(),
        ntk_dense(3),
        parametric("mish"),
        ntk_dense(3),
        activate("selu"),
        ntk_dense(n_outputs),
    )
    rng = np.random.default_rng(0)
    params = stacked([init_layers(layers, rng, X) for _ in range(N_MEMBERS)])
    network = Members(layers, N_MEMBERS).at_prediction()
    return Ensemble(network, params, np.array([0.25, 0.75]), temperature, "xla")


def ensemble_of_steps(encoder, n_outputs):
    """Return an ensemble of layers that read columns one after another, some of them shared."""
    X, layout = encoder.transform(TABLE), encoder.layout_
    n = layout.n_numeric
    layers = (
        shared(robust_scaling(n + layout.n_flags)),
        shared(quantile_scaling(n, 3)),
        periodic_embedding(1, 3, 2),
        shared(piecewise_linear_embedding(2, 3, 2)),
        category_embedding(layout.cardinalities, 2),
        batch_ensemble(3, "normal"),
        activate("relu"),
        shared(linear(3)),
        linear(n_outputs),
    )
    params = init_members(layers, np.random.default_rng(0), X, N_MEMBERS)
    network = Members(layers, N_MEMBERS).at_prediction()
    return Ensemble(network, params, np.array([0.5, 0.5]), 1.0, "xla")


def fitted(estimator, encoder, own, learnt):
    """Return an estimator with the attributes that a fit sets."""
    history = History()
    history.add(np.zeros((2, len(REPORT_COLUMNS) - 3)), 8, 0.5)
    estimator.encoder_, estimator._ensemble, estimator._history = encoder, own, history
    estimator._learnt = estimator._targets(**learnt)
    estimator.n_features_in_, estimator.feature_names_in_ = 8, np.array(TABLE.columns, object)
    estimator.n_iter_, estimator.stop_reason_ = 2, "max_iter"
    estimator.report_ = TabularReport(
        *(N, N_MEMBERS, 2, ("plain", "other"), (0.5, 0.5), (0, 1)),
        *(2, 16, own.temperature, 0.5, 0.75, "max_iter", 0.1, 0.2),
    )
    return estimator


def classifier():
    """Return a classifier of three classes."""
    encoder = encoded(smooth_clip=False)
    own = ensemble(encoder, 3, temperature=1.5)
    model = TabularClassifier(class_weight={"x": 2.0, "y": 1.0, "z": 1.0}, scoring="accuracy")
    return fitted(model, encoder, own, {"classes": np.array(["x", "y", "z"])})


def regressor():
    """Return a regressor of two targets."""
    encoder = encoded(feature_roles={"text": "drop"})
    two = np.array([1.0, 2.0])
    learnt = {"mean": two, "spread": two, "low": -9 * two, "high": 9 * two, "one_column": False}
    model = fitted(TabularRegressor(time_budget=5), encoder, ensemble_of_steps(encoder, 2), learnt)
    model._errors = np.sort(RNG.random((N, 2)), axis=0)
    return model
