"""Full-batch training against models whose minimum scikit-learn finds by other means.

The loss is that of the other's minimum to 1e-7, weights and predictions are its to 2e-4: SciPy
stops at a gain of 2e-9 of the loss, and around a minimum the loss is flat.
"""

import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn import metrics
from sklearn.linear_model import LogisticRegression, PoissonRegressor, Ridge

from multilayer import MLPClassifier, MLPRegressor

ROWS = 60
LINEAR = {"hidden_layer_sizes": (), "solver": "lbfgs", "tol": 1e-8, "random_state": 0}
CLOSE = {"rtol": 2e-4, "atol": 2e-4}


def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(ROWS, 4))
    weight = rng.uniform(0.1, 3, ROWS)
    weight[::5] = 0
    return X, X @ [1, -0.5, 0.2, 0] + rng.normal(size=ROWS), weight


def fitted(estimator, X, y, weight):
    with jax.enable_x64(True):
        return estimator.fit(X, y, weight)


def penalised(loss, alpha, coef, weight):
    return loss + 0.5 * alpha * np.sum(coef**2) / weight.sum()


def test_ridge_regression():
    X, y, weight = data()
    Y = np.column_stack([y, y**2])
    theirs = Ridge(alpha=3.0, solver="cholesky").fit(X, Y, weight)
    ours = fitted(MLPRegressor(alpha=3.0, **LINEAR), X, Y, weight)
    assert_allclose(ours.coefs_[0], theirs.coef_.T, **CLOSE)
    assert_allclose(ours.intercepts_[0], theirs.intercept_, **CLOSE)
    # Told is the mean over the two targets, as in scikit-learn.
    error = metrics.mean_squared_error(Y, theirs.predict(X), sample_weight=weight) / 2
    assert ours.loss_ == pytest.approx(penalised(error, 3.0, theirs.coef_, weight), rel=1e-7)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_logistic_regression(n_classes):
    X, y, weight = data()
    labels = np.digitize(y, [0] if n_classes == 2 else [-0.5, 0.5])
    theirs = LogisticRegression(C=1 / 2.0, tol=1e-10, max_iter=1000).fit(X, labels, weight)
    ours = fitted(MLPClassifier(alpha=2.0, **LINEAR), X, labels, weight)
    assert_allclose(ours.coefs_[0], theirs.coef_.T, **CLOSE)
    p = theirs.predict_proba(X)
    assert_allclose(ours.predict_proba(X), p, **CLOSE)
    loss = metrics.log_loss(labels, p, sample_weight=weight)
    assert ours.loss_ == pytest.approx(penalised(loss, 2.0, theirs.coef_, weight), rel=1e-7)


def test_several_yes_no_outputs_are_logistic_regressions_of_their_own():
    X, y, weight = data()
    columns = np.column_stack([y > 0, y > 1]).astype(int)
    ours = fitted(MLPClassifier(alpha=2.0, **LINEAR), X, columns, weight)
    total = 0.0
    for p, column in zip(ours.predict_proba(X).T, columns.T, strict=True):
        theirs = LogisticRegression(C=1 / 2.0, tol=1e-10, max_iter=1000).fit(X, column, weight)
        expected = theirs.predict_proba(X)[:, 1]
        assert_allclose(p, expected, **CLOSE)
        loss = metrics.log_loss(column, expected, sample_weight=weight)
        total += penalised(loss, 2.0, theirs.coef_, weight)
    assert ours.loss_ == pytest.approx(total, rel=1e-7)


def test_poisson_regression():
    """scikit-learn's penalty is added to each row's loss, ours to the sum of all."""
    X, y, weight = data()
    counts = np.random.default_rng(1).poisson(np.exp(0.3 * y))
    theirs = PoissonRegressor(alpha=3.0 / weight.sum(), tol=1e-12, max_iter=1000)
    theirs.fit(X, counts, weight)
    ours = fitted(MLPRegressor("poisson", alpha=3.0, **LINEAR), X, counts, weight)
    assert_allclose(ours.coefs_[0][:, 0], theirs.coef_, **CLOSE)
    expected = theirs.predict(X)
    assert_allclose(ours.predict(X), expected, **CLOSE)
    loss = metrics.mean_poisson_deviance(counts, expected, sample_weight=weight) / 2
    assert ours.loss_ == pytest.approx(penalised(loss, 3.0, theirs.coef_, weight), rel=1e-7)
