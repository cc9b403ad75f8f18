"""Models of ONNX, checked and run."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

Outputs = dict[str, np.ndarray]


class Runner:
    """An ONNX model in ONNX Runtime."""

    def __init__(self, model: Any) -> None:
        onnx.checker.check_model(model, full_check=True)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        self.inputs = {each.name: each.type for each in self.session.get_inputs()}
        self.names = [each.name for each in self.session.get_outputs()]

    def __call__(self, X: Any, rows: slice = slice(None)) -> Outputs:
        """Return the outputs for rows of an array or a data frame, by name."""
        columns = X if hasattr(X, "columns") else {"X": X}
        feeds = {name: self._feed(columns[name], self.inputs[name])[rows] for name in self.inputs}
        return dict(zip(self.names, self.session.run(None, feeds), strict=True))

    @staticmethod
    def _feed(values: Any, kind: str) -> np.ndarray:
        types: Mapping[str, Any] = {"tensor(float)": np.float32, "tensor(double)": np.float64}
        array = np.asarray(values)
        array = array[:, None] if array.ndim == 1 else array
        if kind == "tensor(string)":
            return array.astype(str).astype(object)
        return array.astype(types[kind]) if kind in types else array


@pytest.fixture(scope="session")
def runner() -> Callable[[Any], Runner]:
    return Runner
