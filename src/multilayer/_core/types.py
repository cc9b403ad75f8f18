"""Types shared by all."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

Array: TypeAlias = Any
"""A JAX array, a NumPy array or scalar, or a tracer of one: all serve a compiled program."""

JSON: TypeAlias = "bool | int | float | str | Sequence[JSON] | Mapping[str, JSON] | None"
"""What JSON holds, parsed or to be written."""

Report: TypeAlias = dict[str, float]
"""Figures of one epoch by column name."""

REPORT_COLUMNS = (
    "epoch",
    "loss",
    "validation_loss",
    "validation_score",
    "learning_rate",
    "steps",
    "seconds",
)

FIGURES = ("loss", "validation_loss", "validation_score", "learning_rate")
"""Columns that a program returns for each epoch, in its order."""

WHOLE_NUMBERS = ("epoch", "steps")
"""Columns of integers."""
