"""Which process computes with JAX: a forked child of it would wait for threads that it lacks."""

import os

from multilayer._core.errors import ForkedProcessError

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
