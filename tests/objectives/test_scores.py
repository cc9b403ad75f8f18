"""Validation curves of a fit against scikit-learn's metrics of what the network predicts."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from scipy.special import expit
from sklearn import metrics

from multilayer import MLPClassifier, MLPRegressor
from multilayer._objectives.objective import Objective, score_scale

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ROWS, VALIDATION_ROWS = 60, 2600  # more than two blocks of validation rows, the last one not full
QUANTILES = (0.2, 0.5, 0.7)


def inputs(n_rows=ROWS + VALIDATION_ROWS):
    return np.random.default_rng(0).normal(size=(n_rows, 3)).astype(np.float32)


def weights():
    """Weights of the validation rows, some of them 0."""
    weight = np.random.default_rng(1).uniform(0, 3, VALIDATION_ROWS)
    weight[::7] = 0
    return weight


def fitted(estimator, X, y, weight):
    """Two epochs; the schedule is over after them, so that nothing warns."""
    estimator.set_params(
        hidden_layer_sizes=(8,),
        batch_size=10,
        learning_rate="linear",
        learning_rate_init=0.05,
        max_iter=2,
        random_state=0,
    )
    validation = {"X_val": X[ROWS:], "y_val": y[ROWS:], "sample_weight_val": weight}
    return estimator.fit(X[:ROWS], y[:ROWS], **validation)


def assert_told(estimator, loss, score):
    """The last line of the curves is of the network that was kept."""
    assert_allclose(estimator.history_["validation_loss"][-1], loss, rtol=1e-5)
    assert_allclose(estimator.history_["validation_score"][-1], score, rtol=1e-5, atol=1e-6)
    assert estimator.validation_scores_[-1] == estimator.history_["validation_score"][-1]


# Classes --------------------------------------------------------------------------------------


def labels_of(kind, X):
    """Labels that the inputs tell something of."""
    noisy = X + np.random.default_rng(2).normal(size=X.shape)
    if kind == "binary":
        return np.where(noisy[:, 0] > 0, "yes", "no")
    if kind == "multilabel":
        return (noisy[:, :2] > 0.3).astype(int)
    thirds = np.digitize(noisy[:, :2], [-0.5, 0.5])
    return thirds[:, 0] if kind in ("multiclass", "one for each") else thirds


# Smoothing is a matter of training alone; classes weigh in validation too.
BOTH = {"label_smoothing": 0.2, "class_weight": "balanced"}
CLASSIFIERS = {
    "binary": {},
    "multiclass": BOTH,
    "one for each": {"out_activation": "logistic"},
    "multilabel": BOTH,
    "multioutput": BOTH,
}


def balanced(y, y_val):
    """Weights of rows by "balanced" classes of the training rows, the mean over the outputs."""
    columns = zip(y.reshape(len(y), -1).T, y_val.reshape(len(y_val), -1).T, strict=True)
    weights = []
    for column, rows in columns:
        counts = {label: np.sum(column == label) for label in np.unique(column)}
        weights.append([len(column) / (len(counts) * counts[label]) for label in rows])
    return np.mean(weights, axis=0)


def cross_entropy(kind, clf, X, y, weight):
    """scikit-learn's, added up over the outputs of the network that are judged by themselves."""
    p = clf.predict_proba(X)
    if kind == "one for each":  # predict_proba makes them one distribution
        y, p = y[:, None] == clf.classes_, expit(clf.decision_function(X))
    if kind in ("binary", "multiclass"):
        return metrics.log_loss(y, p, sample_weight=weight)
    columns = p if isinstance(p, list) else p.T
    pairs = zip(y.T, columns, strict=True)
    return sum(metrics.log_loss(a, b, sample_weight=weight) for a, b in pairs)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_accuracy_and_cross_entropy(kind, weighted):
    X = inputs()
    y, weight = labels_of(kind, X), weights() if weighted else None
    clf = fitted(MLPClassifier(**CLASSIFIERS[kind]), X, y, weight)
    X_val, y_val = X[ROWS:], y[ROWS:]
    if clf.class_weight == "balanced":
        weight = balanced(y[:ROWS], y_val) * (1 if weight is None else weight)
    right = (clf.predict(X_val) == y_val).reshape(VALIDATION_ROWS, -1).all(axis=1)
    score = np.average(right, weights=weight)
    if kind != "multioutput":  # which scikit-learn has no accuracy for
        score = metrics.accuracy_score(y_val, clf.predict(X_val), sample_weight=weight)
    assert 0.2 < score < 0.95
    assert_told(clf, cross_entropy(kind, clf, X_val, y_val, weight), score)


# Numbers --------------------------------------------------------------------------------------


def r2(reg, X, y, weight):
    return metrics.r2_score(y, reg.predict(X), sample_weight=weight)


