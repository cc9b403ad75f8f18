"""Input functions: where an estimator's rows come from, and how they are read."""

from collections.abc import Callable, Iterable, Mapping
from typing import NoReturn, Protocol

import numpy as np
import numpy.typing as npt

from multilayer._core.checks import check_bool, check_integer, refuse
from multilayer._core.errors import DataError
from multilayer.estimator.feature_reading import (
    ArrayInput,
    checked_features,
    checked_labels,
    n_rows,
)
from multilayer.estimator.replaced import replacement

__all__ = ["numpy_input_fn", "pandas_input_fn"]


class Indexed(Protocol):
    """What is needed of a pandas Series, or of a table of labels."""

    @property
    def index(self) -> npt.ArrayLike:
        """Names of the rows."""

    def to_numpy(self) -> np.ndarray:
        """Return the values."""


class DataFrame(Protocol):
    """What is needed of a pandas DataFrame."""

    @property
    def index(self) -> npt.ArrayLike:
        """Names of the rows."""

    @property
    def columns(self) -> Iterable[str]:
        """Names of the columns."""

    def __getitem__(self, column: str, /) -> Indexed:
        """Return a column."""


def numpy_input_fn(
    x: Mapping[str, np.ndarray] | np.ndarray,
    y: np.ndarray | None = None,
    batch_size: int = 128,
    num_epochs: int | None = 1,
    shuffle: bool | None = None,
    queue_capacity: int = 1000,
    num_threads: int = 1,
) -> Callable[[], ArrayInput]:
    """Make the input function of arrays.

    Parameters
    ----------
    x : dict of str to array, or array
        Features by name, each of shape ``(rows, ...)``; an array serves a single feature column.
    y : array of shape (rows,) or (rows, n), default=None
        Labels; prediction needs none.
    batch_size : int, default=128
        Rows of a batch.
    num_epochs : int or None, default=1
        How often the rows are read; None for no end. Batches continue across epochs, only the last
        one may be smaller.
    shuffle : bool
        Whether the rows come in a new order each time. It must be given.
    queue_capacity, num_threads : int
        Without effect, as there are no queues. All rows are shuffled together.

    Returns
    -------
    input_fn : callable
        What `train`, `evaluate` and `predict` of an estimator take. The arrays are not copied.

    Raises
    ------
    InvalidArgumentError
        An argument breaks its rule (a ValueError).
    DataError
        The arrays do not fit each other (a ValueError).

    Examples
    --------
    >>> import numpy as np
    >>> from multilayer import estimator
    >>> X, y = np.zeros((100, 4), np.float32), np.zeros(100, int)
    >>> estimator.numpy_input_fn({"X": X}, y, batch_size=50, num_epochs=None, shuffle=True)
    <input of 100 rows, batch_size=50, num_epochs=None, shuffle=True>
    """
    if not isinstance(x, Mapping | np.ndarray):
        refuse("x", "a dictionary of arrays, or an array", type(x).__name__)
    if shuffle is None:
        refuse("shuffle", "True or False", shuffle, "Say whether the rows are shuffled.")
    check_bool("shuffle", shuffle)
    check_integer("batch_size", batch_size, 1)
    if num_epochs is not None:
        check_integer("num_epochs", num_epochs, 1)
    check_integer("queue_capacity", queue_capacity, 1)
    check_integer("num_threads", num_threads, 1)
    features = checked_features(x)
    labels = None if y is None else checked_labels(y, n_rows(features))
    epochs = None if num_epochs is None else int(num_epochs)
    return ArrayInput(features, labels, int(batch_size), epochs, bool(shuffle))


def pandas_input_fn(
    x: DataFrame,
    y: Indexed | None = None,
    batch_size: int = 128,
    num_epochs: int | None = 1,
    shuffle: bool | None = None,
    queue_capacity: int = 1000,
    num_threads: int = 1,
) -> Callable[[], ArrayInput]:
    """Make the input function of a pandas table.

    Parameters
    ----------
    x : pandas.DataFrame
        Features: each column is one, by its name.
    y : pandas.Series or pandas.DataFrame, default=None
        Labels, with the same index; prediction needs none.
    batch_size, num_epochs, shuffle, queue_capacity, num_threads
        As in :func:`numpy_input_fn`.

    Returns
    -------
    input_fn : callable
        What `train`, `evaluate` and `predict` of an estimator take.

    Raises
    ------
    InvalidArgumentError
        An argument breaks its rule (a ValueError).
    DataError
        `y` has another index than `x` (a ValueError).

    Examples
    --------
    >>> import pandas as pd
    >>> from multilayer import estimator
    >>> table = pd.DataFrame({"age": [31, 44], "city": ["Seoul", "Oslo"], "bought": [0, 1]})
    >>> x, y = table.drop(columns="bought"), table["bought"]
    >>> estimator.pandas_input_fn(x, y, shuffle=False)
    <input of 2 rows, batch_size=128, num_epochs=1, shuffle=False>
    """
    if not (hasattr(x, "columns") and hasattr(x, "index")):
        refuse("x", "a pandas DataFrame", type(x).__name__, "For arrays use numpy_input_fn.")
    if y is not None and not hasattr(y, "index"):
        refuse("y", "a pandas Series, or None", type(y).__name__)
    if y is not None and not np.array_equal(x.index, y.index):
        raise DataError("y must have the same index as x. Take both from the same rows.")
    return numpy_input_fn(
        {column: x[column].to_numpy() for column in x.columns},
        None if y is None else y.to_numpy(),
        batch_size,
        num_epochs,
        shuffle,
        queue_capacity,
        num_threads,
    )


def __getattr__(name: str) -> NoReturn:
    """Say what replaces a TensorFlow name that is not here."""
    raise AttributeError(replacement(__name__, name, __all__))
