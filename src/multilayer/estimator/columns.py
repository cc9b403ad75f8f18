"""What feature columns are: numbers for each row, or a category for each row."""

from abc import ABC, abstractmethod

import numpy as np

from multilayer._core.checks import refuse
from multilayer._core.errors import DataError
from multilayer.estimator.categories import ABSENT
from multilayer.estimator.reading import Features


class DenseColumn(ABC):
    """What turns features into some numbers for each row."""

    @property
    @abstractmethod
    def name(self) -> str:
        """Name of the column."""

    @property
    @abstractmethod
    def keys(self) -> tuple[str, ...]:
        """Features that it is made of."""

    @property
    @abstractmethod
    def width(self) -> int:
        """Numbers per row."""

    @abstractmethod
    def values(self, features: Features) -> np.ndarray:
        """Return numbers ``(rows, width)``."""


class CategoricalColumn(ABC):
    """What turns features into one id for each row."""

    @property
    @abstractmethod
    def name(self) -> str:
        """Name of the column."""

    @property
    @abstractmethod
    def keys(self) -> tuple[str, ...]:
        """Features that it is made of."""

    @property
    @abstractmethod
    def n_buckets(self) -> int:
        """Number of ids."""

    @abstractmethod
    def ids(self, features: Features) -> np.ndarray:
        """Return ids ``(rows,)``, :data:`ABSENT` where there is none."""


def raw_feature(features: Features, key: str) -> np.ndarray:
    """Return the feature of a name; an array that was given alone has any name."""
    if isinstance(features, np.ndarray):
        return features
    if key not in features:
        raise DataError(
            f"features must have {key!r}, which a feature column names, got {sorted(features)}."
        )
    return features[key]


def one_hot(ids: np.ndarray, n_buckets: int) -> np.ndarray:
    """Return indicators ``(rows, n_buckets)`` uint8, none where an id is absent."""
    indicators = np.zeros((len(ids), n_buckets), np.uint8)
    there = np.flatnonzero(ids != ABSENT)
    indicators[there, ids[there]] = 1
    return indicators


def check_key(value: object) -> None:
    """Check the name of a feature."""
    if not isinstance(value, str):
        refuse("key", "the name of a feature", value)
