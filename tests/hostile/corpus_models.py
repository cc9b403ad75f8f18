"""Hostile files by what is wrong with the model in them: its description, its arrays."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from .files import Parts, Tensor, take_apart

Row = tuple[str, bytes, str]

STEP = ("steps", 0)
PARAMS = (*STEP, "params")
FITTED = (*STEP, "fitted")


def altered(parts: Parts, where: tuple[Any, ...], value: Any) -> bytes:
    """Return a file with one value of its description changed."""
    description = place = parts.description
    for key in where[:-1]:
        place = place[key]
    if value is ...:
        del place[where[-1]]
    else:
        place[where[-1]] = value
    return parts.describing(description).packed()


OTHER = "missing or no|unknown kind"
MANIFEST = [
    (("format",), "multilayer-parameters", "is a file of parameters"),
    (("format",), "multilayer-checkpoint", "is a checkpoint"),
    (("format",), "keras", "not one of a model"),
    (("format",), ["multilayer-model"], "not one of a model"),
    (("format",), ..., "not one of a model"),
    (("protocol",), ..., "no protocol number"),
    *((("protocol",), value, "no protocol") for value in (0, -1, True, 1.0, "1", None, [1])),
    (("protocol",), 2**62, "newer multilayer"),
    (("safe_mode",), False, "'safe_mode'"),
    (("__class__",), "os.system", "'__class__'"),
    *((("pipeline",), value, "pipeline") for value in ("yes", 1, None, ...)),
    *((("steps",), value, "steps") for value in ({}, None, 1, "x", ..., [], [1], [[]], [None])),
    *((("data",), value, "'data'") for value in ([], None, "x", ...)),
    *((("versions",), value, "'versions'") for value in ([], None, "1.0", ...)),
]
"""What is changed at the top of a description, and what the message says."""

KINDS = [
    *("os.system", "builtins.eval", "sklearn.svm.SVC", "multilayer.MLPClassifier", "Pipeline"),
    *("mlpclassifier", "MLPClassifier\0", "__import__", "", None, 1, ["MLPClassifier"], {}, ...),
]
"""Names of classes, none of which is looked up."""

ARGUMENTS = [
    ("__class__", "X", "'__class__'"),
    ("__dict__", {"dict": {}}, "'__dict__'"),
    ("coefs_", [], "'coefs_'"),
    ("_check_parameters", None, "'_check_parameters'"),
    ("set_params", 1, "'set_params'"),
    ("self", 1, "'self'"),
    ("callbacks", ["os.system"], "callbacks"),
    ("callbacks", "x", "callbacks"),
    ("reuse_from", "/etc/passwd", "reuse_from"),
    ("checkpoint", "/tmp/folder", "checkpoint"),
    ("network", "os.system", "network"),
    ("activation", "os.system", "activation must be"),
    ("activation", {"code": "import os"}, "unknown kind"),
    ("activation", ["relu"] * 1000, "activation must be"),
    ("activation", {"tuple": [{"dict": {}}]}, "activation must be"),
    ("solver", "builtins.eval", "solver must be"),
    ("solver", {"tuple": []}, "solver must be"),
    ("solver_params", {"dict": {"b3": 1}}, "b3|solver_params"),
    ("solver_params", {"pairs": [[1, 2]]}, "solver_params"),
    ("solver_params", [], "solver_params"),
    ("schedule_params", {"dict": {"__class__": 1}}, "schedule_params|__class__"),
    ("schedule_params", "x", "schedule_params"),
    ("scoring", {"tuple": []}, "scoring"),
    ("hidden_layer_sizes", {"dict": {"4": 4}}, "hidden_layer_sizes"),
    ("hidden_layer_sizes", "4", "hidden_layer_sizes"),
    ("hidden_layer_sizes", {"tuple": [True]}, "hidden_layer_sizes"),
    ("hidden_layer_sizes", {"tuple": [-4]}, "hidden_layer_sizes"),
    ("hidden_layer_sizes", {"tuple": [4.5]}, "hidden_layer_sizes"),
    ("hidden_layer_sizes", {"tuple": [None]}, "hidden_layer_sizes"),
    ("alpha", {"float": "nan"}, "alpha must be"),
    ("alpha", "0.1", "alpha must be"),
    ("alpha", [0.1], "alpha must be"),
    ("alpha", {"float": "0.1"}, "unknown kind"),
    ("alpha", {"tuple": [], "list": []}, "unknown kind"),
    ("alpha", {"tuple": {}}, "unknown kind"),
    ("alpha", {"pairs": [[[], 1]]}, "dictionary that is invalid"),
    ("alpha", {"pairs": [[{"tuple": [1]}, 1]]}, "dictionary that is invalid"),
    ("alpha", {"pairs": [[1, 2, 3]]}, "dictionary that is invalid"),
    ("class_weight", {"pairs": [[1, 2.0], [1.0, 3.0]]}, "dictionary that is invalid"),
    ("class_weight", "balanced\0", "class_weight"),
    ("class_weight", 7, "class_weight"),
    ("random_state", "x", "random_state"),
    ("random_state", -1, "random_state"),
    ("random_state", [1] * 9, "random_state"),
    ("verbose", "x", "verbose"),
    ("batch_size", "x", "batch_size"),
    ("batch_size", [4], "batch_size"),
    ("max_iter", -1, "max_iter"),
    ("max_iter", 1.5, "max_iter"),
    ("n_iter_no_change", None, "n_iter_no_change"),
    ("dropout", {"tuple": [0.1] * 1000}, "dropout"),
    ("dropout", 2.0, "dropout"),
    ("norm", "x", "norm"),
    ("norm", "batch", "'norm"),
    ("residual", "yes", "residual"),
    ("precision", "float8", "precision"),
    ("device", "tpu", "device"),
    ("weight_init", "x", "weight_init"),
    ("out_activation", "x", "out_activation"),
    ("out_activation", [], "out_activation"),
    ("input_scale", {"float": "inf"}, "input_scale"),
    ("label_smoothing", 2, "label_smoothing"),
    ("layer_learning_rates", "x", "layer_learning_rates"),
    ("transform_layer", 10**9, "transform_layer"),
]
"""Arguments of the constructor, and what the message says."""

FIGURES = [
    ("layer_sizes", [4, 5, 3], "shape"),
    ("layer_sizes", [4, 10**9, 3], "shape"),
    ("layer_sizes", [2**62, 2**62, 3], "shape"),
    ("layer_sizes", [4, 0, 3], "positive"),
    ("layer_sizes", [4, -4, 3], "positive"),
    ("layer_sizes", [4, True, 3], "positive"),
    ("layer_sizes", [4, 4.0, 3], "positive"),
    ("layer_sizes", ["4", "4", "3"], "positive"),
    ("layer_sizes", [4, [4], 3], "positive"),
    ("layer_sizes", [3], "positive"),
    ("layer_sizes", [], "positive"),
    ("layer_sizes", None, "layer_sizes"),
    ("layer_sizes", [4, 4, 1000], "output units"),
    ("layer_sizes", [4] * 2000 + [3], "shape"),
    ("feature_names", ["a"], "4 names"),
    ("feature_names", ["a", "b", "c", 1], "4 names"),
    ("feature_names", ["a", "b", "c", None], "4 names"),
    ("feature_names", ["a", "b", "c", ["d"]], "4 names"),
    ("feature_names", {"dict": {}}, "4 names"),
    ("feature_names", "abcd", "4 names"),
    ("seed", None, "seed"),
    ("seed", True, "seed"),
    ("seed", -1, "seed"),
    ("seed", "0", "seed"),
    ("history", ["epoch", "nothing"], "among"),
    ("history", ["epoch", "epoch"], "each column once"),
    ("history", [["epoch"]], "among"),
    ("history", None, "history"),
    ("history", {"tuple": ["epoch"]}, "history"),
    ("history", [], "belongs to nothing"),
    ("loss", "x", "loss"),
    ("loss", {"float": "x"}, "unknown kind"),
    ("n_iter", -1, "n_iter"),
    ("n_iter", 1.5, "n_iter"),
    ("t", -1, "'t'"),
    ("n_reused_layers", 99, "n_reused_layers"),
    ("stop_reason", 1, "stop_reason"),
    ("validated", 1, "validated"),
    ("stopped_by_score", None, "stopped_by_score"),
    ("unknown_figure", 1, "unknown_figure"),
    ("__class__", "X", "__class__"),
    ("target_kind", "multioutput", "fit"),
    ("target_kind", "binary", "fit"),
    ("target_kind", "os.system", "target"),
    ("target_kind", None, "target_kind"),
    ("calibration", 1.5, "'calibration' is no object"),
    ("calibration", {}, "'share'"),
    *(
        ("calibration", change | {"share": 0.1, "temperature": 1.5, "n_rows": 9} | change, word)
        for change, word in (
            ({"share": 1.0}, "share must be in"),
            ({"share": {"float": "nan"}}, "share must be in"),
            ({"temperature": 0.0}, "temperature must be above 0"),
            ({"temperature": {"float": "inf"}}, "temperature must be above 0"),
            ({"temperature": "hot"}, "'temperature'"),
            ({"n_rows": 0}, "n_rows"),
            ({"weighted": False}, "its calibration must have"),
        )
    ),
]
"""Fitted values, and what the message says."""

LABELS = "classes"
CLASSES = [
    (None, LABELS),
    ([], LABELS),
    ({}, "dtype"),
    ([{"dtype": "<i8", "values": [0, 10, 20]}], "fit"),
    ({"dtype": "<i8", "values": []}, "classes|labels"),
    ({"dtype": "<i8", "values": [0, 10]}, "units"),
    ({"dtype": "<i8", "values": list(range(1000))}, "units"),
    ({"dtype": "<i8", "values": [0, 10, 10]}, "sorted"),
    ({"dtype": "<i8", "values": [20, 10, 0]}, "sorted"),
    ({"dtype": "<i8", "values": [0, [10], 20]}, LABELS),
    ({"dtype": "<i8", "values": [0, "10", 20]}, LABELS),
    ({"dtype": "<i8", "values": [0, 10.5, 20]}, LABELS),
    ({"dtype": "<i8", "values": [0, None, 20]}, LABELS),
    ({"dtype": "|i1", "values": [0, 10, 200]}, LABELS),
    ({"dtype": "<i8", "values": {"tuple": [0, 10, 20]}}, "values|labels"),
    ({"dtype": "<f8", "values": [0.0, 1.0, {"float": "nan"}]}, LABELS),
    ({"dtype": "|b1", "values": [False, True, True]}, "sorted"),
    ({"dtype": "<U1000000000", "values": ["a", "b", "c"]}, "classes|memory"),
    ({"dtype": "<U1", "values": ["aa", "ab", "ac"]}, "classes|sorted"),
    ({"dtype": "<U2", "values": ["a", "a\0", "b"]}, "sorted|classes"),
    ({"dtype": "object", "values": ["a", 1, "b"]}, "classes|sorted"),
    ({"dtype": "object", "values": [["a"], "b", "c"]}, LABELS),
    *(
        ({"dtype": dtype, "values": [0, 10, 20]}, LABELS)
        for dtype in ("M8[s]", "V8", "i4,i4", "O", "<c16", "|S9", "{'names': ['a']}", "int", "")
    ),
    ({"dtype": ["<i8"], "values": [0, 10, 20]}, "dtype|classes"),
    ({"values": [0, 10, 20]}, "dtype"),
]
"""Labels of the classes, and what the message says."""


def tables(parts: Parts) -> Iterator[Row]:
    """Yield files with one value of their description changed, from the tables above."""
    rows = [
        *MANIFEST,
        *(((*STEP, "kind"), kind, "of a kind that|no list of steps") for kind in KINDS),
        *(((*STEP, "name"), value, "lacks a name") for value in (None, 1, ["x"], ...)),
        *(((*STEP, key), 1, "lacks a name") for key in ("params", "fitted")),
        (("steps", 0, "reduce"), "os.system", "'reduce'"),
        *(((*PARAMS, name), value, word) for name, value, word in ARGUMENTS),
        *(((*FITTED, name), value, word) for name, value, word in FIGURES),
        *(((*FITTED, "classes"), value, word) for value, word in CLASSES),
    ]
    for where, value, word in rows:
        label = ".".join(map(str, where))
        shown = "nothing" if value is ... else repr(value)[:40]
        yield f"{label} = {shown}", altered(parts, where, value), word


def arrays(parts: Parts) -> Iterator[Row]:
    """Yield files with other arrays than the description asks for."""
    by_name = {tensor.name.removeprefix("MLPClassifier."): tensor for tensor in parts.tensors}

    def changed(label: str, name: str, array: np.ndarray | None, word: str) -> Row:
        full = f"MLPClassifier.{name}"
        kept = tuple(tensor for tensor in parts.tensors if tensor.name != full)
        new = () if array is None else (Tensor.of(full, array),)
        return f"array {name}: {label}", replace(parts, tensors=(*kept, *new)).packed(), word

    coefs = by_name["coefs.0"].array
    epochs = by_name["history.epoch"].array
    for name in by_name:
        yield changed("missing", name, None, "missing")
    for value in (np.nan, np.inf, -np.inf):
        for name in ("coefs.0", "intercepts.1"):
            array = by_name[name].array.copy()
            array.flat[0] = value
            yield changed(str(value), name, array, "NaN or infinity")
    for label, array in {
        "with rows more": np.vstack([coefs, coefs]), "transposed": coefs[:3].T.copy(),
        "flat": coefs.ravel(), "of no axes": coefs[0, 0], "of no rows": coefs[:0],
        "of integers": coefs.astype(np.int32), "of bytes": coefs.astype(np.uint8),
        "of booleans": coefs > 0, "in three axes": coefs[None],
    }.items():  # fmt: skip
        yield changed(label, "coefs.0", array, "shape")
    yield changed("longer", "history.loss", np.ones(9), "differ in length")
    yield changed("of integers", "history.loss", np.ones(4, np.int64), "shape")
    for value in (np.nan, np.inf, 0.5, -1.0, 1e300):
        yield changed(str(value), "history.epoch", np.where(epochs > 0, value, epochs), "epoch")
    boolean = Tensor("MLPClassifier.coefs.0", "BOOL", [4, 4], b"\2" * 16)
    kept = tuple(tensor for tensor in parts.tensors if tensor.name != boolean.name)
    content = replace(parts, tensors=(*kept, boolean)).packed()
    yield "array coefs.0: booleans of 2", content, "no booleans"


def model_rows(seeds: dict[str, bytes]) -> Iterator[Row]:
    """Yield the hostile files made of a model of each kind."""
    parts = take_apart(seeds["protocol-1/multiclass"])
    for rows in (tables, arrays):
        yield from rows(parts)
