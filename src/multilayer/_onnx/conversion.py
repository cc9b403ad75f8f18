"""From a fitted model to an ONNX file, with the functions that skl2onnx calls on the way."""

import json
import os
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeGuard

import numpy as np
from onnx import ModelProto, checker, helper
from skl2onnx import convert_sklearn
from skl2onnx._supported_operators import sklearn_operator_name_map
from skl2onnx.common import data_types
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from multilayer._core.checks import check_integer, refuse
from multilayer._core.environment import version
from multilayer._core.errors import InvalidArgumentError
from multilayer._onnx.graph import Graph
from multilayer._onnx.graph_inputs import Input, declared, inputs_of, restore
from multilayer._onnx.outputs import Choosing, Described, Options, Output, Rows, asked, register
from multilayer._onnx.steps import Converter, declare
from multilayer._onnx.steps import converters as own_steps
from multilayer._persist.atomic import write_atomically

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from onnx import ModelProto
    from skl2onnx.common._container import ModelComponentContainer
    from skl2onnx.common._topology import Operator, Scope, Variable


# The three functions that skl2onnx gets from an estimator ----------------------------------------


class Hooks(NamedTuple):
    """The functions that skl2onnx gets from an estimator."""

    parser: "Callable[..., list[Variable]]"
    shape_calculator: "Callable[[Operator], None]"
    converter: "Callable[[Scope, Operator, ModelComponentContainer], None]"


def hooks(model: object, described: Described) -> Hooks:
    """Return the functions of an estimator."""
    return Hooks(
        parser(model, described), shape_calculator(model, described), converter(model, described)
    )


def parser(model: object, described: Described) -> "Callable[..., list[Variable]]":
    """Return the function that declares the outputs of an estimator."""

    def parse(scope: "Scope", inputs: "list[Variable] | None" = None) -> "list[Variable]":
        if takes_options(described):
            register(type(model))
        outputs = _chosen(model, described, scope).outputs()
        return [scope.declare_local_variable(o.name, tensor_type(o)) for o in outputs]

    return parse


def takes_options(described: Described) -> TypeGuard[Choosing]:
    """Whether an estimator is a classifier, which has options."""
    return hasattr(described, "with_options")


def _chosen(model: object, described: Described, scope: "Scope") -> Described:
    """Return an estimator with the options that were given for it."""
    if not takes_options(described):
        return described
    return described.with_options(asked(model, scope.options))


def _declared(model: object, described: Described, operator: "Operator") -> Described:
    """Return an estimator with the outputs that an operator has.

    A model around it, such as a vote, declares labels and scores under its own names, and handles
    the other options itself.
    """
    chosen = _chosen(model, described, operator.scope_inst)
    names = [variable.raw_name for variable in operator.outputs]
    if names == [output.name for output in chosen.outputs()] or not takes_options(described):
        return chosen
    options = asked(model, operator.scope_inst.options)
    return described.with_options(Options(nocl=options.nocl, raw_scores=options.raw_scores))


def shape_calculator(model: object, described: Described) -> "Callable[[Operator], None]":
    """Return the function that sets the types of the outputs."""

    def calculate(operator: "Operator") -> None:
        outputs = _declared(model, described, operator).outputs()
        for variable, output in zip(operator.outputs, outputs, strict=True):
            variable.type = tensor_type(output)

    return calculate


def converter(
    model: object, described: Described
) -> "Callable[[Scope, Operator, ModelComponentContainer], None]":
    """Return the function that adds the nodes."""

    def convert(scope: "Scope", operator: "Operator", container: "ModelComponentContainer") -> None:
        graph = Graph(scope, container)
        rows: Rows = operator.inputs
        if not getattr(described, "reads_tables", False):
            columns = [variable.full_name for variable in operator.inputs]
            if len(columns) > 1:  # of a table, each in a type of its own
                columns = [graph.cast(column, "float64") for column in columns]
            rows = graph.beside(columns)
        made = _declared(model, described, operator).build(graph, rows)
        for variable, name in zip(operator.outputs, made, strict=True):
            graph.end(name, variable.full_name)

    return convert


