"""Calibration: intervals of conformal prediction and temperatures, against their formulas."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse, special
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

from multilayer import DataError, InvalidArgumentError, MLPClassifier, MLPRegressor
from multilayer._sklearn.targets.uncertainty import (
    IntervalCalibration,
    error_at,
    intervals,
    weighted_error_at,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.uniform(-1, 1, (300, 3))
Y = 50 + 10 * X[:, 0] + RNG.normal(0, 1 + 3 * (X[:, 1] > 0), 300)
MORE = RNG.uniform(-1, 1, (4000, 3))  # rows that no network is trained on
Y_MORE = 50 + 10 * MORE[:, 0] + RNG.normal(0, 1 + 3 * (MORE[:, 1] > 0), 4000)
NEW, Y_NEW = MORE[2000:], Y_MORE[2000:]
CALIBRATION, Y_CALIBRATION = MORE[:1000], Y_MORE[:1000]
LOSSES = ("squared_error", "quantile", "gaussian_nll")
LBFGS = {"solver": "lbfgs", "max_iter": 20, "random_state": 0}  # compiles fastest
ADAM = {"solver": "adam", "learning_rate_init": 0.05, "batch_size": 50, "max_iter": 5}


def regressor(loss="squared_error", **changes):
    levels = {"quantiles": (0.05, 0.2, 0.8), "standardize_target": True}
    return MLPRegressor(loss, (8,), **LBFGS | levels | changes)


def classifier(**changes):
    return MLPClassifier((8,), **LBFGS | changes)


def too_sure(y, weights, **settings):
    """A network without training, whose logits are right on average, and far too large."""
    clf = MLPClassifier((), max_iter=0, random_state=0, **settings).fit(MORE[:100], y[:100])
    clf.coefs_[0][:] = np.array([[1.0], [0.0], [0.0]]) * weights
    clf.intercepts_[0][:] = 0
    return clf


@pytest.fixture(scope="module", params=LOSSES)
def fitted(request):
    """A regressor of each loss that gives other numbers, calibrated on rows of the caller's."""
    return regressor(request.param).fit(X, Y).calibrate(CALIBRATION, Y_CALIBRATION)


def inside(ends, y):
    return (ends[..., 0] <= y) & (y <= ends[..., 1])


# Intervals ---------------------------------------------------------------------------------------


def own_ends(reg, rows, coverage):
    """What a network says by itself: the first and the last quantile, or what is between."""
    if reg.loss == "squared_error":
        return reg.predict(rows), reg.predict(rows)
    levels = [(1 - coverage) / 2, (1 + coverage) / 2]
    if reg.loss == "quantile" and coverage != 0.6:  # 0.2 and 0.8 were learnt
        levels = [0.05, 0.8]
    return reg.predict(rows, quantiles=levels).T


@pytest.mark.parametrize("coverage", [0.6, 0.8, 0.9])
def test_intervals_are_those_of_the_formula(fitted, coverage):
    low, high = own_ends(fitted, CALIBRATION, coverage)
    scores = np.sort(np.maximum(low - Y_CALIBRATION, Y_CALIBRATION - high))
    moved = scores[int(np.ceil(1001 * coverage)) - 1]
    low, high = own_ends(fitted, NEW, coverage)
    found = fitted.predict_interval(NEW, coverage)
    assert found.shape == (2000, 2)
    assert_allclose(found, np.column_stack([low - moved, high + moved]), rtol=1e-5)


@pytest.mark.parametrize("coverage", [0.8, 0.9])
def test_as_many_new_rows_are_inside_as_promised(fitted, coverage):
    # A standard deviation of at most 1.6 points: 1,000 rows calibrated, 2,000 judged.
    share = inside(fitted.predict_interval(NEW, coverage), Y_NEW).mean()
    assert share == pytest.approx(coverage, abs=0.04)


def test_networks_that_know_the_spread_are_wider_where_it_is_large(fitted):
    widths = np.diff(fitted.predict_interval(NEW), axis=1)[:, 0]
    wild, calm = widths[NEW[:, 1] > 0.2].mean(), widths[NEW[:, 1] < -0.2].mean()
    if fitted.loss == "squared_error":
        assert_allclose(widths, widths[0], rtol=1e-4)
    else:
        assert wild > 1.3 * calm


def test_intervals_are_of_the_type_of_predictions(fitted):
    assert fitted.predict_interval(NEW).dtype == np.float64
    assert fitted.predict_interval(NEW.astype(np.float32)).dtype == np.float32


