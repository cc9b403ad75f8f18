"""The names of tf.contrib.learn: estimators under the methods of scikit-learn."""

from collections.abc import Mapping
from typing import NoReturn, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from multilayer._core.checks import refuse
from multilayer.estimator.base import Estimator
from multilayer.estimator.dnn import DNNClassifier, DNNRegressor
from multilayer.estimator.feature_reading import Features
from multilayer.estimator.inputs import numpy_input_fn
from multilayer.estimator.numeric_columns import NumericColumn, numeric_column
from multilayer.estimator.replaced import replacement
from multilayer.estimator.run_config import RunConfig

__all__ = [
    "DNNClassifier",
    "DNNRegressor",
    "RunConfig",
    "SKCompat",
    "infer_real_valued_columns_from_input",
]

Given: TypeAlias = Mapping[str, np.ndarray] | npt.ArrayLike
"""Features by name, or one array that needs no name."""


def infer_real_valued_columns_from_input(x: Given) -> list[NumericColumn]:
    """Return the numeric columns of features.

    Parameters
    ----------
    x : array-like of shape (rows, ...), or dict of str to array
        Features; one array has no name.

    Returns
    -------
    columns : list of NumericColumn
        One for each array.

    Raises
    ------
    InvalidArgumentError
        An array has no rows (a ValueError).

    Examples
    --------
    >>> import numpy as np
    >>> from multilayer import estimator
    >>> (column,) = estimator.infer_real_valued_columns_from_input(np.zeros((100, 784)))
    >>> column.shape
    (784,)
    """
    named = x if isinstance(x, Mapping) else {"": x}
    shapes = {key: np.shape(values) for key, values in named.items()}
    if not all(shapes.values()):
        refuse("x", "arrays of rows", x)
    return [numeric_column(key, shape[1:] or (1,)) for key, shape in shapes.items()]


class SKCompat:
    """An estimator with the methods of scikit-learn, and the mean loss of tf.contrib.learn.

    Parameters
    ----------
    estimator : DNNClassifier or DNNRegressor
        Trained by the mean over a batch, unless it has a `loss_reduction`. For its feature columns
        use :func:`infer_real_valued_columns_from_input`.

    Raises
    ------
    InvalidArgumentError
        It is no estimator (a ValueError).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from multilayer import estimator
    >>> X, y = load_iris(return_X_y=True)
    >>> columns = estimator.infer_real_valued_columns_from_input(X)
    >>> clf = estimator.DNNClassifier(
    ...     hidden_units=[16],
    ...     n_classes=3,
    ...     feature_columns=columns,
    ...     config=estimator.RunConfig(tf_random_seed=42),
    ... )
    >>> clf = estimator.SKCompat(clf)
    >>> clf.fit(X, y, batch_size=30, steps=500)
    SKCompat()
    >>> bool((clf.predict(X)["classes"] == y).mean() > 0.95)
    True
    """

    def __init__(self, estimator: Estimator) -> None:
        if not isinstance(estimator, Estimator):
            refuse("estimator", "a DNNClassifier or a DNNRegressor", estimator)
        self._estimator = estimator._by_mean_loss()

    def __repr__(self) -> str:
        return "SKCompat()"

    def fit(
        self,
        x: Given,
        y: npt.ArrayLike,
        batch_size: int = 128,
        steps: int | None = None,
        max_steps: int | None = None,
    ) -> Self:
        """Train on batches of shuffled rows, pass after pass.

        Parameters
        ----------
        x : array-like of shape (rows, ...), or dict of str to array
            Features.
        y : array-like of shape (rows,) or (rows, n)
            Labels.
        batch_size : int, default=128
            Rows of a batch.
        steps : int, default=None
            Steps to do, from the newest checkpoint on where there is one.
        max_steps : int, default=None
            Global step to stop at; one of the two must be given.

        Returns
        -------
        self : SKCompat

        Raises
        ------
        ValueError
            As :meth:`DNNClassifier.train` raises.
        """
        input_fn = numpy_input_fn(
            _features(x), np.asarray(y), batch_size, num_epochs=None, shuffle=True
        )
        self._estimator.train(input_fn, steps=steps, max_steps=max_steps)
        return self

    def score(
        self, x: Given, y: npt.ArrayLike, batch_size: int = 128, steps: int | None = None
    ) -> dict[str, float]:
        """Evaluate.

        Parameters
        ----------
        x, y : array-like
            As in :meth:`fit`.
        batch_size : int, default=128
            Rows of a batch.
        steps : int, default=None
            Batches to look at; None for all.

        Returns
        -------
        results : dict of str to float
            What :meth:`DNNClassifier.evaluate` returns.

        Raises
        ------
        ValueError
            As :meth:`DNNClassifier.evaluate` raises.
        """
        input_fn = numpy_input_fn(_features(x), np.asarray(y), batch_size, shuffle=False)
        return self._estimator.evaluate(input_fn, steps=steps)

    def predict(self, x: Given, batch_size: int = 128) -> dict[str, np.ndarray]:
        """Predict all rows at once.

        Parameters
        ----------
        x : array-like
            As in :meth:`fit`.
        batch_size : int, default=128
            Rows of a batch.

        Returns
        -------
        predictions : dict of str to ndarray
            For a classifier ``classes`` in the form of the labels ``(rows,)``, ``probabilities``
            and ``logits``; for a regressor ``scores``, ``(rows,)`` or ``(rows, label_dimension)``.

        Raises
        ------
        ValueError
            As :meth:`DNNClassifier.predict` raises.
        """
        input_fn = numpy_input_fn(_features(x), None, batch_size, shuffle=False)
        batches = list(self._estimator.predict(input_fn, yield_single_examples=False))
        found = {key: np.concatenate([b[key] for b in batches]) for key in batches[0]}
        if "predictions" in found:
            scores = found["predictions"]
            return {"scores": scores[:, 0] if scores.shape[1] == 1 else scores}
        classes = found["class_ids"][:, 0]
        words = self._estimator._design.head.words
        return {
            "classes": np.array(words)[classes] if words else classes,
            "probabilities": found["probabilities"],
            "logits": found["logits"],
        }


def _features(x: Given) -> Features:
    return x if isinstance(x, Mapping) else np.asarray(x)


def __getattr__(name: str) -> NoReturn:
    """Say what replaces a TensorFlow name that is not here."""
    raise AttributeError(replacement(__name__, name, __all__))