def tensor_type(output: Output) -> data_types.DataType:
    """Return skl2onnx's type of an output; the number of rows is open."""
    if output.keys is not None:
        key = data_types.StringTensorType if output.keys.kind == "U" else data_types.Int64TensorType
        row = data_types.DictionaryType(key([None]), data_types.FloatTensorType())
        return data_types.SequenceType(row)

    types = {
        "f4": data_types.FloatTensorType,
        "f8": data_types.DoubleTensorType,
        "i8": data_types.Int64TensorType,
        "b1": data_types.BooleanTensorType,
    }
    dtype = np.dtype(output.dtype)
    kind = data_types.StringTensorType if dtype.kind == "U" else types[dtype.str[1:]]
    return kind([None, *output.shape] if output.of_rows else list(output.shape))


# From a model of several steps to one graph, by skl2onnx -----------------------------------------


INEXACT = {
    "CountVectorizer": "whose words are others in ONNX",
    "TfidfVectorizer": "whose words are others in ONNX",
    "KNNImputer": "whose choice among equal neighbours depends on the rows that come together",
}
"""Steps that skl2onnx converts to something else, with the reason."""


def convert(
    model: BaseEstimator,
    parts: Mapping[str, BaseEstimator],
    X: "np.ndarray | pd.DataFrame | None",
    *,
    inputs: str | None,
    opset: int,
    name: str,
    features: Sequence[str] | None,
) -> ModelProto:
    """Return a fitted model of these parts as a graph that says where it comes from."""
    network = list(parts.values())[-1]
    outputs = {output.name for output in network._onnx_description().outputs()}
    sources = inputs_of(model, parts, X, inputs)
    for source in sources:
        if source.name in outputs:
            refuse("X.columns", "other names than those of the outputs", source.name)
    made = _graph(model, parts, sources, opset, name)
    _describe(made, model, parts, features)
    return made


def _graph(
    model: BaseEstimator,
    parts: Mapping[str, BaseEstimator],
    inputs: list[Input],
    opset: int,
    name: str,
) -> ModelProto:
    """Convert a model by skl2onnx."""
    converters = own_steps()
    _check_known(parts, converters)
    # Steps compute in float64, as in scikit-learn; a network alone has no use for it.
    exact = hasattr(model, "steps")
    network = list(parts.values())[-1]
    arrays = {id(network): {"zipmap": False}}  # skl2onnx would make dicts of probabilities
    try:
        made = convert_sklearn(
            model,
            name=name,
            initial_types=[(each.name, declared(each, exact=exact)) for each in inputs],
            target_opset=opset,
            options=arrays if takes_options(network._onnx_description()) else None,
            custom_conversion_functions=converters,
            custom_shape_calculators=dict.fromkeys(converters, declare),
        )
        restore(made, inputs)
        _require_opset(made, opset)
        checker.check_model(made, full_check=True)
    except InvalidArgumentError:
        raise
    except Exception as error:  # whatever skl2onnx raises for a step that it cannot convert
        where = _place_of(error, parts)
        raise InvalidArgumentError(
            f"model must be one that skl2onnx can convert, which fails{where}: "
            f"{type(error).__name__}: {error}"
        ) from error
    return made


def _require_opset(made: ModelProto, opset: int) -> None:
    """Say which sets of operators a model needs, each once.

    skl2onnx names one twice, and an older one where that is enough.
    """
    opsets = {each.domain: each.version for each in made.opset_import} | {"": opset}
    del made.opset_import[:]
    made.opset_import.extend(helper.make_opsetid(*each) for each in opsets.items())


