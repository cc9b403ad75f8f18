"""scikit-learn's checks of the transformer of raw tables."""

import pytest
from sklearn.utils.estimator_checks import estimator_checks_generator

from multilayer import TabularEncoder

CONFIGURATIONS = {
    "default": TabularEncoder(),
    "one_hot": TabularEncoder(max_one_hot=None, min_frequency=1),
    "unclipped": TabularEncoder(max_one_hot=2, smooth_clip=False),
}


def cases():
    for label, encoder in CONFIGURATIONS.items():
        for _, check in estimator_checks_generator(encoder):
            arguments = [f"{key}={value}" for key, value in check.keywords.items()]
            identity = "-".join([label, check.func.__name__, *arguments])
            yield pytest.param(encoder, check, id=identity)


@pytest.mark.parametrize(("encoder", "check"), list(cases()))
def test_contract(encoder, check):
    check(encoder)