def test_several_targets_have_intervals_each():
    both, more = np.column_stack([Y, -5 * Y]), np.column_stack([Y_MORE, -5 * Y_MORE])
    reg = regressor(max_iter=0).fit(X, both).calibrate(CALIBRATION, more[:1000])
    found = reg.predict_interval(NEW, 0.8)
    assert found.shape == (2000, 2, 2)
    assert_allclose(inside(found, more[2000:]).mean(axis=0), 0.8, atol=0.04)
    with pytest.raises(DataError, match=r"y must be of 2 columns, as in training, got shape"):
        reg.calibrate(CALIBRATION, Y_CALIBRATION)


def test_intervals_of_counts_begin_at_zero():
    counts = np.random.default_rng(0).poisson(np.exp(X[:, 0]))
    reg = MLPRegressor("poisson", (), max_iter=0, calibration_fraction=0.3).fit(X, counts)
    found = reg.predict_interval(NEW)
    assert found.min() == 0
    assert (found[:, 0] <= found[:, 1]).all()


def test_an_interval_narrowed_by_more_than_its_width_is_its_middle(fitted):
    if fitted.loss != "quantile":
        return
    # As if every row of calibration were 100 inside what the network says.
    relative = np.tile([-100.0, -100.0, 100.0, 100.0], (50, 1, 1))
    says = np.array([[[1.0, 2.0, 3.0, 6.0]]])
    calibration, learnt = IntervalCalibration(relative, None), fitted._learnt_levels
    units = fitted._units()._replace(mean=np.zeros(1), scale=np.ones(1))
    correction = calibration.correction(fitted._trained, learnt, 0.9)
    assert correction.tolist() == [-100.0]
    found = intervals(correction, fitted._trained, units, says, learnt, 0.9)
    assert found.tolist() == [[3.5, 3.5]]


def test_coverage_that_the_rows_cannot_promise(fitted):
    few = clone(fitted).set_params(max_iter=0).fit(X, Y).calibrate(CALIBRATION[:19], Y_MORE[:19])
    assert few.predict_interval(NEW[:3], 0.95).shape == (3, 2)
    with pytest.raises(
        InvalidArgumentError,
        match=r"coverage must be at most 0\.95 with 19 calibration rows, got coverage=0\.96",
    ):
        few.predict_interval(NEW, 0.96)
    for coverage in (0, 1, "most"):
        with pytest.raises(InvalidArgumentError, match=r"coverage must be a number in \(0, 1\)"):
            few.predict_interval(NEW, coverage)


# Weights of rows ---------------------------------------------------------------------------------


def test_rows_of_like_weights_are_rows_without():
    errors = np.random.default_rng(1).exponential(size=(99, 2))
    for coverage in (0.05, 0.5, 0.91, 0.99):
        plain = error_at(np.sort(errors, axis=0), coverage)
        assert_array_equal(weighted_error_at(errors, np.full(99, 1.0), coverage), plain)


def test_a_row_counts_as_much_as_it_weighs():
    errors, weight = np.array([[3.0], [1.0], [2.0]]), np.array([1.0, 1.0, 8.0])
    # 100 / 66 = 1.515 rows of like weights: 2.515 * 0.5 of them are 0.83 of the weight.
    assert weighted_error_at(errors, weight, 0.5).tolist() == [2.0]
    assert weighted_error_at(errors, weight, 0.6).tolist() == [3.0]
    with pytest.raises(InvalidArgumentError, match=r"at most 0\.6024 with 3 calibration rows"):
        weighted_error_at(errors, weight, 0.61)


def test_rows_without_weight_are_not_there(fitted):
    one, other = (pickle.loads(pickle.dumps(fitted)) for _ in range(2))
    weight = np.repeat([0.5, 0.0], 500)
    one.calibrate(CALIBRATION, Y_CALIBRATION, weight)
    other.calibrate(CALIBRATION[:500], Y_CALIBRATION[:500])
    assert_array_equal(one.predict_interval(NEW), other.predict_interval(NEW))
    one.calibrate(CALIBRATION, Y_CALIBRATION, np.repeat([0.5, 1.5], 500))
    assert (one.predict_interval(NEW) != other.predict_interval(NEW)).all()


# Rows that fit sets aside ------------------------------------------------------------------------


