"""Hostile files by what is wrong with the preprocessing in them, or with a perceptron."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from .corpus_kinds import table
from .corpus_models import Row
from .files import Parts, Tensor, take_apart

TOP = ("steps", 0)
BY_COLUMN = {name: (*TOP, "steps", i) for i, name in enumerate(
    ("age", "gap", "city", "size", "mean", "rest"))}  # fmt: skip
BRANCH = [(*TOP, "steps", i, "steps") for i in range(4)]
PERCEPTRON = (*TOP, "fitted")


def fitted(step: tuple[Any, ...], name: str) -> tuple[Any, ...]:
    """Return the place of a fitted value."""
    return (*step, "fitted", name)


def params(step: tuple[Any, ...], name: str) -> tuple[Any, ...]:
    """Return the place of an argument."""
    return (*step, "params", name)


COLUMNS = [
    *(
        (fitted(TOP, "n_features"), n, "memory|features|names|too many")
        for n in (3, -4, 2**40, 2**62, True)
    ),
    *(
        (fitted(TOP, "columns"), value, "columns")
        for value in (None, [], [["age"]] * 5, "age", {"slice": [0, 1, 1]}, ...)
    ),
    *(
        ((*fitted(TOP, "columns"), 0), value, "columns|takes|unknown kind")
        for value in (
            *(["nobody"], [9], [-9], 9, "nobody", [0.5], [None], [["age"]], [True] * 9, {}),
            *({"slice": [0, "nobody", 1]}, {"slice": [0, 1]}, {"slice": [0, 1, 0]}, {"slice": 1}),
            *({"slice": [0, 1, 1], "callable": "os.system"}, None),
        )
    ),
    *(
        (fitted(TOP, "given"), value, "given|member|lacks|unknown kind")
        for value in ([], ["drop"] * 9, "x", {})
    ),
    ((*fitted(TOP, "given"), 0), "os.system", "other members"),
    (fitted(TOP, "remainder"), "os.system", "other members"),
    (fitted(TOP, "outputs"), [], "outputs"),
    *(
        ((*fitted(TOP, "outputs"), 0), value, "outputs")
        for value in (None, [0], [1, 0], [-1, 2], [0.0, 2.0], ["0", "2"], [0, 1, 2])
    ),
    (fitted(TOP, "sparse_output"), 1, "sparse_output"),
    (params(TOP, "transformers"), [], "no file has"),
    (params(TOP, "remainder"), "drop", "no file has"),
    (params(TOP, "n_jobs"), "x", "no file has"),
    (params(TOP, "sparse_threshold"), "x", "out of range"),
    ((*TOP, "steps"), None, "list of steps"),
    ((*TOP, "steps"), [], "no steps"),
    ((*BY_COLUMN["gap"], "steps"), [], "'steps'"),
    ((*BY_COLUMN["gap"], "name"), "age", "other members|features|one name"),
    ((*BY_COLUMN["gap"], "kind"), "MLPClassifier", "lacks|argument"),
    ((*BY_COLUMN["gap"], "kind"), "KNNImputer", "of a kind"),
    (fitted(BY_COLUMN["gap"], "statistics"), None, "statistics"),
    (fitted(BY_COLUMN["gap"], "statistics"), {"dtype": "object", "values": []}, "statistics"),
    (fitted(BY_COLUMN["gap"], "statistics"), {"dtype": "object", "values": [[]]}, "statistics"),
    (fitted(BY_COLUMN["gap"], "fit_dtype"), "V8", "type"),
    (fitted(BY_COLUMN["gap"], "fit_dtype"), "<U999999999999", "type"),
    (params(BY_COLUMN["gap"], "strategy"), "os.system", "out of range"),
    (params(BY_COLUMN["gap"], "missing_values"), [], "out of range"),
    (params(BY_COLUMN["gap"], "fill_value"), {"code": "x"}, "unknown kind"),
    (params(BY_COLUMN["city"], "dtype"), {"word": "os.system"}, "unknown dtype"),
    (params(BY_COLUMN["city"], "handle_unknown"), "x", "out of range"),
    (params(BY_COLUMN["city"], "drop"), "x", "out of range|drops"),
    (params(BY_COLUMN["city"], "min_frequency"), -1, "out of range"),
    (params(BY_COLUMN["city"], "sparse_output"), 1, "out of range"),
    (fitted(BY_COLUMN["city"], "categories"), None, "categories"),
    (fitted(BY_COLUMN["city"], "categories"), [], "categories|n_features"),
    (fitted(BY_COLUMN["city"], "categories"), [{"dtype": "object", "values": []}], "categories"),
    (fitted(BY_COLUMN["city"], "categories"), [{"dtype": "object", "n": 9}], "missing"),
    (fitted(BY_COLUMN["city"], "categories"), [{"dtype": "<i8", "n": 9}], "missing"),
    (fitted(BY_COLUMN["city"], "categories"), [{"dtype": "<U9", "values": [{}]}], "kind|must be"),
    (fitted(BY_COLUMN["mean"], "target_type"), "os.system", "target_type"),
    (fitted(BY_COLUMN["mean"], "target_type"), "multiclass", "shape"),
    (fitted(BY_COLUMN["mean"], "classes"), None, "classes"),
    (params(BY_COLUMN["rest"], "func"), "os.system", "FunctionTransformer|out of range"),
    (params(BY_COLUMN["rest"], "inverse_func"), "os.system", "FunctionTransformer|out of range"),
    (params(BY_COLUMN["rest"], "func"), {"word": "exec"}, "unknown kind"),
]
NUMBERS = [
    (params((*BRANCH[0], 1), "degree"), 10**9, "powers"),
    (params((*BRANCH[0], 1), "degree"), -1, "out of range|none"),
    (params((*BRANCH[0], 1), "degree"), {"tuple": [2, 1]}, "none|out of range"),
    (params((*BRANCH[0], 1), "degree"), {"tuple": []}, "none|out of range"),
    (params((*BRANCH[0], 1), "degree"), "x", "out of range"),
    (fitted((*BRANCH[0], 1), "n_features"), 10**12, "memory|at most|columns"),
    (fitted((*BRANCH[0], 0), "n_samples_seen"), "x", "n_samples_seen"),
    (params((*BRANCH[1], 1), "encode"), "os.system", "out of range"),
    (params((*BRANCH[1], 1), "dtype"), "float64", "out of range"),
    (params((*BRANCH[2], 0), "n_quantiles"), -1, "out of range"),
    (fitted((*BRANCH[2], 0), "n_quantiles"), None, "n_quantiles"),
    (params((*BRANCH[2], 1), "degree"), 10**6, "do not fit"),
    (params((*BRANCH[2], 1), "degree"), -1, "out of range|do not fit"),
    (params((*BRANCH[2], 1), "knots"), "os.system", "out of range"),
    (params((*BRANCH[3], 1), "n_components"), "x", "out of range"),
    (params((*BRANCH[3], 1), "svd_solver"), "os.system", "out of range"),
    ((*TOP, "params", "n_jobs"), "x", "no file has"),
    ((*TOP, "steps", 0, "kind"), "Perceptron", "lacks|argument|belong|transforms"),
    ((*TOP, "steps", 0, "kind"), "FrozenEstimator", "is missing|one member"),
]
PERCEPTRONS = [
    *((fitted(TOP, "n_features"), value, "shape|n_features") for value in (3, -1, 2**40, True)),
    (fitted(TOP, "target_kind"), "multioutput", "one column|fit"),
    (fitted(TOP, "target_kind"), "binary", "fit"),
    (fitted(TOP, "t"), "x", "'t'"),
    (fitted(TOP, "converged"), 1, "converged"),
    (fitted(TOP, "unknown"), 1, "'unknown'"),
    (params(TOP, "__class__"), "x", "__class__"),
    (params(TOP, "random_state"), "x", "random_state"),
]


def altered_arrays(parts: Parts, changes: dict[str, Any], word: str) -> Iterator[Row]:
    """Yield files in each of which one array holds something else."""
    for name, arrays in changes.items():
        for i, array in enumerate(arrays):
            kept = tuple(tensor for tensor in parts.tensors if tensor.name != name)
            changed = (*kept, Tensor.of(name, np.asarray(array)))
            yield f"{name} {i}", replace(parts, tensors=changed).packed(), word


SPARSE = {
    "Perceptron.coef.indices": [
        np.array(values, np.int32)
        for values in ([0, 1, 2, 4], [-1, 0, 1, 2], [2**31 - 1, 0, 1, 2], [0, 1, 2])
    ],
    "Perceptron.coef.indptr": [
        np.array(values, np.int32)
        for values in ([0, 5], [1, 4], [0, 2**31 - 1], [0, -1], [0, 4, 4], [4, 0])
    ],
    "Perceptron.coef.data": [np.full(4, np.nan), np.ones(9), np.ones(4, np.int64)],
}
BINS = {
    "FeatureUnion.Pipeline2.KBinsDiscretizer.n_bins": [
        np.array(values) for values in ([3, 3, 3], [0, 3, 3, 3], [-1] * 4, [2**40] * 4, [2**62] * 4)
    ],
    "FeatureUnion.Pipeline2.KBinsDiscretizer.bin_edges": [np.ones(15), np.full(16, np.nan)],
    "FeatureUnion.Pipeline3.SplineTransformer.bsplines": [np.ones((2, 4)), np.ones((9, 3))],
    "FeatureUnion.Pipeline3.QuantileTransformer.quantiles": [np.ones((9, 4)), np.ones(40)],
    "FeatureUnion.Pipeline4.PCA.components": [np.ones((2, 3)), np.ones((3, 4)), np.ones(8)],
    "FeatureUnion.Pipeline4.PCA.noise_variance": [np.ones(1), np.array(np.nan)],
}
INDICATOR = {
    "ColumnTransformer.Pipeline.SimpleImputer.indicator.features": [
        np.array(values) for values in ([1], [-1], [2**62], [0.0])
    ],
    "ColumnTransformer.TargetEncoder.encodings": [np.ones(5), np.full(6, np.inf)],
    "ColumnTransformer.TargetEncoder.target_mean": [np.ones(2), np.array(np.nan)],
}


def nested(parts: Parts) -> Iterator[Row]:
    """Yield compositions within one another, deeper than anybody makes them."""
    for depth in (12, 200):
        description = parts.description
        for _ in range(depth):
            inner = {"name": "a", "kind": "Pipeline", "params": {}, "fitted": {"output": None}}
            description["steps"] = [inner | {"steps": description["steps"]}]
        yield f"{depth} pipelines deep", parts.describing(description).packed(), "too deep|memory"


def step_rows(seeds: dict[str, bytes]) -> Iterator[Row]:
    """Yield the hostile files made of models with preprocessing, and of perceptrons."""
    parts = {
        name.removeprefix("protocol-2/"): take_apart(content) for name, content in seeds.items()
    }
    yield from table(parts["columns"], COLUMNS, "columns")
    yield from table(parts["numbers"], NUMBERS, "numbers")
    yield from table(parts["perceptron"], PERCEPTRONS, "perceptron")
    shape = "shape|NaN|sparse|unknown|at least one|do not fit|must have|memory"
    yield from altered_arrays(parts["sparse-perceptron"], SPARSE, shape)
    yield from altered_arrays(parts["numbers"], BINS, shape)
    yield from altered_arrays(parts["columns"], INDICATOR, shape)
    yield from nested(parts["numbers"])
