"""X of other types than a float64 array."""

import decimal
import tempfile

import jax.numpy as jnp
import numpy as np

from .harness import COUNTS, LABELS, N_FEATURES, N, X, classify
from .rows import OursAccepts, OursRefuses, Refused, Row, Same, slow


def memory_mapped(mode="r+"):
    with tempfile.NamedTemporaryFile() as file:  # a mapping outlives its file's name
        X.tofile(file.name)
        return np.memmap(file.name, X.dtype, mode, shape=X.shape)


def read_only():
    array = X.copy()
    array.flags.writeable = False
    return array


def misaligned():
    buffer = np.zeros(X.nbytes + 1, np.uint8)
    array = buffer[1:].view(X.dtype).reshape(X.shape)
    array[:] = X
    return array


def structured():
    return np.array([tuple(row) for row in X], [(name, "f8") for name in "abcd"])


class ArrayLike:
    """An object that is no array and can become one."""

    def __array__(self, dtype=None, copy=None):
        return X.astype(dtype or X.dtype)


class Subclass(np.ndarray):
    """An array by another name."""


def converted(make):
    return Same(lambda: classify(make(X)))


def counted(dtype):
    return Same(lambda: classify(COUNTS.astype(dtype)))


def refused(make, text, **more):
    return Refused(lambda: classify(make()), text, **more)


KINDS_OF_NUMBERS: dict[str, Row] = {
    f"X of {dtype}": converted(lambda X, dtype=dtype: X.astype(dtype))
    for dtype in ("float16", "float32", "longdouble", ">f4", ">f8", "object")
}
KINDS_OF_COUNTS: dict[str, Row] = {
    f"X of {dtype}": counted(dtype) for dtype in ("int8", "uint8", "int64", "uint64", ">i4", "bool")
} | {f"X of {dtype}": slow(counted(dtype)) for dtype in ("int16", "uint16", ">i2", ">u2")}

LAYOUTS: dict[str, Row] = {
    "X in Fortran order": converted(np.asfortranarray),
    "X read-only": converted(lambda X: read_only()),
    "X not aligned in memory": converted(lambda X: misaligned()),
    "X memory-mapped": converted(lambda X: memory_mapped()),
    "X memory-mapped read-only": converted(lambda X: memory_mapped("r")),
    "X every other column of a wider array": converted(lambda X: np.repeat(X, 2, axis=1)[:, ::2]),
    "X with negative strides": converted(lambda X: X[::-1, ::-1]),
    "X of broadcast rows": converted(lambda X: np.broadcast_to(X[0], X.shape)),
}

CONTAINERS: dict[str, Row] = {
    "X list of lists": converted(lambda X: X.tolist()),
    "X tuple of tuples": converted(lambda X: tuple(map(tuple, X))),
    "X list of arrays": converted(list),
    "X range objects": Same(lambda: classify([range(i % 3, i % 3 + N_FEATURES) for i in range(N)])),
    "X memoryview": converted(memoryview),
    "X with __array__": converted(lambda X: ArrayLike()),
    "X of a subclass of ndarray": converted(lambda X: X.view(Subclass)),
    "X masked array without a mask": converted(np.ma.masked_array),
    "X masked array, whose mask is not looked at": converted(lambda X: np.ma.masked_less(X, 0)),
    "X JAX array": converted(lambda X: jnp.asarray(X, "float32")),
    "X list of strings of numbers": Refused(
        lambda: classify(X.astype(str).tolist()),
        "got text, for example '0.12",
        sooner=True,
    ),
    "X array of strings of numbers": Refused(
        lambda: classify(X.astype(str)),
        "got text, for example '0.12",
        sooner=True,
    ),
    "X array of bytes of numbers": Refused(
        lambda: classify(X.astype("S")),
        "got bytes, for example b'0.12",
        sooner=True,
    ),
    "X of JAX bfloat16": Refused(
        lambda: classify(jnp.asarray(X, "bfloat16")),
        "Convert your data to numeric values",
        sooner=True,
    ),
    "X list of Decimal": OursAccepts(
        lambda: classify([[decimal.Decimal(v) for v in row] for row in X.tolist()]),
        "objects that are numbers become numbers in predict as they do in fit",
        lambda: classify(X),
    ),
}

REFUSED: dict[str, Row] = {
    "X complex": refused(lambda: X + 1j, "[Cc]omplex"),
    "X text": refused(lambda: [["a", "b"]] * N, "numbers, got text, for example 'a'"),
    "X objects of text": refused(lambda: np.full((N, 2), "a", object), "0 \\(text"),
    "X matrix": refused(lambda: np.asmatrix(X), "np.matrix is not supported"),
    "X structured array": refused(structured, "Expected 2D array, got 1D array"),
    "X dates": refused(lambda: COUNTS.astype("datetime64[D]"), "got dates", sooner=True),
    "X durations": refused(lambda: COUNTS.astype("timedelta64[D]"), "got durations", sooner=True),
    "X generator": refused(lambda: (row for row in X), "Expected 2D array"),
    "X generator of numbers": refused(lambda: map(float, range(N)), "Expected 2D array"),
    "X dictionary": refused(lambda: {"a": X[:, 0]}, "Expected 2D array|dict"),
    "X set": refused(lambda: {1.0, 2.0}, "Expected 2D array|set"),
    "X None": refused(lambda: None, "Expected 2D array|None"),
    "X a number": refused(lambda: 3.0, "Expected 2D array, got scalar array"),
    "X a string": refused(lambda: "X", "Expected 2D array, got scalar array"),
    "X ragged lists": refused(lambda: [[1.0, 2.0], [3.0]] * (N // 2), "sequence|inhomogeneous"),
    "X objects of lists": refused(
        lambda: np.array([[[1.0], [2.0, 3.0]]] * N, dtype=object), "sequence"
    ),
}

SHAPES: dict[str, Row] = {
    "X of one dimension": refused(lambda: X[:, 0], "Reshape your data"),
    "X of three dimensions": refused(lambda: X[:, :, None], "dim 3"),
    "X empty list": refused(list, "Expected 2D array"),
    "X without rows": Refused(lambda: classify(X[:0], LABELS[:0]), r"0 sample\(s\)"),
    "X without columns": refused(lambda: X[:, :0], r"0 feature\(s\)"),
    "X of one column": Same(lambda: classify(X[:, :1])),
    "X of two rows": Same(lambda: classify(X[:2], [0, 1])),
    "X of one row": OursRefuses(
        lambda: classify(X[:1], [0]),
        "y must contain at least 2 classes, got 1",
        "one row is one class, and one class leaves nothing to learn",
    ),
}

ROWS = KINDS_OF_NUMBERS | KINDS_OF_COUNTS | LAYOUTS | CONTAINERS | REFUSED | SHAPES
