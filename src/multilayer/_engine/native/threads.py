"""How many threads a call of the native library uses: a number that changes no bit of a result."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from multilayer._core.environment import thread_limit, usable_cores, version

SMALL = 200_000  # weights times rows of a batch below which one thread is quicker


def n_threads(products: int) -> int:
    """Return the threads for a batch of so many products of a weight and a row."""
    return 1 if products < SMALL else most_threads()


# Limits ------------------------------------------------------------------------------------------


@dataclass
class Threadpoolctl:
    """What threadpoolctl has set, in this process."""

    is_followed: bool = False
    limit: int = sys.maxsize


THREADPOOLCTL = Threadpoolctl()
_here: ContextVar[int] = ContextVar("most threads of a native call", default=sys.maxsize)


def most_threads() -> int:
    """Return the most threads that a native call may use.

    Those of the machine that this process may use, fewer where a limit is set: by `limited`, by
    threadpoolctl, or by OMP_NUM_THREADS, which joblib sets in its workers.
    """
    follow_threadpoolctl()
    return max(1, min(usable_cores(), thread_limit(), THREADPOOLCTL.limit, _here.get()))


@contextmanager
def limited(threads: int) -> Iterator[None]:
    """Limit the calls that are made by this thread in a block, such as of one network of many."""
    token = _here.set(min(threads, _here.get()))
    try:
        yield
    finally:
        _here.reset(token)


def follow_threadpoolctl() -> None:
    """Let threadpoolctl limit the threads of the library, once both are loaded.

    It is loaded with scikit-learn. It finds libraries by their file when a limit is set, so one
    that is set before the native library is loaded does not reach it.
    """
    if THREADPOOLCTL.is_followed or "threadpoolctl" not in sys.modules:
        return
    import threadpoolctl  # late: what needs no scikit-learn starts without it

    THREADPOOLCTL.is_followed = True
    if not hasattr(threadpoolctl, "register"):  # before 3.2
        return

    class NativeThreads(threadpoolctl.LibController):
        """The limit of the native library."""

        user_api = internal_api = "multilayer"
        filename_prefixes = ("libmultilayer_native",)

        def get_num_threads(self) -> int:
            return most_threads()

        def set_num_threads(self, num_threads: int) -> None:
            THREADPOOLCTL.limit = num_threads

        def get_version(self) -> str:
            return version()

    threadpoolctl.register(NativeThreads)
