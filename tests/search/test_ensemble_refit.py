"""refit="ensemble": selected by predictions out of fold, and trained on all rows."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris
from sklearn.metrics import log_loss
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_predict
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler, scale

import multilayer
from multilayer import InvalidArgumentError, MLPClassifier, MLPRegressor, Perceptron
from multilayer._search.ensemble_refit import Refit
from multilayer.search import EnsembleClassifier, EnsembleRegressor, MLPSearchCV

from .conftest import SPACE

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

FOLDS = StratifiedKFold(3, shuffle=True, random_state=0)
WIDTHS = {"hidden_layer_sizes": [(8,), (7,), (6, 6)], "learning_rate_init": [0.03, 0.1]}
GIVEN = {"sampler": "grid", "pruner": None, "refit": "ensemble", "random_state": 0}


@pytest.fixture(scope="module")
def iris():
    X, y = load_iris(return_X_y=True)
    return X.astype(np.float32), np.array(["setosa", "versicolor", "virginica"])[y]


@pytest.fixture(scope="module")
def network():
    return MLPClassifier((6,), max_iter=9, batch_size=20, random_state=0)


@pytest.fixture(scope="module")
def search(iris, network):
    return MLPSearchCV(network, WIDTHS, cv=FOLDS, scoring="neg_log_loss", **GIVEN).fit(*iris)


def test_the_score_is_that_of_the_mean_out_of_fold(iris, network, search):
    X, y = iris
    weights = search.ensemble_weights_
    assert weights.shape == (7,)
    assert weights.sum() == pytest.approx(1)
    chosen = np.flatnonzero(weights)
    assert len(chosen) > 1
    each = [
        cross_val_predict(
            clone(network).set_params(**search.cv_results_["params"][row]),
            *(X, y),
            cv=FOLDS,
            method="predict_proba",
        )
        for row in chosen
    ]
    mean = np.tensordot(weights[chosen], np.array(each, np.float64), axes=1)
    mean = mean.astype(np.float32)  # whose rows add up to 1 as exactly as they can
    scores = [-log_loss(y[test], mean[test]) for _, test in FOLDS.split(X, y)]
    assert search.ensemble_score_ == pytest.approx(np.mean(scores), rel=1e-6)
    assert search.ensemble_score_ > search.best_score_ + 0.01
    # The others are those of the best configuration.
    assert search.best_score_ == search.cv_results_["mean_test_score"].max()
    assert search.best_params_ == search.cv_results_["params"][search.best_index_]


def test_members_are_trained_on_all_rows(iris, network, search):
    X, y = iris
    ensemble = search.best_estimator_
    assert type(ensemble) is EnsembleClassifier
    chosen = np.flatnonzero(search.ensemble_weights_)
    assert list(ensemble.named_estimators_) == [f"candidate{row}" for row in chosen]
    assert ensemble.weights_.tolist() == search.ensemble_weights_[chosen].tolist()
    for row, member in zip(chosen, ensemble.estimators_, strict=True):
        alone = clone(network).set_params(**search.cv_results_["params"][row]).fit(X, y)
        assert np.array_equal(member.predict_proba(X), alone.predict_proba(X))
    assert search.classes_.tolist() == ["setosa", "versicolor", "virginica"]
    assert search.score(X, y) == -log_loss(y, ensemble.predict_proba(X))
    assert search.predict(X[:2]).tolist() == ["setosa"] * 2
    assert search.refit_time_ > 0


def test_regression_with_the_best_epochs(tmp_path):
    X, y = load_diabetes(return_X_y=True)
    network = MLPRegressor(
        hidden_layer_sizes=(6,), max_iter=18, batch_size=40, standardize_target=True, random_state=0
    )
    given = GIVEN | {"pruner": "halving"}
    search = MLPSearchCV(
        network, SPACE | {"alpha": [1e-3]}, cv=KFold(3, shuffle=True, random_state=0), **given
    ).fit(scale(X), y)
    ensemble = search.best_estimator_
    assert type(ensemble) is EnsembleRegressor
    chosen = np.flatnonzero(search.ensemble_weights_)
    assert set(np.array(search.cv_results_["status"])[chosen]) == {"finished"}
    epochs = [member.n_iter_ for member in ensemble.estimators_]
    assert epochs == search.cv_results_["best_epochs"][chosen].tolist()
    assert search.ensemble_score_ + 1e-6 >= search.best_score_ > 0.2
    multilayer.save(ensemble, tmp_path / "model")
    again = multilayer.load(tmp_path / "model")
    assert np.array_equal(again.predict(scale(X)), search.predict(scale(X)))


@pytest.mark.parametrize(
    "scoring",
    ["accuracy", "roc_auc_ovr", lambda est, X, y: np.mean(est.predict_proba(X).max(axis=1))],
)
def test_any_score(iris, network, scoring):
    given = GIVEN | {"sampler": "random", "n_iter": 2}
    search = MLPSearchCV(network, WIDTHS, cv=2, scoring=scoring, **given).fit(*iris)
    assert search.ensemble_score_ >= search.best_score_ - 1e-6


def test_steps_that_all_share_come_first(iris, network, tmp_path):
    X, y = iris
    pipe = make_pipeline(StandardScaler(), network)
    space = {f"mlpclassifier__{name}": values for name, values in WIDTHS.items()}
    given = GIVEN | {"scoring": "neg_log_loss"}
    search = MLPSearchCV(pipe, space, cv=FOLDS, **given).fit(X, y)
    best = search.best_estimator_
    assert [name for name, _ in best.steps] == ["standardscaler", "mlpclassifier"]
    row = int(np.flatnonzero(search.ensemble_weights_)[0])
    alone = clone(pipe).set_params(**search.cv_results_["params"][row]).fit(X, y)
    expected = alone.predict_proba(X)
    assert np.array_equal(best[-1].estimators_[0].predict_proba(best[:-1].transform(X)), expected)
    multilayer.save(best, tmp_path / "model")
    assert np.array_equal(
        multilayer.load(tmp_path / "model").predict_proba(X), best.predict_proba(X)
    )
    clone(best).fit(X, y)


def test_steps_of_their_own(iris, network, tmp_path):
    X, y = iris
    pipe = make_pipeline(StandardScaler(), network)
    members = {name: {"standardscaler__with_std": name == "a"} for name in ("a", "b")}
    refit = Refit(pipe, X, y, {}, 0, 2)
    ensemble = refit.ensemble(members, dict.fromkeys(members, 9), np.array([0.25, 0.75]))
    assert [type(member) for member in ensemble.estimators_] == [Pipeline, Pipeline]
    for name, params in members.items():
        alone = clone(pipe).set_params(**params).fit(X, y)
        member = ensemble.named_estimators_[name]
        assert np.array_equal(member.predict_proba(X), alone.predict_proba(X))
    multilayer.save(ensemble, tmp_path / "model")
    again = multilayer.load(tmp_path / "model")
    assert np.array_equal(again.predict_proba(X), ensemble.predict_proba(X))


@pytest.mark.parametrize("columns", ["labels", "classes"])
def test_several_outputs(iris, network, columns):
    X, y = iris
    target = np.column_stack([y == "setosa", y == "virginica"]).astype(int)
    if columns == "classes":
        target = np.column_stack([y, np.where(target[:, 0], "yes", "no")])
    search = MLPSearchCV(network, WIDTHS, cv=KFold(3, shuffle=True, random_state=0), **GIVEN)
    search.fit(X, target)
    assert search.ensemble_score_ + 1e-6 >= search.best_score_ > 0.3
    assert search.predict(X).shape == (150, 2)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"estimator": Perceptron(), "param_distributions": {"alpha": [1e-4]}}, "estimators"),
        ({"estimator": MLPRegressor("quantile")}, "estimators"),
        ({"scoring": lambda est, X, y: est.coefs_[0].sum()}, "scoring"),
        ({"scoring": lambda est, X, y: est.score(X[:5], y[:5])}, "scoring"),
    ],
)
def test_what_cannot_be_averaged_is_refused_at_once(iris, network, arguments, named, monkeypatch):
    def never(self, *args):
        raise AssertionError("nothing is to be trained")

    monkeypatch.setattr("multilayer._search.lanes.Lane.train", never)
    y = np.arange(150.0) if isinstance(arguments.get("estimator"), MLPRegressor) else iris[1]
    given = {"estimator": network, "param_distributions": {"alpha": [0.1]}, **GIVEN, **arguments}
    with pytest.raises(InvalidArgumentError, match=f"^{named} must be"):
        MLPSearchCV(**given, cv=3).fit(iris[0], y)
