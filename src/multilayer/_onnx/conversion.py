"""From a model of several steps to one graph, by skl2onnx."""

import json
import traceback
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from onnx import ModelProto, checker, helper
from skl2onnx import convert_sklearn
from skl2onnx._supported_operators import sklearn_operator_name_map
from sklearn.base import BaseEstimator

from multilayer._core.checks import refuse
from multilayer._core.environment import version
from multilayer._core.errors import InvalidArgumentError
from multilayer._onnx.hooks import takes_options
from multilayer._onnx.inputs import Input, declared, inputs_of, restore
from multilayer._onnx.steps import Converter, declare
from multilayer._onnx.steps import converters as own_steps

if TYPE_CHECKING:
    import pandas as pd

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
    except Exception as error:  # whatever skl2onnx makes of a step that it cannot convert
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
    """Refuse steps that nothing is known of, and those that are known as something else."""
    known = sklearn_operator_name_map
    for name, part in list(parts.items())[:-1]:
        kind = type(part).__name__
        if hasattr(part, "predict"):  # which skl2onnx would let predict
            raise InvalidArgumentError(
                "model must have no step that can predict before its last one, got "
                f"{kind}, the step {name!r}. Take another step."
            )
        if kind in INEXACT:
            raise InvalidArgumentError(
                f"model must have no {kind} for ONNX, {INEXACT[kind]}, got the step {name!r}. "
                "Do it before the model, or take another step."
            )
        if not (type(part) in converters or type(part) in known or hasattr(part, "onnx_converter")):
            raise InvalidArgumentError(
                "model must be made of steps that skl2onnx can convert, which does not know "
                f"{kind}, the step {name!r}. Register a converter with "
                "skl2onnx.update_registered_converter, or take another step."
            )


def _place_of(error: Exception, parts: Mapping[str, BaseEstimator]) -> str:
    """Return at which step skl2onnx failed, nothing where that is not known."""
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
