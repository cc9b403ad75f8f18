"""The training loop with another maker of programs: what crosses the seam is all there is."""

import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from multilayer._core.pytrees import leaves
from multilayer._engine.xla.maker import XLA

SCRIPT = Path(__file__).with_name("numpy_maker.py")
OTHER = runpy.run_path(str(SCRIPT))
NUMPY = OTHER["NumpyMaker"]()


def test_training_starts_no_jax(tmp_path):
    command = [sys.executable, str(SCRIPT), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "trained without JAX\n"), done.stderr


def assert_close(one, other):
    for a, b in zip(leaves(one.network), leaves(other.network), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    for name in ("loss", "validation_loss", "validation_score", "learning_rate", "steps"):
        np.testing.assert_allclose(
            one.history[name], other.history[name], rtol=1e-5, atol=1e-6, err_msg=name
        )


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"validation": "resident"},
        {"validation": "streamed", "streamed": True},
        {"validation": "resident", "scorer": lambda network: float(np.sum(network[0].bias))},
    ],
    ids=["resident", "validated", "streamed", "scored"],
)
def test_two_makers_agree(arguments):
    ours, theirs = (OTHER["trained"](maker, **arguments) for maker in (XLA, NUMPY))
    assert_close(ours, theirs)
    for field in ("best_kept", "best_loss", "best_value", "no_improvement", "status"):
        mine, other = (np.asarray(getattr(run.state, field)) for run in (ours, theirs))
        np.testing.assert_allclose(mine, other, rtol=1e-5, atol=1e-6, err_msg=field)
        assert mine.dtype == other.dtype
    for a, b in zip(leaves(ours.gradient()), leaves(theirs.gradient()), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_the_minimiser_takes_another_maker():
    ours, theirs = (OTHER["minimised"](maker) for maker in (XLA, NUMPY))
    assert ours.converged
    assert theirs.converged
    for a, b in zip(leaves(ours.params), leaves(theirs.params), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)


@pytest.mark.parametrize("maker", [XLA, NUMPY], ids=["xla", "numpy"])
def test_calls_may_end_anywhere(maker, assert_same_bits):
    whole = OTHER["trained"](maker, validation="resident")
    pieces = OTHER["trained"](maker, validation="resident", budget=lambda step: 1 + step % 3)
    assert_same_bits(whole, pieces)
