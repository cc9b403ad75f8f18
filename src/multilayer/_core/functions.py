"""User's functions, made comparable: equal ones share a compiled program."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any


@dataclass(frozen=True)
class Bound:
    """A function with some arguments set; two of the same function and arguments are equal."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    keywords: tuple[tuple[str, Any], ...]

    def __call__(self, *args: Any, **more: Any) -> Any:
        """Call the function."""
        return self.function(*self.arguments, *args, **{**dict(self.keywords), **more})


def comparable(function: Callable[..., Any]) -> Callable[..., Any]:
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
