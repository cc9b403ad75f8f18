"""Weighted ensembles as estimators."""

import pickle
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from multilayer import InvalidArgumentError, MLPClassifier, MLPRegressor, Perceptron
from multilayer.search import EnsembleClassifier, EnsembleRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
THREE = np.array(["a", "b", "c"])[np.arange(60) % 3]
QUICK = {"max_iter": 3, "batch_size": 20, "random_state": 0}


def classifiers(**arguments):
    members = [("wide", MLPClassifier((6,), **QUICK)), ("deep", MLPClassifier((3, 3), **QUICK))]
    return EnsembleClassifier(members, **arguments)


def regressors(**arguments):
    sizes = {"wide": (6,), "deep": (3, 3)}
    members = [(n, MLPRegressor(hidden_layer_sizes=h, **QUICK)) for n, h in sizes.items()]
    return EnsembleRegressor(members, **arguments)


def test_the_mean_of_probabilities():
    ensemble = classifiers(weights=[3, 1]).fit(X, THREE)
    each = [clone(member).fit(X, THREE).predict_proba(X) for _, member in ensemble.estimators]
    expected = 0.75 * each[0] + 0.25 * each[1]
    assert np.array_equal(ensemble.predict_proba(X), expected)
    assert np.array_equal(ensemble.predict(X), ensemble.classes_[expected.argmax(axis=1)])
    assert ensemble.score(X, THREE) == np.mean(ensemble.predict(X) == THREE)
    assert ensemble.predict_proba(X.astype(np.float32)).dtype == np.float32
    assert ensemble.weights_.tolist() == [0.75, 0.25]
    assert list(ensemble.named_estimators_) == ["wide", "deep"]
    assert ensemble.n_features_in_ == 4
    assert ensemble.feature_importances(X, THREE, n_repeats=1, random_state=0).n_rows == 60


def test_the_mean_of_numbers():
    for y in (X[:, 0] * 3, X[:, :2]):
        ensemble = regressors().fit(X, y)
        each = [clone(member).fit(X, y).predict(X) for _, member in ensemble.estimators]
        np.testing.assert_allclose(ensemble.predict(X), np.mean(each, axis=0), rtol=1e-12)


@pytest.mark.parametrize(
    "y",
    [
        np.column_stack([THREE == "a", THREE == "b"]).astype(int),
        np.column_stack([THREE, np.where(X[:, 0] > 0, "high", "low")]),
    ],
    ids=["labels", "columns of classes"],
)
def test_several_outputs(y):
    ensemble = classifiers(weights=[1, 0]).fit(X, y)
    alone = clone(ensemble.estimators[0][1]).fit(X, y)
    assert np.array_equal(ensemble.predict(X), alone.predict(X))
    for ours, theirs in zip(ensemble.predict_proba(X), alone.predict_proba(X), strict=True):
        assert np.array_equal(ours, theirs)
    assert ensemble.score(X, y) == alone.score(X, y)


def test_weights_of_samples_reach_the_members():
    pipe = make_pipeline(StandardScaler(), MLPClassifier((6,), **QUICK))
    weights = np.linspace(0, 2, 60)
    ensemble = EnsembleClassifier([("plain", pipe[-1]), ("pipe", pipe)])
    ensemble.fit(X, THREE, sample_weight=weights)
    plain = clone(pipe[-1]).fit(X, THREE, sample_weight=weights)
    behind = clone(pipe).fit(X, THREE, mlpclassifier__sample_weight=weights)
    expected = (plain.predict_proba(X) + behind.predict_proba(X)) / 2
    np.testing.assert_allclose(ensemble.predict_proba(X), expected, rtol=1e-12)


def test_of_fitted_ones():
    fitted = [(name, clone(each).fit(X, THREE)) for name, each in classifiers().estimators]
    ensemble = EnsembleClassifier.from_fitted(fitted, [1, 3])
    assert [member for _, member in fitted] == ensemble.estimators_
    assert np.array_equal(ensemble.predict_proba(X), clone(ensemble).fit(X, THREE).predict_proba(X))
    again = pickle.loads(pickle.dumps(ensemble))
    assert np.array_equal(again.predict_proba(X), ensemble.predict_proba(X))


