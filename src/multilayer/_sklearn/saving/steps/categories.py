"""Encoders of categories, and what stands in for missing values."""

from numbers import Real
from typing import Any

import numpy as np

from multilayer._core.errors import ModelFileError
from multilayer._sklearn.saving.reader import Arrays, require_finite, take_array
from multilayer._sklearn.saving.steps.attributes import (
    Array,
    Categories,
    DType,
    Labels,
    Plain,
    Runs,
    State,
)
from multilayer._sklearn.saving.steps.declared import TYPE, Child, Declared
from multilayer._sklearn.saving.steps.lookup import filled_columns, groups_of, is_nan, kept_of

PREPROCESSING, IMPUTE = "sklearn.preprocessing", "sklearn.impute"
STEP_COST = 500  # bytes of what an encoder keeps for a feature
TARGETS = ("binary", "multiclass", "continuous")


class Infrequent:
    """Which categories of each feature are grouped as infrequent: numbers, or None for none."""

    def encode(self, name: str, value: Any, state: State) -> None:
        """Put the numbers into a state; without grouping there are none."""
        for i, numbers in enumerate(value or ()):
            if numbers is not None:
                state.arrays[f"{name}.{i}"] = numbers.astype(np.int64)

    def take(self, name: str, state: State, step: Any) -> list[np.ndarray | None]:
        """Return the numbers, each of a category that there is."""
        taken: list[np.ndarray | None] = []
        for i in range(len(step.categories_)):
            key = f"{name}.{i}"
            numbers = take_array(state.arrays, key, (-1,), "i") if key in state.arrays else None
            if numbers is not None and not (len(numbers) and numbers[0] >= 0 and _ascend(numbers)):
                raise ModelFileError(f"its array {key!r} must be numbers of its categories.")
            taken.append(numbers)
        return taken


def _ascend(numbers: np.ndarray) -> bool:
    return bool((numbers[1:] > numbers[:-1]).all())


def _groups(encoder: Any) -> bool:
    """Whether an encoder groups infrequent categories."""
    return encoder.max_categories is not None or encoder.min_frequency is not None


def _fit_groups(encoder: Any, arrays: Arrays, n_grouped: list[int]) -> None:
    """Refuse groups of categories that there are not."""
    arrays.spend(STEP_COST * len(n_grouped))
    grouped = [numbers for numbers in encoder._infrequent_indices if numbers is not None]
    if not _groups(encoder):
        if grouped:
            raise ModelFileError("its encoder groups categories that its arguments do not group.")
        return
    arrays.spend(16 * sum(n_grouped))
    for numbers, n in zip(encoder._infrequent_indices, n_grouped, strict=True):
        if numbers is not None and numbers[-1] >= n:
            raise ModelFileError("its encoder groups categories that there are not.")


def _group(encoder: Any, n_grouped: list[int]) -> None:
    """Make the table of each feature from its categories to those that infrequent ones become."""
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


def _sizes(encoder: Any) -> list[int]:
    return [len(categories) for categories in encoder.categories_]


def _fit_one_hot(encoder: Any, arrays: Arrays) -> None:
    """Refuse what is dropped and is no category, or is grouped with others."""
    _fit_groups(encoder, arrays, _sizes(encoder))
    for i, table in enumerate(groups_of(encoder)):
        kept_of(encoder, i, table)


def _n_hot(encoder: Any) -> int:
    return sum(len(kept_of(encoder, i, table)) for i, table in enumerate(groups_of(encoder)))


def _finish_one_hot(encoder: Any) -> None:
    _group(encoder, _sizes(encoder))
    encoder._set_drop_idx()
    encoder._n_features_outs = encoder._compute_n_features_outs()


def _check_unknown(encoder: Any) -> None:
    """Refuse a code for unknown categories that is none."""
    unknown = encoder.unknown_value
    code = isinstance(unknown, Real) and (is_nan(unknown) or -(2**63) < float(unknown) < 2**63)
    if encoder.handle_unknown == "use_encoded_value" and not code:
        raise ModelFileError(f"its OrdinalEncoder must have an unknown_value, got {unknown!r}.")


def _missing_places(encoder: Any) -> dict[int, int]:
    """Return the place of NaN among the categories of the features that have it."""
    last = [(i, len(own) - 1) for i, own in enumerate(encoder.categories_)]
    return {i: n for i, n in last if is_nan(encoder.categories_[i].tolist()[n])}


