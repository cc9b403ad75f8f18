"""The native library: its structures, and how it is loaded. See ``_native/api.h``."""

import ctypes
from ctypes import POINTER, c_char_p, c_double, c_int, c_int32, c_int64, c_uint32, c_void_p
from functools import cache
from pathlib import Path

import numpy as np

from multilayer._engine.native import location

ACTIVATIONS = (
    "identity",
    "logistic",
    "tanh",
    "relu",
    "leaky_relu",
    "elu",
    "selu",
    "gelu",
    "silu",
    "mish",
    "softplus",
    "exp",
)
"""In the order of ActivationKind."""

LOSSES = (
    "softmax",
    "one_vs_rest",
    "logistic",
    "squared_error",
    "absolute_error",
    "huber",
    "poisson",
    "quantile",
    "gaussian_nll",
)
"""In the order of LossKind; the targets of the first two are numbers of classes."""

RULES = (
    "plain_sgd",
    "sgd",
    "nesterov",
    "adam",
    "corrected_adam",
    "adamw",
    "adagrad",
    "rmsprop",
)
"""In the order of RuleKind: names of update rules, and sgd with Nesterov's momentum."""

X_TYPES = ("float32", "float64", "uint8", "int8", "uint16", "int16")
"""Types of inputs, in the order of ``pack``."""

NORMS = (None, "batch", "layer")

PARAMS, SLOT1, SLOT2, MEAN, PENDING, BEST, GRADIENT = range(7)
KERNEL, BIAS, SCALE, SHIFT, SCALE_IN, SCALE_OUT = range(6)
RUNNING_MEAN, RUNNING_VARIANCE, DROPOUT = range(6, 9)
CENTRE, FACTOR, BIN_LOW, BIN_SLOPE, BIN_MEAN, BIN_GAIN, USED, TABLE_DROPOUT = range(8)
RAMP_LOW, RAMP_FACTOR, RAMP_FLOOR, RAMP_CEILING = range(8, 12)
WEIGHTS, FREQUENCIES, PHASES, WAVE_KERNEL, WAVE_BIAS = range(12, 17)
RAMP_SLOPE, RAMP_OFFSET, RAMP_KERNEL, EMBEDDINGS = range(17, 21)
TABLE = -1  # the number of the layer that these are arrays of


class LayerSpec(ctypes.Structure):
    """A layer: ``ml_layer``."""

    _fields_ = [
        ("n_in", c_int32),
        ("n_out", c_int32),
        ("activation", c_int32),
        ("norm", c_int32),
        ("skip", c_int32),
        ("frozen", c_int32),
        ("parametric", c_int32),
        *((name, c_int32) for name in ("drops", "scales_in", "scales_out", "own_kernels", "pad")),
        ("dropout", c_double),
        ("out_factor", c_double),
        ("rates", c_double * 6),
        ("decays", c_double * 6),
    ]


class TableSpec(ctypes.Structure):
    """What reads the columns of a table: ``ml_table``."""

    _fields_ = [
        *((name, c_int32) for name in ("n_scaled", "n_passed", "n_bins")),
        ("bin_columns", c_void_p),
        *((name, c_int32) for name in ("n_waved", "n_frequencies", "wave_size")),
        *((name, c_int32) for name in ("n_ramped", "n_ramps", "ramp_size", "n_categories")),
        ("cardinalities", c_void_p),
        *((name, c_int32) for name in ("category_size", "drops", "weighted")),
        *((name, c_double) for name in ("out_factor", "wave_rate", "weight_rate")),
    ]


class Spec(ctypes.Structure):
    """A network and how it is trained: ``ml_spec``."""

    _fields_ = [
        ("real_bytes", c_int32),
        ("n_layers", c_int32),
        ("layers", POINTER(LayerSpec)),
        ("table", POINTER(TableSpec)),
        ("most_rows", c_int32),
        ("n_members", c_int32),
        ("only_sparse", c_int32),
        ("rule", c_int32),
        *((name, c_int32) for name in ("loss", "heads", "middle", "out_activation")),
        ("units", POINTER(c_int32)),
        ("smoothing", c_double),
        ("delta", c_double),
        ("levels", POINTER(c_double)),
        ("class_weights", POINTER(c_double)),
        ("reported_share", c_double),
        *((name, c_int32) for name in ("clipped", "max_normed", "averaged", "accumulated")),
        *((name, c_int32) for name in ("adaptive", "accumulate_steps")),
        *((name, c_double) for name in ("clip_norm", "max_norm", "ema_decay", "alpha", "l1_ratio")),
        *((name, c_double) for name in ("beta1", "beta2", "epsilon", "momentum")),
        *((name, c_double) for name in ("decay_rate", "weight_decay")),
        *((name, c_double) for name in ("input_scale", "input_dropout", "input_noise")),
        ("seed", c_uint32),
        *((name, c_int32) for name in ("validates", "monitor", "closed_outside", "patience")),
        *((name, c_double) for name in ("tol", "base_rate", "total_steps")),
    ]


