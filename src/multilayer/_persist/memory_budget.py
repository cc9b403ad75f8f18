"""The memory that reading a file may take, so that a small file cannot ask for much of it."""

from multilayer._core.errors import ModelFileError

ALLOWANCE = 500_000
"""Bytes that what is made of a file, its arrays apart, may take beyond the size of the file."""
TENSOR_COST = 1_000
"""Bytes that the name and the frame of an array take."""


class MemoryBudget:
    """Bytes that may still be taken for what is made from a file, beside its arrays.

    Parameters
    ----------
    left : int
        Bytes.
    """

    def __init__(self, left: int) -> None:
        self.left = left

    def spend(self, n_bytes: int) -> None:
        """Take some of the bytes, before the memory is taken.

        Raises
        ------
        ModelFileError
            There are not as many (a ValueError).
        """
        self.left -= int(n_bytes)
        if self.left < 0:
            raise ModelFileError("it asks for more memory than a file of its size may.")
