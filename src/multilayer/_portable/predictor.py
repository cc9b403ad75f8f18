"""The base of all predictors: the steps before, and the check of the rows."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from multilayer._core.errors import ModelFileError
from multilayer._portable.rows import table
from multilayer._sklearn.saving.model_steps import TransformerValues

Transform: TypeAlias = Callable[[np.ndarray], np.ndarray]
"""Takes a table and returns one."""
Transforms: TypeAlias = Mapping[str, Callable[[TransformerValues], Transform]]
"""By kind of transformer, what makes a transform from its values."""


@dataclass(frozen=True)
class Step:
    """A preprocessing step that is fitted."""

    transform: Transform
    n_features_in: int
    feature_names_in: np.ndarray | None


def through(steps: Sequence[Step], X: np.ndarray) -> np.ndarray:
    """Return a table after all steps, in order."""
    for step in steps:
        if X.shape[1] != step.n_features_in:
            raise ModelFileError(
                f"the model's steps do not fit together: one takes {step.n_features_in} columns, "
                f"the one before returns {X.shape[1]}. Train or copy the file again."
            )
        X = step.transform(X)
    return X


class Predictor(ABC):
    """A fitted model that predicts with NumPy alone.

    Attributes
    ----------
    n_features_in_ : int
        Number of columns that X must have.
    feature_names_in_ : ndarray of shape (n_features_in_,), object
        Their names; there where they had some in training.
    """

    n_features_in_: int
    feature_names_in_: np.ndarray

    def __init__(self, before: Sequence[Step], own: Step) -> None:
        self._before = tuple(before)
        self._own = own
        first = [*before, own][0]
        self.n_features_in_ = first.n_features_in
        if first.feature_names_in is not None:
            self.feature_names_in_ = first.feature_names_in

    @abstractmethod
    def predict(self, X: npt.ArrayLike) -> np.ndarray:
        """Predict classes or numbers."""

    def _outputs(self, X: npt.ArrayLike) -> np.ndarray:
        """Return the output of the last step for rows."""
        rows = table(X, self.n_features_in_, getattr(self, "feature_names_in_", None))
        return through((*self._before, self._own), rows)
