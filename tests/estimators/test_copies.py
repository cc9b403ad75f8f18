"""Estimators copied, stored and told by their parameters, as scikit-learn does with its own."""

import copy
import pickle

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, scale

from multilayer import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SETTINGS = {"hidden_layer_sizes": (8,), "batch_size": 32, "max_iter": 5, "random_state": 0}
DATA = {
    MLPClassifier: (scale(load_iris().data), load_iris().target),
    MLPRegressor: (scale(load_diabetes().data), scale(load_diabetes().target)),
}
both = pytest.mark.parametrize("Estimator", [MLPClassifier, MLPRegressor])


@pytest.fixture(scope="module", params=[MLPClassifier, MLPRegressor], ids=lambda cls: cls.__name__)
def fitted(request):
    return request.param(**SETTINGS).fit(*DATA[request.param])


def outputs(estimator):
    """Everything that a fitted estimator says of its data."""
    X, y = DATA[type(estimator)]
    names = {"predict", "predict_proba", "decision_function", "transform"} & set(dir(estimator))
    return {name: getattr(estimator, name)(X) for name in sorted(names)} | estimator.evaluate(X, y)


def assert_same_outputs(mine, theirs):
    mine, theirs = outputs(mine), outputs(theirs)
    assert list(mine) == list(theirs)
    for name, array in mine.items():
        np.testing.assert_array_equal(array, theirs[name], err_msg=name)


# Copies -------------------------------------------------------------------------------------------


def cloudpickled(estimator, folder):
    cloudpickle = pytest.importorskip("cloudpickle", reason="only joblib from 1.6 on brings it")
    return cloudpickle.loads(cloudpickle.dumps(estimator))


def dumped(estimator, folder):
    joblib.dump(estimator, folder / "model.joblib", compress=3)
    return joblib.load(folder / "model.joblib")


def mapped(estimator, folder):
    joblib.dump(estimator, folder / "model.joblib")
    return joblib.load(folder / "model.joblib", mmap_mode="r")  # coefs_ are read-only memmaps


COPIES = {
    "pickle": lambda estimator, folder: pickle.loads(pickle.dumps(estimator)),
    "pickle, protocol 2": lambda estimator, folder: pickle.loads(pickle.dumps(estimator, 2)),
    "cloudpickle": cloudpickled,
    "joblib": dumped,
    "joblib, mapped": mapped,
    "deepcopy": lambda estimator, folder: copy.deepcopy(estimator),
    "copy": lambda estimator, folder: copy.copy(estimator),
}


@pytest.mark.parametrize("how", COPIES)
def test_a_copy_says_the_same(fitted, how, tmp_path):
    other = COPIES[how](fitted, tmp_path)
    assert other is not fitted
    assert other.get_params() == fitted.get_params()
    assert_same_outputs(other, fitted)


@pytest.mark.parametrize("how", COPIES)
@both
def test_a_copy_of_an_unfitted_one_can_be_fitted(Estimator, how, tmp_path):
    other = COPIES[how](Estimator(**SETTINGS), tmp_path)
    with pytest.raises(NotFittedError):
        other.predict(DATA[Estimator][0])
    assert_same_outputs(other.fit(*DATA[Estimator]), Estimator(**SETTINGS).fit(*DATA[Estimator]))


@pytest.mark.parametrize("how", [how for how in COPIES if how != "copy"])
def test_a_copy_goes_on_training_by_itself(fitted, how, tmp_path):
    X, y = DATA[type(fitted)]
    before = outputs(fitted)
    copies = [COPIES[how](fitted, tmp_path), copy.deepcopy(fitted)]
    for other in copies:
        other.partial_fit(X, y)
    assert_same_outputs(*copies)
    assert (outputs(copies[0])["predict"] != before["predict"]).any()
    np.testing.assert_array_equal(outputs(fitted)["predict"], before["predict"])


def test_a_lambda_as_activation_survives_cloudpickle(tmp_path):
    X, y = DATA[MLPClassifier]
    clf = MLPClassifier(**SETTINGS, activation=lambda z: z * (z > 0)).fit(X, y)
    assert_same_outputs(cloudpickled(clf, tmp_path), clf)


def test_clones_are_unfitted(fitted):
    other = clone(fitted)
    assert other.get_params() == fitted.get_params()
    assert vars(other).keys() == vars(type(fitted)()).keys()
    with pytest.raises(NotFittedError):
        other.predict(DATA[type(fitted)][0])
    assert_same_outputs(other.fit(*DATA[type(fitted)]), fitted)


def test_a_clone_in_a_pipeline(fitted):
    pipe = make_pipeline(StandardScaler(), fitted)
    other = clone(pipe)
    assert other[-1] is not fitted
    assert other[-1].get_params() == fitted.get_params()
    assert not hasattr(other[-1], "coefs_")


# Parameters ---------------------------------------------------------------------------------------


@both
def test_parameters_go_round(Estimator):
    changed = {"alpha": 0.5, "hidden_layer_sizes": [3, 4], "dropout": (0.1, 0.2), "scoring": "loss"}
    estimator = Estimator().set_params(**changed)
    params = estimator.get_params()
    assert params == Estimator(**params).get_params() == Estimator().get_params() | changed
    assert estimator.hidden_layer_sizes is changed["hidden_layer_sizes"]
    assert Estimator().set_params(**params).get_params() == params
    with pytest.raises(ValueError, match="Invalid parameter 'layers'"):
        estimator.set_params(layers=3)


@both
def test_parameters_through_a_pipeline(Estimator):
    pipe = make_pipeline(StandardScaler(), Estimator())
    name = Estimator.__name__.lower()
    pipe.set_params(**{f"{name}__alpha": 0.5})
    assert pipe[-1].alpha == pipe.get_params()[f"{name}__alpha"] == 0.5


@both
def test_representation_holds_what_was_changed(Estimator):
    estimator = Estimator(hidden_layer_sizes=(3, 4), alpha=0.5, early_stopping=True, random_state=1)
    name = Estimator.__name__
    text = repr(estimator)
    assert (
        text.split()
        == (
            f"{name}(alpha=0.5, early_stopping=True, hidden_layer_sizes=(3, 4), random_state=1)"
        ).split()
    )
    assert eval(text, {name: Estimator}).get_params() == estimator.get_params()
    assert name in estimator._repr_html_()


def test_representation_of_a_fitted_one(fitted):
    assert repr(fitted) == repr(clone(fitted))
    assert type(fitted).__name__ in fitted._repr_html_()