@pytest.mark.parametrize("settings", [{}, ADAM | {"early_stopping": True}], ids=["", "early"])
def test_rows_set_aside_take_no_part_in_training(settings):
    reg = regressor(calibration_fraction=0.2, **settings).fit(X, Y)
    rest, aside = train_test_split(np.arange(300), random_state=reg._seed, test_size=60)
    other = regressor(**settings).fit(X[rest], Y[rest])
    assert_array_equal(reg.coefs_[0], other.coefs_[0])
    assert_array_equal(reg.target_mean_, other.target_mean_)
    assert reg.loss_curve_ == other.loss_curve_
    other.calibrate(X[aside], Y[aside])
    assert_array_equal(reg.predict_interval(NEW), other.predict_interval(NEW))


def test_classes_are_set_aside_in_proportion():
    y = np.repeat([0, 1, 2], [60, 150, 90])
    clf = classifier(calibration_fraction=0.2).fit(X, y)
    rest, aside = train_test_split(np.arange(300), random_state=clf._seed, test_size=60, stratify=y)
    other = classifier().fit(X[rest], y[rest]).calibrate(X[aside], y[aside])
    assert_array_equal(clf.coefs_[0], other.coefs_[0])
    assert clf.temperature_ == other.temperature_ != 1


def test_sparse_rows():
    X_sparse = sparse.csr_array(X * (X > 0))
    one, other = (
        regressor(calibration_fraction=0.3, max_iter=3).fit(rows, Y)
        for rows in (X_sparse, X_sparse.toarray())
    )
    found = one.predict_interval(X_sparse)
    assert_allclose(found, other.predict_interval(X_sparse.toarray()), rtol=1e-4)


def test_a_fit_that_was_finished_is_calibrated_again(tmp_path):
    clf = MLPClassifier((8,), random_state=0, calibration_fraction=0.3, **ADAM, checkpoint=tmp_path)
    first = clone(clf).fit(X, X[:, 0] > 0).temperature_
    assert clf.fit(X, X[:, 0] > 0).temperature_ == first != 1


def test_the_calibration_goes_when_training_goes_on():
    reg = regressor(**ADAM, calibration_fraction=0.3, warm_start=True).fit(X, Y)
    before = reg.predict_interval(NEW)
    assert (reg.fit(X, Y).predict_interval(NEW) != before).any()  # calibrated anew
    with pytest.raises(
        InvalidArgumentError, match=r"calibration_fraction must be 0\.3 or 0 for the"
    ):
        reg.set_params(calibration_fraction=0.2).fit(X, Y)
    reg.set_params(calibration_fraction=0.3)
    with pytest.raises(
        InvalidArgumentError, match="calibration_fraction must be 0 for partial_fit"
    ):
        reg.partial_fit(X, Y)
    assert reg.predict_interval(NEW).shape == (2000, 2)  # a refusal changes nothing
    reg.set_params(calibration_fraction=0).partial_fit(X, Y)
    with pytest.raises(InvalidArgumentError, match=r"Fit with calibration_fraction=0\.1, or call"):
        reg.predict_interval(NEW)
    with pytest.raises(
        InvalidArgumentError, match="calibration_fraction must be 0 for the network"
    ):
        reg.set_params(calibration_fraction=0.3).fit(X, Y)


def test_rows_that_cannot_calibrate():
    with pytest.raises(
        DataError, match=r"The calibration set is too small \(1 sample\) with calib"
    ):
        regressor(calibration_fraction=0.003).fit(X, Y)
    weight = np.zeros(300)
    weight[0] = 1.0
    with pytest.raises(DataError, match=r"it has 0 rows with a weight above 0, of 60"):
        regressor(calibration_fraction=0.2).fit(X, Y, weight)
    with pytest.raises(NotFittedError):
        regressor().calibrate(X, Y)
    reg = regressor(max_iter=0).fit(X, Y)
    with pytest.raises(DataError, match="it has 1 row with a weight above 0"):
        reg.calibrate(X[:1], Y[:1])
    with pytest.raises(ValueError, match="2 features"):
        reg.calibrate(X[:, :2], Y)
    assert reg._calibration is None


def test_copies():
    reg = regressor(calibration_fraction=0.3, max_iter=0).fit(X, Y)
    again = pickle.loads(pickle.dumps(reg))
    assert_array_equal(again.predict_interval(NEW), reg.predict_interval(NEW))
    assert clone(reg)._calibration is None
    del again.__dict__["_calibration"], again.__dict__["_calibration_share"]  # of earlier releases
    with pytest.raises(InvalidArgumentError, match="predict_interval needs a calibrated network"):
        again.predict_interval(NEW)


