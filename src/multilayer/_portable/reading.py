"""From a model file to what predicts."""

from collections.abc import Sequence
from os import PathLike
from typing import Any

from multilayer._core.errors import ModelFileError
from multilayer._persist.model_file import read_model
from multilayer._portable import classifier, perceptron, regressor, transformed
from multilayer._portable.predictor import Predictor, Step
from multilayer._sklearn.saving.parts import Part, only_member, parts_of
from multilayer._sklearn.saving.reader import StoredArrays
from multilayer._sklearn.saving.validation import check_model

ESTIMATORS = {
    "MLPClassifier": classifier.read,
    "MLPRegressor": regressor.read,
    "Perceptron": perceptron.read,
}


def load(path: str | PathLike[str]) -> Any:
    """Read a model from a file, for prediction with NumPy alone.

    Parameters
    ----------
    path : str or path-like
        Model file, written by :func:`multilayer.save` or the command line.

    Returns
    -------
    predictor : Classifier, Regressor, TransformedRegressor or Perceptron
        Has ``predict``, ``n_features_in_`` and, where columns had names, ``feature_names_in_``; of
        classes also ``classes_`` and, from a network, ``predict_proba``; of quantiles
        ``predict_quantiles``. All of them are as those of the model.

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
    manifest, arrays, room = read_model(path)
    try:
        features = manifest["data"].get("features")
        stored = StoredArrays(arrays, room)
        return read_steps(manifest["pipeline"], manifest["steps"], stored, features=features)
    except ModelFileError as error:
        raise ModelFileError(f"{path} cannot be used: {error}") from error


def read_steps(
    pipeline: bool, steps: object, arrays: StoredArrays, *, features: Sequence[str] | None = None
) -> Predictor:
    """Return what predicts, from the description of a model; its arrays are taken out."""
    check_model(pipeline, steps, arrays, features=features)
    return _predictor(parts_of(steps, arrays), ())


def _predictor(parts: list[Part], before: tuple[Step, ...]) -> Predictor:
    """Return what predicts: the last of these steps, with what is done before."""
    if len(parts) > 1:
        from multilayer._portable.compositions import transformers  # late: a network needs none

        before = (*before, *(step for part in parts[:-1] for step in transformers(part)))
    match parts[-1:]:
        case [part] if part.kind in ESTIMATORS:
            made = ESTIMATORS[part.kind](before, part.params, part.fitted, part.arrays)
            part.arrays.check_all_taken()
            return made
        case [part] if part.kind == "Pipeline":
            return _predictor(parts_of(part.members, part.arrays), before)
        case [part] if part.kind == "FrozenEstimator":
            return _predictor([only_member(part)], before)
        case [part] if part.kind == "TransformedTargetRegressor":
            match parts_of(part.members, part.arrays):
                case [Part("regressor") as own, Part("transformer") as transformer]:
                    return transformed.read(part, _predictor([own], before), transformer)
            raise ModelFileError(f"its {part.kind} lacks a regressor or transformer.")
        case [part]:
            raise ModelFileError(
                f"its last step {part.kind!r} is not carried out by multilayer.portable. Load it "
                "with multilayer.load."
            )
    raise ModelFileError("it has no steps.")