def _check_known(parts: Mapping[str, BaseEstimator], converters: Mapping[type, Converter]) -> None:
    """Refuse unknown steps, and those that are registered as something else."""
    known = sklearn_operator_name_map
    for name, part in list(parts.items())[:-1]:
        kind = type(part).__name__
        if hasattr(part, "predict"):  # which skl2onnx would let predict
            raise InvalidArgumentError(
                "model must have no step that can predict before its last one, got "
                f"{kind}, the step {name!r}. Use another step."
            )
        if kind in INEXACT:
            raise InvalidArgumentError(
                f"model must have no {kind} for ONNX, {INEXACT[kind]}, got the step {name!r}. "
                "Do it before the model, or use another step."
            )
        if not (type(part) in converters or type(part) in known or hasattr(part, "onnx_converter")):
            raise InvalidArgumentError(
                "model must consist of steps that skl2onnx can convert, which does not know "
                f"{kind}, the step {name!r}. Register a converter with "
                "skl2onnx.update_registered_converter, or use another step."
            )


def _place_of(error: Exception, parts: Mapping[str, BaseEstimator]) -> str:
    """Return at which step skl2onnx failed, nothing where that is unknown."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        operator = frame.f_locals.get("operator")
        failed = getattr(operator, "raw_operator", None)
        for name, part in parts.items():
            if part is failed:
                return f" at the step {name!r} ({type(part).__name__})"
    return ""


def _describe(
    made: ModelProto,
    model: BaseEstimator,
    parts: Mapping[str, BaseEstimator],
    features: Sequence[str] | None,
) -> None:
    """Write into an ONNX model where it comes from, and what its columns and classes are."""
    made.producer_name, made.producer_version = "multilayer", version()
    kinds = " + ".join(type(part).__name__ for part in parts.values())
    made.doc_string = f"{kinds}, made by multilayer {version()}"
    facts: dict[str, str] = {}
    names = getattr(model, "feature_names_in_", features)
    if names is not None:
        facts["feature_names"] = json.dumps([str(each) for each in names])
    classes = getattr(model, "classes_", None)
    if classes is not None:
        several = isinstance(classes, list)
        facts["classes"] = json.dumps(
            [each.tolist() for each in classes] if several else np.asarray(classes).tolist()
        )
    helper.set_model_props(made, facts)


# From a fitted model to an ONNX model ------------------------------------------------------------


OPSETS = 17, 21
"""The oldest and the newest set of operators that is tested."""


def export(
    model: BaseEstimator,
    path: str | os.PathLike[str] | None,
    *,
    X: "np.ndarray | pd.DataFrame | None" = None,
    inputs: str | None = None,
    target_opset: int = OPSETS[0],
    name: str | None = None,
    features: Sequence[str] | None = None,
) -> "ModelProto":
    """Return a fitted model as an ONNX model, written to a file where one is named.

    ``features`` are the names of its columns, where the model itself does not know them.
    """
    check_integer("target_opset", target_opset, *OPSETS)
    pass

    model = getattr(model, "best_estimator_", model)
    parts = dict(_parts("", model))
    network = list(parts.values())[-1]
    if not hasattr(network, "_onnx_description"):
        rule = "an estimator of multilayer, or a pipeline or search that ends in one"
        refuse("model", rule, model, "skl2onnx.to_onnx converts the others.")
    check_is_fitted(model)
    made = convert(
        model,
        parts,
        X,
        inputs=inputs,
        opset=target_opset,
        name=name or type(network).__name__,
        features=features,
    )
    if path is not None:
        write_atomically(path, made.SerializeToString())
    return made


def _parts(name: str, model: BaseEstimator) -> Iterator[tuple[str, BaseEstimator]]:
    """Yield the names and the fitted estimators of a model's steps, in order."""
    if hasattr(model, "steps"):
        inner = model.steps
    elif hasattr(model, "transformers_"):
        inner = [part[:2] for part in model.transformers_]
    elif hasattr(model, "transformer_list"):
        inner = model.transformer_list
    else:
        yield name, model
        return
    for own, part in inner:
        if part is not None and not isinstance(part, str):  # "passthrough", "drop"
            yield from _parts(f"{name}.{own}" if name else own, part)
