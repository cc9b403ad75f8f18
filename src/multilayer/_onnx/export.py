"""From a fitted model to an ONNX model."""

import json
import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from multilayer._core.checks import check_integer, refuse
from multilayer._core.environment import version
from multilayer._onnx.conversion import converted
from multilayer._onnx.inputs import inputs_of

OPSETS = 17, 21
"""The oldest and the newest set of operators that is tested."""


def export(
    model: Any,
    path: str | os.PathLike[str] | None,
    *,
    X: Any = None,
    inputs: str | None = None,
    target_opset: int = OPSETS[0],
    name: str | None = None,
    features: Sequence[str] | None = None,
) -> Any:
    """Return a fitted model as an ONNX model, written to a file where one is named.

    ``features`` are the names of its columns, where the model itself does not know them.
    """
    check_integer("target_opset", target_opset, *OPSETS)
    _require_packages()
    from sklearn.utils.validation import check_is_fitted

    model = getattr(model, "best_estimator_", model)
    parts = dict(_parts("", model))
    network = list(parts.values())[-1]
    if not hasattr(network, "_onnx_description"):
        rule = "an estimator of multilayer, or a pipeline or search that ends in one"
        refuse("model", rule, model, "skl2onnx.to_onnx converts the others.")
    check_is_fitted(model)
    outputs = {output.name for output in network._onnx_description().outputs()}
    sources = inputs_of(model, parts, X, inputs)
    for source in sources:
        if source.name in outputs:
            refuse("X.columns", "other names than those of the outputs", source.name)
    made = converted(model, parts, sources, target_opset, name or type(network).__name__)
    _describe(made, model, parts, features)
    if path is not None:
        from multilayer._persist.atomic import write_atomically

        write_atomically(path, made.SerializeToString())
    return made


def _require_packages() -> None:
    try:
        import onnx  # noqa: F401
        import skl2onnx  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f"ONNX export needs {error.name}, which is not installed. "
            "Install it: pip install onnx skl2onnx"
        ) from error


def _parts(name: str, model: Any) -> Iterator[tuple[str, Any]]:
    """Yield the names and the fitted estimators that a model is made of, in order."""
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


def _describe(made: Any, model: Any, parts: dict[str, Any], features: Sequence[str] | None) -> None:
    """Write into an ONNX model where it comes from, and what its columns and classes are."""
    from onnx import helper

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
