"""The same bits for any number of threads, wherever calls end, and beside other networks."""

import os
import runpy
import subprocess
import sys

import joblib
import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from multilayer._core.errors import InvalidArgumentError
from multilayer._core.pytrees import leaves
from multilayer._data.order import shuffled
from multilayer._data.source import ResidentSource, Rows
from multilayer._engine import loop
from multilayer._engine.native import coverage, maker, threads
from multilayer._engine.population import train_population
from multilayer._engine.program import Validation
from multilayer._engine.state import VALIDATION_SCORE, FitConfig, Hyper
from multilayer._nn.model import Disturbance
from multilayer._nn.network import Network, initialize
from multilayer._objectives.objective import LossNumbers, Objective, score_scale

if coverage.unavailable():
    pytest.skip(coverage.unavailable(), allow_module_level=True)

N_ROWS, N_INPUTS, N_CLASSES = 300, 450, 5


def hyper_parameters(network, source, solver):
    real = np.float32
    return Hyper(
        solver={name: real(value) for name, value in solver.items()},
        learning_rate=real(0.01),
        alpha=real(0.01),
        l1_ratio=real(0.2),
        disturbance=Disturbance(np.full(network.n_hidden, 0.3, real), real(0.1), real(0.2)),
        loss=LossNumbers(real(0.1), real(1), np.zeros(0, real), None),
        clip_norm=real(0.5),
        max_norm=real(2.0),
        ema_decay=real(0.9),
        layer_rates=np.linspace(0.5, 1.5, network.n_hidden + 1).astype(real),
        accumulate_steps=np.int32(3),
        input_scale=real(0.5),
        tol=real(1e-4),
        n_iter_no_change=np.int32(50),
        steps_per_epoch=np.int32(source.steps_per_epoch),
        seed=np.uint32(7),
    )


ADAM = {"beta_1": 0.9, "beta_2": 0.99, "epsilon": 1e-8}
CASES = {
    "plain": ({}, {"solver": "plain_sgd"}, {}),
    "wide and penalised": ({}, {"solver": "adam", "penalty": True, "l1": True}, ADAM),
    "batch normalised": (
        {"norm": "batch", "residual": True},
        {"solver": "sgd", "averaged": True},
        {"momentum": 0.9},
    ),
    "layer normalised": ({"norm": "layer", "residual": True}, {"solver": "adamw"}, ADAM),
    "random": (
        {"dropout": True, "input_dropout": True, "input_noise": True},
        {"solver": "rmsprop", "layerwise": True, "scaled": True},
        {"decay": 0.9, "epsilon": 1e-6, "momentum": 0.5},
    ),
    "written down": (
        {"n_frozen": 1},
        {
            "solver": "adam",
            "clipped": True,
            "max_norm": True,
            "averaged": True,
            "accumulated": True,
            "penalty": True,
        },
        ADAM,
    ),
}


def made(case, *, dtype="float32", hidden=(350, 350)):
    """A run before its first step."""
    shape, choices, numbers = CASES[case]
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N_ROWS, N_INPUTS)).astype(dtype)
    y = rng.integers(0, N_CLASSES, N_ROWS)
    weight = rng.integers(0, 3, N_ROWS).astype(dtype)
    network = Network((N_INPUTS, *hidden, N_CLASSES), ("relu", "gelu"), **shape)
    objective = Objective("softmax", "identity", (N_CLASSES,))
    source = ResidentSource(X, y, weight, 64, shuffled(N_ROWS, 3))
    hyper = hyper_parameters(network, source, numbers or {"momentum": 0.0})
    config = FitConfig(
        network,
        objective,
        weighted=True,
        validate=True,
        monitor=VALIDATION_SCORE,
        dtype=dtype,
        **choices,
    )
    params = initialize(
        network,
        np.random.RandomState(1),
        weights="glorot_uniform",
        bias="glorot_uniform",
        output_like="relu",
        dtype=dtype,
    )
    blocks = Rows(X[None, :100], y[None, :100], weight[None, :100])
    return loop.Training(
        maker=maker.NATIVE,
        config=config,
        hyper=hyper,
        source=source,
        schedule=lambda steps: np.full(len(steps), 0.01),
        validation=Validation(blocks, score_scale(objective, y[:100], weight[:100])),
        state=maker.NATIVE.initial_state(config, hyper, params),
    )


def last_step(run):
    return 3 * run.source.steps_per_epoch


def trained(case, *, threads=1, budget=None, **shape):
    run = made(case, **shape)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(maker, "n_threads", lambda products: threads)
        loop.train(run, last_step(run), budget=budget or (lambda step: 10**6))
    return run


@pytest.fixture(scope="module")
def one_thread():
    return {case: trained(case) for case in CASES}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("threads", [2, 3])
def test_threads_change_no_bit(case, threads, one_thread, assert_same_bits):
    assert_same_bits(one_thread[case], trained(case, threads=threads))


