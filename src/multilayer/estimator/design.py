"""The design of an estimator: its arguments, checked."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from multilayer._core.activations import HIDDEN, AnyActivation
from multilayer._core.checks import check_choice, check_integer, check_real, refuse
from multilayer._core.types import comparable
from multilayer._sklearn.arguments.architecture import STEPS, by_name, problem_of
from multilayer.estimator.feature_reading import DenseColumn
from multilayer.estimator.features import (
    FeatureColumns,
    check_columns,
    check_weight_column,
)
from multilayer.estimator.heads import Head
from multilayer.estimator.numeric_columns import NumericColumn
from multilayer.estimator.optimizers import EngineSolver, optimizer_arguments

SUM, MEAN = "sum", "mean"  # loss_reduction


@dataclass(frozen=True)
class Design:
    """Everything about an estimator but where and how long it trains."""

    kind: str  # the name of its class
    hidden_units: tuple[int, ...]
    columns: FeatureColumns
    weight_column: NumericColumn | None
    head: Head
    optimizer: EngineSolver
    activation: AnyActivation
    dropout: float
    reduction: str | None  # how losses of rows become that of a batch
    warm_start_from: str | os.PathLike[str] | None

    @property
    def reports_sum(self) -> bool:
        """Whether the loss of a batch is reported as the sum over its rows, not the mean."""
        return self.reduction != MEAN

    @property
    def follows_sum(self) -> bool:
        """Whether the gradient is that of the sum over a batch's rows, not of the mean.

        By default it is not: under TensorFlow 1's Adagrad, whose accumulators start at 0.1, the
        sum's gradient moves every weight by the whole rate in the first step, and half the units
        of the chapter's first layer are dead after a few.
        """
        return self.reduction == SUM

    def description(self) -> dict[str, object]:
        """What distinguishes checkpoints, as JSON."""
        columns = [[column.name, column.width] for column in self.columns.all]
        return {"estimator": self.kind, "columns": columns}

    @property
    def gradient_factor(self) -> float:
        """What the engine's loss of a row is multiplied by where its gradient is followed."""
        return self.head.loss_factor / (1 if self.follows_sum else self.head.n_outputs)

    def reported_loss(self, loss_sum: float, n_rows: float) -> float:
        """Return the loss as it is reported, from the engine's sums over a batch.

        Those are of the mean over the outputs of a row, times the factor of the gradient.
        """
        loss_sum = loss_sum * self.head.loss_factor / self.gradient_factor
        if self.reports_sum:
            return loss_sum * self.head.n_outputs
        return loss_sum / n_rows if n_rows > 0 else 0.0


def make_design(
    kind: str,
    *,
    hidden_units: Sequence[int],
    feature_columns: Sequence[DenseColumn],
    weight_column: str | NumericColumn | None,
    head: Head,
    optimizer: object,
    activation_fn: AnyActivation,
    dropout: float | None,
    loss_reduction: str | None,
    warm_start_from: str | os.PathLike[str] | None,
) -> Design:
    """Check the arguments of an estimator."""
    return Design(
        kind=kind,
        hidden_units=check_hidden_units(hidden_units),
        columns=check_columns(feature_columns),
        weight_column=check_weight_column(weight_column),
        head=head,
        optimizer=optimizer_arguments(optimizer),
        activation=check_activation(activation_fn),
        dropout=check_dropout(dropout),
        reduction=check_reduction(loss_reduction),
        warm_start_from=check_warm_start(warm_start_from),
    )


def check_hidden_units(given: object) -> tuple[int, ...]:
    """Check the sizes of the hidden layers; there may be none."""
    if not isinstance(given, Iterable) or isinstance(given, str | Mapping):
        refuse("hidden_units", "a list of integers, such as [300, 100]", given)
    sizes = tuple(given)
    for size in sizes:
        check_integer("hidden_units", size, 1)
    return tuple(int(size) for size in sizes)


def check_dropout(given: float | None) -> float:
    """Check the chance of a unit to be dropped."""
    if given is None:
        return 0.0
    check_real("dropout", given, "[0, 1)")
    return float(given)


def check_reduction(given: str | None) -> str | None:
    """Check how losses of rows become the loss of a batch."""
    if given is not None:
        check_choice("loss_reduction", given, (SUM, MEAN), "None")
    return given


def check_warm_start(given: str | os.PathLike[str] | None) -> str | os.PathLike[str] | None:
    """Check the name of a model folder or of a checkpoint."""
    if given is not None and not isinstance(given, str | os.PathLike):
        refuse("warm_start_from", "a folder of checkpoints, a checkpoint, or None", given)
    return given


def check_activation(given: AnyActivation) -> AnyActivation:
    """Check the activation of the hidden layers; a function that has a name goes by it."""
    if not callable(given):
        check_choice("activation_fn", given, HIDDEN, "a function of JAX arrays")
        return given
    function = comparable(given)
    if function in STEPS:
        refuse("activation_fn", "a function with slopes", given, "No weight would learn.")
    problem = problem_of(function)
    if problem:
        refuse("activation_fn", f"a function that keeps the shape ({problem})", given)
    return by_name(function)
