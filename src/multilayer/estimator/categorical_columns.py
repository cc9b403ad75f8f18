"""Columns of categories: vocabularies, buckets, indicators, embeddings."""

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np

from multilayer._core.checks import check_integer, refuse
from multilayer._core.errors import DataError
from multilayer.estimator.feature_reading import (
    ABSENT,
    CategoricalColumn,
    DenseColumn,
    Features,
    hashed,
    one_hot,
    places_in,
    plain_values,
    raw_feature,
)

# Columns of categories: a whole number for each row, to be made dense by another column ----------


@dataclass(frozen=True)
class OfOneFeature(CategoricalColumn):
    """A column of one feature, which it is named after."""

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
            raise DataError(f"feature {self.key!r} must contain whole numbers, got text.")
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


# Columns that feed a network with categories: by indicators, or by learnt vectors ----------------


LARGEST_EMBEDDING = 2**24  # ids travel as float32


@dataclass(frozen=True)
class IndicatorColumn(DenseColumn):
    """A 1 for the row's category among 0s."""

    column: CategoricalColumn

    @property
    def name(self) -> str:
        """Name of the column."""
        return f"{self.column.name}_indicator"

    @property
    def keys(self) -> tuple[str, ...]:
        """Features that it is made of."""
        return self.column.keys

    @property
    def width(self) -> int:
        """Numbers per row."""
        return self.column.n_buckets

    def values(self, features: Features) -> np.ndarray:
        """Return indicators ``(rows, width)`` uint8."""
        return one_hot(self.column.ids(features), self.width)


@dataclass(frozen=True)
class EmbeddingColumn(DenseColumn):
    """A learnt vector for the row's category; what is fed is the category's id."""

    column: CategoricalColumn
    dimension: int

    @property
    def name(self) -> str:
        """Name of the column."""
        return f"{self.column.name}_embedding"

    @property
    def keys(self) -> tuple[str, ...]:
        """Features that it is made of."""
        return self.column.keys

    @property
    def width(self) -> int:
        """Numbers per row."""
        return 1

    def values(self, features: Features) -> np.ndarray:
        """Return ids ``(rows, 1)`` float32, exact below 2**24."""
        return self.column.ids(features).astype(np.float32)[:, None]


def indicator_column(categorical_column: CategoricalColumn) -> IndicatorColumn:
    """Column with a 1 for the row's category among 0s.

    Parameters
    ----------
    categorical_column : column of categories
        What one of the ``categorical_column_...`` functions or :func:`crossed_column` returned.

    Returns
    -------
    column : IndicatorColumn

    Raises
    ------
    InvalidArgumentError
        It is no column of categories (a ValueError).

    Examples
    --------
    >>> import numpy as np
    >>> from multilayer import estimator
    >>> size = estimator.categorical_column_with_vocabulary_list("size", ["S", "M", "L"])
    >>> estimator.indicator_column(size).values({"size": np.array(["M", ""])}).tolist()
    [[0, 1, 0], [0, 0, 0]]
    """
    _check_categorical(categorical_column)
    return IndicatorColumn(categorical_column)


def embedding_column(categorical_column: CategoricalColumn, dimension: int) -> EmbeddingColumn:
    """Column with a learnt vector for the row's category.

    Parameters
    ----------
    categorical_column : column of categories
        What one of the ``categorical_column_...`` functions, :func:`crossed_column` or
        :func:`bucketized_column` returned.
    dimension : int
        Numbers of the vector. The first ones are normal with a standard deviation of
        ``1 / sqrt(dimension)``, redrawn beyond two of them.

    Returns
    -------
    column : EmbeddingColumn
        A row without a category gets a vector of 0s.

    Raises
    ------
    InvalidArgumentError
        An argument breaks its rule (a ValueError).

    Examples
    --------
    >>> from multilayer import estimator
    >>> word = estimator.categorical_column_with_hash_bucket("word", 1000)
    >>> estimator.embedding_column(word, dimension=8).dimension
    8
    """
    _check_categorical(categorical_column)
    check_integer("dimension", dimension, 1)
    if categorical_column.n_buckets > LARGEST_EMBEDDING:
        buckets = categorical_column.n_buckets
        refuse("n_buckets", f"at most {LARGEST_EMBEDDING} in an embedding_column", buckets)
    return EmbeddingColumn(categorical_column, int(dimension))


def _check_categorical(value: object) -> None:
    if not isinstance(value, CategoricalColumn):
        remedy = "Make one with categorical_column_with_vocabulary_list, for example."
        refuse("categorical_column", "a column of categories", value, remedy)
