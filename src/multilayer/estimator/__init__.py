"""The estimators of TensorFlow 1: tf.estimator, tf.feature_column and tf.contrib.learn.

For code that comes from there: the same names and meanings, on the engine of this package. A
trained model is the content of its folder; training resumes from the newest checkpoint in it.
"""

from typing import NoReturn

from multilayer.estimator import feature_column, inputs, learn, logging
from multilayer.estimator.dnn import DNNClassifier, DNNRegressor
from multilayer.estimator.feature_column import (
    bucketized_column,
    categorical_column_with_hash_bucket,
    categorical_column_with_identity,
    categorical_column_with_vocabulary_list,
    crossed_column,
    embedding_column,
    indicator_column,
    numeric_column,
)
from multilayer.estimator.inputs import numpy_input_fn, pandas_input_fn
from multilayer.estimator.learn import SKCompat, infer_real_valued_columns_from_input
from multilayer.estimator.logging import (
    DEBUG,
    ERROR,
    FATAL,
    INFO,
    WARN,
    get_verbosity,
    set_verbosity,
)
from multilayer.estimator.replaced import replacement
from multilayer.estimator.run_config import RunConfig

__all__ = [
    "DEBUG",
    "ERROR",
    "FATAL",
    "INFO",
    "WARN",
    "DNNClassifier",
    "DNNRegressor",
    "RunConfig",
    "SKCompat",
    "bucketized_column",
    "categorical_column_with_hash_bucket",
    "categorical_column_with_identity",
    "categorical_column_with_vocabulary_list",
    "crossed_column",
    "embedding_column",
    "feature_column",
    "get_verbosity",
    "indicator_column",
    "infer_real_valued_columns_from_input",
    "inputs",
    "learn",
    "logging",
    "numeric_column",
    "numpy_input_fn",
    "pandas_input_fn",
    "set_verbosity",
]


def __getattr__(name: str) -> NoReturn:
    """Say what replaces a TensorFlow name that is not here."""
    raise AttributeError(replacement(__name__, name, __all__))
