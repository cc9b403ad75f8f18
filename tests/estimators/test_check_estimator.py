"""scikit-learn's checks of the estimator contract."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from multilayer import MLPClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ORDER = "a weighted sample is in one batch, its copies are in several; the order differs too"
WEIGHTS = {
    "check_sample_weight_equivalence_on_dense_data": ORDER,
    "check_sample_weight_equivalence_on_sparse_data": ORDER,
}

DEFAULT = MLPClassifier((20,), learning_rate_init=0.01, max_iter=60)
# A larger fraction: the checks fit 20 rows of 3 classes, of which each must be in both parts.
EARLY_STOPPING = MLPClassifier(
    (20,), learning_rate_init=0.01, max_iter=60, early_stopping=True, validation_fraction=0.3
)
LBFGS = MLPClassifier((20,), solver="lbfgs", max_iter=60)


def expected_failures(estimator):
    """Checks that cannot hold, each with its reason."""
    if not estimator.early_stopping:
        return WEIGHTS
    return WEIGHTS | {
        "check_estimators_partial_fit_n_features": "one epoch has nothing to stop early",
    }


@parametrize_with_checks([DEFAULT], expected_failed_checks=expected_failures)
def test_contract(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks([EARLY_STOPPING, LBFGS], expected_failed_checks=expected_failures)
def test_contract_of_other_configurations(estimator, check):
    check(estimator)
