"""The tensors that a graph takes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from onnx import ModelProto, TensorProto, helper
from skl2onnx.common import data_types
from sklearn.base import BaseEstimator

from multilayer._core.checks import check_choice, refuse
from multilayer._data.encoding import TableEncoding
from multilayer._onnx.table_columns import is_text

if TYPE_CHECKING:
    import pandas as pd


FLOATS: dict[str, np.dtype] = {"float": np.dtype("float32"), "double": np.dtype("float64")}
"""Types of numbers by the names of the option `inputs`."""

TEXT = np.dtype(str)

JUMPING = (
    "Binarizer",
    "KBinsDiscretizer",
    "OneHotEncoder",
    "OrdinalEncoder",
    "QuantileTransformer",
    "SplineTransformer",  # of degree 0, and at the limits that it refuses to leave
    "TargetEncoder",
)
"""Steps under which the rounding of a number to float32 may be a leap; others read raw tables."""


@dataclass(frozen=True)
class Input:
    """One tensor that a graph takes, of ``(rows, width)``."""

    name: str
    dtype: np.dtype  # of text: str
    width: int


def inputs_of(
    model: BaseEstimator,
    parts: Mapping[str, BaseEstimator],
    X: "np.ndarray | pd.DataFrame | None",
    inputs: str | None,
) -> list[Input]:
    """Return the tensors that the graph of a model takes, of its ``parts`` by name."""
    n_columns = getattr(model, "n_features_in_", None)
    if n_columns is None:
        rule = "one whose first step takes columns, and knows how many"
        refuse("model", f"{rule}, for ONNX", model)
    table = _table_of(model)
    matrix = isinstance(X, np.ndarray) and X.dtype.kind in "biuf"
    if table is not None and not matrix and _comes_apart(table):
        return _of_table(table, X, inputs)
    if X is not None:
        if inputs is not None:
            refuse("inputs", "None beside X, whose types the inputs have", inputs)
        sources = _of_sample(X)
        given = sum(source.width for source in sources)
        if given != n_columns:
            refuse("X", f"rows of {n_columns} columns, as in training", given)
        return sources
    if inputs is not None:
        check_choice("inputs", inputs, FLOATS)
    if _takes_columns(model):
        refuse("X", "given for a model that takes columns apart", None, "A few rows are enough.")
    jumping = [
        name
        for name, part in parts.items()
        if type(part).__name__ in JUMPING or getattr(part, "_onnx_table", None) is not None
    ]
    if inputs is None and jumping:
        refuse(
            "inputs",
            f"given for a model with the step {jumping[0]!r}, under which the rounding of a number "
            "to float32 can be a leap",
            inputs,
            "Take 'double' for data of float64, or 'float' for data of float32.",
        )
    return [Input("X", FLOATS[inputs or "float"], n_columns)]


def _table_of(model: BaseEstimator) -> TableEncoding | None:
    """Return what the columns become, of a model that begins with an encoder of raw tables."""
    if hasattr(model, "steps"):
        return _table_of(model.steps[0][1])
    return getattr(model, "_onnx_table", None)


def _comes_apart(table: TableEncoding) -> bool:
    """Whether columns have names or different types, so that each is an input of its own."""
    return table.names is not None or any(map(is_text, table.columns))


def _of_table(
    table: TableEncoding, X: "np.ndarray | pd.DataFrame | None", inputs: str | None
) -> list[Input]:
    """Return an input for each column that is used: text, or numbers as in the sample or float64.

    Columns that the encoder has dropped are not among them.
    """
    if inputs is not None:
        refuse("inputs", "None for a model of columns that have types of their own", inputs)
    if isinstance(X, np.ndarray):  # of Python objects, which say nothing about types
        if X.ndim != 2 or X.shape[1] != table.n_columns:
            refuse("X", f"rows of {table.n_columns} columns, as in training", X.shape)
        X = None
    names = None if X is None else getattr(X, "columns", ())
    lacking = [each.name for each in table.columns if names is not None and each.name not in names]
    if lacking:
        refuse("X", f"None, an array or a data frame with the columns {lacking}", X)
    found = []
    for column in table.columns:
        dtype = TEXT if is_text(column) else FLOATS["double"]
        if dtype != TEXT and X is not None:
            given = getattr(X[column.name], "dtype", None)
            if isinstance(given, np.dtype) and given.kind in "biuf":
                dtype = given
        name = column.name if isinstance(column.name, str) else f"column_{column.name}"
        found.append(Input(name, dtype, 1))
    return found


def _takes_columns(model: BaseEstimator) -> bool:
    if hasattr(model, "steps"):
        return any(_takes_columns(step) for _, step in model.steps)
    return hasattr(model, "transformers_")


def _of_sample(X: "np.ndarray | pd.DataFrame") -> list[Input]:
    """Return the inputs that rows such as these ask for: one, or one for each column of a frame."""
    if hasattr(X, "columns"):
        names = [str(name) for name in X.columns]
        if len(set(names)) < len(names):
            refuse("X.columns", "names of which none comes twice", names)
        columns = (np.asarray(X[name]) for name in X.columns)
        return [
            Input(name, _dtype(f"column {name!r}", each), 1)
            for name, each in zip(names, columns, strict=True)
        ]
    if not (isinstance(X, np.ndarray) and X.ndim == 2):
        refuse("X", "an array of shape (n_samples, n_features) or a data frame", X)
    return [Input("X", _dtype("X", X), X.shape[1])]


def _dtype(what: str, values: np.ndarray) -> np.dtype:
    """Return the type in which such values come to the graph."""
    if values.dtype.kind in "biuf":
        return values.dtype
    if all(isinstance(value, str) for value in values.ravel().tolist()):
        return TEXT
    refuse(what, "numbers or text alone", values.dtype, "Give a few rows without missing text.")


def declared(source: Input, *, exact: bool) -> data_types.DataType:
    """Return skl2onnx's type of an input; ``exact`` brings all numbers to float64."""
    shape = [None, source.width]
    if source.dtype == TEXT:
        return data_types.StringTensorType(shape)
    if source.dtype == np.float32 and not exact:
        return data_types.FloatTensorType(shape)
    return data_types.DoubleTensorType(shape)


def restore(model: ModelProto, inputs: list[Input]) -> None:
    """Give a model's inputs their own names and types.

    skl2onnx changes names that no variable can have, and was given that all numbers are float64.
    """
    renamed, casts = {}, []
    for value, source in zip(model.graph.input, inputs, strict=True):
        inside, value.name = value.name, source.name
        renamed[inside] = source.name
        tensor = value.type.tensor_type
        if source.dtype == TEXT:
            continue
        own = helper.np_dtype_to_tensor_dtype(source.dtype)
        if own != tensor.elem_type:
            tensor.elem_type = own
            renamed[inside] = f"{source.name}_as_double"
            cast = helper.make_node("Cast", [source.name], [renamed[inside]], to=TensorProto.DOUBLE)
            casts.append(cast)
    for node in model.graph.node:
        node.input[:] = [renamed.get(name, name) for name in node.input]
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
