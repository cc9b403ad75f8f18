"""The memory that reading a file may take, so that a small file cannot exhaust it."""

from multilayer._core.errors import ModelFileError

ALLOWANCE = 500_000
"""Bytes that the content of a file, its arrays apart, may take beyond the size of the file."""
TENSOR_COST = 1_000
"""Bytes that the name and the frame of an array take."""


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
