"""What surrounds a computation: releases, cores, the process, the caller of a warning."""

import os
import platform
import sys
from collections.abc import Iterable

from multilayer._core.errors import ForkedProcessError

# What a result was computed with: releases, threads, and the kind of machine ---------------------


def version() -> str:
    """Return the version of this package, which the root module holds: the build reads it there."""
    # Python imports a package before any of its modules, so the root is always loaded here; an
    # import statement would make this lowest folder depend on the facade above all others.
    return sys.modules["multilayer"].__version__


def releases(packages: Iterable[str]) -> dict[str, str]:
    """Return the releases of this package, of Python, and of packages; none is imported."""
    from importlib import metadata  # late: reading models does without

    installed = {name: metadata.version(name) for name in packages}
    return {"multilayer": version(), "python": platform.python_version(), **installed}


def usable_cores() -> int:
    """Return how many cores this process may run on: computations use as many threads."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def thread_limit() -> int:
    """Return the most threads that OMP_NUM_THREADS allows, as joblib sets it in its workers."""
    first = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return max(1, int(first)) if first.isdecimal() else sys.maxsize


# Which process computes with JAX: a forked child of it would wait for threads that it lacks ------


_computing: list[int] = []  # the process that first asked, once one has


def check_process() -> None:
    """Refuse to compute in a child forked after the first computation of its parent."""
    if not _computing:
        _computing.append(os.getpid())
    if _computing[0] != os.getpid():
        raise ForkedProcessError(
            "multilayer was used in this process before it was forked, and a forked child cannot "
            "compute with JAX. Start workers with the 'spawn' or 'forkserver' method, or through "
            "joblib's default backend 'loky'. To predict in forked workers, save the model and "
            "load before forking, predict after, with multilayer.portable, which needs NumPy alone."
        )


# Where a warning points: at the user's line, not at one of ours ----------------------------------


BETWEEN = ("contextlib", "multilayer", "sklearn")
"""Whose frames lie between a warning and the user's call."""


def level_of_caller() -> int:
    """Return the stacklevel at which a warning of the calling function names the user's line.

    How many frames there are depends on the release of scikit-learn, which wraps ``fit`` from 1.9
    on, and on the method that was called.
    """
    frame, level = sys._getframe(1), 1
    while frame.f_back and frame.f_globals["__name__"].partition(".")[0] in BETWEEN:
        frame, level = frame.f_back, level + 1
    return level