# Temperatures ------------------------------------------------------------------------------------


NOISY = (MORE[:, 0] + RNG.normal(0, 0.7, 4000) > 0).astype(int)
THREE = np.digitize(MORE[:, 0] + RNG.normal(0, 0.7, 4000), [-0.5, 0.5])
LABELS = np.column_stack([NOISY, THREE > 0]).astype(int)
TARGETS = {  # with the weights of the first column of X
    "two classes": (NOISY, [8], {}),
    "two units": (NOISY, [-4, 4], {"out_activation": "softmax"}),
    "three classes": (THREE, [-12, 0, 12], {}),
    "one vs rest": (THREE, [-12, 0, 12], {"out_activation": "logistic"}),
    "weighed classes": (THREE, [-12, 0, 12], {"class_weight": {0: 5.0}}),
    "labels": (LABELS, [8, 8], {}),
    "labels of two units": (LABELS, [-4, 4, -4, 4], {"out_activation": "softmax"}),
    "columns": (np.column_stack([NOISY, THREE]), [-4, 4, -12, 0, 12], {}),
}


def summed_log_loss(p, y, weight):
    """Log loss of probabilities, summed over the outputs."""
    if isinstance(p, list):
        return sum(log_loss(own, each) for own, each in zip(y.T, p, strict=True))
    if y.ndim == 2:
        return sum(log_loss(own, each) for own, each in zip(y.T, p.T, strict=True))
    return log_loss(y, p, sample_weight=weight)


@pytest.mark.parametrize(("y", "weights", "settings"), TARGETS.values(), ids=TARGETS)
def test_the_temperature_has_the_lowest_log_loss(y, weights, settings):
    clf = too_sure(y, weights, **settings)
    assert clf.temperature_ == 1
    before, labels = clf.predict_proba(NEW), clf.predict(NEW)
    clf.calibrate(CALIBRATION, y[:1000])
    assert clf.temperature_ > 1.5
    assert_array_equal(clf.predict(NEW), labels)
    by_class = np.array([settings.get("class_weight", {}).get(each, 1.0) for each in range(3)])
    weight = by_class[y] if y.ndim == 1 else np.ones(4000)
    after = summed_log_loss(clf.predict_proba(NEW), y[2000:], weight[2000:])
    assert after < 0.9 * summed_log_loss(before, y[2000:], weight[2000:])
    best, losses = clf.temperature_, []
    for factor in (0.9, 0.99, 1, 1.01, 1.1):  # the prior of one row in 1,000 moves it by less
        clf._calibration = replace(clf._calibration, value=best * factor)
        p = clf.predict_proba(CALIBRATION)
        losses.append(summed_log_loss(p, y[:1000], weight[:1000]))
    assert np.argmin(losses) in (1, 2, 3)
    assert min(losses[0], losses[4]) > losses[2]


def test_logits_are_divided_by_it():
    clf = too_sure(THREE, [-12, 0, 12]).calibrate(CALIBRATION, THREE[:1000])
    logits = clf.decision_function(NEW) / clf.temperature_
    assert_allclose(clf.predict_proba(NEW), special.softmax(logits, axis=1), rtol=1e-4)
    assert_allclose(clf.predict_log_proba(NEW), special.log_softmax(logits, axis=1), rtol=1e-4)
    average = clf.evaluate(NEW, THREE[2000:])["average_loss"]
    assert average == pytest.approx(log_loss(THREE[2000:], clf.predict_proba(NEW)), rel=1e-5)


def test_the_prior_decides_where_every_row_is_classified_right():
    easy = np.abs(MORE[:, 0]) > 0.5
    clf = too_sure(MORE[:, 0] > 0, [8]).calibrate(MORE[easy][:20], MORE[easy][:20, 0] > 0)
    assert 0.5 < clf.temperature_ < 1


def test_temperature_is_there_once_the_network_is():
    clf = classifier()
    assert not hasattr(clf, "temperature_")
    with pytest.raises(AttributeError, match="call fit first"):
        _ = clf.temperature_
    assert clf.set_params(max_iter=0).fit(X, X[:, 0] > 0).temperature_ == 1.0
    with pytest.raises(DataError, match="has classes not in"):
        clf.calibrate(X, np.full(300, "new"))
