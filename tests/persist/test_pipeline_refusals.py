"""What a pipeline must not have in it to be saved: each refusal names the step and the reason."""

import numpy as np
import pytest
from sklearn.compose import (
    ColumnTransformer,
    TransformedTargetRegressor,
)
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import SelectKBest
from sklearn.impute import KNNImputer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline, make_union
from sklearn.preprocessing import (
    FunctionTransformer,
    Normalizer,
    OneHotEncoder,
    PolynomialFeatures,
    StandardScaler,
)

from multilayer import MLPRegressor, ModelFileError, Perceptron, save

from .step_cases import NUMBERS, QUIET, TEXT, THREE

pytestmark = QUIET
NETWORK = {"hidden_layer_sizes": (3,), "max_iter": 0, "random_state": 0}


class OwnScaler(StandardScaler):
    """A class that no file can name."""


def negate(X):
    return -X


FIRST = ColumnTransformer([("a", StandardScaler(), [0, 1, 2]), ("b", StandardScaler(), [])])
REST = ColumnTransformer([("a", StandardScaler(), [0, 1, 2])], remainder=StandardScaler())
REFUSED = {
    "a function": (FunctionTransformer(negate), NUMBERS, "no func"),
    "another kind": (KNNImputer(), NUMBERS, "step 'step'.*KNNImputer"),
    "a subclass": (OwnScaler(), NUMBERS, "step 'step'.*OwnScaler"),
    "another kind inside": (
        make_union(StandardScaler(), KNNImputer()),
        NUMBERS,
        "step 'knnimputer'.*Apply it to the data beforehand",
    ),
    "an own score": (
        SelectKBest(lambda X, y: X[0], k=1),
        NUMBERS,
        "score_func of SelectKBest must be",
    ),
    "an own name": (
        OneHotEncoder(feature_name_combiner=lambda feature, value: f"{feature}{value}"),
        TEXT,
        "feature_name_combiner of OneHotEncoder must be",
    ),
    "no columns": (FIRST, NUMBERS, r"\['b'\] got none"),
    "no remaining columns": (REST, NUMBERS, r"\['remainder'\] got none"),
    "powers": (PolynomialFeatures(65), NUMBERS[:, :1], "at most 64 powers"),
    "dates": (
        OneHotEncoder(),
        np.array(["2026-01-01", "2026-01-02"] * 30, "M8[D]")[:, None],
        "categories_ must be booleans, integers, floats or strings",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_say_which_step_and_why(name, tmp_path):
    step, X, words = REFUSED[name]
    model = Pipeline([("step", step), ("net", Perceptron(max_iter=2))]).fit(X, THREE)
    with pytest.raises(ModelFileError, match=words):
        save(model, tmp_path / "model.safetensors")
    assert not list(tmp_path.iterdir())


def test_functions_of_targets_are_refused(tmp_path):
    regressor = MLPRegressor(**NETWORK)
    model = TransformedTargetRegressor(regressor, func=np.cbrt, inverse_func=np.square)
    with pytest.raises(ModelFileError, match=r"no func.*Give a transformer"):
        save(model.set_params(check_inverse=False).fit(NUMBERS, NUMBERS[:, 0]), tmp_path / "model")


def test_pipeline_without_an_estimator_is_refused(tmp_path):
    with pytest.raises(ModelFileError, match="must end in one of"):
        save(make_pipeline(StandardScaler()).fit(NUMBERS), tmp_path / "model")


def test_search_says_what_to_save(tmp_path):
    search = GridSearchCV(Perceptron(), {"eta0": [1.0]}, cv=2).fit(NUMBERS, THREE)
    with pytest.raises(ModelFileError, match="Save its best_estimator_"):
        save(search, tmp_path / "model")
    save(search.best_estimator_, tmp_path / "model")


@pytest.mark.parametrize("step", [Normalizer(), StandardScaler(), make_union(PCA(1))])
def test_unfitted_step_is_refused(step, tmp_path):
    model = Pipeline([("step", step), ("net", Perceptron().fit(NUMBERS, THREE))])
    with pytest.raises(NotFittedError):
        save(model, tmp_path / "model")
