"""How many threads a call of the native library uses."""

from multilayer._core.environment import thread_limit, usable_cores

SMALL = 200_000  # weights times rows of a batch below which one thread is quicker


def n_threads(products: int) -> int:
    """Return the threads for a batch of so many products of a weight and a row.

    Those of the machine that this process may use, fewer where a limit is set: OMP_NUM_THREADS,
    which joblib sets in its workers.
    """
    if products < SMALL:
        return 1
    return min(usable_cores(), thread_limit())
