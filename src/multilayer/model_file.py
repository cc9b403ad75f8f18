"""Models in files: one safetensors file each, written atomically, never executed."""

import os
from typing import Any

from multilayer._sklearn.saving.models import read, write

__all__ = ["load", "save"]


def save(model: Any, path: str | os.PathLike[str]) -> None:
    """Write a fitted model to one file.

    Parameters
    ----------
    model : estimator of multilayer or sklearn.pipeline.Pipeline
        Fitted model: TabularClassifier, TabularRegressor, MLPClassifier, MLPRegressor or
        Perceptron; a pipeline that ends in one, after a TabularEncoder or the usual scikit-learn
        steps for numbers, categories and missing values, ColumnTransformer and FeatureUnion among
        them; or a TransformedTargetRegressor or FrozenEstimator around one, or an
        EnsembleClassifier or EnsembleRegressor of several. A TabularEncoder by itself is saved,
        too.
    path : str or path-like
        File to write, ``.safetensors`` by convention; its folder must exist. An existing file is
        replaced atomically, with its permissions: a reader finds the old one or the new, also after
        a power cut. A link stays and its file is replaced; pipes and devices are written to.

    Raises
    ------
    ModelFileError
        The model is of a kind that cannot be saved, or the file cannot be written (a ValueError).
    sklearn.exceptions.NotFittedError
        The model is not fitted.

    Notes
    -----
    The file is in the safetensors format: arrays, and JSON for all else. Everything the fit has
    learnt is saved, apart from the optimizer's state: a ``warm_start`` fit or ``partial_fit`` of a
    network after :func:`load` continues from the weights with a new optimizer. Not saved either are
    callbacks, `reuse_from`, `checkpoint`, a random generator given as `random_state` (all are None
    after loading), a pipeline's ``memory``, ``verbose`` and ``transform_input``, the ``n_jobs`` of
    compositions, and metadata requests. Columns that a function chose are saved as a list.

    Functions are code, and a model with one is refused, as are other steps and subclasses: apply
    them to the data beforehand. The guide "The model file" in the documentation lists all kinds of
    steps, what is refused, and every byte of the format.

    Examples
    --------
    >>> import tempfile, os
    >>> import multilayer
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = multilayer.MLPClassifier((16,), max_iter=20, tol=0, learning_rate="cosine").fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "iris.safetensors")
    ...     multilayer.save(clf, path)
    ...     again = multilayer.load(path)
    >>> bool((again.predict_proba(X) == clf.predict_proba(X)).all())
    True
    """
    write(model, path, {})


def load(path: str | os.PathLike[str], *, allow_nonfinite: bool = False) -> Any:
    """Read a model from a file that :func:`save` or the command line wrote.

    Parameters
    ----------
    path : str or path-like
        Model file.
    allow_nonfinite : bool, default=False
        Whether weights may be NaN or infinite. Such a model predicts nothing, and :func:`save`
        writes none.

    Returns
    -------
    model : estimator of multilayer, sklearn.pipeline.Pipeline or other composition
        The fitted model: the same kind of object, the same predictions to the last bit on the
        same machine and versions.

    Raises
    ------
    ModelFileError
        There is no such file, it is no model, is damaged, or was made by a newer version (a
        ValueError).

    Notes ----- A file may come from an untrusted source: it is checked before any object is built
    from it, nothing in it is executed or looked up, and reading it takes at most twice its size in
    memory and 1 MB.
    """
    model, _ = read(path, allow_nonfinite=allow_nonfinite)
    return model
