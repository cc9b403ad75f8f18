"""Metrics as scorers: names of the table, and records of the user's own."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.metrics import (
    get_scorer,
    get_scorer_names,
    mean_absolute_error,
    root_mean_squared_error,
)
from sklearn.model_selection import cross_val_score

from multilayer import (
    InvalidArgumentError,
    Metric,
    MLPClassifier,
    MLPRegressor,
    ModelFileError,
    save,
)
from multilayer._sklearn.targets.metric_table import FIGURES_OF_NUMBERS, METRICS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 3)).astype(np.float32)
y = X[:, 0] * X[:, 1]
WEIGHT = rng.uniform(0.5, 2, 20)


def fitted(scoring, **validation):
    settings = {"batch_size": 20, "max_iter": 3, "random_state": 0, "early_stopping": True}
    reg = MLPRegressor(hidden_layer_sizes=(5,), scoring=scoring, **settings)
    return reg.fit(X[:40], y[:40], X_val=X[40:], y_val=y[40:], **validation)


@pytest.mark.parametrize(
    ("name", "function", "sign"),
    [("rmse", root_mean_squared_error, -1), ("mae", mean_absolute_error, -1), ("r2", None, 1)],
)
def test_names_of_the_table_are_scorers(name, function, sign):
    """By scikit-learn's function, weighted as the validation rows are."""
    reg = fitted(name, sample_weight_val=WEIGHT)
    if function is None:
        value = get_scorer(name)(reg, X[40:], y[40:], sample_weight=WEIGHT)
    else:
        value = function(y[40:], reg.predict(X[40:]), sample_weight=WEIGHT)
    assert max(reg.validation_scores_) == pytest.approx(sign * value)


def test_evaluate_returns_the_figures_of_the_table():
    reg = fitted(None)
    figures = reg.evaluate(X[40:], y[40:], WEIGHT)
    assert tuple(figures) == FIGURES_OF_NUMBERS
    for name, value in figures.items():
        sign = 1 if METRICS[name].greater_is_better else -1
        score = METRICS[name](reg, X[40:], y[40:], sample_weight=WEIGHT)
        assert value == pytest.approx(sign * score)


def test_the_docstring_and_the_check_list_the_table():
    text = MLPRegressor.__doc__
    assert ", ".join(f'"{name}"' for name in METRICS) in " ".join(text.split())
    with pytest.raises(InvalidArgumentError) as caught:
        MLPRegressor(scoring="zzz").fit(X, y)
    assert f"The names are {', '.join(METRICS)} and" in str(caught.value)
    # A name that scikit-learn has too must mean the same.
    assert {name for name in METRICS if name in get_scorer_names()} == {"r2"}


def test_a_record_of_ones_own_watches_probabilities():
    labels = np.where(y > 0, "yes", "no")
    settings = {"batch_size": 20, "max_iter": 3, "random_state": 0, "early_stopping": True}
    own = Metric("brier", _brier, greater_is_better=False, response="predict_proba")
    clf = MLPClassifier((5,), scoring=own, **settings)
    clf.fit(X[:40], labels[:40], X_val=X[40:], y_val=labels[40:])
    chance = clf.predict_proba(X[40:])[:, 1]
    expected = -np.mean((chance - (labels[40:] == "yes")) ** 2)
    assert clf.best_validation_score_ == pytest.approx(expected)
    again = clone(clf).fit(X[:40], labels[:40], X_val=X[40:], y_val=labels[40:])
    assert again.validation_scores_ == clf.validation_scores_
    assert pickle.loads(pickle.dumps(clf)).scoring == own
    assert "scoring=Metric(name='brier'" in repr(clf)


def _brier(y_true, chance):
    return np.mean((chance - (y_true == "yes")) ** 2)


def test_searches_of_scikit_learn_take_a_record():
    scores = cross_val_score(MLPRegressor(max_iter=0), X, y, scoring=METRICS["mae"], cv=2)
    assert (scores < 0).all()


def test_a_function_without_weights_is_refused_where_rows_have_some():
    mean_error = Metric("mean_error", lambda y_true, y_pred: float(np.mean(y_true - y_pred)))
    assert len(fitted(mean_error).validation_scores_) == 3
    with pytest.raises(InvalidArgumentError, match="a function that takes sample_weight"):
        fitted(mean_error, sample_weight_val=WEIGHT)


def test_files_refuse_a_record_by_name(tmp_path):
    with pytest.raises(ModelFileError, match=r"^scoring must be .* got scoring=Metric\("):
        save(fitted(METRICS["mae"]), tmp_path / "model.safetensors")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": ""}, "name must be a text"),
        ({"function": 3}, "function must be a function of"),
        ({"greater_is_better": 1}, "greater_is_better must be True or False"),
        ({"response": "transform"}, "response must be one of"),
        ({"title": None}, "title must be a text"),
    ],
)
def test_records_check_their_fields(fields, message):
    with pytest.raises(InvalidArgumentError, match=message):
        Metric(**{"name": "own", "function": np.mean} | fields)
