"""scikit-learn's checks of the estimator contract."""

import pytest
from sklearn.utils.estimator_checks import estimator_checks_generator

from multilayer import MLPClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

WEIGHTS = (
    "check_sample_weight_equivalence_on_dense_data",
    "check_sample_weight_equivalence_on_sparse_data",
)
BATCHES = "a weighted sample is in one batch, its copies are in several"
ROUNDING = "float32 sums over more rows round otherwise; the check wants seven digits"
ONE_EPOCH = "partial_fit refuses early_stopping: one epoch has nothing to stop"

DEFAULT = MLPClassifier((20,), learning_rate_init=0.01, max_iter=60)
# A larger fraction: the checks fit 20 rows of 3 classes, of which each must be in both parts.
EARLY_STOPPING = MLPClassifier(
    (20,), learning_rate_init=0.01, max_iter=60, early_stopping=True, validation_fraction=0.3
)
LBFGS = MLPClassifier((20,), solver="lbfgs", max_iter=60)


def expected_failures(estimator):
    """Checks that cannot hold, each with its reason."""
    failing = dict.fromkeys(WEIGHTS, ROUNDING if estimator.solver == "lbfgs" else BATCHES)
    if estimator.early_stopping:
        failing["check_fit_score_takes_y"] = ONE_EPOCH
        failing["check_n_features_in_after_fitting"] = ONE_EPOCH
        failing["check_estimators_partial_fit_n_features"] = ONE_EPOCH
    return failing


def checks(*estimators):
    """The checks of scikit-learn for these estimators, as parameters of a test."""
    cases = [
        case
        for estimator in estimators
        for case in estimator_checks_generator(
            estimator, expected_failed_checks=expected_failures(estimator), mark="xfail"
        )
    ]
    return pytest.mark.parametrize(("estimator", "check"), cases, ids=label)


def label(value):
    """Name an estimator by its parameters, and a check by its function and arguments."""
    if isinstance(value, MLPClassifier):
        return str(value)
    function = getattr(value, "func", value)
    arguments = getattr(value, "keywords", {})
    return function.__name__ + "".join(f"-{name}={arguments[name]}" for name in arguments)


@checks(DEFAULT)
def test_contract(estimator, check):
    check(estimator)


@pytest.mark.slow
@checks(EARLY_STOPPING, LBFGS)
def test_contract_of_other_configurations(estimator, check):
    check(estimator)
