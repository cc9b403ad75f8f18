"""Padded sizes: small data of nearly the same size share one compiled program."""

FEW_ROWS, MANY_ROWS = 32, 512
"""Rows allocated for the smaller chunks of rows that are visited once."""

PADDED_BELOW = 8192
"""Arrays with more rows than this are not padded: each size is a program of its own."""


BLOCK_BYTES = 32 << 20
"""Dense rows made at a time from rows that lie elsewhere, or values between two layers."""


def rows_within(width: int, itemsize: int, n_bytes: int = BLOCK_BYTES) -> int:
    """Return how many rows of a width take at most so many bytes, at least one."""
    return max(1, n_bytes // (max(1, width) * itemsize))


def rows_bucket(n_rows: int) -> int:
    """Rows to allocate for ``n_rows``: a power of two of at least 32, or exact for large data."""
    if n_rows > PADDED_BELOW:
        return n_rows
    return max(32, 1 << (n_rows - 1).bit_length())


def visit_bucket(n_rows: int) -> int:
    """Rows to allocate for ``n_rows`` that are visited once, among others of any number.

    Few sizes, so that chunks of 1 to 512 rows make two programs: no step is done for rows that are
    not there. Large chunks take at most a quarter more memory.
    """
    if n_rows <= FEW_ROWS:
        return FEW_ROWS
    if n_rows <= PADDED_BELOW:
        return max(MANY_ROWS, rows_bucket(n_rows))
    step = 1 << (n_rows.bit_length() - 3)
    return -(-n_rows // step) * step


def batch_bucket(n_rows: int) -> int:
    """Rows to allocate for a batch that holds all ``n_rows`` rows.

    Finer steps than :func:`rows_bucket` (at most a quarter too many): padded rows of a batch
    are computed, those of an array only stored.
    """
    if n_rows > PADDED_BELOW:
        return n_rows
    step = max(8, 1 << max(0, n_rows.bit_length() - 3))
    return -(-n_rows // step) * step
