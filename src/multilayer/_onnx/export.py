"""From a fitted model to an ONNX model."""

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from multilayer._core.checks import check_integer, refuse
from multilayer._persist.atomic import write_atomically

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from onnx import ModelProto

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
    _require_packages()
    from multilayer._onnx.conversion import convert  # late: it needs these packages

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


def _require_packages() -> None:
    try:
        import onnx  # noqa: F401
        import skl2onnx  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f"ONNX export needs {error.name}, which is not installed. "
            "Install it: pip install onnx skl2onnx"
        ) from error


def _parts(name: str, model: BaseEstimator) -> Iterator[tuple[str, BaseEstimator]]:
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
