"""The same bits for any number of threads, and wherever calls end."""

import numpy as np
import pytest

from multilayer._data.order import shuffled
from multilayer._data.source import ResidentSource, Rows
from multilayer._engine import loop
from multilayer._engine.native import coverage, maker
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


def trained(case, *, threads=1, budget=None, dtype="float32"):
    shape, choices, numbers = CASES[case]
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N_ROWS, N_INPUTS)).astype(dtype)
    y = rng.integers(0, N_CLASSES, N_ROWS)
    weight = rng.integers(0, 3, N_ROWS).astype(dtype)
    network = Network((N_INPUTS, 350, 350, N_CLASSES), ("relu", "gelu"), **shape)
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
    run = loop.Training(
        maker=maker.NATIVE,
        config=config,
        hyper=hyper,
        source=source,
        schedule=lambda steps: np.full(len(steps), 0.01),
        validation=Validation(blocks, score_scale(objective, y[:100], weight[:100])),
        state=maker.NATIVE.initial_state(config, hyper, params),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(maker, "n_threads", lambda products: threads)
        loop.train(run, 3 * source.steps_per_epoch, budget=budget or (lambda step: 10**6))
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


def test_training_lowers_the_loss(one_thread):
    for run in one_thread.values():
        losses = run.history["loss"]
        assert np.isfinite(losses).all()
        assert losses[-1] < losses[0]


def test_frozen_layers_stay(one_thread):
    start = trained("written down", budget=lambda step: 1)
    first = one_thread["written down"].state.params[0]
    np.testing.assert_array_equal(first.kernel, start.state.params[0].kernel)
