"""User's functions, made comparable: equal ones share a compiled program."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

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
