"""Columns that feed a network with categories: by indicators, or by learnt vectors."""

from dataclasses import dataclass

import numpy as np

from multilayer._core.checks import check_integer, refuse
from multilayer.estimator.columns import CategoricalColumn, DenseColumn, one_hot
from multilayer.estimator.reading import Features

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
