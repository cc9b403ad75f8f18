"""The one owner of compiled programs: bounded, thread-safe, bound to its process.

Each live program takes memory maps of the process, 165 for the smallest network and 400 to 600 for
larger ones. Linux allows 65,530, and the compiler ends the process with SIGSEGV when there is none
left. So programs go before there is no room for another; those that go give their maps back.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import lru_cache
from typing import Any, Protocol, TypeVar

import jax

from multilayer._core.environment import check_process
from multilayer._core.pytrees import Tree
from multilayer._persist.memory import most_maps, n_maps

Result = TypeVar("Result")
Returned = TypeVar("Returned", covariant=True)

CAPACITY = 128
CAPACITY_UNMEASURED = 64
"""Programs where the system does not say how many maps there are: safe at 600 each."""

RESERVED = 8
"""One part in so many of the maps that the system allows stays free: for the next program, which
takes up to 600 of the 8,191, and for all else in the process that grows between two of them."""

CPU_OPTIONS: dict[str, str | bool] = {"xla_cpu_experimental_ynn_fusion_type": ""}
"""Products by Eigen in place of YNNPACK, where XLA knows the choice: 5 to 12 % faster here at
batches of 50 and 256, and out of the way of the wrong sums that YNNPACK has given
(https://github.com/jax-ml/jax/issues/39103). Remove when both are settled in every JAX we take."""


class ProgramCache:
    """Least-recently-used programs by key; a miss compiles under the lock, once.

    Parameters
    ----------
    capacity : int
        Most programs.
    most_maps : int or None
        Most memory maps of the process; None where that is not known.
    """

    def __init__(self, capacity: int = CAPACITY, most_maps: int | None = None) -> None:
        self.capacity, self.most_maps = capacity, most_maps
        self.n_compiled = 0
        self._programs: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, build: Callable[[], Result]) -> Result:
        """Return the program of a key, built by ``build`` when there is none."""
        check_process()
        with self._lock:
            if key not in self._programs:
                self._make_room()
                self._programs[key] = build()
                self.n_compiled += 1
            self._programs.move_to_end(key)
            return self._programs[key]

    def make_room(self) -> bool:
        """Let programs go until another may be compiled; return whether that was enough."""
        with self._lock:
            return self._make_room()

    def _make_room(self) -> bool:
        while len(self._programs) >= self.capacity:
            self._programs.popitem(last=False)
        while short := self._short_of_maps():
            if not self._programs:
                break
            self._programs.popitem(last=False)
        return not short

    def _short_of_maps(self) -> bool:
        """Whether the process has more memory maps than leave room for another program."""
        if self.most_maps is None:
            return False
        there_are = n_maps()
        return there_are is not None and there_are > self.most_maps

    def __len__(self) -> int:
        """Return the number of programs in it."""
        return len(self._programs)

    def clear(self) -> None:
        """Forget every program."""
        with self._lock:
            self._programs.clear()


def programs_of_process() -> ProgramCache:
    """Return an empty cache that stays within what the system allows a process."""
    allowed = most_maps()
    if allowed is None or n_maps() is None:
        return ProgramCache(CAPACITY_UNMEASURED)
    return ProgramCache(CAPACITY, allowed - allowed // RESERVED)


PROGRAMS = programs_of_process()
get = PROGRAMS.get
make_room = PROGRAMS.make_room


def compiled(function: Callable[..., Result], *args: Tree) -> Callable[..., Result]:
    """Compile a function for the shapes and types of these arguments."""
    lowered = jax.jit(function).lower(*args)
    if jax.default_backend() != "cpu":
        return lowered.compile()
    try:
        return lowered.compile(compiler_options=CPU_OPTIONS)
    except jax.errors.JaxRuntimeError as error:
        if "No such compile option" not in str(error):
            raise
        return lowered.compile()


class Jitted(Protocol[Returned]):
    """A function that JAX compiles for each shape of its arguments."""

    def __call__(self, *args: Tree) -> Returned:
        """Call what is compiled for these shapes."""

    def clear_cache(self) -> None:
        """Forget all that is compiled."""


def jitted(function: Callable[..., Result]) -> "Jitted[Result]":
    """Return a function that compiles itself for each new shape and type of its arguments.

    What it compiles is not in the cache: who calls it with ever new shapes makes room before.
    """
    wrapped: Any = jax.jit(function, compiler_options=known_options())  # typed without clear_cache
    return wrapped


@lru_cache(maxsize=1)
def known_options() -> dict[str, str | bool]:
    """Options that XLA knows, found out with the smallest of programs."""
    if jax.default_backend() != "cpu":
        return {}
    try:
        jax.jit(lambda x: x).lower(0).compile(compiler_options=CPU_OPTIONS)
    except jax.errors.JaxRuntimeError as error:
        if "No such compile option" not in str(error):
            raise
        return {}
    return CPU_OPTIONS


def signature(tree: Tree) -> Hashable:
    """Shapes, types and structure of a tree of arrays."""
    leaves, structure = jax.tree.flatten(tree)
    return structure, tuple((leaf.shape, leaf.dtype) for leaf in leaves)
