"""The estimators in scikit-learn's searches, curves and means of inspection."""

import numpy as np
import pytest
from scipy.stats import loguniform
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris
from sklearn.experimental import enable_halving_search_cv  # noqa: F401 (HalvingRandomSearchCV)
from sklearn.feature_selection import SequentialFeatureSelector
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.model_selection import (
    GridSearchCV,
    HalvingRandomSearchCV,
    RandomizedSearchCV,
    StratifiedKFold,
    cross_val_predict,
    cross_validate,
    learning_curve,
    validation_curve,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, scale

from multilayer import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

# The same few shapes all over: each one is a program to compile.
SETTINGS = {
    "hidden_layer_sizes": (8,),
    "batch_size": 32,
    "learning_rate_init": 0.02,
    "max_iter": 30,
    "random_state": 0,
}
RAW_IRIS = load_iris(as_frame=True).data
IRIS, SPECIES = scale(RAW_IRIS.to_numpy()), load_iris().target
DIABETES, GRADE = (scale(part) for part in load_diabetes(return_X_y=True))
FOLDS = StratifiedKFold(3, shuffle=True, random_state=0)


def classifier(**arguments):
    return MLPClassifier(**SETTINGS | arguments)


def regressor(**arguments):
    return MLPRegressor(**SETTINGS | arguments)


def assert_same(mine, theirs):
    np.testing.assert_array_equal(np.asarray(mine), np.asarray(theirs))


# Searches and scores ------------------------------------------------------------------------------


def test_grid_search():
    pipe = make_pipeline(StandardScaler(), classifier())
    grid = {"mlpclassifier__learning_rate_init": [1e-6, 0.02], "mlpclassifier__alpha": [1e-4, 1e-3]}
    search = GridSearchCV(pipe, grid, cv=FOLDS).fit(RAW_IRIS, SPECIES)
    assert search.best_params_["mlpclassifier__learning_rate_init"] == 0.02
    assert search.best_score_ > 0.9
    direct = clone(pipe).set_params(**search.best_params_).fit(RAW_IRIS, SPECIES)
    assert_same(search.predict_proba(RAW_IRIS), direct.predict_proba(RAW_IRIS))


def test_randomised_search():
    rates = {"learning_rate_init": loguniform(1e-6, 0.1)}
    search = RandomizedSearchCV(
        regressor(), rates, n_iter=4, cv=3, scoring="neg_mean_squared_error", random_state=0
    ).fit(DIABETES, GRADE)
    tried = search.cv_results_["param_learning_rate_init"].astype(float)
    assert len(set(tried)) == 4
    assert search.best_params_["learning_rate_init"] > tried.min()
    assert search.best_score_ > -0.7


def test_halving_search_over_epochs():
    search = HalvingRandomSearchCV(
        classifier(),
        {"learning_rate_init": [1e-7, 1e-6, 0.03]},
        resource="max_iter",
        n_candidates=3,
        min_resources=10,
        max_resources=30,
        cv=FOLDS,
        random_state=0,
    ).fit(IRIS, SPECIES)
    assert (search.n_resources_, search.n_candidates_) == ([10, 30], [3, 1])
    assert search.best_params_ == {"learning_rate_init": 0.03, "max_iter": 30}
    assert search.best_score_ > 0.9


def test_cross_validation_returns_its_estimators():
    found = cross_validate(classifier(), IRIS, SPECIES, cv=FOLDS, return_estimator=True)
    for fold, (train, test) in enumerate(FOLDS.split(IRIS, SPECIES)):
        direct = classifier().fit(IRIS[train], SPECIES[train])
        assert_same(found["estimator"][fold].coefs_[0], direct.coefs_[0])
        assert found["test_score"][fold] == direct.score(IRIS[test], SPECIES[test]) > 0.85


def test_cross_validated_predictions():
    p = cross_val_predict(classifier(), IRIS, SPECIES, cv=FOLDS, method="predict_proba")
    for train, test in FOLDS.split(IRIS, SPECIES):
        direct = classifier().fit(IRIS[train], SPECIES[train])
        assert_same(p[test], direct.predict_proba(IRIS[test]))


def test_learning_curve():
    sizes, train, test = learning_curve(
        classifier(),
        IRIS,
        SPECIES,
        train_sizes=[20, 100],
        cv=FOLDS,
        shuffle=True,
        random_state=0,
    )
    assert_same(sizes, [20, 100])
    assert train.shape == test.shape == (2, 3)
    assert test[1].mean() > max(0.9, test[0].mean())


def test_validation_curve():
    train, test = validation_curve(
        regressor(), DIABETES, GRADE, param_name="alpha", param_range=[1e-4, 1e4], cv=3
    )
    assert train.shape == test.shape == (2, 3)
    assert (train[0] > 0.4).all()
    assert (train[1] < 0.2).all()  # weights held at zero


# Inspection ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fitted():
    return classifier().fit(IRIS, SPECIES)


def test_permutation_importance(fitted):
    found = permutation_importance(fitted, IRIS, SPECIES, n_repeats=5, random_state=0)
    assert found.importances.shape == (4, 5)
    sepals, petals = found.importances_mean[:2], found.importances_mean[2:]
    assert petals.min() > max(0.05, sepals.max())


def test_partial_dependence(fitted):
    found = partial_dependence(fitted, IRIS, features=[2], grid_resolution=5)
    assert found["average"].shape == (3, 5)
    for i, value in enumerate(found["grid_values"][0]):
        altered = IRIS.copy()
        altered[:, 2] = value
        expected = fitted.predict_proba(altered).mean(axis=0)
        np.testing.assert_allclose(found["average"][:, i], expected, rtol=1e-5)


def test_feature_selection():
    chosen = SequentialFeatureSelector(classifier(), n_features_to_select=1, cv=FOLDS)
    chosen.fit(IRIS, SPECIES)
    assert chosen.get_support()[2:].sum() == 1  # a petal's measure tells most
    assert chosen.transform(IRIS).shape == (150, 1)


def test_decision_boundary():
    matplotlib = pytest.importorskip("matplotlib", reason="the display is drawn with matplotlib")
    matplotlib.use("Agg")  # no screen
    from matplotlib import pyplot
    from sklearn.inspection import DecisionBoundaryDisplay

    clf = classifier().fit(IRIS[:, 2:], SPECIES)
    shown = DecisionBoundaryDisplay.from_estimator(
        clf, IRIS[:, 2:], response_method="predict", grid_resolution=10
    )
    grid = np.column_stack([shown.xx0.ravel(), shown.xx1.ravel()])
    assert_same(shown.response.ravel(), clf.predict(grid))
    assert len(np.unique(shown.response)) == 3
    pyplot.close("all")
