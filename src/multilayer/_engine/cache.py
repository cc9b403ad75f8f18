"""The one owner of compiled programs: bounded, thread-safe, bound to its process.

Each live program takes about 25 memory maps of the process, of which Linux allows 65,530: a
program per fitted model would end in a crash.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import lru_cache
from typing import Any

import jax

from multilayer._core.process import check_process

CAPACITY = 128

CPU_OPTIONS: dict[str, str | bool] = {"xla_cpu_experimental_ynn_fusion_type": ""}
"""Products by Eigen in place of YNNPACK, where XLA knows the choice: 5 to 12 % faster here at
batches of 50 and 256, and out of the way of the wrong sums that YNNPACK has given
(https://github.com/jax-ml/jax/issues/39103). Remove when both are settled in every JAX we take."""


class ProgramCache:
    """Least-recently-used programs by key; a miss compiles under the lock, once."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self.capacity = capacity
        self.n_compiled = 0
        self._programs: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, build: Callable[[], Any]) -> Any:
        """Return the program of a key, built by ``build`` when there is none."""
        check_process()
        with self._lock:
            if key not in self._programs:
                self._programs[key] = build()
                self.n_compiled += 1
                while len(self._programs) > self.capacity:
                    self._programs.popitem(last=False)
            self._programs.move_to_end(key)
            return self._programs[key]

    def __len__(self) -> int:
        """Return the number of programs kept."""
        return len(self._programs)

    def clear(self) -> None:
        """Forget every program."""
        with self._lock:
            self._programs.clear()


PROGRAMS = ProgramCache()
get = PROGRAMS.get


def compiled(function: Callable[..., Any], *args: Any) -> Any:
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


def jitted(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that compiles itself for each new shape and type of its arguments."""
    return jax.jit(function, compiler_options=known_options())


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


def signature(tree: Any) -> Hashable:
    """Shapes, types and structure of a tree of arrays."""
    leaves, structure = jax.tree.flatten(tree)
    return structure, tuple((leaf.shape, leaf.dtype) for leaf in leaves)
