"""Arguments that do not exist: an error that names the public class and what was probably meant."""

from collections.abc import Callable, Collection
from functools import wraps
from inspect import signature
from typing import ParamSpec, TypeVar

from multilayer._core.suggestions import suggestion

Class = TypeVar("Class", bound=type)
P = ParamSpec("P")
R = TypeVar("R")


def constructor_of(public: str) -> Callable[[Class], Class]:
    """Return a decorator of a class that holds the arguments of a public one of this name."""

    def decorate(cls: Class) -> Class:
        init = cls.__init__  # type: ignore[misc]
        init.__qualname__ = f"{public}.__init__"  # what Python's own errors name
        known = frozenset(signature(init).parameters) - {"self"}

        @wraps(init)
        def checked(self: object, *args: object, **given: object) -> None:
            unknown = [name for name in given if name not in known]
            if unknown:
                raise _unexpected(type(self).__name__, unknown[0], known)
            init(self, *args, **given)

        cls.__init__ = checked  # type: ignore[misc]
        return cls

    return decorate


def known_arguments(method: Callable[P, R]) -> Callable[P, R]:
    """Decorate a method of an estimator: arguments of its constructor are shown where they go."""
    known = frozenset(signature(method).parameters) - {"self"}

    @wraps(method)
    def checked(*args: P.args, **given: P.kwargs) -> R:
        unknown = [name for name in given if name not in known]
        if unknown:
            estimator = type(args[0])
            raise _unexpected(
                f"{estimator.__name__}.{method.__name__}",
                unknown[0],
                known,
                estimator.__name__,
                frozenset(signature(estimator).parameters),
            )
        return method(*args, **given)

    return checked


def _unexpected(
    called: str,
    name: str,
    known: Collection[str],
    estimator: str = "",
    constructor: Collection[str] = (),
) -> TypeError:
    """Return the error for an argument that neither a call nor, perhaps, the constructor has."""
    own = suggestion(name, known)
    elsewhere = name if name in constructor else suggestion(name, constructor)
    remedy = ""
    if own is not None:
        pair = " and 'y_val'" if own == "X_val" else ""
        remedy = f" Did you mean {own!r}{pair}?"
    elif elsewhere is not None:
        remedy = f" It is an argument of the constructor: {estimator}({elsewhere}=...)."
    return TypeError(f"{called}() got an unexpected argument {name!r}.{remedy}")