@pytest.mark.parametrize("case", CASES)
def test_calls_may_end_anywhere(case, one_thread, assert_same_bits):
    pieces = trained(case, threads=2, budget=lambda step: 1 + step % 3)
    assert_same_bits(one_thread[case], pieces)


# Many networks at once ---------------------------------------------------------------------------

SHAPES = dict(
    zip(CASES, [(350, 350), (40, 40), (64, 64), (9, 9), (90, 70), (130, 20)], strict=True)
)


@pytest.fixture(scope="module")
def alone():
    """Each network by itself, on two threads."""
    return [trained(case, threads=2, hidden=shape) for case, shape in SHAPES.items()]


def population():
    runs = [made(case, hidden=shape) for case, shape in SHAPES.items()]
    train_population(runs, last_step(runs[0]))
    return runs


def test_networks_beside_others_are_those_alone(alone, monkeypatch, assert_same_bits):
    monkeypatch.setattr(threads, "usable_cores", lambda: 3)
    monkeypatch.setattr(threads, "SMALL", 0)
    for single, member in zip(alone, population(), strict=True):
        assert_same_bits(single, member)
        assert member._program[1].threads == 1


def test_few_networks_share_all_cores(monkeypatch):
    monkeypatch.setattr(threads, "usable_cores", lambda: 5)
    monkeypatch.setattr(threads, "SMALL", 0)
    runs = [made("plain", hidden=(9, 9)) for _ in range(2)]
    train_population(runs, 3)
    assert [run._program[1].threads for run in runs] == [2, 2]
    assert threads.most_threads() == 5


def leaves_of(runs):
    return [[np.asarray(leaf) for leaf in leaves(run.state)] for run in runs]


def in_a_worker():
    """What a worker of joblib computes, and how many threads it may use."""
    return leaves_of(population()), threads.most_threads()


@pytest.mark.skipif(
    "MULTILAYER_NATIVE_FOLDER" in os.environ, reason="workers have the library of the package"
)
def test_workers_of_joblib_train_the_same(alone):
    # By this file's path: a worker cannot import what pytest has imported.
    call = joblib.delayed(eval)(
        "runpy.run_path(path)['in_a_worker']()", {"runpy": runpy, "path": __file__}
    )
    with joblib.parallel_config(backend="loky", inner_max_num_threads=1):
        results = joblib.Parallel(n_jobs=2)([call, call])
    for found, most in results:
        assert most == 1
        for mine, theirs in zip(found, leaves_of(alone), strict=True):
            for a, b in zip(mine, theirs, strict=True):
                np.testing.assert_array_equal(a, b)


def test_an_error_of_one_ends_all_after_their_present_calls():
    good, bad = made("plain", hidden=(9, 9)), made("plain", hidden=(9, 9))
    bad.schedule = lambda steps: 1 / 0
    with pytest.raises(ZeroDivisionError):
        train_population([good, bad], 10**9)
    assert good.step < 10**9


def test_runs_of_this_engine_are_not_vmapped():
    with pytest.raises(InvalidArgumentError, match="members must be of one maker that can vmap"):
        train_population([made("plain", hidden=(9, 9))], 1, how="vmap")
    train_population([], 1)


# Limits of threads -------------------------------------------------------------------------------


def test_threadpoolctl_limits_the_threads_of_a_fit(monkeypatch):
    monkeypatch.setattr(threads, "usable_cores", lambda: 4)
    monkeypatch.setattr(threads, "SMALL", 0)
    threads.follow_threadpoolctl()

    def used():
        run = made("plain", hidden=(9, 9))
        loop.train(run, 1)
        return run._program[1].threads

    before = used()
    with threadpool_limits(1):
        assert used() == 1
        with threadpool_limits(3, user_api="multilayer"):
            assert used() == 3
        assert used() == 1
    with threadpool_limits(1, user_api="blas"):
        assert used() == before
    assert used() == before == 4
    known = [pool for pool in threadpool_info() if pool["user_api"] == "multilayer"]
    assert {pool["num_threads"] for pool in known} == {4}  # other tests load other copies


FRESH = """
import threadpoolctl
from multilayer import MLPClassifier
from multilayer._engine.native import threads
threads.SMALL = 0
threads.usable_cores = lambda: 4
with threadpoolctl.threadpool_limits(1):
    print(threads.n_threads(1))
print(threads.n_threads(1))
"""


def test_a_limit_before_the_first_fit_is_respected():
    done = subprocess.run([sys.executable, "-c", FRESH], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "4"]


# What training does ------------------------------------------------------------------------------


def test_training_lowers_the_loss(one_thread):
    for run in one_thread.values():
        losses = run.history["loss"]
        assert np.isfinite(losses).all()
        assert losses[-1] < losses[0]


def test_frozen_layers_stay(one_thread):
    start = trained("written down", budget=lambda step: 1)
    first = one_thread["written down"].state.params[0]
    np.testing.assert_array_equal(first.kernel, start.state.params[0].kernel)
