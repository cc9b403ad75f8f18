"""Preprocessing steps of scikit-learn's, carried out in NumPy.

What each kind has learnt is read by the tables that :func:`multilayer.load` reads it by.
"""

from collections.abc import Callable
from typing import Any

from multilayer._core.errors import ModelFileError
from multilayer._persist.values import decode
from multilayer._portable import categories, columns, scaling
from multilayer._portable.parts import Holder, Part
from multilayer._portable.predictor import Step, Transform
from multilayer.estimators.steps.attributes import State
from multilayer.estimators.steps.declared import Child, Declared, types
from multilayer.estimators.steps.table import find
from multilayer.estimators.stored import Arrays, Values, take_count, take_names

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
    "StandardScaler": scaling.standard,
    "TruncatedSVD": columns.singular,
    "VarianceThreshold": columns.above_variance,
}


def read_step(part: Part) -> Step:
    """Return a step of one of these kinds."""
    declared: Declared = find(part.kind)
    holder = held(declared, part.params, part.fitted, part.arrays)
    names = take_names(part.fitted, holder.n_features_in_)
    try:
        declared.check(holder)
        transform = TRANSFORMERS[part.kind](holder)
    except (TypeError, ValueError) as error:  # an argument of a type that scikit-learn refuses
        raise ModelFileError(f"its {part.kind} has an argument out of range: {error}") from error
    return Step(transform, holder.n_features_in_, names)


def held(declared: Declared, params: Values, fitted: Values, arrays: Arrays) -> Holder:
    """Return the arguments and attributes of a step, the attributes checked."""
    values = {name: _argument(value) for name, value in params.items()}
    n_features = take_count(fitted, "n_features")
    holder = Holder(declared.name, {**values, "n_features_in_": n_features})
    state = State(fitted, arrays, {"n_features": n_features})
    for name, attribute in declared.attributes.items():
        if isinstance(attribute, Child):
            value = _child(attribute, name.strip("_"), state, holder)
        else:
            value = attribute.take(name.strip("_"), state, holder)
        setattr(holder, name, value)
    arrays.check_all_taken()
    return holder


def _argument(encoded: Any) -> Any:
    """Return a constructor's argument; one that is code is left as the word that names it."""
    match encoded:
        case {"word": str(word)}:
            return types().get(word, word)
    return decode(encoded)


def _child(child: Child, name: str, state: State, step: Holder) -> Holder | None:
    """Return a step that is an attribute of another."""
    if not child.needed(step):
        return None
    match state.fitted.get(name):
        case {"params": dict(params), "fitted": dict(fitted)}:
            return held(child.kind, params, fitted, state.arrays.below(f"{name}."))
    raise ModelFileError(f"its value {name!r} is missing.")
