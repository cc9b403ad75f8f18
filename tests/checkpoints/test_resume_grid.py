"""Training that crashed and went on ends with the bits of training that did not."""

import random
from contextlib import suppress
from itertools import product

import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone

from multilayer import Checkpoint, MLPClassifier

from .crashes import (
    SETTINGS,
    WEIGHT,
    Crash,
    CrashesAt,
    CrashesAtTheEnd,
    X,
    assert_goes_on_alike,
    assert_same_result,
    checkpoints,
    fitted_after_crashes,
    n_steps,
    y,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SOLVERS = {
    "nesterov": {"solver": "sgd", "learning_rate_init": 0.1},
    "adam": {"solver": "adam", "learning_rate_init": 0.01},
    "adamw": {"solver": "adamw", "learning_rate_init": 0.01},
    "rmsprop": {"solver": "rmsprop", "learning_rate_init": 0.003},
}
VARIANTS = {
    "plain": ({}, {}),
    "planned": (
        {"learning_rate": "cosine", "early_stopping": True, "max_iter": 8, "n_iter_no_change": 2},
        {},
    ),
    "weighted": ({"alpha": 0.01}, {"sample_weight": WEIGHT}),
}
WHERE = {  # steps between checkpoints, and where in the run it crashes
    "in mid-epoch": (7, (0.45, 0.75)),
    "at the end of an epoch": ("epoch", (0.45, 0.75)),
    "after the end": (7, (CrashesAtTheEnd(), CrashesAtTheEnd())),
}


@pytest.fixture(scope="module", params=product(SOLVERS, VARIANTS), ids="-".join)
def uninterrupted(request):
    """A fit without checkpoints, and its data."""
    solver, variant = request.param
    changes, more = VARIANTS[variant]
    return MLPClassifier(**SETTINGS | SOLVERS[solver] | changes).fit(X, y, **more), more


@pytest.mark.parametrize("n_crashes", [1, 2])
@pytest.mark.parametrize("where", WHERE)
def test_resumed_is_uninterrupted(uninterrupted, where, n_crashes, tmp_path):
    whole, more = uninterrupted
    every, places = WHERE[where]
    crashes = [
        CrashesAt(int(at * n_steps(whole))) if isinstance(at, float) else at
        for at in places[:n_crashes]
    ]
    resumed = fitted_after_crashes(whole, tmp_path, crashes, X, y, every=every, **more)
    assert_same_result(whole, resumed)
    assert_array_equal(whole.predict_proba(X), resumed.predict_proba(X))
    assert checkpoints(tmp_path)[-1].name == f"model.ckpt-{n_steps(whole)}.safetensors"


@pytest.mark.parametrize("where", WHERE)
def test_resumed_goes_on_like_uninterrupted(uninterrupted, where, tmp_path):
    fitted, more = uninterrupted
    whole = MLPClassifier(**fitted.get_params()).fit(X, y, **more)
    every, (at, _) = WHERE[where]
    last = CrashesAt(int(at * n_steps(whole))) if isinstance(at, float) else at
    resumed = fitted_after_crashes(whole, tmp_path, [last], X, y, every=every, **more)
    assert_goes_on_alike(whole, resumed, X, y, **more)


@pytest.fixture(scope="module")
def averaged():
    """A fit with as much state as there is."""
    return MLPClassifier(
        **SETTINGS | {"learning_rate": "one_cycle", "max_iter": 6, "n_iter_no_change": 100},
        ema_decay=0.9,
        accumulate_steps=2,
        early_stopping=True,
    ).fit(X, y)


@pytest.mark.parametrize("seed", range(12))
def test_any_crashes_at_any_distance_of_checkpoints(averaged, seed, tmp_path):
    rng = random.Random(seed)
    resumed = clone(averaged)
    for _ in range(rng.randint(1, 6)):  # each part has checkpoints of its own distance
        every = rng.choice([*range(1, 16), "epoch", 1e-9])
        resumed.set_params(
            checkpoint=Checkpoint(tmp_path, every=every, keep=rng.randint(1, 3)),
            callbacks=[CrashesAt(rng.randrange(1, n_steps(averaged) + 1))],
        )
        with suppress(Crash):
            clone(resumed).fit(X, y)
    assert_same_result(averaged, resumed.set_params(callbacks=None).fit(X, y))
