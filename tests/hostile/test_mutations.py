"""Damaged files, many and random: each is refused, or is a model that predicts."""

import contextlib
import warnings

import numpy as np
import pytest

import multilayer
from multilayer import ModelFileError

from .files import rows, seeds
from .mutations import mutated

SEEDS = list(seeds().items())
ROWS = {name: rows(name) for name, _ in SEEDS}
SHARDS, MORE_SHARDS = 20, 200


def predict(model, name):
    """Predict; what the model cannot do it may refuse in words."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names of columns, of infinities on the way
        with contextlib.suppress(ValueError):
            model.predict(ROWS[name])


def survive(place, first, count):
    """Read many damaged files; return how many of them were models."""
    n_models = 0
    for number in range(first, first + count):
        rng = np.random.default_rng(number)
        name, content = SEEDS[rng.integers(len(SEEDS))]
        place.write_bytes(mutated(rng, content))
        try:
            model = multilayer.load(place)
        except ModelFileError:
            continue
        except Exception as error:
            raise AssertionError(f"damaged file number {number} raised {error!r}") from error
        n_models += 1
        if n_models % 10 == 0:
            predict(model, name)
    return n_models


@pytest.mark.parametrize("shard", range(SHARDS))
def test_20_000_damaged_files(shard, place):
    assert 0 < survive(place, shard * 1000, 1000) < 500


@pytest.mark.slow
@pytest.mark.parametrize("shard", range(MORE_SHARDS))
def test_a_million_damaged_files(shard, place):
    assert 0 < survive(place, 10**6 + shard * 5000, 5000) < 2500
