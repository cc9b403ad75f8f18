"""How much memory reading a file may take, and the memory maps of this process."""

from pathlib import Path

from multilayer._core.errors import ModelFileError

# The memory that reading a file may take, so that a small file cannot exhaust it -----------------


ALLOWANCE = 500_000
"""Bytes that the content of a file, its arrays apart, may take beyond the size of the file."""
TENSOR_COST = 1_000
"""Bytes that the name and the frame of an array take."""
ANY_ROOM = 2**62
"""Bytes: no limit."""


class MemoryBudget:
    """Bytes left for the content of a file, beside its arrays.

    Parameters
    ----------
    left : int
        Bytes.
    """

    def __init__(self, left: int) -> None:
        self.left = left

    def spend(self, n_bytes: int) -> None:
        """Reserve bytes, before the memory is allocated.

        Raises
        ------
        ModelFileError
            Fewer bytes are left (a ValueError).
        """
        self.left -= int(n_bytes)
        if self.left < 0:
            raise ModelFileError("it needs more memory than a file of its size may.")


# Memory maps of this process, whose number Linux limits ------------------------------------------


MAPS = Path("/proc/self/maps")
MOST = Path("/proc/sys/vm/max_map_count")


def n_maps() -> int | None:
    """Return how many there are; None where the system does not say.

    Each is a line: the file is as quick to count as it is for the system to write, a millisecond
    for 2,000.
    """
    try:
        with MAPS.open("rb") as file:
            return sum(1 for _ in file)
    except OSError:
        return None


def most_maps() -> int | None:
    """Return how many there may be; None where the system does not say."""
    try:
        return int(MOST.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
