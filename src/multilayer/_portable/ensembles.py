"""Encoders of raw tables, and ensembles of networks for them, with NumPy alone."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from multilayer._core.numpy_activations import softmax
from multilayer._data.encoding import encode
from multilayer._portable.predictor import Predictor, Step, Table, Transform, Transforms
from multilayer._sklearn.saving.model_steps import TransformerValues
from multilayer._sklearn.saving.steps.tabular_encoder import encoding_of
from multilayer._sklearn.saving.tabular_kinds import (
    TabularClassifierValues,
    TabularRegressorValues,
    TabularValues,
)
from multilayer._sklearn.tabular.ensemble import Ensemble
from multilayer._sklearn.tabular.probabilities import tempered
from multilayer._sklearn.targets.uncertainty import error_at

MOST_ROWS = 256  # at a time, for all networks together: what lies between their layers stays small


def encoder(values: TransformerValues) -> Transform:
    """What a TabularEncoder makes of a table."""
    return partial(encode, encoding_of(values))


TRANSFORMS: Transforms = {"TabularEncoder": encoder}


class TableEncoder:
    """A fitted TabularEncoder that encodes raw tables with NumPy alone.

    Attributes
    ----------
    n_features_in_ : int
        Number of columns that X must have.
    feature_names_in_ : ndarray of shape (n_features_in_,), object
        Their names; there where they had some in training.
    """

    def __init__(self, values: TransformerValues) -> None:
        self._transform = encoder(values)
        self.n_features_in_ = int(values.n_features_in_)
        if values.feature_names is not None:
            self.feature_names_in_ = values.feature_names

    def transform(self, X: Table) -> np.ndarray:
        """Encode a table.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            Rows with the columns of training: a data frame of pandas or polars, a table of
            pyarrow, an array, or rows in a list.

        Returns
        -------
        encoded : ndarray of shape (n_samples, n_columns), float32

        Raises
        ------
        DataError
            X is no table of the encoder's columns (a ValueError).
        """
        return self._transform(X)


class TableClassifier(Predictor):
    """A fitted TabularClassifier that predicts raw tables with NumPy alone.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    n_features_in_ : int
        Number of columns that X must have.
    feature_names_in_ : ndarray of shape (n_features_in_,), object
        Their names; there where they had some in training.
    """

    def __init__(self, before: Sequence[Step], values: TabularClassifierValues) -> None:
        super().__init__(before, ensemble_step(values, softmax))
        self.classes_ = values.classes
        self._temperature = values.ensemble.temperature

    def predict(self, X: Table) -> np.ndarray:
        """Predict the most probable class of each row.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            Rows with the columns of training: a data frame of pandas or polars, a table of
            pyarrow, an array, or rows in a list.

        Returns
        -------
        y : ndarray of shape (n_samples,)

        Raises
        ------
        DataError
            X is no table of the model's columns (a ValueError).
        """
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def predict_proba(self, X: Table) -> np.ndarray:
        """Probabilities of the classes, in the order of ``classes_``.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            Rows with the columns of training.

        Returns
        -------
        p : ndarray of shape (n_samples, n_classes), float64

        Raises
        ------
        DataError
            X is no table of the model's columns (a ValueError).
        """
        return tempered(self._outputs(X), self._temperature)


class TableRegressor(Predictor):
    """A fitted TabularRegressor that predicts raw tables with NumPy alone.

    Attributes
    ----------
    n_features_in_ : int
        Number of columns that X must have.
    feature_names_in_ : ndarray of shape (n_features_in_,), object
        Their names; there where they had some in training.
    """

    def __init__(self, before: Sequence[Step], values: TabularRegressorValues) -> None:
        super().__init__(before, ensemble_step(values, lambda raw: raw))
        self._units = values.units
        self._errors = values.errors

    def predict(self, X: Table) -> np.ndarray:
        """Predict numbers, in the units of the training targets and within their range.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            Rows with the columns of training: a data frame of pandas or polars, a table of
            pyarrow, an array, or rows in a list.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs), float64

        Raises
        ------
        DataError
            X is no table of the model's columns (a ValueError).
        """
        return self._units.shaped(self._units.decode(self._outputs(X)))

    def predict_interval(self, X: Table, coverage: float = 0.9) -> np.ndarray:
        """Return intervals that contain y with a given probability, as the model's.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            Rows with the columns of training.
        coverage : float, default=0.9
            Share of rows whose y is in its interval, in (0, 1).

        Returns
        -------
        intervals : ndarray of shape (n_samples, 2) or (n_samples, n_outputs, 2), float64

        Raises
        ------
        InvalidArgumentError
            The coverage is no such number, or more than the training rows can promise (a
            ValueError).
        DataError
            X is no table of the model's columns (a ValueError).
        """
        error = error_at(self._errors, coverage)
        return self._units.interval(self._outputs(X), error)


def ensemble_step(values: TabularValues, read: Callable[[np.ndarray], np.ndarray]) -> Step:
    """Return an ensemble as a step from a table to the weighted mean of what members predict."""
    encoding, ensemble = encoding_of(values.encoder), values.ensemble

    def transform(X: Table) -> np.ndarray:
        encoded = encode(encoding, X)
        starts = range(0, len(encoded), MOST_ROWS)
        blocks = (encoded[start : start + MOST_ROWS] for start in starts)
        return np.concatenate([_mean(ensemble, block, read) for block in blocks])

    return Step(transform, values.n_features, values.feature_names, reads_tables=True)


def _mean(
    ensemble: Ensemble, encoded: np.ndarray, read: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """Return the weighted mean of what the members predict, ``(rows, outputs)`` float64."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        raw = ensemble.network.apply(ensemble.params, encoded)
    members = raw.reshape(len(raw), ensemble.network.n_members, -1).astype(np.float64)
    return np.einsum("m,rmo->ro", ensemble.weights, read(members))
