"""From a model file to what predicts."""

from collections.abc import Sequence
from os import PathLike
from typing import Any

from multilayer._core.errors import ModelFileError
from multilayer._core.types import JSON
from multilayer._portable.averages import WeightedClassifier, WeightedRegressor
from multilayer._portable.compositions import TransformedRegressor, inverses, transformers
from multilayer._portable.ensembles import TableClassifier, TableEncoder, TableRegressor
from multilayer._portable.estimators import Classifier, Perceptron, Regressor
from multilayer._portable.predictor import Predictor, Step
from multilayer._sklearn.saving.model_steps import (
    EnsembleValues,
    FrozenValues,
    ModelStep,
    PipelineValues,
    TargetValues,
    TransformerValues,
)
from multilayer._sklearn.saving.network_kinds import ClassifierValues, RegressorValues
from multilayer._sklearn.saving.parser import parse_model, read_parsed
from multilayer._sklearn.saving.perceptron_kind import PerceptronValues
from multilayer._sklearn.saving.reader import StoredArrays
from multilayer._sklearn.saving.tabular_kinds import (
    TabularClassifierValues,
    TabularRegressorValues,
)


def load(path: str | PathLike[str]) -> Any:
    """Read a model from a file, for prediction with NumPy alone.

    Parameters
    ----------
    path : str or path-like
        Model file, written by :func:`multilayer.save` or the command line.

    Returns
    -------
    predictor : Classifier, Regressor, TransformedRegressor, Perceptron, TableClassifier, \
TableRegressor, WeightedClassifier, WeightedRegressor or TableEncoder
        Has ``predict``, ``n_features_in_`` and, where columns had names, ``feature_names_in_``; of
        classes also ``classes_`` and, from a network, ``predict_proba``; of quantiles
        ``predict_quantiles``. All of them are as those of the model. What is read from the file of
        a TabularEncoder has ``transform`` in their place.

    Raises
    ------
    ModelFileError
        There is no such file, it is no model, is damaged, was made by a newer version, or has a
        step that is not carried out here (a ValueError).

    Examples
    --------
    >>> import os, tempfile
    >>> import multilayer, multilayer.portable
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = multilayer.MLPClassifier((16,), max_iter=20, tol=0, learning_rate="cosine").fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "iris.safetensors")
    ...     multilayer.save(clf, path)
    ...     predictor = multilayer.portable.load(path)
    >>> bool((predictor.predict(X) == clf.predict(X)).all())
    True
    """
    model = read_parsed(path).model
    if isinstance(model.values, TransformerValues):  # of the kinds that a file may have alone
        return TableEncoder(model.values)
    try:
        return _predictor(model, ())
    except ModelFileError as error:
        raise ModelFileError(f"{path} cannot be used: {error}") from error


def read_steps(
    pipeline: bool, steps: JSON, arrays: StoredArrays, *, features: Sequence[str] | None = None
) -> Predictor:
    """Return what predicts, from the description of a model; its arrays are taken out."""
    return _predictor(parse_model(pipeline, steps, arrays, features=features), ())


def _predictor(step: ModelStep, before: tuple[Step, ...]) -> Predictor:
    """Return what predicts: a step, after what is done before."""
    match step.values:
        case ClassifierValues() as values:
            return Classifier(before, values)
        case RegressorValues() as values:
            return Regressor(before, values)
        case PerceptronValues() as values:
            return Perceptron(before, values)
        case TabularClassifierValues() as values:
            return TableClassifier(before, values)
        case TabularRegressorValues() as values:
            return TableRegressor(before, values)
        case PipelineValues() | FrozenValues():
            *first, last = step.members
            done = tuple(part for each in first for part in transformers(each))
            return _predictor(last, (*before, *done))
        case TargetValues() as values:
            regressor, transformer = step.members
            return TransformedRegressor(
                _predictor(regressor, before), inverses(transformer), values.n_axes
            )
        case EnsembleValues() as values:
            members = [_predictor(each, ()) for each in step.members]
            kind = WeightedRegressor if values.classes is None else WeightedClassifier
            return kind(before, members, values)
    raise ModelFileError(
        f"its last step {step.kind!r} is not supported by multilayer.portable. Load it with "
        "multilayer.load."
    )
