"""Scalers and other steps that turn numbers into numbers."""

import math
from collections.abc import Sequence
from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np

from multilayer._core.errors import ModelFileError
from multilayer._sklearn.saving.model_steps import FittedStep
from multilayer._sklearn.saving.reader import StoredArrays
from multilayer._sklearn.saving.steps.argument_rules import (
    FLAG,
    LIST,
    NOTHING,
    ORDER,
    SEED,
    count,
    either,
    of_type,
    one_of,
    pair,
    real,
)
from multilayer._sklearn.saving.steps.attributes import Array, Counts, Plain, Runs, Size
from multilayer._sklearn.saving.steps.transformer_kind import (
    MOST_COLUMNS,
    TYPE,
    Child,
    TransformerKind,
)

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator

PREPROCESSING = "sklearn.preprocessing"
BINS_COST = 2_000  # bytes that the encoder of bins takes for a feature
MOST_POWERS = 64  # beyond it counting the output columns is slow

STANDARD = TransformerKind(
    "StandardScaler",
    PREPROCESSING,
    dict.fromkeys(("copy", "with_mean", "with_std"), FLAG),
    {
        "mean_": Array(needed=lambda step: step.with_mean or step.with_std),
        "scale_": Array(needed=lambda step: step.with_std),
        "var_": Array(needed=lambda step: step.with_std),
        "n_samples_seen_": Counts(),
    },
    inverts=True,
)


def _refuse_functions(step: FittedStep) -> None:
    """Refuse a function, which is code."""
    if step.func is not None or step.inverse_func is not None:
        raise ModelFileError(
            "FunctionTransformer must have no func to be saved, as a function is code; got "
            f"{step!r}. Apply the function to the data beforehand."
        )


def _check_polynomials(step: FittedStep) -> None:
    """Refuse degrees and widths whose output columns are slow to count."""
    degrees = step.degree if isinstance(step.degree, tuple | list) else [step.degree]
    powers = all(isinstance(degree, Integral) and degree <= MOST_POWERS for degree in degrees)
    if not powers or step.n_features_in_ > MOST_COLUMNS:
        raise ModelFileError(
            f"PolynomialFeatures must have at most {MOST_POWERS} powers of at most {MOST_COLUMNS:,}"
            f" columns to be saved, got degree={step.degree!r} of {step.n_features_in_:,}."
        )


def _degrees(step: FittedStep) -> tuple[int, int]:
    """Return the lowest and the highest degree of products."""
    low, high = step.degree if isinstance(step.degree, tuple | list) else (0, step.degree)
    return low, high


def _fit_polynomials(step: FittedStep, arrays: StoredArrays) -> None:
    """Refuse degrees that make no columns."""
    low, high = _degrees(step)
    arrays.spend(24 * step.n_features_in_)
    if low > high or (high == 0 and not step.include_bias):
        raise ModelFileError(f"its PolynomialFeatures are none: degree={step.degree!r}.")
    if _n_products(step) >= 2**63:
        raise ModelFileError("its PolynomialFeatures are more columns than can be counted.")


def _n_products(step: FittedStep) -> int:
    """Return the number of output columns."""
    low, high = _degrees(step)
    n, chosen = step.n_features_in_, range(max(1, low), high + 1)
    if step.interaction_only:
        counts = (math.comb(n, k) for k in chosen)
    else:
        counts = (math.comb(n + k - 1, k) for k in chosen)
    return sum(counts) + bool(step.include_bias)


def _count_polynomials(step: "BaseEstimator") -> None:
    """Set the number of output columns, which does not depend on data."""
    counted = type(step)(**step.get_params()).fit(np.zeros((1, step.n_features_in_)))
    for name in ("n_output_features_", "_min_degree", "_max_degree", "_n_out_full"):
        setattr(step, name, getattr(counted, name))


def _fit_bins(step: FittedStep, arrays: StoredArrays) -> None:
    arrays.spend(BINS_COST * len(step.n_bins_) + 32 * int(step.n_bins_.sum()))


def _n_bins(step: FittedStep) -> int:
    return step.n_features_in_ if step.encode == "ordinal" else int(step.n_bins_.sum())


def _code_bins(step: "BaseEstimator") -> None:
    """Make the encoder of the bins, as fit does."""
    from sklearn.preprocessing import OneHotEncoder  # late: files are parsed without it

    step.bin_edges_ = _ragged(step.bin_edges_)
    if "onehot" in step.encode:
        step._encoder = OneHotEncoder(
            categories=[np.arange(n) for n in step.n_bins_],
            sparse_output=step.encode == "onehot",
            dtype=np.dtype(float) if step.dtype is None else step.dtype,  # or that of the rows
        ).fit(np.zeros((1, len(step.n_bins_))))


