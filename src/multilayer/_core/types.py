"""Types shared by all; functions compared by what is in them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeAlias, TypeVar

from multilayer._core.environment import jax_computes_in_float64

# Types shared by all -----------------------------------------------------------------------------


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


def computing_type(precision: str = "float32") -> str:
    """Return what a fit is computed in: float64 if it is to be, or under ``jax_enable_x64``.

    What was fitted knows its own type, and does not ask here.
    """
    return "float64" if precision == "float64" or jax_computes_in_float64() else "float32"


# Users' functions, made comparable: equal ones share a compiled program --------------------------


Result = TypeVar("Result")


@dataclass(frozen=True)
class Bound(Generic[Result]):
    """A function with some arguments set; two of the same function and arguments are equal."""

    function: Callable[..., Result]
    arguments: tuple[object, ...]
    keywords: tuple[tuple[str, object], ...]

    def __call__(self, *args: object, **more: object) -> Result:
        """Call the function."""
        return self.function(*self.arguments, *args, **{**dict(self.keywords), **more})


def comparable(function: Callable[..., Result]) -> Callable[..., Result]:
    """Return a callable that equals its copies.

    Cloning an estimator copies its arguments. A copied function is the same object, a copied
    :func:`functools.partial` is not, and would cost each clone a compilation.
    """
    if not isinstance(function, partial):
        return function
    bound = Bound(function.func, function.args, tuple(sorted(function.keywords.items())))
    try:
        hash(bound)
    except TypeError:  # an argument such as an array: compared by identity then
        return function
    return bound
