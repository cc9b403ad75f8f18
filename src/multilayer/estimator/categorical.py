"""Functions that make columns of categories."""

from collections.abc import Sequence

import numpy as np

from multilayer._core.checks import check_integer, refuse
from multilayer.estimator.categorical_columns import (
    CrossedColumn,
    HashedColumn,
    IdentityColumn,
    VocabularyColumn,
)
from multilayer.estimator.feature_reading import ABSENT, CategoricalColumn, check_key


def categorical_column_with_vocabulary_list(
    key: str,
    vocabulary_list: Sequence[object],
    default_value: int = ABSENT,
    num_oov_buckets: int = 0,
) -> VocabularyColumn:
    """Column of a feature with a known list of values.

    Parameters
    ----------
    key : str
        Name of the feature: text or whole numbers, one in each row. The empty text, -1 and None
        stand for no value.
    vocabulary_list : sequence of str or of int
        Its values; their places are the ids.
    default_value : int, default=-1
        Id of all other values; -1 for none.
    num_oov_buckets : int, default=0
        Ids after those of the list that other values are hashed to.

    Returns
    -------
    column : VocabularyColumn
        For :func:`indicator_column`, :func:`embedding_column` or :func:`crossed_column`.

    Raises
    ------
    InvalidArgumentError
        An argument breaks its rule (a ValueError).

    Examples
    --------
    >>> from multilayer import estimator
    >>> city = estimator.categorical_column_with_vocabulary_list("city", ["Oslo", "Seoul"])
    >>> estimator.indicator_column(city).width
    2
    """
    check_key(key)
    words = tuple(np.asarray(vocabulary_list).tolist())
    kinds = {type(word) for word in words}
    if len(kinds) != 1 or kinds - {str, int} or len(set(words)) != len(words):
        rule = "different texts, or different whole numbers"
        refuse("vocabulary_list", rule, vocabulary_list)
    check_integer("num_oov_buckets", num_oov_buckets, 0)
    check_integer("default_value", default_value, ABSENT, len(words) - 1)
    if num_oov_buckets and default_value != ABSENT:
        refuse("default_value", "-1 beside num_oov_buckets", default_value)
    return VocabularyColumn(key, words, int(default_value), int(num_oov_buckets))


def categorical_column_with_identity(
    key: str, num_buckets: int, default_value: int | None = None
) -> IdentityColumn:
    """Column of a feature that consists of ids already.

    Parameters
    ----------
    key : str
        Name of the feature: whole numbers from 0 to ``num_buckets - 1``, or -1 for none.
    num_buckets : int
        Number of ids.
    default_value : int, default=None
        Id of numbers outside; None refuses them.

    Returns
    -------
    column : IdentityColumn
        For :func:`indicator_column`, :func:`embedding_column` or :func:`crossed_column`.

    Raises
    ------
    InvalidArgumentError
        An argument breaks its rule (a ValueError).

    Examples
    --------
    >>> from multilayer import estimator
    >>> weekday = estimator.categorical_column_with_identity("weekday", 7)
    >>> estimator.indicator_column(weekday).width
    7
    """
    check_key(key)
    check_integer("num_buckets", num_buckets, 1)
    if default_value is not None:
        check_integer("default_value", default_value, 0, num_buckets - 1)
    return IdentityColumn(key, int(num_buckets), default_value)


def categorical_column_with_hash_bucket(key: str, hash_bucket_size: int) -> HashedColumn:
    """Column of a feature with many values, hashed to a number of buckets.

    Parameters
    ----------
    key : str
        Name of the feature: text or whole numbers, one in each row. The empty text, -1 and None
        stand for no value.
    hash_bucket_size : int
        Number of buckets; values in the same bucket are the same to the network (collisions).

    Returns
    -------
    column : HashedColumn
        For :func:`indicator_column`, :func:`embedding_column` or :func:`crossed_column`.

    Raises
    ------
    InvalidArgumentError
        An argument breaks its rule (a ValueError).

    Notes
    -----
    The bucket is the BLAKE2b digest of 8 bytes of the value's text (RFC 7693), read as a big-endian
    number, modulo `hash_bucket_size`. TensorFlow uses another hash.

    Examples
    --------
    >>> from multilayer import estimator
    >>> user = estimator.categorical_column_with_hash_bucket("user", 100)
    >>> estimator.embedding_column(user, dimension=8).name
    'user_embedding'
    """
    check_key(key)
    check_integer("hash_bucket_size", hash_bucket_size, 1)
    return HashedColumn(key, int(hash_bucket_size))


def crossed_column(keys: Sequence[str | CategoricalColumn], hash_bucket_size: int) -> CrossedColumn:
    """Column of the combinations of several features, hashed to a number of buckets.

    Parameters
    ----------
    keys : sequence of str or of columns
        At least two: names of features with categories, or columns of categories or of intervals.
    hash_bucket_size : int
        Number of buckets.

    Returns
    -------
    column : CrossedColumn
        For :func:`indicator_column` or :func:`embedding_column`.

    Raises
    ------
    InvalidArgumentError
        An argument breaks its rule (a ValueError).

    Examples
    --------
    >>> from multilayer import estimator
    >>> age = estimator.bucketized_column(estimator.numeric_column("age"), [18, 65])
    >>> estimator.crossed_column([age, "city"], 100).name
    'age_bucketized_X_city'
    """
    parts = tuple(keys) if not isinstance(keys, str) else (keys,)
    good = all(isinstance(part, str | CategoricalColumn) and part for part in parts)
    if len(parts) < 2 or not good:
        refuse("keys", "two or more names of features or columns of categories", keys)
    check_integer("hash_bucket_size", hash_bucket_size, 1)
    return CrossedColumn(parts, int(hash_bucket_size))
