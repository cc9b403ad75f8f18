"""Fitted models as ONNX models, which run without Python."""

import os
from typing import TYPE_CHECKING, Any

from multilayer._onnx import require_packages

if TYPE_CHECKING:
    import onnx

__all__ = ["to_onnx"]


def to_onnx(
    model: Any,
    path: str | os.PathLike[str] | None = None,
    *,
    X: Any = None,
    inputs: str | None = None,
    target_opset: int = 17,
    name: str | None = None,
) -> "onnx.ModelProto":
    """Convert a fitted model to ONNX.

    Parameters
    ----------
    model : estimator of multilayer, or a Pipeline or search that ends in one
        Fitted model. The steps of a pipeline are those that skl2onnx can convert.
    path : str or path-like, default=None
        File to write, ``.onnx`` by convention, written atomically.
    X : array of shape (n_samples, n_features) or data frame, default=None
        A few rows, of which only names and types matter: an array makes one input ``"X"`` of its
        type, a data frame an input ``(n_samples, 1)`` for each column. Needed where columns are
        selected (ColumnTransformer). A model of raw tables knows its columns: it has an input for
        each one that is used, in float64 or as text, or in the types of a sample.
    inputs : {"float", "double"} or None, default=None
        Type of the input ``"X"`` without a sample: float32 or float64. None is "float", and is
        refused for a pipeline with a step that is discontinuous, so that rounding to float32
        matters, such as KBinsDiscretizer.
    target_opset : int, default=17
        Version of ONNX's set of operators, from 17 to 21.
    name : str, default=None
        Name of the graph; None is that of the network's class.

    Returns
    -------
    converted : onnx.ModelProto
        Its outputs are, of `n` rows:

        - classifier: "label" ``(n,)``, int64, text, bool or float64 as the labels (whole numbers
          of any size are int64), and "probabilities" ``(n, n_classes)``, float32;
        - several columns of classes: "label_0", "probabilities_0", "label_1" and so on;
        - indicator matrix: "label" int64 and "probabilities" float32, ``(n, n_labels)``;
        - regressor: "variable" ``(n, n_targets)``, float32, and "quantiles" or "std" where the
          loss predicts them;
        - EnsembleClassifier, EnsembleRegressor: the same, means by weights of those of its members;
        - TabularEncoder by itself: "encoded" ``(n, n_columns)``, float32;
        - perceptron: "label" and "scores" ``(n, n_units)``, float64.

        ``metadata_props`` has "classes" and "feature_names" as JSON.

    Raises
    ------
    InvalidArgumentError
        The model cannot be converted (the message names the step or argument), or an argument
        breaks its rule (a ValueError).
    sklearn.exceptions.NotFittedError
        The model is not fitted.
    ImportError
        onnx or skl2onnx is missing: ``pip install onnx skl2onnx``.
    ModelFileError
        The file cannot be written (a ValueError).

    Notes
    -----
    A network computes in float32, as in training, and also where it was trained in float64: its
    weights are rounded then. The steps before it compute in float64, as in scikit-learn. Functions
    given as `activation` and custom networks are code, and refused. An encoder that would raise an
    error for an unknown category gives NaN instead.

    Examples
    --------
    >>> import multilayer
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = multilayer.MLPClassifier((16,), max_iter=20, tol=0, learning_rate="cosine").fit(X, y)
    >>> converted = multilayer.to_onnx(clf)
    >>> [output.name for output in converted.graph.output]
    ['label', 'probabilities']
    """
    require_packages()
    from multilayer._onnx.conversion import export  # late: onnx is an extra

    return export(model, path, X=X, inputs=inputs, target_opset=target_opset, name=name)
