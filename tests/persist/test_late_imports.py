"""Loading a model needs neither JAX nor Optax; predicting does, and then they come."""

import json
import subprocess
import sys

import numpy as np
from numpy.testing import assert_array_equal
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from multilayer import MLPClassifier, MLPRegressor, save
from multilayer._objectives import classification, objective
from multilayer._optim.rules import RULES
from multilayer._optim.solvers import SOLVERS

SHORT = {"max_iter": 0, "random_state": 0}  # nothing is compiled but predictions
X = np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)
THREE = np.arange(40) % 3

LOAD = """
import json, sys
import numpy as np
import multilayer

paths, rows = json.loads(sys.argv[1])
models = [multilayer.load(path) for path in paths]
early = sorted({"jax", "jaxlib", "optax"} & set(sys.modules))
X = np.load(rows)
print(json.dumps([early, [np.asarray(model.predict(X)).tolist() for model in models]]))
"""


def models():
    yield MLPClassifier((4, 4), norm="batch", residual=True, activation="gelu", **SHORT), THREE
    yield MLPClassifier((4,), weight_init="orthogonal", dropout=0.1, **SHORT), np.eye(3)[THREE]
    yield MLPClassifier((), **SHORT), np.column_stack([THREE, X[:, 0] > 0])
    yield MLPRegressor("quantile", (4,), **SHORT), X[:, 0]
    yield MLPRegressor("poisson", solver="adamw", weight_decay=0.1, **SHORT), np.exp(X[:, :2])
    other = {"solver": "sgd", "learning_rate": "step", "scoring": "accuracy"}
    yield make_pipeline(StandardScaler(), MLPClassifier((4,), **other, **SHORT)), X[:, 0] > 0


def test_loading_imports_no_jax(tmp_path):
    fitted = [model.fit(X, y) for model, y in models()]
    paths = [str(tmp_path / f"{i}.safetensors") for i in range(len(fitted))]
    for model, path in zip(fitted, paths, strict=True):
        save(model, path)
    np.save(tmp_path / "X.npy", X)
    asked = json.dumps([paths, str(tmp_path / "X.npy")])
    told = subprocess.run(
        [sys.executable, "-c", LOAD, asked], check=True, capture_output=True, text=True
    )
    early, predicted = json.loads(told.stdout)
    assert early == []
    for model, said in zip(fitted, predicted, strict=True):
        assert_array_equal(model.predict(X), np.asarray(said))


def test_names_without_functions_are_those_with():
    for loss in objective.CLASSIFICATION.values():
        assert callable(getattr(classification, loss.row_loss))
    rules = {rule for s in SOLVERS.values() for rule in (s.rule, s.rule_without_momentum)}
    unnamed = {"corrected_adam"}  # that of RealMLP and TabM, which have no argument `solver`
    assert rules - {""} | unnamed == set(RULES)