def pinball(reg, X, y, weight):
    q = reg.predict_quantiles(X)
    return np.mean(
        [
            metrics.mean_pinball_loss(y, q[..., i], sample_weight=weight, alpha=level)
            for i, level in enumerate(QUANTILES)
        ]
    )


def gaussian(reg, X, y, weight):
    mean, std = (np.float64(part) for part in reg.predict(X, return_std=True))
    return -np.average(stats.norm.logpdf(y, mean, std).mean(axis=1), weights=weight)


def deviance(reg, X, y, weight):
    pairs = zip(y.T, np.float64(reg.predict(X)).T, strict=True)
    return sum(metrics.mean_poisson_deviance(a, b, sample_weight=weight) / 2 for a, b in pairs)


LOSSES = {
    "squared_error": lambda reg, X, y, w: (
        metrics.mean_squared_error(y, reg.predict(X), sample_weight=w) / 2
    ),
    "absolute_error": lambda reg, X, y, w: metrics.mean_absolute_error(
        y, reg.predict(X), sample_weight=w
    ),
    "poisson": deviance,
    "quantile": pinball,
    "gaussian_nll": gaussian,
}


def numbers_of(X):
    """Two positive targets, one of them counts."""
    rng = np.random.default_rng(3)
    return np.column_stack([rng.poisson(np.exp(X[:, 0])), 2 + X[:, 1] ** 2 + rng.random(len(X))])


@pytest.mark.parametrize("loss", LOSSES)
def test_r2_and_loss(loss):
    X, weight = inputs(), weights()
    y = numbers_of(X).astype(np.float32)
    reg = fitted(MLPRegressor(loss=loss, quantiles=QUANTILES), X, y, weight)
    X_val, y_val = X[ROWS:], y[ROWS:]
    assert_told(reg, LOSSES[loss](reg, X_val, y_val, weight), r2(reg, X_val, y_val, weight))


def test_standardised_target():
    """The score is of the target as it is; the loss of the standardised one, as documented."""
    X = inputs()
    y = 50 + 1000 * numbers_of(X)
    reg = fitted(MLPRegressor(standardize_target=True), X, y, None)
    X_val, y_val = X[ROWS:], y[ROWS:]
    error = (y_val - reg.predict(X_val)) / y[:ROWS].std(axis=0)
    assert_told(reg, np.mean(error**2) / 2, r2(reg, X_val, y_val, None))


@pytest.mark.parametrize("constant", [0.0, 3.0])
def test_a_constant_target_counts_nothing(constant):
    X = inputs()
    y = numbers_of(X).astype(np.float32)
    y[ROWS:, 0] = constant
    reg = fitted(MLPRegressor(), X, y, None)
    score = r2(reg, X[ROWS:], y[ROWS:], None)
    assert reg.history_["validation_score"][-1] == pytest.approx(score, rel=1e-5)
    assert -100 < score < 1


def test_a_constant_target_counts_when_it_is_met():
    """A network whose sums are all below 0, which relu makes the 0 that is asked for."""
    X = np.ones((40, 3), np.float32)
    reg = MLPRegressor(
        hidden_layer_sizes=(), out_activation="relu", bias_init="zeros", random_state=0
    )
    kernel = reg.set_params(max_iter=0).fit(X, np.zeros(40)).coefs_[0]
    X *= -np.sign(kernel[:, 0])
    reg.set_params(max_iter=1, learning_rate="linear").fit(
        X, np.zeros(40), X_val=X, y_val=np.zeros(40)
    )
    assert metrics.r2_score(np.zeros(40), reg.predict(X)) == 1
    assert reg.validation_scores_ == [1.0]


def test_a_constant_target_has_no_deviations_whatever_its_weights():
    """scikit-learn's own R2 is about -1e33 there: it counts 0 by its rule for constant targets."""
    objective = Objective("squared_error", "identity", (1,))
    for constant in (0.1, 0.3, 1e5 / 3):
        target = np.full((4000, 1), constant, np.float32)
        weight = np.random.default_rng(0).uniform(0.5, 2, 4000).astype(np.float32)
        assert score_scale(objective, target, weight) == [0]


def test_early_stopping_returns_the_network_of_the_best_score():
    X = inputs(900)
    y = numbers_of(X)[:, 1]
    reg = MLPRegressor(
        hidden_layer_sizes=(8,),
        solver="sgd",
        learning_rate_init=0.3,  # large: scores go up and down
        early_stopping=True,
        n_iter_no_change=6,
        random_state=0,
    ).fit(X[:300], y[:300], X_val=X[300:], y_val=y[300:])
    scores = reg.history_["validation_score"]
    assert np.argmax(scores) < len(scores) - 1
    assert r2(reg, X[300:], y[300:], None) == pytest.approx(scores.max(), rel=1e-5)
