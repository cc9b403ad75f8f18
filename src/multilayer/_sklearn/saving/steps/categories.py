"""Encoders of categories, and imputation of missing values."""

import sys
from collections.abc import Sequence
from numbers import Real
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from multilayer._core.errors import ModelFileError
from multilayer._sklearn.saving.model_steps import FittedStep
from multilayer._sklearn.saving.reader import StoredArrays, require_finite, take_array
from multilayer._sklearn.saving.steps.argument_rules import (
    AUTO,
    FLAG,
    LIST,
    MISSING,
    NOTHING,
    SEED,
    SHARE,
    columns_out,
    count,
    either,
    filled_columns,
    groups_of,
    is_nan,
    is_type,
    labels,
    of_type,
    one_of,
    real,
)
from multilayer._sklearn.saving.steps.attributes import (
    Array,
    Categories,
    DType,
    Encoded,
    Labels,
    Plain,
    Runs,
    Stored,
)
from multilayer._sklearn.saving.steps.transformer_kind import TYPE, Child, TransformerKind

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator

PREPROCESSING, IMPUTE = "sklearn.preprocessing", "sklearn.impute"
STEP_COST = 500  # bytes that an encoder takes for a feature
TARGETS = ("binary", "multiclass", "continuous")
LABELS = either(AUTO, of_type(list))
GROUPED = {
    "min_frequency": either(NOTHING, count(1), SHARE),
    "max_categories": either(NOTHING, count(1)),
}


class Infrequent:
    """Which categories of each feature are grouped as infrequent: numbers, or None for none."""

    def encode(self, name: str, value: Sequence[np.ndarray | None] | None, into: Encoded) -> None:
        """Add the numbers; without grouping there are none."""
        for i, numbers in enumerate(value or ()):
            if numbers is not None:
                into.arrays[f"{name}.{i}"] = numbers.astype(np.int64)

    def decode(self, name: str, stored: Stored, step: FittedStep) -> list[np.ndarray | None]:
        """Return the numbers."""
        taken: list[np.ndarray | None] = []
        for i in range(len(step.categories_)):
            key = f"{name}.{i}"
            numbers = take_array(stored.arrays, key, (-1,), "i") if key in stored.arrays else None
            if numbers is not None and not (len(numbers) and numbers[0] >= 0 and _ascend(numbers)):
                raise ModelFileError(f"its array {key!r} must be numbers of its categories.")
            taken.append(numbers)
        return taken


def _ascend(numbers: np.ndarray) -> bool:
    return bool((numbers[1:] > numbers[:-1]).all())


def _groups(encoder: FittedStep) -> bool:
    """Whether an encoder groups infrequent categories."""
    return encoder.max_categories is not None or encoder.min_frequency is not None


def _fit_groups(encoder: FittedStep, arrays: StoredArrays, n_grouped: list[int]) -> None:
    """Refuse groups of unknown categories."""
    arrays.spend(STEP_COST * len(n_grouped))
    grouped = [numbers for numbers in encoder._infrequent_indices if numbers is not None]
    if not _groups(encoder):
        if grouped:
            raise ModelFileError("its encoder groups categories that its arguments do not group.")
        return
    arrays.spend(16 * sum(n_grouped))
    for numbers, n in zip(encoder._infrequent_indices, n_grouped, strict=True):
        if numbers is not None and numbers[-1] >= n:
            raise ModelFileError("its encoder groups unknown categories.")


def _group(encoder: "BaseEstimator", n_grouped: list[int]) -> None:
    """Make each feature's table from categories to groups, infrequent ones in one group."""
    encoder._check_infrequent_enabled()
    if not encoder._infrequent_enabled:
        del encoder._infrequent_indices
        return
    encoder._default_to_infrequent_mappings = [
        None if numbers is None else _table(numbers, n)
        for numbers, n in zip(encoder._infrequent_indices, n_grouped, strict=True)
    ]


