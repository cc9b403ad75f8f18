"""What surrounds a computation: releases, cores, the process, the caller of a warning."""

import os
import platform
import sys
from collections.abc import Iterable
from functools import cache
from importlib.util import find_spec

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


# What JAX is set to, found out without importing it -----------------------------------------------


DEVICES = ("auto", "cpu", "gpu")
"""What may be asked to compute."""

ON = ("1", "on", "t", "true", "y", "yes")
"""What JAX takes for true in an environment variable."""


def jax_setting(name: str) -> object:
    """Return a setting of JAX: of the one in this process, else what its variable says."""
    config = getattr(sys.modules.get("jax"), "config", None)
    if config is not None:
        return getattr(config, name)
    return os.environ.get(name.upper())


def jax_computes_in_float64() -> bool:
    """Whether what JAX computes by default is float64."""
    given = jax_setting("jax_enable_x64")
    return given.lower() in ON if isinstance(given, str) else bool(given)


def jax_accelerator() -> str:
    """Say what makes JAX compute elsewhere than on the CPU; nothing where nothing does.

    That is the first platform that JAX is set to use; where none is named, the plugin of an
    accelerator, which JAX would find by the same packages.
    """
    platforms = jax_setting("jax_platforms")
    if platforms:
        first = str(platforms).partition(",")[0].strip()
        return "" if first == "cpu" else f"JAX_PLATFORMS is {platforms!r}"
    plugin = jax_plugin()
    return f"JAX has the plugin of an accelerator ({plugin})" if plugin else ""


@cache
def jax_plugin() -> str:
    """Return the package of an accelerator's plugin, "" where there is none: looked for once."""
    found = [name for name in ("jax_plugins", "libtpu") if find_spec(name) is not None]
    return found[0] if found else ""


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
