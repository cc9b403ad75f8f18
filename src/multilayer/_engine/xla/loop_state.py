"""What a step of a user's own loop returns: the next state, and the loss."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

import jax
import numpy as np

from multilayer._core.checks import refuse
from multilayer._core.environment import check_process
from multilayer._core.pytrees import Tree
from multilayer._core.types import Array
from multilayer._engine.native.chain import PendingLoss, Point
from multilayer._nn.model import Parameters

if TYPE_CHECKING:
    from multilayer._engine.xla.native_steps import NativeSteps

Fields: TypeAlias = tuple[Parameters, Tree, Array, Array]
"""What a program takes and returns of a state: JAX flattens a tuple quicker than a class."""

FIELDS = ("params", "opt_state", "step", "seed")


class LoopState:
    """All that a loop needs to continue: a step takes one and returns the next.

    It has the interface of a named tuple and is a pytree of JAX. Where the native engine trains,
    the parameters are computed when they are looked at.

    Attributes
    ----------
    params : pytree of arrays
        Parameters of the network.
    opt_state : pytree of arrays
        State of the optimizer.
    step : array of shape ()
        Steps done, an int32.
    seed : array of shape ()
        Of what the layers draw in training, a uint32.
    """

    __slots__ = ("_values", "by_xla_alone", "native", "seed", "step")
    _fields = FIELDS

    _values: "tuple[Parameters, Tree] | None"  # None before they are read
    native: "tuple[NativeSteps, Point] | None"
    by_xla_alone: object  # the step that is known to go on from here by XLA
    step: Array
    seed: Array

    def __init__(self, params: Parameters, opt_state: Tree, step: Array, seed: Array) -> None:
        values = params, opt_state
        _set(self, native=None, by_xla_alone=None, _values=values, step=step, seed=seed)

    @classmethod
    def of(cls, fields: Fields, by_xla_alone: object = None) -> "LoopState":
        """Return the state with the fields that a program has returned."""
        return _set(cls(*fields), by_xla_alone=by_xla_alone)

    @classmethod
    def unread(cls, steps: "NativeSteps", point: Point, seed: Array) -> "LoopState":
        """Return the state at a point of a native run."""
        state, step = object.__new__(cls), np.int32(point.step)
        native = steps, point
        return _set(state, native=native, by_xla_alone=None, _values=None, step=step, seed=seed)

    @property
    def params(self) -> Parameters:
        """Parameters of the network."""
        return self._read()[0]

    @property
    def opt_state(self) -> Tree:
        """State of the optimizer."""
        return self._read()[1]

    def _read(self) -> tuple[Parameters, Tree]:
        if self._values is None:
            check_process()
            assert self.native is not None
            _set(self, _values=self.native[1].read())
        assert self._values is not None
        return self._values

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a state cannot be changed: use state._replace({name}=...)")

    def _asdict(self) -> dict[str, Any]:
        return dict(zip(FIELDS, self, strict=True))

    def _replace(self, **changes: Any) -> "LoopState":
        """Return a state with other fields."""
        if unknown := sorted(changes.keys() - set(FIELDS)):
            refuse("changes", f"some of {FIELDS}", unknown)
        return LoopState(**{**self._asdict(), **changes})

    def __iter__(self) -> Iterator[Any]:
        return iter((*self._read(), self.step, self.seed))

    def __len__(self) -> int:
        return len(FIELDS)

    def __getitem__(self, i: int | slice) -> Any:
        return tuple(self)[i]

    def __repr__(self) -> str:
        return f"LoopState({', '.join(f'{k}={v!r}' for k, v in self._asdict().items())})"

    def __reduce__(self) -> tuple[type["LoopState"], tuple[Any, ...]]:
        return LoopState, tuple(self)


def _set(state: LoopState, **fields: object) -> LoopState:
    put = object.__setattr__  # the way of a frozen dataclass
    for name, value in fields.items():
        put(state, name, value)
    return state


def _with_names(state: LoopState) -> tuple[list[tuple[Any, Any]], None]:
    names = map(jax.tree_util.GetAttrKey, FIELDS)
    return list(zip(names, state, strict=True)), None


jax.tree_util.register_pytree_with_keys(
    LoopState, _with_names, lambda _, fields: LoopState(*fields), lambda state: (tuple(state), None)
)


class LossOfStep:
    """The loss of a step that is computed when it is looked at: an array of shape ().

    It does what an array of JAX does, by becoming one.
    """

    __slots__ = ("_array", "_loss", "dtype")
    __array_priority__ = 100  # operators of NumPy's scalars leave their work to ours
    __hash__ = None  # type: ignore[assignment]  # as JAX's arrays
    shape, ndim, size = (), 0, 1

    def __init__(self, loss: PendingLoss, dtype: str) -> None:
        self._loss, self.dtype = loss, np.dtype(dtype)
        self._array: jax.Array | None = None

    def __jax_array__(self) -> jax.Array:
        """Return the loss as an array of JAX."""
        array = self._array
        if array is None:
            check_process()
            self._array = array = jax.device_put(self.dtype.type(self._loss.value()))
        return array

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return jax.device_put, (np.asarray(self),)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self.dtype.type(self._loss.value()), dtype)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.__jax_array__(), name)

    def __float__(self) -> float:
        return float(self.dtype.type(self._loss.value()))

    def __repr__(self) -> str:
        return repr(self.__jax_array__())

    def __format__(self, spec: str) -> str:
        return format(self.__jax_array__(), spec)


def _operator(name: str) -> Callable[..., Any]:
    def apply(self: LossOfStep, *others: Any) -> Any:
        others = tuple(o.__jax_array__() if isinstance(o, LossOfStep) else o for o in others)
        return getattr(self.__jax_array__(), name)(*others)

    apply.__name__ = name
    return apply


BINARY = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "divmod")
OTHERS = ("neg", "pos", "abs", "eq", "ne", "lt", "le", "gt", "ge", "int", "bool", "complex")
for _name in (*BINARY, *(f"r{name}" for name in BINARY), *OTHERS, "round"):
    setattr(LossOfStep, f"__{_name}__", _operator(f"__{_name}__"))

# As an argument of what JAX compiles or differentiates it is an array.
jax.tree_util.register_pytree_node(
    LossOfStep, lambda loss: ((loss.__jax_array__(),), None), lambda _, children: children[0]
)