def test_arguments_by_name():
    ensemble = classifiers()
    assert ensemble.get_params()["wide__hidden_layer_sizes"] == (6,)
    ensemble.set_params(wide__max_iter=1, weights=[1, 2])
    assert ensemble.fit(X, THREE).named_estimators_["wide"].n_iter_ == 1
    before = ensemble.predict_proba(X)
    ensemble.set_params(deep=MLPClassifier((2,)))  # what is fitted stays
    assert np.array_equal(ensemble.predict_proba(X), before)


NETWORK = MLPClassifier((2,), **QUICK)


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: EnsembleClassifier([]), "estimators"),
        (lambda: EnsembleClassifier([NETWORK]), "estimators"),
        (lambda: EnsembleClassifier([("a", NETWORK), ("a", NETWORK)]), "estimators"),
        (lambda: EnsembleClassifier([("a__b", NETWORK)]), "estimators"),
        (lambda: EnsembleClassifier([("a", LogisticRegression())]), "estimators"),
        (lambda: EnsembleClassifier([("a", Perceptron())]), "estimators"),
        (lambda: EnsembleClassifier([("a", MLPRegressor())]), "estimators"),
        (lambda: EnsembleRegressor([("a", NETWORK)]), "estimators"),
        (lambda: EnsembleRegressor([("a", MLPRegressor("quantile"))]), "estimators"),
        (lambda: EnsembleRegressor([("a", MLPRegressor("gaussian_nll"))]), "estimators"),
        (lambda: classifiers(weights=[1]), "weights"),
        (lambda: classifiers(weights=[1, -1]), "weights"),
        (lambda: classifiers(weights=[0, 0]), "weights"),
        (lambda: classifiers(weights=[1, np.nan]), "weights"),
        (lambda: classifiers(weights="equal"), "weights"),
    ],
)
def test_wrong_arguments(make, named, monkeypatch):
    def never(self, *args, **kwargs):
        raise AssertionError("nothing is to be trained")

    monkeypatch.setattr(MLPClassifier, "fit", never)
    with pytest.raises(InvalidArgumentError, match=f"^{named} must be"):
        make().fit(X, THREE)


def test_what_does_not_belong_together():
    one, two = (clone(NETWORK).fit(X, y) for y in (THREE, THREE == "a"))
    narrow = clone(NETWORK).fit(X[:, :2], THREE)
    for other in (two, narrow):
        with pytest.raises(InvalidArgumentError, match="same columns and targets"):
            EnsembleClassifier.from_fitted([("one", one), ("other", other)])
    with pytest.raises(NotFittedError):
        EnsembleClassifier.from_fitted([("one", one), ("other", NETWORK)])
    flat, table = (MLPRegressor(**QUICK).fit(X, y) for y in (X[:, 0], X[:, :2]))
    with pytest.raises(InvalidArgumentError, match="same columns and targets"):
        EnsembleRegressor.from_fitted([("one", flat), ("other", table)])


# In float64 weights of rows are as good as copies of them.
EXACT = {"precision": "float64", "random_state": 0}


@pytest.mark.parametrize(
    "estimator",
    [
        EnsembleClassifier(
            [
                ("one", MLPClassifier((20,), **EXACT)),
                ("other", MLPClassifier((10,), **EXACT)),
            ],
            weights=[2, 1],
        ),
        EnsembleRegressor(
            [(f"of{n}", MLPRegressor(hidden_layer_sizes=(n,), **EXACT)) for n in (40, 50)]
        ),
    ],
    ids=["classifier", "regressor"],
)
def test_contract(estimator):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of checks that are left out
        results = check_estimator(estimator, on_fail=None)
    assert [r["check_name"] for r in results if r["status"] == "failed"] == []
