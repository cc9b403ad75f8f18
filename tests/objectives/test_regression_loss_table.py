"""The table of regression losses: every record is complete, and every kind of output is read."""

from pathlib import Path

import numpy as np
import pytest

from multilayer import MLPRegressor
from multilayer._objectives import losses, numpy_outputs, regression
from multilayer._objectives.objective import LossNumbers, Objective
from multilayer._objectives.regression_losses import (
    OUT_ACTIVATIONS,
    REGRESSION_LOSSES,
    OutputKind,
)
from multilayer._onnx.estimator_graphs import FINISHES

DOCS = Path(__file__).parents[2] / "docs"
LEVELS = (0.2, 0.5, 0.7)
RECORDS = pytest.mark.parametrize("record", REGRESSION_LOSSES.values(), ids=lambda r: r.name)


def test_every_kind_of_output_is_read_everywhere():
    assert set(losses.READERS) == set(OutputKind), "complete _objectives/losses.py"
    assert set(numpy_outputs.READERS) == set(OutputKind), "complete _objectives/numpy_outputs.py"
    assert set(FINISHES) == set(OutputKind), "complete _onnx/estimator_graphs.py"


@pytest.mark.parametrize("kind", OutputKind)
def test_kinds_have_the_units_that_their_readers_take(kind):
    """In JAX and in NumPy: as many predictions as units, and the same ones."""
    units = kind.units(len(LEVELS))
    name = next(loss.name for loss in REGRESSION_LOSSES.values() if loss.output == kind)
    out = REGRESSION_LOSSES[name].out_activation("auto")
    objective = Objective(name, out, (units,) * 2, middle=1 if units == len(LEVELS) else 0)
    raw = np.random.default_rng(0).normal(size=(5, 2 * units)).astype(np.float32)
    found = np.asarray(losses.distribution(objective, raw))
    assert found.size == raw.size
    np.testing.assert_allclose(
        numpy_outputs.distribution(objective, raw), found, rtol=2e-6, atol=1e-6
    )


@RECORDS
def test_row_losses_exist_and_take_what_the_record_says(record):
    assert callable(getattr(regression, record.row_loss))
    units = record.output.units(len(LEVELS))
    objective = Objective(record.name, record.out_activation("auto"), (units,) * 2)
    raw, target = np.ones((5, 2 * units), np.float32), np.ones((5, 2), np.float32)
    numbers = LossNumbers(np.float32(0), np.float32(1), np.array(LEVELS, np.float32), None)
    rows = losses.row_losses(objective, raw, target, numbers)
    assert rows.shape == (5,)
    assert rows.dtype == np.float32


@RECORDS
def test_records_agree_with_themselves(record):
    assert record.out_activations
    assert set(record.out_activations) <= set(OUT_ACTIVATIONS)
    if record.output != OutputKind.POINT:  # its units are no values to be bounded
        assert record.out_activations == ("identity",)
    assert record.number in (None, *LossNumbers._fields)


@RECORDS
def test_the_minimum_is_the_constant_it_is_said_to_be(record):
    """Among the constants mean and median, over skewed rows, the loss is lower for the named one.

    "huber" lies between both, nearer to the median where most rows are far from it.
    """
    y = np.float32([0, 1, 2, 3, 200])
    assert _loss_of_constant(record, y, record.minimised_by) < _loss_of_constant(
        record, y, {"mean": "median", "median": "mean"}[record.minimised_by]
    )


def _loss_of_constant(record, y, which):
    value = {"mean": np.mean, "median": np.median}[which](y)
    units = record.output.units(1)
    raw = np.full((len(y), units), np.log(value) if record.takes_raw else value, np.float32)
    if record.output == OutputKind.MEAN_AND_SPREAD:
        raw[:, 1] = 50.0  # the spread: one and the same for both constants
    objective = Objective(record.name, record.out_activation("auto"), (units,))
    numbers = LossNumbers(np.float32(0), np.float32(1), np.float32([0.5]), None)
    return float(losses.row_losses(objective, raw, y[:, None], numbers).sum())


@pytest.mark.parametrize(
    "record", [r for r in REGRESSION_LOSSES.values() if r.loss_of_variance], ids=lambda r: r.name
)
def test_loss_of_variance(record):
    y = np.float32([0, 1, 2, 3, 9])
    mean_loss = _loss_of_constant(record, y, "mean") / len(y)
    assert mean_loss == pytest.approx(record.loss_of_variance * y.var())


def test_the_documentation_lists_them_all():
    names = ", ".join(f'"{name}"' for name in REGRESSION_LOSSES)
    assert f'loss : {{{names}}} or RegressionLoss, default="squared_error"' in MLPRegressor.__doc__
    assert "<losses>" not in MLPRegressor.__doc__
    page = (DOCS / "estimators.md").read_text()
    for name in REGRESSION_LOSSES:
        assert f'\n| "{name}"' in page, f"docs/estimators.md lacks a row for loss={name!r}"