def _ragged(rows: Sequence[np.ndarray]) -> np.ndarray:
    array = np.empty(len(rows), dtype=object)
    for i, row in enumerate(rows):
        array[i] = row
    return array


def _lengths_of_edges(step: FittedStep) -> np.ndarray:
    if not len(step.n_bins_) or (step.n_bins_ < 1).any() or (step.n_bins_ > 2**40).any():
        raise ModelFileError("its KBinsDiscretizer must have at least one bin for each feature.")
    return step.n_bins_ + 1


KINDS = (
    STANDARD,
    TransformerKind(
        "MinMaxScaler",
        PREPROCESSING,
        {"feature_range": pair, "copy": FLAG, "clip": FLAG},
        {name: Array() for name in ("min_", "scale_", "data_min_", "data_max_", "data_range_")}
        | {"n_samples_seen_": Plain(int)},
        inverts=True,
    ),
    TransformerKind(
        "MaxAbsScaler",
        PREPROCESSING,
        {"copy": FLAG, "clip": FLAG},
        {"max_abs_": Array(), "scale_": Array(), "n_samples_seen_": Plain(int)},
        varying=("clip",),
        inverts=True,
    ),
    TransformerKind(
        "RobustScaler",
        PREPROCESSING,
        {
            **dict.fromkeys(("with_centering", "with_scaling", "copy", "unit_variance"), FLAG),
            "quantile_range": pair,
        },
        {
            "center_": Array(needed=lambda step: step.with_centering),
            "scale_": Array(needed=lambda step: step.with_scaling),
        },
        inverts=True,
    ),
    TransformerKind("Normalizer", PREPROCESSING, {"norm": one_of("l1", "l2", "max"), "copy": FLAG}),
    TransformerKind("Binarizer", PREPROCESSING, {"threshold": real(), "copy": FLAG}),
    TransformerKind(
        "FunctionTransformer",
        PREPROCESSING,
        {
            **dict.fromkeys(("func", "inverse_func"), NOTHING),
            **dict.fromkeys(("validate", "accept_sparse", "check_inverse"), FLAG),
            "feature_names_out": one_of(None, "one-to-one"),
            **dict.fromkeys(("kw_args", "inv_kw_args"), of_type(dict, type(None))),
        },
        inverts=True,
        check=_refuse_functions,
    ),
    TransformerKind(
        "QuantileTransformer",
        PREPROCESSING,
        {
            "n_quantiles": count(1),
            "output_distribution": one_of("uniform", "normal"),
            "ignore_implicit_zeros": FLAG,
            "subsample": either(NOTHING, count(1)),
            "random_state": SEED,
            "copy": FLAG,
        },
        {
            "quantiles_": Array(("n_quantiles", "n_features")),
            "n_quantiles_": Size("n_quantiles"),
            "references_": Array(("n_quantiles",)),
        },
        inverts=True,
    ),
    TransformerKind(
        "PowerTransformer",
        PREPROCESSING,
        {"method": one_of("yeo-johnson", "box-cox"), "standardize": FLAG, "copy": FLAG},
        {
            "lambdas_": Array(any_number=True),
            "_scaler": Child(STANDARD, needed=lambda step: step.standardize),
        },
        inverts=True,
    ),
    TransformerKind(
        "PolynomialFeatures",
        PREPROCESSING,
        {
            "degree": either(
                count(0),
                lambda value: (
                    isinstance(value, list | tuple)
                    and len(value) == 2
                    and all(map(count(0), value))
                ),
            ),
            **dict.fromkeys(("interaction_only", "include_bias"), FLAG),
            "order": ORDER,
        },
        check=_check_polynomials,
        fits=_fit_polynomials,
        n_out=_n_products,
        finish=_count_polynomials,
    ),
    TransformerKind(
        "KBinsDiscretizer",
        PREPROCESSING,
        {
            "n_bins": either(count(2), LIST),
            "encode": one_of("onehot", "onehot-dense", "ordinal"),
            "strategy": one_of("uniform", "quantile", "kmeans"),
            "quantile_method": of_type(str),
            "dtype": lambda value: value in (None, np.float32, np.float64),
            "subsample": either(NOTHING, count(1)),
            "random_state": SEED,
        },
        {"n_bins_": Array(kinds="i"), "bin_edges_": Runs(_lengths_of_edges)},
        varying=("quantile_method",),
        words={"dtype": TYPE},
        inverts=True,
        fits=_fit_bins,
        n_out=_n_bins,
        finish=_code_bins,
    ),
)