def _n_ordinal(encoder: Any) -> list[int]:
    missing = _missing_places(encoder)
    return [n - (i in missing) for i, n in enumerate(_sizes(encoder))]


def _fit_ordinal(encoder: Any, arrays: Arrays) -> None:
    _fit_groups(encoder, arrays, _n_ordinal(encoder))


def _finish_ordinal(encoder: Any) -> None:
    encoder._missing_indices = _missing_places(encoder)
    _group(encoder, _n_ordinal(encoder))


class TargetKind:
    """What kind of target an encoder of means was fitted to."""

    def encode(self, name: str, value: str, state: State) -> None:
        """Put a word into a state."""
        state.fitted[name] = value

    def take(self, name: str, state: State, step: Any) -> str:
        """Return the word."""
        if state.fitted.get(name) not in TARGETS:
            raise ModelFileError(f"its value {name!r} must be one of {TARGETS}.")
        return state.fitted[name]


class TargetMeans:
    """The mean of the target: one number, or one for each class."""

    def encode(self, name: str, value: Any, state: State) -> None:
        """Put means into a state."""
        state.arrays[name] = np.asarray(value)
        require_finite(name, state.arrays[name])

    def take(self, name: str, state: State, step: Any) -> Any:
        """Return the means."""
        shape = (len(step.classes_),) if step.target_type_ == "multiclass" else ()
        return take_array(state.arrays, name, shape)[()]


def _lengths_of_means(encoder: Any) -> list[int]:
    repeats = len(encoder.classes_) if encoder.target_type_ == "multiclass" else 1
    return [len(categories) for categories in encoder.categories_ for _ in range(repeats)]


def _finish_target(encoder: Any) -> None:
    encoder._infrequent_enabled = False


# Missing values ---------------------------------------------------------------------------------


def _fit_indicator(indicator: Any, arrays: Arrays) -> None:
    """Refuse features that there are not."""
    n_features, features = indicator.n_features_in_, indicator.features_
    if (features < 0).any() or (features >= n_features).any():
        raise ModelFileError("its MissingIndicator has features that there are not.")


def _finish_indicator(indicator: Any) -> None:
    indicator._n_features = indicator.n_features_in_


def _n_filled(imputer: Any) -> int:
    marks = len(imputer.indicator_.features_) if imputer.add_indicator else 0
    return int(filled_columns(imputer).sum()) + marks


def _finish_imputer(imputer: Any) -> None:
    """Convert the constants as scikit-learn before 1.8 keeps them: in the type of the data."""
    import sklearn
    from sklearn.utils.fixes import parse_version

    imputer._fill_dtype = imputer._fit_dtype
    if parse_version(sklearn.__version__) < parse_version("1.8"):
        if imputer.strategy == "constant":
            imputer.statistics_ = imputer.statistics_.astype(imputer._fit_dtype)
        del imputer._fill_dtype


INDICATOR = Declared(
    "MissingIndicator",
    IMPUTE,
    {"features_": Array(("n_missing",), kinds="i"), "_precomputed": Plain(bool)},
    fits=_fit_indicator,
    n_out=lambda step: len(step.features_),
    finish=_finish_indicator,
)
KINDS = (
    Declared(
        "OneHotEncoder",
        PREPROCESSING,
        {"categories_": Categories(), "_infrequent_indices": Infrequent()},
        words={"dtype": TYPE},
        fits=_fit_one_hot,
        n_out=_n_hot,
        finish=_finish_one_hot,
    ),
    Declared(
        "OrdinalEncoder",
        PREPROCESSING,
        {"categories_": Categories(), "_infrequent_indices": Infrequent()},
        words={"dtype": TYPE},
        check=_check_unknown,
        fits=_fit_ordinal,
        finish=_finish_ordinal,
    ),
    Declared(
        "TargetEncoder",
        PREPROCESSING,
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
    Declared(
        "SimpleImputer",
        IMPUTE,
        {
            "statistics_": Labels(),
            "_fit_dtype": DType(),
            "indicator_": Child(INDICATOR, needed=lambda step: step.add_indicator),
        },
        n_out=_n_filled,
        finish=_finish_imputer,
    ),
)
