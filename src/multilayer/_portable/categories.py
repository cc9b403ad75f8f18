"""Encoders of categories, and imputation of missing values."""

from itertools import cycle

import numpy as np

from multilayer._core.errors import DataError
from multilayer._portable.predictor import Transform, Transforms, real
from multilayer._sklearn.saving.model_steps import TransformerValues
from multilayer._sklearn.saving.steps.argument_rules import (
    UNKNOWN,
    columns_out,
    filled_columns,
    groups_of,
    is_nan,
    places_of,
)


def refuse_unknown(X: np.ndarray, column: int, places: np.ndarray) -> None:
    """Refuse unknown labels."""
    if (places == UNKNOWN).any():
        unknown = sorted(set(map(repr, X[places == UNKNOWN, column].tolist())))
        raise DataError(
            f"X has unknown categories [{', '.join(unknown)}] in column {column}. Fit the encoder "
            "with a handle_unknown that accepts them."
        )


# One column for each category ------------------------------------------------------------------


def one_hot(step: TransformerValues) -> Transform:
    """Whether each label is a category, one column for each."""
    unknown = step.handle_unknown
    places, groups = places_of(step.categories_), groups_of(step)
    infrequent = [
        UNKNOWN if n is None else g.max()
        for n, g in zip(step._infrequent_indices, groups, strict=True)
    ]
    shown = [columns_out(step, i, table) for i, table in enumerate(groups)]
    dtype = step.dtype

    def of_column(X: np.ndarray, i: int) -> np.ndarray:
        found = places(X[:, i], i)
        if unknown == "error":
            refuse_unknown(X, i, found)
        grouped = np.where(found == UNKNOWN, UNKNOWN, groups[i][found])
        if unknown in ("infrequent_if_exist", "warn"):
            grouped = np.where(found == UNKNOWN, infrequent[i], grouped)
        return grouped[:, None] == shown[i]

    return lambda X: np.hstack([of_column(X, i) for i in range(len(groups))]).astype(dtype)


# One number for each category ------------------------------------------------------------------


def ordinal(step: TransformerValues) -> Transform:
    """The number of each label among the categories."""
    refuses, unknown = step.handle_unknown == "error", step.unknown_value
    places, groups = places_of(step.categories_), groups_of(step)
    dtype = step.dtype
    missing = [[is_nan(label) for label in own.tolist()] for own in step.categories_]
    value = step.encoded_missing_value

    def of_column(X: np.ndarray, i: int) -> np.ndarray:
        found = places(X[:, i], i)
        if refuses:
            refuse_unknown(X, i, found)
        codes = groups[i][found].astype(dtype)
        codes[np.array(missing[i])[found] & (found != UNKNOWN)] = value
        if not refuses:
            codes[found == UNKNOWN] = unknown
        return codes

    return lambda X: np.column_stack([of_column(X, i) for i in range(len(groups))])


# Means of the target for each category ---------------------------------------------------------


def target_means(step: TransformerValues) -> Transform:
    """The mean target of each category, of each class of several; of others the mean of all."""
    places, n_columns = places_of(step.categories_), len(step.categories_)
    means = np.atleast_1d(step.target_mean_)
    pairs = zip(step.encodings_, cycle(means), strict=False)
    tables = [np.append(own, mean) for own, mean in pairs]  # UNKNOWN finds the last of them

    def transform(X: np.ndarray) -> np.ndarray:
        if X.dtype.kind == "f":
            real(X, missing=True)  # refuses infinity
        found = [places(X[:, i], i) for i in range(n_columns)]
        return np.column_stack([table[found[i // len(means)]] for i, table in enumerate(tables)])

    return transform


# Missing values --------------------------------------------------------------------------------


def is_missing(X: np.ndarray, marker: object) -> np.ndarray:
    """Return where a table has the marker of missing values."""
    if X.dtype.kind in "biuf" and not isinstance(marker, int | float):
        raise DataError(f"X must contain text, as what is missing in it is {marker!r}.")
    if not is_nan(marker):
        return marker == X
    return np.isnan(X) if X.dtype.kind == "f" else X != X


def imputer(step: TransformerValues) -> Transform:
    """Imputation of missing values, with indicator columns if requested."""
    marker, statistics = step.missing_values, step.statistics_
    filled_in = filled_columns(step)
    marks = step.indicator_.features_ if step.add_indicator else np.zeros(0, int)

    words = statistics.dtype.kind in "OU"

    def transform(X: np.ndarray) -> np.ndarray:
        X = X.astype(object) if words else real(X, missing=True)
        missing = is_missing(X, marker)
        filled = np.where(missing, statistics.astype(X.dtype), X)[:, filled_in]
        return np.hstack([filled, missing[:, marks].astype(filled.dtype)])

    return transform


def indicator(step: TransformerValues) -> Transform:
    """Where values are missing."""
    marker, features = step.missing_values, step.features_
    return lambda X: is_missing(X, marker)[:, features]


TRANSFORMS: Transforms = {
    "MissingIndicator": indicator,
    "OneHotEncoder": one_hot,
    "OrdinalEncoder": ordinal,
    "SimpleImputer": imputer,
    "TargetEncoder": target_means,
}
