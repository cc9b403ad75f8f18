"""Populations: many runs at once equal the same runs one by one."""

import jax
import numpy as np
import pytest

from multilayer import MLPClassifier
from multilayer._core.errors import InvalidArgumentError
from multilayer._engine.loop import train
from multilayer._engine.population import train_population
from multilayer._engine.state import CONVERGED, DIVERGED, RUNNING

N_MEMBERS = 8
EPOCHS = 6


@pytest.fixture
def members(make_training, blobs):
    """A function that builds members, each with numbers, weights, order and a seed of its own."""
    X, y = blobs

    def build(**special):
        rng = np.random.default_rng(2)
        runs = []
        for i in range(N_MEMBERS):
            arguments = {
                "learning_rate_init": 10.0 ** rng.uniform(-3, -1),
                "alpha": 10.0 ** rng.uniform(-4, 0),
                "dropout": rng.uniform(0.1, 0.5),
                "momentum": rng.uniform(0.5, 0.95),
                "early_stopping": True,
                **special.get(f"member_{i}", {}),
            }
            runs.append(
                make_training(
                    MLPClassifier((9,), solver="sgd", batch_size=32, **arguments),
                    X[:170],
                    y[:170],
                    weight=rng.uniform(0.1, 2, 170),
                    validation=(X[170:], y[170:]),
                    epochs=EPOCHS,
                    seed=i,
                )
            )
        return runs

    return build


def steps(runs):
    return EPOCHS * runs[0].source.steps_per_epoch


def one_by_one(runs):
    for run in runs:
        train(run, steps(runs))
    return runs


def together(runs, how):
    train_population(runs, steps(runs), how=how)
    return runs


def assert_close(first, second):
    assert (first.status, first.step) == (second.status, second.step)
    for column in ("loss", "validation_loss", "validation_score", "learning_rate"):
        mine, theirs = first.history[column], second.history[column]
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, err_msg=column)
    for a, b in zip(*(jax.tree.leaves(run.state.params) for run in (first, second)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_threads_are_singles_bit_for_bit(members, assert_same_bits):
    singles, threads = one_by_one(members()), together(members(), "threads")
    assert len({single.history["loss"][-1] for single in singles}) == N_MEMBERS
    for single, member in zip(singles, threads, strict=True):
        assert_same_bits(single, member)


def test_vmapped_are_singles(members):
    singles, vmapped = one_by_one(members()), together(members(), "vmap")
    for single, member in zip(singles, vmapped, strict=True):
        assert_close(single, member)


DIVERGING = {"member_2": {"learning_rate_init": 1e30}}
STOPPING = {
    "member_5": {"tol": 10.0, "n_iter_no_change": 1},
    "member_6": {"tol": 10.0, "n_iter_no_change": 3},
}


@pytest.mark.parametrize("how", ["threads", "vmap"])
def test_members_that_end_leave_the_others_alone(members, how, assert_same_bits):
    plain = together(members(), how)
    special = together(members(**DIVERGING, **STOPPING), how)
    assert [run.status for run in special] == [
        {2: DIVERGED, 5: CONVERGED, 6: CONVERGED}.get(i, RUNNING) for i in range(N_MEMBERS)
    ]
    assert [len(run.history) for run in special] == [6, 6, 1, 6, 6, 3, 5, 6]
    for i in set(range(N_MEMBERS)) - {2, 5, 6}:
        assert_same_bits(plain[i], special[i])


@pytest.mark.parametrize("how", ["threads", "vmap"])
def test_members_that_end_are_as_they_would_be_alone(members, how):
    singles = one_by_one(members(**DIVERGING, **STOPPING))
    special = together(members(**DIVERGING, **STOPPING), how)
    for i in (5, 6):
        assert_close(singles[i], special[i])
    assert special[2].step == singles[2].step < steps(special)
    assert np.isfinite(np.asarray(special[2].state.best_params[0].kernel)).all()


def test_members_of_other_kinds_are_refused(make_training, blobs):
    runs = [make_training(MLPClassifier((n,)), *blobs) for n in (4, 5)]
    with pytest.raises(InvalidArgumentError, match="members must be alike"):
        train_population(runs, 10, how="vmap")
    with pytest.raises(InvalidArgumentError, match="how must be one of"):
        train_population(runs, 10, how="processes")


def test_an_error_in_a_thread_comes_out(make_training, blobs):
    runs = [make_training(MLPClassifier((4,)), *blobs) for _ in range(2)]
    runs[1].schedule = lambda steps: 1 / 0
    with pytest.raises(ZeroDivisionError):
        train_population(runs, 5, how="threads")
