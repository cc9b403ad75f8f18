"""Figures of predictions, against scikit-learn and by hand."""

import numpy as np
import pytest
from sklearn import metrics

from multilayer._cli.measures import calibration_error, class_figures, number_figures

RNG = np.random.default_rng(0)


def made(n_classes, n=300):
    classes = [f"c{i}" for i in range(n_classes)]
    y = RNG.choice(classes, n)
    raw = RNG.normal(size=(n, n_classes)) + 1.5 * (y[:, None] == classes)
    proba = np.exp(raw) / np.exp(raw).sum(axis=1, keepdims=True)
    return classes, y, proba, np.array(classes)[proba.argmax(axis=1)]


def test_two_classes():
    classes, y, proba, predicted = made(2)
    found, second = class_figures(y, predicted, classes, proba), y == "c1"
    known = found.probabilities
    assert found.positive == "c1"
    assert found.base_rate == max(second.mean(), 1 - second.mean())
    assert found.accuracy == metrics.accuracy_score(y, predicted)
    assert found.balanced_accuracy == pytest.approx(metrics.balanced_accuracy_score(y, predicted))
    assert found.f1 == pytest.approx(metrics.f1_score(y, predicted, pos_label="c1"))
    assert known.auc == pytest.approx(metrics.roc_auc_score(second, proba[:, 1]))
    expected = metrics.average_precision_score(second, proba[:, 1])
    assert known.average_precision == pytest.approx(expected)
    assert known.log_loss == pytest.approx(metrics.log_loss(y, proba, labels=classes))
    assert known.brier == pytest.approx(metrics.brier_score_loss(second, proba[:, 1]))


def test_several_classes():
    classes, y, proba, predicted = made(4)
    found = class_figures(y, predicted, classes, proba)
    assert found.positive is None
    assert found.f1 == pytest.approx(metrics.f1_score(y, predicted, average="macro"))
    assert found.probabilities.auc == pytest.approx(
        metrics.roc_auc_score(y, proba, multi_class="ovr", average="macro", labels=classes)
    )
    hits = y[:, None] == classes
    assert found.probabilities.brier == pytest.approx(np.square(proba - hits).sum(axis=1).mean())
    assert found.probabilities.log_loss == pytest.approx(metrics.log_loss(y, proba, labels=classes))


def test_classes_that_no_row_has():
    classes, y, proba, predicted = made(3)
    some = y != "c2"
    found = class_figures(y[some], predicted[some], classes, proba[some])
    assert 0.5 < found.probabilities.auc < 1
    alone = class_figures(y[:1], predicted[:1], classes, proba[:1])
    assert alone.probabilities.auc is None
    assert alone.base_rate == 1
    assert alone.as_json()["auc"] is None


def test_calibration_error():
    """Two bins: 10 rows of 0.9 of which 7 happened, 10 of 0.6 of which 8 did."""
    probability = np.repeat([0.9, 0.6], 10)
    happened = np.r_[np.arange(10) < 7, np.arange(10) < 8]
    assert calibration_error(probability, happened) == pytest.approx((0.2 + 0.2) / 2)
    assert calibration_error(np.ones(4), np.ones(4)) == 0


def test_numbers():
    y = RNG.normal(size=50)
    predicted = y + RNG.normal(size=50) / 3
    found = number_figures(y, predicted)
    assert found.r2 == pytest.approx(metrics.r2_score(y, predicted))
    assert found.rmse == pytest.approx(metrics.root_mean_squared_error(y, predicted))
    assert found.mae == pytest.approx(metrics.mean_absolute_error(y, predicted))
    assert found.r2 == pytest.approx(1 - (found.rmse / found.base_rmse) ** 2)
    assert found.intervals is None
    assert number_figures(np.ones(3), np.ones(3)).r2 is None


def test_intervals_of_numbers():
    y = np.array([0.0, 1.0, 2.0, 3.0])
    ends = np.array([[0, 1], [1.5, 2.5], [0, 2], [2, 5]])  # one of four is outside
    found = number_figures(y, y, ends).as_json()
    expected = {"nominal_coverage": 0.9, "coverage": 0.75, "interval_width": 1.75}
    assert {name: found[name] for name in expected} == expected
