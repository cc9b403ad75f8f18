"""scikit-learn's checks of the estimators for raw tables.

Nearly every check has data of another shape, and compiles programs of its own: most are slow.
"""

import pytest
from sklearn.utils.estimator_checks import estimator_checks_generator

from multilayer import (
    RealMLPClassifier,
    RealMLPRegressor,
    TabMClassifier,
    TabMRegressor,
    TabularClassifier,
    TabularRegressor,
)

SMALL = {"n_folds": 2, "n_estimators": 2, "random_state": 0}
NARROW = {"hidden_layer_sizes": 16, "random_state": 0}
CONFIGURATIONS = {
    "classifier": TabularClassifier(**SMALL),
    "regressor": TabularRegressor(**SMALL),
}
REFERENCES = {
    "realmlp-classifier": RealMLPClassifier(**NARROW, max_iter=64),
    "realmlp-regressor": RealMLPRegressor(**NARROW, max_iter=64),
    "tabm-classifier": TabMClassifier(**NARROW, k=4, learning_rate_init=0.02, max_iter=100),
    "tabm-regressor": TabMRegressor(**NARROW, k=4, learning_rate_init=0.02, max_iter=100),
}
OTHERS = {
    "classifier-defaults": TabularClassifier(random_state=0),
    "regressor-defaults": TabularRegressor(random_state=0),
}
WEIGHTS = (
    "check_sample_weight_equivalence_on_dense_data",
    "check_sample_weight_equivalence_on_sparse_data",
)
FOLDS = "rows come into folds one by one: copies of a row may be on both sides, a weighted row not"
NO_FIT = {
    "check_estimator_cloneable",
    "check_estimator_repr",
    "check_estimator_tags_renamed",
    "check_estimators_unfitted",
    "check_fit2d_1sample",
    "check_no_attributes_set_in_init",
    "check_parameters_default_constructible",
    "check_requires_y_none",
    "check_supervised_y_no_nan",
    "check_valid_tag_types",
}
QUICK = NO_FIT | {
    "check_dict_unchanged",
    "check_n_features_in_after_fitting",
    "check_pipeline_consistency",
    "check_readonly_memmap_input",
}


def cases(configurations, quick, names=QUICK):
    for label, estimator in configurations.items():
        for _, check in estimator_checks_generator(estimator):
            name, marks = check.func.__name__, []
            if name in WEIGHTS:
                marks = [pytest.mark.xfail(reason=FOLDS, strict=True)]
            arguments = [f"{key}={value}" for key, value in check.keywords.items()]
            if (name in names) == quick:
                identity = "-".join([label, name, *arguments])
                yield pytest.param(estimator, check, id=identity, marks=marks)


@pytest.mark.parametrize(
    ("estimator", "check"),
    [*cases(CONFIGURATIONS, quick=True), *cases(REFERENCES, quick=True, names=NO_FIT)],
)
def test_contract(estimator, check):
    check(estimator)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("estimator", "check"),
    [*cases(CONFIGURATIONS, quick=False), *cases(REFERENCES, quick=False, names=NO_FIT)],
)
def test_contract_of_other_checks(estimator, check):
    check(estimator)


@pytest.mark.slow
@pytest.mark.parametrize("quick", [True, False])
def test_contract_of_the_defaults(quick, subtests):
    for case in cases(OTHERS, quick):
        if not case.marks:
            with subtests.test(case.id):
                estimator, check = case.values
                check(estimator)


def test_listed_checks_exist():
    names = {check.func.__name__ for _, check in estimator_checks_generator(TabularClassifier())}
    assert names >= {*WEIGHTS, *QUICK}
