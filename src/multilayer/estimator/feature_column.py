"""Feature columns: how named features become the inputs of a network."""

from typing import NoReturn

from multilayer.estimator.categorical import (
    categorical_column_with_hash_bucket,
    categorical_column_with_identity,
    categorical_column_with_vocabulary_list,
    crossed_column,
)
from multilayer.estimator.categorical_columns import embedding_column, indicator_column
from multilayer.estimator.numeric_columns import bucketized_column, numeric_column
from multilayer.estimator.replaced import replacement

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


def __getattr__(name: str) -> NoReturn:
    """Say what replaces a TensorFlow name that is not here."""
    raise AttributeError(replacement(__name__, name, __all__))
