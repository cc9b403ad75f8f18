"""The kinds of preprocessing and composition that a model file may hold, and where each is encoded.

The modules are imported when a step of theirs is encoded or read: a network alone needs none.
"""

from functools import cache
from importlib import import_module
from typing import Any

HOMES = {
    "numbers": (
        *("StandardScaler", "MinMaxScaler", "MaxAbsScaler", "RobustScaler", "Normalizer"),
        *("Binarizer", "FunctionTransformer", "QuantileTransformer", "PowerTransformer"),
        *("PolynomialFeatures", "KBinsDiscretizer"),
    ),
    "categories": (
        *("OneHotEncoder", "OrdinalEncoder", "TargetEncoder"),
        *("MissingIndicator", "SimpleImputer"),
    ),
    "projections": (
        *("PCA", "TruncatedSVD", "VarianceThreshold", "SelectKBest", "SplineTransformer"),
    ),
    "compositions": ("Pipeline", "FeatureUnion", "FrozenEstimator", "TransformedTargetRegressor"),
    "column_transformer": ("ColumnTransformer",),
}
"""Kinds by the module beside this one that encodes them."""
KINDS = {name: module for module, names in HOMES.items() for name in names}
COMPOSED = frozenset((*HOMES["compositions"], *HOMES["column_transformer"]))
"""Kinds that have steps within them."""


@cache
def find(name: str) -> Any:
    """Return the kind of this name: a Declared, or a Composition of those in COMPOSED."""
    kinds = import_module(f"multilayer._sklearn.saving.steps.{KINDS[name]}").KINDS
    return {kind.name: kind for kind in kinds}[name]
