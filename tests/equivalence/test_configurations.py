"""Random configurations predict the same in every form: saved, with NumPy alone, and in ONNX."""

import numpy as np
import pytest

from .backends import answers, difference, others
from .configurations import classifier, regressor

SHARDS, SHARE = 10, 30
FEW = 1  # of each kind, in every run

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:.*R2:UserWarning"),
]


def check(number, folder):
    rng = np.random.default_rng(number)
    made = (classifier, regressor)[number % 2](rng)
    loss = getattr(made.model, "loss", None)
    expected = answers(made.model, made.given, loss)
    for name, found in others(made.model, made.X, folder):
        assert difference(expected, found) <= 1e-5, (number, name, made.model)


@pytest.mark.parametrize("number", range(2 * FEW))
def test_some(number, tmp_path):
    check(number, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("shard", range(SHARDS))
def test_300(shard, tmp_path):
    for number in range(shard * SHARE, (shard + 1) * SHARE):
        check(number, tmp_path)
