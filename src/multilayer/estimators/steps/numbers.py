"""Scalers and other steps that turn numbers into numbers."""

from numbers import Integral
from typing import Any

import numpy as np

from multilayer._core.errors import ModelFileError
from multilayer.estimators.steps.attributes import Array, Counts, Plain, Runs
from multilayer.estimators.steps.declared import MOST_COLUMNS, Child, Declared, types
from multilayer.estimators.stored import Arrays

PREPROCESSING = "sklearn.preprocessing"
BINS_COST = 2_000  # bytes of what the encoder of bins keeps for a feature
MOST_POWERS = 64  # counting the columns that come out takes long beyond

STANDARD = Declared(
    "StandardScaler",
    PREPROCESSING,
    {
        "mean_": Array(needed=lambda step: step.with_mean or step.with_std),
        "scale_": Array(needed=lambda step: step.with_std),
        "var_": Array(needed=lambda step: step.with_std),
        "n_samples_seen_": Counts(),
    },
)


def _refuse_functions(step: Any) -> None:
    """Refuse a function of the user's."""
    if step.func is not None or step.inverse_func is not None:
        raise ModelFileError(
            "FunctionTransformer must have no func to be saved, as a function is code; got "
            f"{step!r}. Apply the function to the data beforehand."
        )


def _check_polynomials(step: Any) -> None:
    """Refuse numbers of columns that take long to count."""
    degrees = step.degree if isinstance(step.degree, tuple | list) else [step.degree]
    powers = all(isinstance(degree, Integral) and degree <= MOST_POWERS for degree in degrees)
    if not powers or step.n_features_in_ > MOST_COLUMNS:
        raise ModelFileError(
            f"PolynomialFeatures must have at most {MOST_POWERS} powers of at most {MOST_COLUMNS:,}"
            f" columns to be saved, got degree={step.degree!r} of {step.n_features_in_:,}."
        )


def _check_range(step: Any) -> None:
    """Refuse bounds that are not two."""
    if len(step.feature_range) != 2:
        raise ModelFileError("its MinMaxScaler must have a feature_range of two numbers.")


def _count_polynomials(step: Any, arrays: Arrays) -> None:
    """Count the columns that come out, which depends on no data."""
    arrays.spend(24 * step.n_features_in_)
    try:
        counted = type(step)(**step.get_params()).fit(np.zeros((1, step.n_features_in_)))
    except ValueError as error:
        raise ModelFileError(f"its PolynomialFeatures are none: {error}") from error
    for name in ("n_output_features_", "_min_degree", "_max_degree", "_n_out_full"):
        setattr(step, name, getattr(counted, name))


def _code_bins(step: Any, arrays: Arrays) -> None:
    """Make the encoder of the bins, as fit does."""
    from sklearn.preprocessing import OneHotEncoder

    arrays.spend(BINS_COST * len(step.n_bins_) + 32 * int(step.n_bins_.sum()))
    step.bin_edges_ = _ragged(step.bin_edges_)
    if "onehot" in step.encode:
        step._encoder = OneHotEncoder(
            categories=[np.arange(n) for n in step.n_bins_],
            sparse_output=step.encode == "onehot",
            dtype=np.dtype(float) if step.dtype is None else step.dtype,  # or that of the rows
        ).fit(np.zeros((1, len(step.n_bins_))))


def _ragged(rows: list[np.ndarray]) -> np.ndarray:
    array = np.empty(len(rows), dtype=object)
    for i, row in enumerate(rows):
        array[i] = row
    return array


def _lengths_of_edges(step: Any) -> np.ndarray:
    if not len(step.n_bins_) or (step.n_bins_ < 1).any() or (step.n_bins_ > 2**40).any():
        raise ModelFileError("its KBinsDiscretizer must have at least one bin for each feature.")
    return step.n_bins_ + 1


KINDS = (
    STANDARD,
    Declared(
        "MinMaxScaler",
        PREPROCESSING,
        {name: Array() for name in ("min_", "scale_", "data_min_", "data_max_", "data_range_")}
        | {"n_samples_seen_": Plain(int)},
        check=_check_range,
    ),
    Declared(
        "MaxAbsScaler",
        PREPROCESSING,
        {"max_abs_": Array(), "scale_": Array(), "n_samples_seen_": Plain(int)},
        varying=("clip",),
    ),
    Declared(
        "RobustScaler",
        PREPROCESSING,
        {
            "center_": Array(needed=lambda step: step.with_centering),
            "scale_": Array(needed=lambda step: step.with_scaling),
        },
    ),
    Declared("Normalizer", PREPROCESSING),
    Declared("Binarizer", PREPROCESSING),
    Declared("FunctionTransformer", PREPROCESSING, check=_refuse_functions),
    Declared(
        "QuantileTransformer",
        PREPROCESSING,
        {
            "n_quantiles_": Plain(int),
            "quantiles_": Array(("n_quantiles", "n_features")),
            "references_": Array(("n_quantiles",)),
        },
    ),
    Declared(
        "PowerTransformer",
        PREPROCESSING,
        {
            "lambdas_": Array(any_number=True),
            "_scaler": Child(STANDARD, needed=lambda step: step.standardize),
        },
    ),
    Declared(
        "PolynomialFeatures",
        PREPROCESSING,
        check=_check_polynomials,
        finish=_count_polynomials,
    ),
    Declared(
        "KBinsDiscretizer",
        PREPROCESSING,
        {"n_bins_": Array(kinds="i"), "bin_edges_": Runs(_lengths_of_edges)},
        varying=("quantile_method",),
        words={"dtype": types},
        finish=_code_bins,
    ),
)
