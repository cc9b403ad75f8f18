"""What the arguments of each kind of step must be, for files: scikit-learn's own rules, or tighter.

They stand here since files are also read where there is no scikit-learn, and since its releases
differ. All arguments of a kind must be in a file, apart from those that not every release has.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

Rule = Callable[[Any], bool]
MOST = 2**53  # of counts: floats are exact up to it


def one_of(*words: Any) -> Rule:
    """Return the rule that a value is one of these, of the same type."""
    return lambda value: any(type(value) is type(word) and value == word for word in words)


def count(low: int) -> Rule:
    """Return the rule that a value is an integer of at least ``low``."""
    return lambda value: type(value) is int and low <= value < MOST


def real(low: float = -math.inf, high: float = math.inf) -> Rule:
    """Return the rule that a value is a number in [low, high], not NaN."""
    return lambda value: type(value) in (int, float) and low <= value <= high


def either(*rules: Rule) -> Rule:
    """Return the rule that one of these holds."""
    return lambda value: any(rule(value) for rule in rules)


def of_type(*types: type) -> Rule:
    """Return the rule that a value is exactly of one of these types."""
    return lambda value: type(value) in types


def _pair(value: Any) -> bool:
    """Whether a value is two numbers, the second one not below the first."""
    return (
        type(value) is tuple
        and len(value) == 2
        and all(map(real(), value))
        and (value[0] <= value[1])
    )


def _labels(value: Any) -> bool:
    """Whether a value is a list of labels, None among them."""
    return LIST(value) and all(map(of_type(str, int, float, bool, type(None)), value))


def _weights(value: Any) -> bool:
    """Whether a value is numbers by name."""
    return type(value) is dict and all(map(of_type(int, float), value.values()))


FLAG = one_of(True, False)
NOTHING = one_of(None)
SEED = either(NOTHING, lambda value: type(value) is int and 0 <= value < 2**32)
LIST = of_type(list, tuple)
AUTO = one_of("auto")
SHARE = lambda value: type(value) is float and 0 < value < 1  # noqa: E731  # beside counts
ORDER = one_of("C", "F")
MISSING = of_type(int, float, str, type(None))
GROUPED = {
    "min_frequency": either(NOTHING, count(1), SHARE),
    "max_categories": either(NOTHING, count(1)),
}
POWER_ITERATION = one_of("auto", "LU", "QR", "none")
LABELS = either(AUTO, of_type(list))


def is_type(value: Any) -> bool:
    """Whether a value is a type of numbers, or the default in its place."""
    return value is None or (isinstance(value, type) and np.dtype(value).kind in "biuf")


ARGUMENTS: Mapping[str, Mapping[str, Rule]] = {
    "StandardScaler": dict.fromkeys(("copy", "with_mean", "with_std"), FLAG),
    "MinMaxScaler": {"feature_range": _pair, "copy": FLAG, "clip": FLAG},
    "MaxAbsScaler": {"copy": FLAG, "clip": FLAG},
    "RobustScaler": {
        **dict.fromkeys(("with_centering", "with_scaling", "copy", "unit_variance"), FLAG),
        "quantile_range": _pair,
    },
    "Normalizer": {"norm": one_of("l1", "l2", "max"), "copy": FLAG},
    "Binarizer": {"threshold": real(), "copy": FLAG},
    "FunctionTransformer": {
        **dict.fromkeys(("func", "inverse_func"), NOTHING),
        **dict.fromkeys(("validate", "accept_sparse", "check_inverse"), FLAG),
        "feature_names_out": one_of(None, "one-to-one"),
        **dict.fromkeys(("kw_args", "inv_kw_args"), of_type(dict, type(None))),
    },
    "QuantileTransformer": {
        "n_quantiles": count(1),
        "output_distribution": one_of("uniform", "normal"),
        "ignore_implicit_zeros": FLAG,
        "subsample": either(NOTHING, count(1)),
        "random_state": SEED,
        "copy": FLAG,
    },
    "PowerTransformer": {
        "method": one_of("yeo-johnson", "box-cox"),
        "standardize": FLAG,
        "copy": FLAG,
    },
    "PolynomialFeatures": {
        "degree": either(
            count(0),
            lambda value: LIST(value) and len(value) == 2 and all(map(count(0), value)),
        ),
        **dict.fromkeys(("interaction_only", "include_bias"), FLAG),
        "order": ORDER,
    },
    "KBinsDiscretizer": {
        "n_bins": either(count(2), LIST),
        "encode": one_of("onehot", "onehot-dense", "ordinal"),
        "strategy": one_of("uniform", "quantile", "kmeans"),
        "quantile_method": of_type(str),
        "dtype": lambda value: value in (None, np.float32, np.float64),
        "subsample": either(NOTHING, count(1)),
        "random_state": SEED,
    },
    "OneHotEncoder": {
        "categories": LABELS,
        "drop": either(one_of(None, "first", "if_binary"), _labels),
        "sparse_output": FLAG,
        "dtype": is_type,
        "handle_unknown": one_of("error", "ignore", "infrequent_if_exist", "warn"),
        **GROUPED,
        "feature_name_combiner": one_of("concat"),
    },
    "OrdinalEncoder": {
        "categories": LABELS,
        "dtype": is_type,
        "handle_unknown": one_of("error", "use_encoded_value"),
        "unknown_value": of_type(int, float, type(None)),
        "encoded_missing_value": of_type(int, float),
        **GROUPED,
    },
    "TargetEncoder": {
        "categories": LABELS,
        "target_type": one_of("auto", "continuous", "binary", "multiclass"),
        "smooth": either(AUTO, real(0)),
        "cv": either(NOTHING, count(2), LIST),
        "shuffle": either(FLAG, one_of("deprecated")),
        "random_state": either(SEED, one_of("deprecated")),
    },
    "MissingIndicator": {
        "missing_values": MISSING,
        "features": one_of("missing-only", "all"),
        "sparse": either(FLAG, AUTO),
        "error_on_new": FLAG,
    },
    "SimpleImputer": {
        "missing_values": MISSING,
        "strategy": one_of("mean", "median", "most_frequent", "constant"),
        "fill_value": MISSING,
        **dict.fromkeys(("copy", "add_indicator", "keep_empty_features"), FLAG),
    },
    "PCA": {
        "n_components": either(one_of(None, "mle"), count(0), SHARE),
        **dict.fromkeys(("copy", "whiten"), FLAG),
        "svd_solver": one_of("auto", "full", "covariance_eigh", "arpack", "randomized"),
        "tol": real(0),
        "iterated_power": either(AUTO, count(0)),
        "n_oversamples": count(1),
        "power_iteration_normalizer": POWER_ITERATION,
        "random_state": SEED,
    },
    "TruncatedSVD": {
        "n_components": count(1),
        "algorithm": one_of("arpack", "randomized"),
        "n_iter": count(0),
        "n_oversamples": count(1),
        "power_iteration_normalizer": POWER_ITERATION,
        "random_state": SEED,
        "tol": real(0),
    },
    "VarianceThreshold": {"threshold": real(0)},
    "SelectKBest": {"score_func": of_type(str), "k": either(one_of("all"), count(0))},
    "SplineTransformer": {
        "n_knots": count(2),
        "degree": count(0),
        "knots": either(one_of("uniform", "quantile"), LIST),
        "extrapolation": one_of("error", "constant", "linear", "continue", "periodic"),
        "include_bias": FLAG,
        "order": ORDER,
        "handle_missing": one_of("error", "zeros"),
        "sparse_output": FLAG,
    },
    "Pipeline": {},
    "FeatureUnion": {
        "transformer_weights": either(NOTHING, _weights),
        "verbose": FLAG,
        "verbose_feature_names_out": FLAG,
    },
    "FrozenEstimator": {},
    "TransformedTargetRegressor": {
        "func": NOTHING,
        "inverse_func": NOTHING,
        "check_inverse": FLAG,
    },
    "ColumnTransformer": {
        "sparse_threshold": real(0, 1),
        "transformer_weights": either(NOTHING, _weights),
        "verbose": either(FLAG, count(0)),
        "verbose_feature_names_out": either(FLAG, of_type(str)),
        "force_int_remainder_cols": either(FLAG, one_of("deprecated")),
    },
}
"""Rules by kind and argument: all arguments that a file may have."""
VARYING = {"ColumnTransformer": ("force_int_remainder_cols",)}
"""Arguments of compositions that not every release of scikit-learn has."""
