"""Weights and validation data that scikit-learn routes through pipelines and searches."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_diabetes, load_iris
from sklearn.decomposition import PCA
from sklearn.ensemble import VotingClassifier, VotingRegressor
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.feature_selection import SelectKBest
from sklearn.model_selection import GridSearchCV, KFold, cross_validate
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from multilayer import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SETTINGS = {
    "hidden_layer_sizes": (6,),
    "batch_size": 32,
    "learning_rate_init": 0.02,
    "max_iter": 30,
    "n_iter_no_change": 3,
    "early_stopping": True,
    "random_state": 0,
}


def halves(X, y):
    """Rows to train on and rows to validate on: other numbers of them, so none stands for both."""
    order = np.random.default_rng(0).permutation(len(y))
    train, held_out = order[: 2 * len(y) // 3], order[2 * len(y) // 3 :]
    return X[train], y[train], X[held_out], y[held_out]


diabetes = load_diabetes(scaled=False)
DATA = {
    MLPClassifier: halves(load_iris().data, load_iris().target),
    MLPRegressor: halves(diabetes.data, (diabetes.target - 150) / 77),
}
both = pytest.mark.parametrize("Estimator", list(DATA))


@pytest.fixture(autouse=True)
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


def weights(n):
    return np.linspace(0.1, 2, n)


def asking(Estimator, *names, **arguments):
    """An estimator that asks for these arguments of fit."""
    return Estimator(**SETTINGS | arguments).set_fit_request(**dict.fromkeys(names, True))


def pipeline(*steps, transform_input=None):
    named = [(type(step).__name__.lower(), step) for step in steps[:-1]]
    return Pipeline([*named, ("network", steps[-1])], transform_input=transform_input)


def unweighted_scaler():
    return StandardScaler().set_fit_request(sample_weight=False)


def assert_same(mine, theirs):
    """The same training to the bit: curves, the epoch that was kept, its weights."""
    for name in ("epoch", "loss", "validation_loss", "validation_score"):
        a, b = mine.history_[name], theirs.history_[name]
        np.testing.assert_array_equal(a, b, err_msg=name)
    assert mine.validation_scores_ == theirs.validation_scores_
    assert mine.best_validation_score_ == theirs.best_validation_score_
    assert (mine.n_iter_, mine.stop_reason_) == (theirs.n_iter_, theirs.stop_reason_)
    for a, b in zip(
        mine.coefs_ + mine.intercepts_, theirs.coefs_ + theirs.intercepts_, strict=True
    ):
        np.testing.assert_array_equal(a, b)


def differs(mine, theirs):
    a, b = mine.history_["validation_loss"], theirs.history_["validation_loss"]
    return len(a) != len(b) or (a != b).any()


# Validation data ----------------------------------------------------------------------------------


@both
def test_early_stopping_in_a_pipeline_sees_transformed_validation_data(Estimator):
    X, y, X_val, y_val = DATA[Estimator]
    pipe = pipeline(
        StandardScaler(), asking(Estimator, "X_val", "y_val"), transform_input=["X_val"]
    )
    pipe.fit(X, y, X_val=X_val, y_val=y_val)

    scaler = StandardScaler().fit(X)  # on the training rows alone
    fit = Estimator(**SETTINGS).fit
    by_hand = fit(scaler.transform(X), y, X_val=scaler.transform(X_val), y_val=y_val)
    assert_same(pipe[-1], by_hand)
    assert pipe.score(X_val, y_val) == pytest.approx(by_hand.best_validation_score_, rel=1e-5)

    # What it must not be: as it came, or scaled by what only the validation rows know.
    fit = Estimator(**SETTINGS).fit
    assert differs(by_hand, fit(scaler.transform(X), y, X_val=X_val, y_val=y_val))
    fit = Estimator(**SETTINGS).fit
    together = StandardScaler().fit(np.concatenate([X, X_val]))
    leaked = fit(scaler.transform(X), y, X_val=together.transform(X_val), y_val=y_val)
    assert differs(by_hand, leaked)


@both
def test_without_transform_input_validation_data_come_as_they_are(Estimator):
    X, y, X_val, y_val = DATA[Estimator]
    pipe = pipeline(StandardScaler(), asking(Estimator, "X_val", "y_val"))
    pipe.fit(X, y, X_val=X_val, y_val=y_val)
    by_hand = Estimator(**SETTINGS)
    assert_same(
        pipe[-1], by_hand.fit(StandardScaler().fit_transform(X), y, X_val=X_val, y_val=y_val)
    )


def test_validation_data_go_through_every_step():
    X, y, X_val, y_val = DATA[MLPClassifier]
    names = ["X_val", "y_val", "sample_weight_val"]
    steps = StandardScaler(), PCA(random_state=0), SelectKBest(k=3)
    pipe = pipeline(*steps, asking(MLPClassifier, *names), transform_input=["X_val"])
    weight = weights(len(y_val))
    pipe.fit(X, y, X_val=X_val, y_val=y_val, sample_weight_val=weight)
    by_hand = MLPClassifier(**SETTINGS).fit(
        pipe[:-1].transform(X),
        y,
        X_val=pipe[:-1].transform(X_val),
        y_val=y_val,
        sample_weight_val=weight,
    )
    assert_same(pipe[-1], by_hand)
    assert pipe[-1].n_features_in_ == 3


def test_tables_of_numbers_and_words():
    X, y, X_val, y_val = DATA[MLPClassifier]

    def table(rows):
        words = np.where(rows[:, 3] > 1, "broad", "narrow")
        return pd.DataFrame(rows, columns=list("abcd")).assign(word=words)

    columns = make_column_transformer(
        (StandardScaler(), list("abcd")), (OneHotEncoder(sparse_output=False), ["word"])
    )
    network = asking(MLPClassifier, "X_val", "y_val")
    pipe = pipeline(columns, network, transform_input=["X_val"]).set_output(transform="pandas")
    pipe.fit(table(X), y, X_val=table(X_val), y_val=y_val)
    plain = clone(columns).fit(table(X))
    by_hand = MLPClassifier(**SETTINGS).fit(
        plain.transform(table(X)), y, X_val=plain.transform(table(X_val)), y_val=y_val
    )
    assert_same(pipe[-1], by_hand)
    assert list(pipe[-1].feature_names_in_) == list(columns.get_feature_names_out())


# Weights ------------------------------------------------------------------------------------------


@both
def test_weights_through_a_pipeline(Estimator):
    X, y, _, _ = DATA[Estimator]
    pipe = pipeline(unweighted_scaler(), asking(Estimator, "sample_weight", early_stopping=False))
    pipe.fit(X, y, sample_weight=weights(len(y)))
    rows = StandardScaler().fit_transform(X)
    fit = Estimator(**SETTINGS | {"early_stopping": False}).fit
    by_hand = fit(rows, y, sample_weight=weights(len(y)))
    np.testing.assert_array_equal(pipe[-1].loss_curve_, by_hand.loss_curve_)
    fit = Estimator(**SETTINGS | {"early_stopping": False}).fit
    assert (np.array(fit(rows, y).loss_curve_[:1]) != by_hand.loss_curve_[:1]).all()


@both
def test_search_with_weights_and_validation_data(Estimator):
    X, y, X_val, y_val = DATA[Estimator]
    weight = weights(len(y))
    network = asking(Estimator, "sample_weight", "X_val", "y_val")
    network.set_score_request(sample_weight=True)
    pipe = pipeline(unweighted_scaler(), network, transform_input=["X_val"])
    folds = KFold(3, shuffle=True, random_state=0)
    search = GridSearchCV(pipe, {"network__learning_rate_init": [1e-6, 0.02]}, cv=folds)
    search.fit(X, y, sample_weight=weight, X_val=X_val, y_val=y_val)
    assert search.best_params_ == {"network__learning_rate_init": 0.02}
    scaler = StandardScaler().fit(X)
    by_hand = Estimator(**SETTINGS).fit(
        scaler.transform(X),
        y,
        sample_weight=weight,
        X_val=scaler.transform(X_val),
        y_val=y_val,
    )
    assert_same(search.best_estimator_[-1], by_hand)
    # And in the folds, the weights of the fold's rows, in fit and in score.
    train, test = next(folds.split(X))
    scaler = StandardScaler().fit(X[train])
    by_hand = Estimator(**SETTINGS).fit(
        scaler.transform(X[train]),
        y[train],
        sample_weight=weight[train],
        X_val=scaler.transform(X_val),
        y_val=y_val,
    )
    expected = by_hand.score(scaler.transform(X[test]), y[test], sample_weight=weight[test])
    assert search.cv_results_["split0_test_score"][1] == expected


@both
def test_cross_validation_takes_parameters(Estimator):
    X, y, X_val, y_val = DATA[Estimator]
    network = asking(Estimator, "X_val", "y_val")
    params = {"X_val": X_val, "y_val": y_val}
    found = cross_validate(network, X, y, cv=3, params=params, return_estimator=True)
    for fitted in found["estimator"]:
        figures = fitted.score(X_val, y_val)
        assert figures == pytest.approx(fitted.best_validation_score_, rel=1e-5)


@both
def test_ensembles_hand_validation_data_on(Estimator):
    X, y, X_val, y_val = DATA[Estimator]
    Voting = {MLPClassifier: VotingClassifier, MLPRegressor: VotingRegressor}[Estimator]
    vote = Voting([("a", asking(Estimator, "X_val", "y_val")), ("b", "drop")])
    vote.fit(X, y, X_val=X_val, y_val=y_val)
    assert_same(vote.estimators_[0], Estimator(**SETTINGS).fit(X, y, X_val=X_val, y_val=y_val))


# Requests -----------------------------------------------------------------------------------------

FIT = {"sample_weight", "X_val", "y_val", "sample_weight_val"}


@both
def test_nothing_is_asked_for_unless_told(Estimator):
    requests = Estimator().get_metadata_routing()
    assert requests.fit.requests == dict.fromkeys(FIT)
    assert set(requests.partial_fit.requests) >= FIT
    X, y, X_val, y_val = DATA[Estimator]
    pipe = pipeline(StandardScaler(), Estimator(**SETTINGS))
    with pytest.raises(UnsetMetadataPassedError, match="X_val"):
        pipe.fit(X, y, X_val=X_val, y_val=y_val)


@both
def test_requests_are_cloned_and_can_be_renamed(Estimator):
    network = asking(Estimator, "sample_weight", "X_val")
    network.set_partial_fit_request(sample_weight="importance")
    copy = clone(network).get_metadata_routing()
    assert {name for name, asked in copy.fit.requests.items() if asked} == {
        "sample_weight",
        "X_val",
    }
    assert copy.partial_fit.requests["sample_weight"] == "importance"


def test_a_renamed_request_is_used():
    X, y, X_val, y_val = DATA[MLPClassifier]
    network = MLPClassifier(**SETTINGS).set_fit_request(X_val="X_late", y_val="y_late")
    pipe = pipeline(StandardScaler(), network).fit(X, y, X_late=X_val, y_late=y_val)
    rows = StandardScaler().fit_transform(X)
    assert_same(pipe[-1], MLPClassifier(**SETTINGS).fit(rows, y, X_val=X_val, y_val=y_val))


@both
def test_without_routing_the_name_of_the_step_leads(Estimator):
    X, y, X_val, y_val = DATA[Estimator]
    with sklearn.config_context(enable_metadata_routing=False):
        pipe = pipeline(StandardScaler(), Estimator(**SETTINGS))
        pipe.fit(X, y, network__X_val=X_val, network__y_val=y_val)
    rows = StandardScaler().fit_transform(X)
    assert_same(pipe[-1], Estimator(**SETTINGS).fit(rows, y, X_val=X_val, y_val=y_val))
