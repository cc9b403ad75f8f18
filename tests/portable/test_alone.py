"""Predictors work where NumPy is all there is."""

import json
import subprocess
import sys

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    OneHotEncoder,
    PowerTransformer,
    QuantileTransformer,
    StandardScaler,
)

from multilayer import MLPClassifier, MLPRegressor, Perceptron, save
from multilayer.search import EnsembleClassifier

ABSENT = ("scipy", "sklearn", "jax", "jaxlib", "optax", "safetensors", "pandas", "joblib")
ALONE = f"""
import json, sys

for name in {ABSENT}:
    sys.modules[name] = None  # importing it raises ImportError
from multilayer import portable
import numpy as np

rows = np.load(sys.argv[1])
predictors = [portable.load(path) for path in sys.argv[2:]]
told = [[p.predict(rows).tolist(), getattr(p, "predict_proba", lambda X: [])(rows)]
        for p in predictors]
print(json.dumps(told, default=lambda array: array.tolist()))
"""


def test_nothing_but_numpy(tmp_path):
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=(40, 3)), rng.integers(0, 3, 40)])
    y = np.arange(40) % 3
    quick = {"hidden_layer_sizes": (4,), "max_iter": 0, "random_state": 0}
    parts = [
        ("normal", QuantileTransformer(n_quantiles=9, output_distribution="normal"), [0]),
        ("powers", PowerTransformer(), [1, 2]),
        ("one hot", OneHotEncoder(), [3]),
    ]
    models = [
        MLPClassifier(**quick, norm="layer", activation="gelu").fit(X, y),
        MLPRegressor("quantile", **quick).fit(X, X[:, 0]),
        Perceptron().fit(X, y),
        make_pipeline(StandardScaler(), MLPClassifier(**quick)).fit(X, y),
        make_pipeline(ColumnTransformer(parts), MLPClassifier(**quick)).fit(X, y),
        EnsembleClassifier([("one", MLPClassifier(**quick))]).fit(X, y),
    ]
    paths = [tmp_path / f"{i}.safetensors" for i in range(len(models))]
    for model, path in zip(models, paths, strict=True):
        save(model, path)
    np.save(tmp_path / "X.npy", X)
    command = [sys.executable, "-c", ALONE, tmp_path / "X.npy", *paths]
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    told = json.loads(run.stdout)
    for model, (predicted, probabilities) in zip(models, told, strict=True):
        if hasattr(model, "predict_proba"):
            assert_allclose(model.predict_proba(X), probabilities, rtol=1e-5, atol=1e-6)
            assert_array_equal(model.predict(X), predicted)
        else:
            assert_allclose(model.predict(X), predicted, rtol=1e-5, atol=1e-6)