def _table(infrequent: np.ndarray, n_categories: int) -> np.ndarray:
    frequent = np.ones(n_categories, bool)
    frequent[infrequent] = False
    return np.where(frequent, frequent.cumsum() - 1, frequent.sum())


def _sizes(encoder: FittedStep) -> list[int]:
    return [len(categories) for categories in encoder.categories_]


def _fit_one_hot(encoder: FittedStep, arrays: StoredArrays) -> None:
    """Refuse a dropped value that is no category."""
    _fit_groups(encoder, arrays, _sizes(encoder))
    for i, table in enumerate(groups_of(encoder)):
        columns_out(encoder, i, table)


def _n_hot(encoder: FittedStep) -> int:
    return sum(len(columns_out(encoder, i, table)) for i, table in enumerate(groups_of(encoder)))


def _finish_one_hot(encoder: "BaseEstimator") -> None:
    _group(encoder, _sizes(encoder))
    encoder._set_drop_idx()
    encoder._n_features_outs = encoder._compute_n_features_outs()


def _check_unknown(encoder: FittedStep) -> None:
    """Refuse an invalid code for unknown categories."""
    unknown = encoder.unknown_value
    code = isinstance(unknown, Real) and (is_nan(unknown) or -(2**63) < float(unknown) < 2**63)
    if encoder.handle_unknown == "use_encoded_value" and not code:
        raise ModelFileError(f"its OrdinalEncoder must have an unknown_value, got {unknown!r}.")


def _missing_places(encoder: FittedStep) -> dict[int, int]:
    """Return the place of NaN among the categories of the features that have it."""
    last = [(i, len(own) - 1) for i, own in enumerate(encoder.categories_)]
    return {i: n for i, n in last if is_nan(encoder.categories_[i].tolist()[n])}


def _n_ordinal(encoder: FittedStep) -> list[int]:
    missing = _missing_places(encoder)
    return [n - (i in missing) for i, n in enumerate(_sizes(encoder))]


def _fit_ordinal(encoder: FittedStep, arrays: StoredArrays) -> None:
    _fit_groups(encoder, arrays, _n_ordinal(encoder))


def _finish_ordinal(encoder: "BaseEstimator") -> None:
    encoder._missing_indices = _missing_places(encoder)
    _group(encoder, _n_ordinal(encoder))


class TargetKind:
    """What kind of target an encoder of means was fitted to."""

    def encode(self, name: str, value: str, into: Encoded) -> None:
        """Add the word."""
        into.fitted[name] = value

    def decode(self, name: str, stored: Stored, step: FittedStep) -> str:
        """Return the word."""
        word = stored.fitted.get(name)
        if not isinstance(word, str) or word not in TARGETS:
            raise ModelFileError(f"its value {name!r} must be one of {TARGETS}.")
        return word


class TargetMeans:
    """The mean of the target: one number, or one for each class."""

    def encode(self, name: str, value: npt.ArrayLike, into: Encoded) -> None:
        """Add the means."""
        into.arrays[name] = np.asarray(value)
        require_finite(name, into.arrays[name])

    def decode(self, name: str, stored: Stored, step: FittedStep) -> object:
        """Return the means."""
        shape = (len(step.classes_),) if step.target_type_ == "multiclass" else ()
        return take_array(stored.arrays, name, shape)[()]


def _lengths_of_means(encoder: FittedStep) -> list[int]:
    repeats = len(encoder.classes_) if encoder.target_type_ == "multiclass" else 1
    return [len(categories) for categories in encoder.categories_ for _ in range(repeats)]


def _finish_target(encoder: "BaseEstimator") -> None:
    encoder._infrequent_enabled = False


# Missing values ---------------------------------------------------------------------------------


def _fit_indicator(indicator: FittedStep, arrays: StoredArrays) -> None:
    """Refuse unknown features."""
    n_features, features = indicator.n_features_in_, indicator.features_
    if (features < 0).any() or (features >= n_features).any():
        raise ModelFileError("its MissingIndicator has unknown features.")


