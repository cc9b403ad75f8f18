"""scikit-learn's preprocessing steps, carried out in NumPy.

What each kind has learnt is read by the tables that :func:`multilayer.load` reads it by.
"""

from collections.abc import Callable

from multilayer._portable import categories, columns, scaling
from multilayer._portable.inverses import INVERSES
from multilayer._portable.predictor import Step, Transform
from multilayer._portable.splines import splines
from multilayer._sklearn.saving.parts import Holder, Part
from multilayer._sklearn.saving.steps.table import find

TRANSFORMERS: dict[str, Callable[[Holder], Transform]] = {
    "Binarizer": scaling.binarizer,
    "FunctionTransformer": scaling.nothing,
    "KBinsDiscretizer": columns.bins,
    "MaxAbsScaler": scaling.max_abs,
    "MinMaxScaler": scaling.min_max,
    "MissingIndicator": categories.indicator,
    "Normalizer": scaling.normalizer,
    "OneHotEncoder": categories.one_hot,
    "OrdinalEncoder": categories.ordinal,
    "PCA": columns.principal,
    "PolynomialFeatures": columns.polynomials,
    "PowerTransformer": scaling.power,
    "QuantileTransformer": scaling.quantile,
    "RobustScaler": scaling.robust,
    "SelectKBest": columns.best,
    "SimpleImputer": categories.imputer,
    "SplineTransformer": splines,
    "StandardScaler": scaling.standard,
    "TargetEncoder": categories.target_means,
    "TruncatedSVD": columns.singular,
    "VarianceThreshold": columns.above_variance,
}


def read_step(part: Part) -> Step:
    """Return a step of one of these kinds."""
    holder = _read(part)
    names = getattr(holder, "feature_names_in_", None)
    return Step(TRANSFORMERS[part.kind](holder), holder.n_features_in_, names)


def read_inverse(part: Part) -> Step:
    """Return what undoes a step of one of the kinds that can be undone."""
    holder = _read(part)
    return Step(INVERSES[part.kind](holder), find(part.kind).n_out(holder), None)


def _read(part: Part) -> Holder:
    return find(part.kind).read(part.params, part.fitted, part.arrays)
