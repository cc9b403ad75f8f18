"""Models in files: one safetensors file, whole or not there, nothing in it ever executed."""

import os
from typing import Any

from multilayer.estimators.states import read, write

__all__ = ["load", "save"]


def save(model: Any, path: str | os.PathLike[str]) -> None:
    """Write a fitted model to one file.

    Parameters
    ----------
    model : MLPClassifier, MLPRegressor or sklearn.pipeline.Pipeline
        Fitted model. A pipeline may have a StandardScaler before its network, nothing else.
    path : str or path-like
        File to write, ``.safetensors`` by custom; its folder must exist. An existing file is
        replaced at once: a reader, or a computer that loses power, finds the old one or the new.

    Raises
    ------
    ModelFileError
        The model is of a kind that cannot be saved, or the file cannot be written (a ValueError).
    sklearn.exceptions.NotFittedError
        The model is not fitted.

    Notes
    -----
    The file is in the safetensors format: arrays, and JSON for all else. Everything the fit has
    learnt is kept, apart from the optimizer's state: a ``warm_start`` fit or ``partial_fit`` after
    :func:`load` goes on from the weights with a new optimizer. Not kept either are callbacks, a
    ``RandomState`` given as `random_state` (both are None after loading) and a pipeline's
    ``memory`` and ``verbose``. Functions given as `activation`, `solver` or `scoring` are code, and
    a model with one is refused.

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


def load(path: str | os.PathLike[str]) -> Any:
    """Read a model from a file that :func:`save` or the command line wrote.

    Parameters
    ----------
    path : str or path-like
        Model file.

    Returns
    -------
    model : MLPClassifier, MLPRegressor or sklearn.pipeline.Pipeline
        The fitted model: the same kind of object, the same predictions to the last bit on the
        same machine and versions.

    Raises
    ------
    ModelFileError
        There is no such file, it is no model, is damaged, or was made by a newer version (a
        ValueError).
    """
    model, _ = read(path)
    return model
