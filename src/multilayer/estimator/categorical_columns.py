"""Columns of categories: a whole number for each row, to be made dense by another column."""

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np

from multilayer._core.errors import DataError
from multilayer.estimator.categories import ABSENT, hashed, places_in, plain_values
from multilayer.estimator.columns import CategoricalColumn, raw_feature
from multilayer.estimator.reading import Features


@dataclass(frozen=True)
class OfOneFeature(CategoricalColumn):
    """A column made of one feature, which it is named after."""

    key: str

    @property
    def name(self) -> str:
        """Name of the column."""
        return self.key

    @property
    def keys(self) -> tuple[str, ...]:
        """Features that it is made of."""
        return (self.key,)

    def ids(self, features: Features) -> np.ndarray:
        """Return ids ``(rows,)``, :data:`ABSENT` where there is none."""
        values, there = plain_values(self.key, raw_feature(features, self.key))
        return np.where(there, self.ids_of(values), ABSENT)

    @abstractmethod
    def ids_of(self, values: np.ndarray) -> np.ndarray:
        """Return the ids of plain values."""


@dataclass(frozen=True)
class VocabularyColumn(OfOneFeature):
    """Places in a list; what is not in it goes to buckets of its own, or to a default."""

    vocabulary: tuple[object, ...]
    default_value: int
    num_oov_buckets: int

    @property
    def n_buckets(self) -> int:
        """Number of ids."""
        return len(self.vocabulary) + self.num_oov_buckets

    def ids_of(self, values: np.ndarray) -> np.ndarray:
        """Return the ids of plain values."""
        places = places_in(self.key, values, self.vocabulary, otherwise=self.default_value)
        if not self.num_oov_buckets:
            return places
        outside = len(self.vocabulary) + hashed(values, self.num_oov_buckets)
        known = places_in(self.key, values, self.vocabulary, otherwise=ABSENT) != ABSENT
        return np.where(known, places, outside)


@dataclass(frozen=True)
class IdentityColumn(OfOneFeature):
    """Whole numbers that are ids already."""

    num_buckets: int
    default_value: int | None

    @property
    def n_buckets(self) -> int:
        """Number of ids."""
        return self.num_buckets

    def ids_of(self, values: np.ndarray) -> np.ndarray:
        """Return the ids of plain values."""
        if values.dtype.kind != "i":
            raise DataError(f"feature {self.key!r} must hold whole numbers, got text.")
        inside = (values >= 0) & (values < self.num_buckets)
        if self.default_value is not None:
            return np.where(inside, values, self.default_value)
        wrong = values[~inside & (values != ABSENT)]
        if len(wrong):
            raise DataError(
                f"feature {self.key!r} must be from 0 to {self.num_buckets - 1}, got "
                f"{np.unique(wrong)[:5]}. Raise num_buckets, or give a default_value."
            )
        return values


@dataclass(frozen=True)
class HashedColumn(OfOneFeature):
    """Buckets that values are hashed to."""

    hash_bucket_size: int

    @property
    def n_buckets(self) -> int:
        """Number of ids."""
        return self.hash_bucket_size

    def ids_of(self, values: np.ndarray) -> np.ndarray:
        """Return the ids of plain values."""
        return hashed(values, self.hash_bucket_size)


@dataclass(frozen=True)
class CrossedColumn(CategoricalColumn):
    """Buckets that the combinations of several columns or features are hashed to."""

    parts: tuple[str | CategoricalColumn, ...]
    hash_bucket_size: int

    @property
    def name(self) -> str:
        """Name of the column."""
        return "_X_".join(part if isinstance(part, str) else part.name for part in self.parts)

    @property
    def keys(self) -> tuple[str, ...]:
        """Features that it is made of."""
        nested = ((part,) if isinstance(part, str) else part.keys for part in self.parts)
        return tuple(key for keys in nested for key in keys)

    @property
    def n_buckets(self) -> int:
        """Number of ids."""
        return self.hash_bucket_size

    def ids(self, features: Features) -> np.ndarray:
        """Return ids ``(rows,)``, :data:`ABSENT` where a part is."""
        values, there = zip(*(self._values(part, features) for part in self.parts), strict=True)
        joined = values[0].astype(str)
        for value in values[1:]:
            joined = np.char.add(np.char.add(joined, "\x1f"), value.astype(str))
        return np.where(np.all(there, axis=0), hashed(joined, self.hash_bucket_size), ABSENT)

    @staticmethod
    def _values(part: str | CategoricalColumn, features: Features) -> tuple[np.ndarray, np.ndarray]:
        if isinstance(part, str):
            return plain_values(part, raw_feature(features, part))
        ids = part.ids(features)
        return ids, ids != ABSENT
