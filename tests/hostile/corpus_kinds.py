"""Hostile files by what is wrong with one kind of model: regressors, pipelines, more outputs."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from .corpus_models import Row, altered
from .files import Parts, Tensor, take_apart

FIRST = ("steps", 0, "fitted")
LAST = ("steps", -1, "fitted")
PARAMS = ("steps", -1, "params")

REGRESSOR = [
    ((*LAST, "n_targets"), 0, "number of targets"),
    ((*LAST, "n_targets"), -1, "number of targets"),
    ((*LAST, "n_targets"), 2, "number of targets"),
    ((*LAST, "n_targets"), 2**62, "number of targets|shape"),
    ((*LAST, "n_targets"), True, "n_targets"),
    ((*LAST, "one_target"), 1, "one_target"),
    ((*LAST, "one_target"), ..., "one_target"),
    ((*LAST, "classes"), {"dtype": "<i8", "values": [0, 1]}, "'classes'"),
    ((*PARAMS, "loss"), "os.system", "loss"),
    ((*PARAMS, "loss"), "quantile", "output units"),
    ((*PARAMS, "loss"), ["squared_error"], "loss"),
    ((*PARAMS, "quantiles"), "x", "quantiles"),
    ((*PARAMS, "huber_delta"), -1.0, "huber_delta"),
    ((*PARAMS, "standardize_target"), "x", "standardize_target"),
]
SCALER = [
    *(
        ((*FIRST, "n_features"), value, "n_features|features|names")
        for value in (3, 2**40, -4, 4.0, True)
    ),
    ((*FIRST, "feature_names"), ["a"] * 9, "names"),
    ((*FIRST, "feature_names"), [1, 2, 3, 4], "names"),
    *(
        ((*FIRST, "n_samples_seen"), value, "n_samples_seen")
        for value in (None, "x", [1, 2], [[1], [2, 3]], [["a"]], {}, ["1"] * 4, ...)
    ),
    *(((*FIRST, "output"), value, "output") for value in ("os.system", 1, [], {}, True)),
    (("steps", 0, "params", "copy"), "x", "argument out of range"),
    (("steps", 0, "params", "with_mean"), [], "argument out of range"),
    (("steps", 0, "params", "with_std"), {"dict": {}}, "argument out of range"),
    (("steps", 0, "params", "__class__"), "x", "__class__"),
    (("steps", 0, "kind"), "MinMaxScaler", "argument|missing|lacks"),
    (("steps", 0, "kind"), "FunctionTransformer", "argument|lacks"),
    (("steps", 0, "kind"), "Pipeline", "list of steps|lacks"),
    (("steps", 0, "kind"), "MLPRegressor", "lacks"),
    (("steps", 0, "kind"), "drop", "nothing in it"),
    (("pipeline",), False, "no model"),
]
OUTPUTS = [
    ((*LAST, "classes", 0), None, "classes"),
    ((*LAST, "classes", 0), [], "classes"),
    ((*LAST, "classes", 0, "values"), [], "labels"),
    ((*LAST, "classes", 0, "values"), ["0", "10"], "units"),
    ((*LAST, "classes"), [], "fit|units"),
    ((*LAST, "target_kind"), "multiclass", "fit"),
]


def table(parts: Parts, rows: list, label: str) -> Iterator[Row]:
    """Yield files with one value of their description changed."""
    for where, value, word in rows:
        shown = "nothing" if value is ... else repr(value)[:40]
        name = f"{label}: {'.'.join(map(str, where))} = {shown}"
        yield name, altered(parts, where, value), word


def swapped(parts: Parts, label: str) -> Iterator[Row]:
    """Yield pipelines whose steps are in another order, there twice, or missing."""
    for name, order, word in (
        ("the other way round", [1, 0], "do not fit together|no model"),
        ("the last missing", [0], "no model|belongs to nothing"),
        ("the first missing", [1], "belongs to nothing"),
        ("the last twice", [0, 1, 1], "missing|transforms nothing"),
        ("the first twice", [0, 0, 1], "missing"),
        ("the first 200 times", [0] * 200 + [1], "missing|memory"),
    ):
        description = parts.description
        description["steps"] = [description["steps"][i] for i in order]
        yield f"{label}: steps {name}", parts.describing(description).packed(), word


def scales(parts: Parts) -> Iterator[Row]:
    """Yield scalers and targets whose arrays hold what cannot be."""
    for name in ("StandardScaler.mean", "StandardScaler.scale", "MLPRegressor.target_scale"):
        for tensor in parts.tensors:
            if tensor.name == name:
                others = tuple(each for each in parts.tensors if each.name != name)
                for value in (np.nan, np.inf):
                    changed = Tensor.of(name, np.full_like(tensor.array, value))
                    content = replace(parts, tensors=(*others, changed)).packed()
                    yield f"{name} of {value}", content, "NaN or infinity"
                longer = Tensor.of(name, np.ones(9))
                yield f"{name} of 9", replace(parts, tensors=(*others, longer)).packed(), "shape"


def kind_rows(seeds: dict[str, bytes]) -> Iterator[Row]:
    """Yield the hostile files made of the models of other kinds."""
    parts = {name.partition("/")[2]: take_apart(content) for name, content in seeds.items()}
    yield from table(parts["one-target"], REGRESSOR, "regressor")
    yield from table(parts["named"], SCALER, "scaler")
    yield from table(parts["multi-output"], OUTPUTS, "several outputs")
    yield from swapped(parts["named"], "pipeline")
    yield from scales(parts["named"])
