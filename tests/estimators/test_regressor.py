"""What MLPRegressor predicts, for each loss and shape of target."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.stats import norm
from sklearn.datasets import load_diabetes
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import mean_pinball_loss, r2_score
from sklearn.neural_network import MLPRegressor as Theirs
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, scale

from multilayer import InvalidArgumentError, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y = load_diabetes(return_X_y=True)
X = scale(X).astype(np.float32)
SETTINGS = {
    "hidden_layer_sizes": (10,),
    "learning_rate_init": 0.02,
    "batch_size": 64,
    "max_iter": 40,
    "random_state": 0,
}


def regressor(**changes):
    return MLPRegressor(**SETTINGS | {"standardize_target": True} | changes)


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber", "quantile"])
def test_losses_learn(loss):
    reg = regressor(loss=loss).fit(X, y)
    assert reg.score(X, y) > 0.45
    assert reg.loss_curve_[-1] < 0.7 * reg.loss_curve_[0]
    assert reg.predict(X).dtype == np.float32


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
@pytest.mark.parametrize("n_targets", [1, 3])
def test_the_same_training_as_scikit_learns(loss, n_targets):
    """Full batches, so that the order of rows does not matter; the same initial weights."""
    target = np.column_stack([y / 100, np.sqrt(y) / 10, y / 200])[:, :n_targets]
    target = target[:, 0] if n_targets == 1 else target
    settings = {**SETTINGS, "batch_size": len(X), "max_iter": 30, "alpha": 0.1}
    ours = MLPRegressor(loss=loss, **settings).fit(X, target)
    theirs = Theirs(loss=loss, **settings).fit(X.astype(np.float64), target)
    assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-4)
    assert_allclose(ours.predict(X), theirs.predict(X.astype(np.float64)), rtol=1e-3, atol=1e-4)
    assert ours.out_activation_ == theirs.out_activation_


def test_quantiles_cover_what_they_say_and_never_cross():
    levels = (0.05, 0.25, 0.75, 0.95)
    reg = regressor(loss="quantile", quantiles=levels, max_iter=60).fit(X, y)
    q = reg.predict_quantiles(X)
    assert q.shape == (len(X), 4)
    assert (np.diff(q, axis=1) >= 0).all()
    covered = (y[:, None] <= q).mean(axis=0)
    assert_allclose(covered, levels, atol=0.06)
    median = reg.predict(X)  # learnt, though not asked for
    assert ((q[:, 1] <= median) & (median <= q[:, 2])).all()
    best_constant = np.quantile(y, levels)
    for i, level in enumerate(levels):
        constant = mean_pinball_loss(y, np.full(len(y), best_constant[i]), alpha=level)
        assert mean_pinball_loss(y, q[:, i], alpha=level) < 0.9 * constant


def test_quantiles_of_several_targets():
    Y = np.column_stack([y, -y])
    reg = regressor(loss="quantile", quantiles=(0.1, 0.5, 0.9)).fit(X, Y)
    q = reg.predict_quantiles(X)
    assert q.shape == (len(X), 2, 3)
    assert_array_equal(q[:, :, 1], reg.predict(X))
    assert (np.diff(q, axis=2) >= 0).all()
    assert r2_score(Y, reg.predict(X)) > 0.45


@pytest.mark.parametrize("n_targets", [1, 2])
def test_predict_returns_the_quantiles_asked_for(n_targets):
    target = y if n_targets == 1 else np.column_stack([y, -y])
    reg = regressor(loss="quantile", quantiles=(0.1, 0.9)).fit(X, target)
    q = reg.predict(X, quantiles=(0.1, 0.5, 0.9))
    assert_array_equal(q[..., [0, 2]], reg.predict_quantiles(X))
    assert_array_equal(q[..., 1], reg.predict(X))
    reg.set_params(quantiles=(0.2, 0.3, 0.4))  # what was learnt stays
    assert_array_equal(reg.predict(X, quantiles=[0.9])[..., 0], q[..., 2])
    with pytest.raises(
        InvalidArgumentError, match=r"among the levels that were learnt, \(0.1, 0.5"
    ):
        reg.predict(X, quantiles=(0.2,))
    for bad in (0.5, (), (0.9, 0.1), (0.0, 0.5), ("low",)):
        with pytest.raises(
            InvalidArgumentError, match=r"quantiles must be a sequence of ascending"
        ):
            reg.predict(X, quantiles=bad)


@pytest.mark.parametrize("n_targets", [1, 2])
def test_quantiles_of_a_normal_distribution(n_targets):
    target = y if n_targets == 1 else np.column_stack([y, -y])
    reg = regressor(loss="gaussian_nll", max_iter=5).fit(X.astype(float), target)
    levels = (0.05, 0.5, 0.84134)
    mean, std = reg.predict(X, return_std=True)
    expected = mean[..., None] + std[..., None] * norm.ppf(levels)
    rounding = 1e-6 * np.abs(expected).max()
    assert_allclose(reg.predict(X, quantiles=levels), expected, rtol=1e-5, atol=rounding)
    with pytest.raises(InvalidArgumentError, match="return_std must be False where quantiles"):
        reg.predict(X, return_std=True, quantiles=levels)


def test_quantiles_through_a_pipeline():
    pipe = make_pipeline(StandardScaler(), regressor(loss="quantile", max_iter=2)).fit(X, y)
    q = pipe.predict(X, quantiles=(0.1, 0.9))
    assert_array_equal(q, pipe[-1].predict(pipe[:-1].transform(X), quantiles=(0.1, 0.9)))
    assert q.shape == (len(X), 2)


# Fits that are of no use ------------------------------------------------------------------------

WORSE = "predicts its training data worse than a constant does"
SHORT = {"hidden_layer_sizes": (8,), "max_iter": 2, "random_state": 0}


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber", "gaussian_nll"])
def test_a_regression_worse_than_a_constant_warns_with_the_remedy(loss):
    far = y + 1000.0
    reg = MLPRegressor(loss, **SHORT)
    with pytest.warns(ConvergenceWarning, match=WORSE) as caught:
        reg.fit(X, far)
    (said,) = [str(w.message) for w in caught if WORSE in str(w.message)]
    assert f"y has mean {far.mean():.4g} and standard deviation {far.std():.4g}" in said
    assert "set standardize_target=True" in said
    assert [w.filename for w in caught] == [__file__] * len(caught)
    if loss == "squared_error":
        assert f"R2 = {r2_score(far, reg.predict(X)):.3g}" in said
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=f".*{WORSE}")
        regressor(loss=loss, max_iter=25).fit(X, far)


def test_weights_and_streamed_rows_count_in_that_warning():
    far, weight = y + 1000.0, np.zeros(len(y))
    weight[:40] = 1
    with pytest.warns(ConvergenceWarning, match=WORSE):
        MLPRegressor("absolute_error", **SHORT).fit(sparse.csr_matrix(X), far)
    target = np.where(weight > 0, 0.0, far) + X[:, 0]  # the rows of weight 0 are far off
    reg = regressor(standardize_target=False, max_iter=60, loss="absolute_error")
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=f".*{WORSE}")
        reg.fit(X, target, sample_weight=weight)


def test_a_network_that_was_not_trained_does_not_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        MLPRegressor(**SHORT | {"max_iter": 0}).fit(X, y + 1000.0)


def test_predicted_spread():
    rng = np.random.default_rng(0)
    inputs = rng.uniform(-1, 1, (600, 1)).astype(np.float32)
    spread = np.where(inputs[:, 0] > 0, 2.0, 0.2)
    target = 3 * inputs[:, 0] + spread * rng.normal(size=600)
    reg = regressor(loss="gaussian_nll", hidden_layer_sizes=(16,), max_iter=150).fit(inputs, target)
    mean, std = reg.predict(inputs, return_std=True)
    assert_array_equal(mean, reg.predict(inputs))
    wide = inputs[:, 0] > 0.2
    narrow = inputs[:, 0] < -0.2
    assert 1.5 < np.median(std[wide]) < 2.5
    assert 0.1 < np.median(std[narrow]) < 0.4


def test_only_one_loss_has_a_spread_and_one_has_quantiles():
    reg = regressor(max_iter=1).fit(X, y)
    with pytest.raises(InvalidArgumentError, match="return_std must be False with loss='squared"):
        reg.predict(X, return_std=True)
    with pytest.raises(InvalidArgumentError, match="quantiles must be None with loss='squared"):
        reg.predict(X, quantiles=(0.1, 0.9))
    assert not hasattr(reg, "predict_quantiles")
    with pytest.raises(AttributeError, match="predict_quantiles") as caught:
        reg.predict_quantiles(X)
    assert "loss='quantile', got loss='squared_error'" in str(caught.value.__cause__)


def test_standardised_target_is_another_unit_only():
    """Training on y or on 1000 y + 5000 is the same training."""
    first = regressor(max_iter=10).fit(X, y)
    second = regressor(max_iter=10).fit(X, 1000 * y + 5000)
    assert_allclose(second.predict(X), 1000 * first.predict(X) + 5000, rtol=1e-4)
    assert_allclose(second.loss_curve_, first.loss_curve_, rtol=1e-4)
    assert_allclose(first.target_mean_, y.mean())
    assert_allclose(first.target_scale_, y.std())


def test_constant_target():
    reg = regressor(max_iter=200, tol=0).fit(X, np.full(len(X), 5000.0))
    assert_allclose(reg.predict(X), 5000, atol=1)


@pytest.mark.parametrize("name", ["softplus", "exp", "relu", "logistic", "tanh"])
def test_output_activations(name):
    target = (y - y.min()) / np.ptp(y)
    reg = MLPRegressor(**SETTINGS, out_activation=name).fit(X, target)
    assert reg.out_activation_ == name
    assert reg.predict(X).min() >= (-1 if name == "tanh" else 0)
    assert reg.score(X, target) > 0.35


def test_early_stopping_returns_to_the_best_r2():
    reg = regressor(early_stopping=True, n_iter_no_change=5, max_iter=200)
    reg.fit(X[:300], y[:300], X_val=X[300:], y_val=y[300:])
    assert reg.stop_reason_ == "converged"
    assert reg.best_validation_score_ == max(reg.validation_scores_)
    assert_allclose(reg.score(X[300:], y[300:]), reg.best_validation_score_, rtol=1e-5)
    assert reg.best_loss_ is None


def test_figures():
    reg = regressor(max_iter=5).fit(X, y)
    figures = reg.evaluate(X, y, sample_weight=np.arange(len(y)))
    assert sorted(figures) == ["mae", "r2", "rmse"]
    assert_allclose(figures["r2"], reg.score(X, y, sample_weight=np.arange(len(y))))


def test_partial_fit_goes_on_and_keeps_its_units():
    reg = regressor().partial_fit(X[:200], y[:200])
    mean = reg.target_mean_.copy()
    for _ in range(30):
        reg.partial_fit(X, y)
    assert_array_equal(reg.target_mean_, mean)
    assert reg.score(X, y) > 0.4
    with pytest.raises(ValueError, match="y must be 1-D"):
        reg.partial_fit(X, np.column_stack([y, y]))


def test_a_constant_target_has_a_scale_of_one():
    """The weighted mean of equal numbers is that number, whatever rounding says."""
    reg = regressor(max_iter=1).fit(X, np.full(len(X), 0.1), sample_weight=np.arange(len(X)) + 0.3)
    assert_array_equal(reg.target_scale_, [1])
    assert_array_equal(reg.target_mean_, [0.1])
