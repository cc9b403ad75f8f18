"""TabularEncoder: raw tables as compact matrices of numbers, flags and codes."""

from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import _check_feature_names, _check_feature_names_in, check_is_fitted

from multilayer._core.checks import check_bool, check_integer, in_row
from multilayer._core.errors import DataError
from multilayer._data.column_encodings import ColumnEncoding
from multilayer._data.encoding import (
    LARGEST_MATRIX,
    TableEncoding,
    TableLayout,
    encode_table,
)
from multilayer._data.raw_tables import (
    RawTable,
    SparseTable,
    TableLike,
    open_table,
    refuse_huge,
)
from multilayer._sklearn.network.onnx_methods import OnnxEncoder
from multilayer._sklearn.tabular.column_fitting import CategoryRules, fit_table
from multilayer._sklearn.tabular.column_roles import Role, checked_roles, columns_of_table


class TabularEncoder(OnnxEncoder, TransformerMixin, BaseEstimator):
    """Encoder of raw tables: columns of any type become a compact float32 matrix for a network.

    Each column gets a role by its type and content: numeric, categorical, ordinal, boolean,
    datetime, or it is dropped. Missing values, infinities, rare and unknown categories have their
    place in the matrix. Everything is found out in ``fit``, on the training table alone.

    Parameters
    ----------
    feature_roles : dict or None, default=None
        Roles of columns that are not to be judged by type and content: the name of a column, or
        its place where columns have no names, with one of "numeric", "categorical", "ordinal",
        "boolean", "datetime" and "drop".
    max_one_hot : int or None, default=8
        Number of levels up to which a category becomes one flag for each level, at least 2. A
        category with more becomes one column of integer codes, for a network that learns an
        embedding. With None there are flags for every level, which is what other estimators need.
        Missing values, and rare levels together, count as one level each.
    min_frequency : int, default=2
        Rows that a level of a category must have in training. All rarer ones become one level,
        which levels unknown in training join. With 2, what networks predict for unknown levels
        has been trained, by those that occur once, of which nothing else can be learned.
    smooth_clip : bool, default=True
        Whether scaled numbers z become ``z / sqrt(1 + (z / 3)**2)``, which is in (-3, 3): nearly z
        where most numbers are, and outliers stay in their order.

    Attributes
    ----------
    layout_ : TableLayout
        Columns of the matrix: `n_numeric`, `n_flags` and `cardinalities`, the numbers of codes.
    feature_roles_ : dict
        Role of each column of X, "drop" included.
    dropped_ : dict
        Why each dropped column is, in words.
    columns_ : tuple
        What each column used becomes: frozen records with all that was found out in ``fit``.
    dtypes_ : dict
        Type of each column of X in ``fit``, as its library writes it.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns of X, where X had names that are all text.

    See Also
    --------
    multilayer.MLPClassifier : A network for what ``max_one_hot=None`` makes of a table.

    Notes
    -----
    **Input.** A data frame of pandas or polars, a table of pyarrow, an array, rows in a list, or a
    sparse matrix, whose result is dense. Frames are matched by names: the order of the columns does
    not matter, and columns that were dropped may be absent. All others are matched by place.

    **Output.** A C-ordered float32 matrix, in which the columns of X have their order within each
    of three blocks:

    1. *Numbers*: ``z = (x - median) / (q75 - q25)``, with half the range where the quartiles are
       equal. Missing values are 0 and infinities the largest or smallest number of training.
       Durations and times of day are numbers of seconds; an ordinal column is the rank of its
       categories; a datetime is the seconds since 1970, the year, month, day, weekday and hour,
       each scaled and without those that never changed in training.
    2. *Flags*: a boolean is -1 or 1, and 0 where it is missing. Each column of numbers, ranks,
       datetimes or booleans that had missing values in training has a flag that is 1 where it is
       missing. A category of two levels is -1 or 1, one of more levels has a flag for each, up to
       `max_one_hot`. Unknown levels are rare ones if training had such, else all flags are 0.
    3. *Codes* of all other categories: 0 is a rare or unknown level, 1 is missing, and the other
       levels follow.

    **Roles** follow the conventions of skrub's TableVectorizer. Text in which every value is a
    number (without leading zeros) or a date in ISO 8601 is read as such. Text without a visible
    character is missing. Dropped are columns that are constant, that have no value, or have the
    same content as an earlier one, and identifiers: text that differs in at least 95 % of the rows,
    and numbers that count the rows in order. Free text, with three words or more on the average,
    and columns of other types are refused.

    Categories are compared by value: 1 and 1.0 are the same level, "1" is another.

    Examples
    --------
    >>> import pandas as pd
    >>> from multilayer import TabularEncoder
    >>> people = pd.DataFrame(
    ...     {
    ...         "age": [31, 45, None, 22, 28, 60],
    ...         "city": ["Seoul", "Rome", "Rome", "Seoul", "Lima", "Lima"],
    ...         "member": [True, False, True, True, False, False],
    ...     }
    ... )
    >>> encoder = TabularEncoder().fit(people)
    >>> encoder.layout_
    TableLayout(n_numeric=1, n_flags=5, cardinalities=())
    >>> print(encoder.summary())
    column  dtype    role         becomes
    age     float64  numeric      1 number, 1 flag of missing values
    city    ...      categorical  3 flags: Lima, Rome, Seoul
    member  bool     boolean      1 flag
    >>> encoder.transform(people).shape
    (6, 6)
    """

    __module__ = "multilayer"

    def __init__(
        self,
        *,
        feature_roles: Mapping[str | int, str] | None = None,
        max_one_hot: int | None = 8,
        min_frequency: int = 2,
        smooth_clip: bool = True,
    ) -> None:
        self.feature_roles = feature_roles
        self.max_one_hot = max_one_hot
        self.min_frequency = min_frequency
        self.smooth_clip = smooth_clip

    def fit(self, X: TableLike, y: object = None) -> Self:
        """Find out what each column is, and how it is encoded.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            Training table, with at least 2 rows.
        y : object, default=None
            Without effect.

        Returns
        -------
        self : TabularEncoder
            Fitted encoder.

        Raises
        ------
        InvalidArgumentError
            If an argument has a value that cannot be used.
        DataError
            If X is no table, has a column of free text or of another type, or none to learn from.
        """
        table, rules = open_table(X), self._checked_rules()
        if isinstance(table, SparseTable):
            refuse_huge(table.n_rows, table.n_columns, LARGEST_MATRIX)
        if table.n_rows < 2:
            raise DataError("X must have at least 2 rows, got 1 sample.")
        fitted = fit_table(table, checked_roles(self.feature_roles, table), rules)
        if not fitted.columns:
            reasons = in_row([f"{name!r} ({why})" for name, why in fitted.dropped.items()])
            raise DataError(
                f"X must have a column to learn from, and every one was dropped: {reasons}. If one "
                "is of use, give its role as feature_roles."
            )
        encoding = TableEncoding(
            fitted.columns, table.names, table.n_columns, bool(self.smooth_clip)
        )
        self._set_names(table)
        self._encoding = encoding
        self.feature_roles_: dict[str | int, Role] = fitted.roles
        self.dropped_ = fitted.dropped
        names = columns_of_table(table)
        self.dtypes_ = {name: table.dtype(place) for place, name in enumerate(names)}
        return self

    def transform(self, X: TableLike) -> np.ndarray:
        """Encode a table.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            Table with the columns of training.

        Returns
        -------
        encoded : ndarray of shape (n_samples, layout_.n_columns), float32
            Numbers, flags and codes, one block after the other.

        Raises
        ------
        DataError
            If columns are missing, or there are others than in training, or a column holds what
            it could not hold in training, such as text among numbers.
        """
        if not hasattr(self, "_encoding"):  # first: scikit-learn's check takes long for one row
            check_is_fitted(self)
        table, encoding = open_table(X, every_level=False), self._encoding
        if table.names is None or encoding.names is None:
            _check_feature_names(self, X, reset=False)  # warns if only one of the two has names
            if table.n_columns != encoding.n_columns:
                raise DataError(
                    f"X has {table.n_columns} features, but {type(self).__name__} is expecting "
                    f"{encoding.n_columns} features as input."
                )
        return encode_table(encoding, table)

    @property
    def layout_(self) -> TableLayout:
        """Columns of the matrix: numbers, flags, codes."""
        return self._encoding.layout

    @property
    def columns_(self) -> tuple[ColumnEncoding, ...]:
        """What each column used becomes."""
        return self._encoding.columns

    def get_feature_names_out(self, input_features: npt.ArrayLike | None = None) -> np.ndarray:
        """Return the names of the encoded columns.

        Parameters
        ----------
        input_features : array of str or None, default=None
            Names of the columns of X; those of ``fit`` if there were any.

        Returns
        -------
        names : ndarray of shape (layout_.n_columns,), object
            Such as "age", "age_missing", "city_Rome", "date_year".
        """
        check_is_fitted(self)
        names_in = _check_feature_names_in(self, input_features)
        known: Sequence[str | int] = self._encoding.names or range(self._encoding.n_columns)
        places: dict[str | int, int] = {name: place for place, name in enumerate(known)}
        blocks: tuple[list[str], list[str], list[str]] = ([], [], [])
        for column in self._encoding.columns:
            name_in = names_in[places[column.name]]
            numbers, flags = column.endings()
            codes = ("",) * (column.cardinality is not None)
            for block, endings in zip(blocks, (numbers, flags, codes), strict=True):
                block += [f"{name_in}{ending}" for ending in endings]
        return np.array(_distinct([name for block in blocks for name in block]), dtype=object)

    def summary(self) -> str:
        """Return the roles of all columns as a table for people.

        Returns
        -------
        table : str
            A line for each column of X: name, type as given, role, what becomes of it.
        """
        check_is_fitted(self)
        becomes = {column.name: column.in_words() for column in self._encoding.columns}
        rows = [("column", "dtype", "role", "becomes")]
        for name, role in self.feature_roles_.items():
            outcome = becomes[name] if name in becomes else f"dropped: {self.dropped_[name]}"
            rows.append((str(name), self.dtypes_[name], role, outcome))
        widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
        lines = (
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            for row in rows
        )
        return "\n".join(line.rstrip() for line in lines)

    def _checked_rules(self) -> CategoryRules:
        if self.max_one_hot is not None:
            check_integer("max_one_hot", self.max_one_hot, 2)
        check_integer("min_frequency", self.min_frequency, 1)
        check_bool("smooth_clip", self.smooth_clip)
        return CategoryRules(self.max_one_hot, int(self.min_frequency))

    def _set_names(self, table: RawTable) -> None:
        self.n_features_in_ = table.n_columns
        if table.names is not None:
            self.feature_names_in_ = np.array(table.names, dtype=object)
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.sparse = True
        tags.input_tags.string = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


def _distinct(names: list[str]) -> list[str]:
    """Make names distinct: "a" with a level "b_c" meets "a_b" with a level "c"."""
    seen: set[str] = set()
    for place, name in enumerate(names):
        while name in seen:
            name += "_"
        seen.add(name)
        names[place] = name
    return names
