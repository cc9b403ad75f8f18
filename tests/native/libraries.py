"""The building blocks of the native engine, as a library of one instruction set has them."""

import ctypes
from dataclasses import dataclass

import numpy as np

BLOCK = 16  # what a number of elements is a multiple of
ROOM = 16  # numbers after the output units of a row

ACTIVATIONS = (
    *("identity", "logistic", "tanh", "relu", "leaky_relu", "elu"),
    *("selu", "gelu", "silu", "mish", "softplus", "exp"),
)
FUNCTIONS = ("exp", "expm1", "log", "log1p_of_share", "tanh", "normal_below", "cosine_of_turns")
LOSSES = (
    *("softmax", "one_vs_rest", "logistic", "squared_error", "absolute_error"),
    *("huber", "poisson", "quantile", "gaussian_nll"),
)


class LossEntry(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_int32) for name in ("kind", "heads", "middle", "out_activation")),
        *((name, ctypes.c_double) for name in ("smoothing", "delta")),
        *((name, ctypes.c_void_p) for name in ("units", "levels", "class_weights")),
    )


def pointer(array):
    if array is None:
        return None
    assert array.flags.c_contiguous
    return ctypes.c_void_p(array.ctypes.data)


def padded(x):
    """x with zeros up to a whole number of blocks."""
    return np.concatenate([x, np.zeros(-len(x) % BLOCK, x.dtype)])


@dataclass(frozen=True)
class Library:
    """The entry points of one instruction set."""

    isa: str
    library: ctypes.CDLL

    def entry(self, name):
        return getattr(self.library, f"{name}_{self.isa}")

    def function(self, name, x):
        source = padded(x)
        result = np.empty_like(source)
        n = ctypes.c_long(len(source))
        kind = FUNCTIONS.index(name)
        sizes = x.itemsize, kind, pointer(source), pointer(result), n
        assert self.entry("function")(*sizes) == 0
        return result[: len(x)]

    def activation(self, name, z, slope=True):
        """The values and, unless they are not asked for, the slopes."""
        source = padded(z)
        values, slopes = np.empty_like(source), np.empty_like(source) if slope else None
        kind, n = ACTIVATIONS.index(name), ctypes.c_long(len(source))
        arrays = map(pointer, (source, values, slopes))
        assert self.entry("activation")(z.itemsize, kind, *arrays, n) == 0
        return values[: len(z)], slopes[: len(z)] if slope else None

    def losses(self, loss, heads, raw, target, *, weight=None, slope=True, **numbers):
        """The losses of the rows, the slopes and the sums of the score.

        `numbers`: middle, out_activation, smoothing, delta, levels, class_weights.
        """
        dtype, (rows, units) = raw.dtype, raw.shape
        given = np.full((rows, units + ROOM), np.nan, dtype)  # what must not be used
        given[:, :units] = raw
        slopes = np.full_like(given, np.nan) if slope else None
        integers = loss in ("softmax", "one_vs_rest")
        target = np.ascontiguousarray(target.reshape(rows, -1), np.int32 if integers else dtype)
        result, sums = np.empty(rows, dtype), np.zeros(1 if loss in LOSSES[:3] else len(heads))
        weight = np.ones(rows, dtype) if weight is None else weight.astype(dtype)
        units_of_heads = np.array(heads, np.int32)
        levels, table = (
            None if numbers.get(name) is None else np.concatenate([*map(np.atleast_1d, values)])
            for name, values in (
                ("levels", numbers.get("levels")),
                ("class_weights", numbers.get("class_weights")),
            )
        )
        levels, table = (None if a is None else a.astype(dtype) for a in (levels, table))
        entry = LossEntry(
            LOSSES.index(loss),
            len(heads),
            numbers.get("middle", 0),
            ACTIVATIONS.index(numbers.get("out_activation", "identity")),
            numbers.get("smoothing", 0.0),
            numbers.get("delta", 1.0),
            *map(pointer, (units_of_heads, levels, table)),
        )
        arrays = map(pointer, (given, target, slopes, result, weight, sums))
        sizes = ctypes.c_long(rows), ctypes.c_long(given.shape[1])
        call = self.entry("row_losses")
        assert call(dtype.itemsize, ctypes.byref(entry), *arrays, *sizes) == 0
        return result, slopes[:, :units] if slope else None, sums

    def random(self, kind, key, n, dtype=np.float32, first=0):
        """Numbers of the indices first, ..., first + n - 1; kind: "uniform" or "normal"."""
        result = np.empty(n + -n % BLOCK, dtype)
        words = np.array(key, np.uint32)
        self.entry("random_numbers")(
            result.itemsize,
            int(kind == "normal"),
            pointer(words),
            pointer(result),
            ctypes.c_uint32(first),
            ctypes.c_long(len(result)),
        )
        return result[:n]