def _finish_indicator(indicator: "BaseEstimator") -> None:
    indicator._n_features = indicator.n_features_in_


def _n_filled(imputer: FittedStep) -> int:
    marks = len(imputer.indicator_.features_) if imputer.add_indicator else 0
    return int(filled_columns(imputer).sum()) + marks


def _finish_imputer(imputer: "BaseEstimator") -> None:
    """Convert constants to the type of the data, as scikit-learn before 1.8 has them."""
    imputer._fill_dtype = imputer._fit_dtype
    if tuple(map(int, sys.modules["sklearn"].__version__.split(".")[:2])) < (1, 8):
        if imputer.strategy == "constant":
            imputer.statistics_ = imputer.statistics_.astype(imputer._fit_dtype)
        del imputer._fill_dtype


INDICATOR = TransformerKind(
    "MissingIndicator",
    IMPUTE,
    {
        "missing_values": MISSING,
        "features": one_of("missing-only", "all"),
        "sparse": either(FLAG, AUTO),
        "error_on_new": FLAG,
    },
    {"features_": Array(("n_missing",), kinds="i"), "_precomputed": Plain(bool)},
    fits=_fit_indicator,
    n_out=lambda step: len(step.features_),
    finish=_finish_indicator,
)
KINDS = (
    TransformerKind(
        "OneHotEncoder",
        PREPROCESSING,
        {
            "categories": LABELS,
            "drop": either(one_of(None, "first", "if_binary"), labels),
            "sparse_output": FLAG,
            "dtype": is_type,
            "handle_unknown": one_of("error", "ignore", "infrequent_if_exist", "warn"),
            **GROUPED,
            "feature_name_combiner": one_of("concat"),
        },
        {"categories_": Categories(), "_infrequent_indices": Infrequent()},
        words={"dtype": TYPE},
        inverts=True,
        fits=_fit_one_hot,
        n_out=_n_hot,
        finish=_finish_one_hot,
    ),
    TransformerKind(
        "OrdinalEncoder",
        PREPROCESSING,
        {
            "categories": LABELS,
            "dtype": is_type,
            "handle_unknown": one_of("error", "use_encoded_value"),
            "unknown_value": of_type(int, float, type(None)),
            "encoded_missing_value": of_type(int, float),
            **GROUPED,
        },
        {"categories_": Categories(), "_infrequent_indices": Infrequent()},
        words={"dtype": TYPE},
        inverts=True,
        check=_check_unknown,
        fits=_fit_ordinal,
        finish=_finish_ordinal,
    ),
    TransformerKind(
        "TargetEncoder",
        PREPROCESSING,
        {
            "categories": LABELS,
            "target_type": one_of("auto", "continuous", "binary", "multiclass"),
            "smooth": either(AUTO, real(0)),
            "cv": either(NOTHING, count(2), LIST),
            "shuffle": either(FLAG, one_of("deprecated")),
            "random_state": either(SEED, one_of("deprecated")),
        },
        {
            "categories_": Categories(),
            "target_type_": TargetKind(),
            "classes_": Labels("n_classes", needed=lambda step: step.target_type_ != "continuous"),
            "target_mean_": TargetMeans(),
            "encodings_": Runs(_lengths_of_means),
        },
        varying=("shuffle", "random_state"),
        n_out=lambda step: len(step.encodings_),
        finish=_finish_target,
    ),
    INDICATOR,
    TransformerKind(
        "SimpleImputer",
        IMPUTE,
        {
            "missing_values": MISSING,
            "strategy": one_of("mean", "median", "most_frequent", "constant"),
            "fill_value": MISSING,
            **dict.fromkeys(("copy", "add_indicator", "keep_empty_features"), FLAG),
        },
        {
            "statistics_": Labels(),
            "_fit_dtype": DType(),
            "indicator_": Child(INDICATOR, needed=lambda step: step.add_indicator),
        },
        inverts=True,
        n_out=_n_filled,
        finish=_finish_imputer,
    ),
)
