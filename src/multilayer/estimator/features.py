"""From named features to the input matrix of a network, and the weights of the rows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from multilayer._core.checks import refuse
from multilayer._core.errors import DataError
from multilayer._data.rows import compact
from multilayer.estimator.categorical_columns import EmbeddingColumn
from multilayer.estimator.feature_reading import (
    CategoricalColumn,
    DenseColumn,
    Features,
    raw_feature,
)
from multilayer.estimator.numeric_columns import NumericColumn

RULE = "numeric_column, bucketized_column, indicator_column or embedding_column objects"


@dataclass(frozen=True)
class FeatureColumns:
    """The columns of an estimator; those that are looked up in a learnt table come last."""

    plain: tuple[DenseColumn, ...]
    embedded: tuple[EmbeddingColumn, ...]

    @property
    def all(self) -> tuple[DenseColumn, ...]:
        """Every column."""
        return (*self.plain, *self.embedded)

    @property
    def n_plain(self) -> int:
        """Numbers per row before the ids of the embedded columns."""
        return sum(column.width for column in self.plain)

    @property
    def n_inputs(self) -> int:
        """Inputs of the first layer."""
        return self.n_plain + sum(column.dimension for column in self.embedded)

    def matrix(self, features: Features, dtype: str) -> np.ndarray:
        """Return numbers ``(rows, n)``, in a type that the engine takes."""
        if isinstance(features, np.ndarray):
            self._check_one_key(features)
        parts = [column.values(features) for column in self.all]
        return compact(parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1), dtype)

    def _check_one_key(self, features: np.ndarray) -> None:
        keys = sorted({key for column in self.all for key in column.keys})
        if len(keys) > 1:
            raise DataError(
                f"features must be a dictionary with {keys}, as the feature columns name them, got "
                f"one array of shape {features.shape}."
            )


def check_columns(given: object) -> FeatureColumns:
    """Check the columns of an estimator."""
    columns = tuple(given) if isinstance(given, Iterable) and not isinstance(given, str) else ()
    if not columns:
        refuse("feature_columns", f"a list of {RULE}", given)
    for column in columns:
        if isinstance(column, DenseColumn):
            continue
        remedy = "Wrap it in indicator_column or embedding_column."
        refuse(
            "feature_columns",
            f"a list of {RULE}",
            column,
            remedy if isinstance(column, CategoricalColumn) else "",
        )
    names = [column.name for column in columns]
    if len(set(names)) < len(names):
        refuse("feature_columns", "columns of different names", names)
    embedded = tuple(column for column in columns if isinstance(column, EmbeddingColumn))
    plain = tuple(column for column in columns if not isinstance(column, EmbeddingColumn))
    return FeatureColumns(plain, embedded)


def check_weight_column(given: object) -> NumericColumn | None:
    """Check the column of the rows' weights; a name stands for a numeric column."""
    if isinstance(given, str):
        return NumericColumn(given, (1,), None, None, None)
    if given is not None and not (isinstance(given, NumericColumn) and given.width == 1):
        refuse("weight_column", "the name of a feature, a numeric_column of it, or None", given)
    return given


def weights(
    column: NumericColumn | None, features: Features, n_rows: int, dtype: str
) -> np.ndarray:
    """Return the weights of rows ``(rows,)``, 1 where no column has them."""
    if column is None:
        return np.ones(n_rows, dtype)
    if not isinstance(features, Mapping):
        raise DataError(f"features must be a dictionary with {column.key!r}, the weight_column.")
    raw_feature(features, column.key)
    found = column.values(features)[:, 0].astype(dtype)
    if (found < 0).any():
        raise DataError(f"weights in {column.key!r} must not be negative, got {found.min():g}.")
    return found
