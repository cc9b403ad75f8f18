"""One fitted model in all the forms in which it predicts."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

import multilayer
from multilayer import portable

Answers = dict[str, np.ndarray]


def answers(model: Any, X: Any, loss: str | None) -> Answers:
    """Return all that a model, or the predictor read from its file, says of rows, by name.

    ``loss`` is that of a regressor.
    """
    if loss is None:
        found = model.predict_proba(X)
        if not isinstance(found, list):
            return {"probabilities": found}
        return {f"probabilities_{i}": each for i, each in enumerate(found)}
    said = {"variable": as_matrix(model.predict(X))}
    if loss == "quantile":
        said["quantiles"] = model.predict_quantiles(X)
    if loss == "gaussian_nll":
        said["std"] = as_matrix(model.predict(X, return_std=True)[1])
    return said


def as_matrix(values: np.ndarray) -> np.ndarray:
    """Return values as ``(rows, targets)``."""
    return values.reshape(len(values), -1)


def onnx_answers(model: Any, X: np.ndarray) -> Answers:
    """Return what ONNX Runtime says of rows."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    content = multilayer.to_onnx(model).SerializeToString()
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    found = dict(zip(names, session.run(None, {"X": X.astype(np.float32)}), strict=True))
    return {name: values for name, values in found.items() if not name.startswith("label")}


def others(model: Any, X: np.ndarray, folder: Path) -> Iterator[tuple[str, Answers]]:
    """Yield what the other forms of a model say of rows: its file, NumPy alone, and ONNX."""
    path, loss = folder / "model.safetensors", getattr(model, "loss", None)
    multilayer.save(model, path)
    yield "saved", answers(multilayer.load(path), X, loss)
    yield "portable", answers(portable.load(path), X, loss)
    yield "ONNX", onnx_answers(model, X)


def difference(expected: Answers, found: Answers) -> float:
    """Return the largest difference of answers, relative to their scale where that is above 1."""
    assert found.keys() == expected.keys()
    worst = 0.0
    for name, values in expected.items():
        assert found[name].shape == values.shape, name
        assert np.isfinite(values).all()
        scale = max(1.0, float(np.abs(values).max()))
        worst = max(worst, float(np.abs(found[name].astype(float) - values).max()) / scale)
    return worst


def shuffled(model: Any) -> Any:
    """Give biases and normalised layers of a network that is not trained values of their own."""
    rng = np.random.default_rng(1)
    for name in ("intercepts_", "norm_scales_", "norm_shifts_", "norm_means_"):
        for array in getattr(model, name, []):
            array += rng.normal(scale=0.3, size=array.shape).astype(array.dtype)
    for array in getattr(model, "norm_variances_", []):
        array *= rng.uniform(0.5, 2.0, size=array.shape).astype(array.dtype)
    return model
