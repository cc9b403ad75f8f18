"""The order of rows that scikit-learn's linear models take under a seed."""

from collections.abc import Iterator

import numpy as np

WORD = 2**32 - 1
LOW_BITS = 2**31 - 1


def shuffled_again(n_rows: int, seed: int) -> Iterator[np.ndarray]:
    """Yield the order of the rows in each pass, without end.

    One permutation is drawn, by Durstenfeld's form of the shuffle of Fisher and Yates, and each
    pass applies it to the order of the pass before.
    """
    permutation = list(range(n_rows))
    numbers = xorshift(seed)
    for i in range(n_rows - 1):
        j = i + next(numbers) % (n_rows - i)
        permutation[i], permutation[j] = permutation[j], permutation[i]
    step = np.array(permutation, np.intp)
    order = np.arange(n_rows)
    while True:
        order = order[step]
        yield order


def xorshift(seed: int) -> Iterator[int]:
    """Yield numbers of 31 bits: xorshift with the shifts 13, 17 and 5.

    G. Marsaglia, "Xorshift RNGs", Journal of Statistical Software 8 (2003). From a word of 0 it
    would never leave 0, so 1 stands for that seed.
    """
    word = seed or 1
    while True:
        word ^= word << 13 & WORD
        word ^= word >> 17
        word ^= word << 5 & WORD
        yield word & LOW_BITS
