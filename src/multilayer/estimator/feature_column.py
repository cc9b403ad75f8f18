"""Feature columns: how features by name become the numbers that a network is fed with."""

from multilayer.estimator.categorical import (
    categorical_column_with_hash_bucket,
    categorical_column_with_identity,
    categorical_column_with_vocabulary_list,
    crossed_column,
)
from multilayer.estimator.indicator_columns import embedding_column, indicator_column
from multilayer.estimator.numeric_columns import bucketized_column, numeric_column

__all__ = [
    "bucketized_column",
    "categorical_column_with_hash_bucket",
    "categorical_column_with_identity",
    "categorical_column_with_vocabulary_list",
    "crossed_column",
    "embedding_column",
    "indicator_column",
    "numeric_column",
]
