"""What a result was computed with: releases, threads, and the kind of machine."""

import os
import platform
import sys
from collections.abc import Iterable


def version() -> str:
    """Return the version of this package, which the root module holds: the build reads it there."""
    # Python imports a package before any of its modules, so the root is always loaded here; an
    # import statement would make this lowest folder depend on the facade above all others.
    return sys.modules["multilayer"].__version__


def releases(packages: Iterable[str]) -> dict[str, str]:
    """Return the releases of this package, of Python, and of packages; none is imported."""
    from importlib.metadata import version as installed_version  # late: reading does without

    installed = {name: installed_version(name) for name in packages}
    return {"multilayer": version(), "python": platform.python_version(), **installed}


def usable_cores() -> int:
    """Return how many cores this process may run on: computations use as many threads."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