class RowsSpec(ctypes.Structure):
    """Rows: ``ml_rows``."""

    _fields_ = [
        ("X", c_void_p),
        ("X_type", c_int32),
        ("y_columns", c_int32),
        ("y", c_void_p),
        ("weight", c_void_p),
        ("divisor", c_void_p),
        ("n", c_int64),
        ("indices", c_void_p),
        ("indptr", c_void_p),
        ("n_entries", c_int64),
    ]


class Call(ctypes.Structure):
    """Steps of training: ``ml_call``."""

    _fields_ = [
        ("rows", RowsSpec),
        ("order", c_void_p),
        *((name, c_int64) for name in ("lines", "width", "first")),
        ("rates", c_void_p),
        ("divisors", c_void_p),
        *((name, c_int64) for name in ("step", "stop", "per_epoch", "updates", "most_ended")),
        ("validation", RowsSpec),
        ("scale", c_void_p),
        *((name, c_int32) for name in ("threads", "status", "no_improvement", "n_ended")),
        *((name, c_double) for name in ("best_kept", "best_loss", "best_value")),
        *((name, c_double) for name in ("rate_divisor", "loss_sum", "weight_sum")),
        *((name, c_double) for name in ("pending_loss", "pending_weight")),
        ("losses", c_void_p),
        ("report", c_void_p),
    ]


class Reading(ctypes.Structure):
    """Outputs for many rows: ``ml_reading``."""

    _fields_ = [
        ("rows", RowsSpec),
        *((name, c_int32) for name in ("copy", "layer", "threads", "pad")),
        ("out", c_void_p),
        ("loss", c_void_p),
        ("sums", c_void_p),
    ]


class Visit(ctypes.Structure):
    """A perceptron's visit to rows: ``ml_perceptron``."""

    _fields_ = [
        ("X", c_void_p),
        ("X_type", c_int32),
        ("index_bytes", c_int32),
        *((name, c_void_p) for name in ("indices", "indptr")),
        *((name, c_int64) for name in ("n_rows", "n_features", "n_entries")),
        *((name, c_void_p) for name in ("targets", "sizes", "norms", "order")),
        *((name, c_int64) for name in ("n_order", "first", "stop")),
        *((name, c_void_p) for name in ("weights", "paid")),
        *((name, c_int32) for name in ("learns_bias", "pad")),
        *((name, c_double) for name in ("bias_share", "alpha", "l1_ratio")),
        *((name, c_double) for name in ("owed_step", "shrink_by")),
        *((name, c_double) for name in ("bias", "factor", "owed", "square", "absolute")),
        *((name, c_double) for name in ("length", "sum_squares", "sum_sizes", "loss")),
        ("updates", c_int64),
    ]


STRUCTURES = (LayerSpec, Spec, RowsSpec, Call, Reading, Visit, TableSpec)
ERRORS = {
    1: (MemoryError, "the native engine ran out of memory"),
    2: (ValueError, "a bad argument"),
}


def open_library(path: Path) -> ctypes.CDLL:
    """Load the library and declare its functions; raise OSError where it does not fit."""
    library = ctypes.CDLL(str(path))
    signatures = {
        "ml_instruction_set": (c_char_p, ()),
        "ml_compiler": (c_char_p, ()),
        "ml_use": (c_char_p, (c_int,)),
        "ml_sizes": (c_int, (c_void_p,)),
        "ml_create": (c_void_p, (POINTER(Spec), POINTER(c_int))),
        "ml_destroy": (None, (c_void_p,)),
        "ml_put": (c_int, (c_void_p, c_int, c_int, c_void_p, c_void_p)),
        "ml_get": (c_int, (c_void_p, c_int, c_int, c_void_p, c_void_p)),
        "ml_train": (c_int, (c_void_p, POINTER(Call))),
        "ml_gradient": (c_int, (c_void_p, POINTER(Call), POINTER(c_double))),
        "ml_read": (c_int, (c_void_p, POINTER(Reading))),
        "ml_train_many": (c_int, (c_void_p, POINTER(Call), c_int, c_int)),
        "ml_read_many": (c_int, (c_void_p, POINTER(Reading), c_int, c_int)),
        "ml_visit": (c_int, (POINTER(Visit),)),
        "ml_shuffle": (c_int, (c_uint32, c_int64, c_void_p)),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    sizes = np.zeros(len(STRUCTURES), np.int32)
    library.ml_sizes(sizes.ctypes.data)
    if sizes.tolist() != [ctypes.sizeof(structure) for structure in STRUCTURES]:
        raise OSError(f"{path} is of another version of multilayer")
    return library


@cache
def library() -> ctypes.CDLL:
    """Return the library, loaded once in a process."""
    path = location.library_path()
    if path is None:
        raise OSError(location.why_not_built())
    return open_library(path)


def check(code: int) -> None:
    """Raise what a function of the library reports."""
    if code:
        kind, message = ERRORS[code]
        raise kind(message)


def instruction_set() -> str:
    """Return which instruction set the library uses, such as ``"avx2"``."""
    return library().ml_instruction_set().decode()


def compiler() -> str:
    """Return what built the library, such as ``"GCC 12.2.0"``."""
    return library().ml_compiler().decode()
