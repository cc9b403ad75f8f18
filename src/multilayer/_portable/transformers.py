"""Preprocessing steps of scikit-learn's, carried out in NumPy.

What each kind has learnt is read by the tables that :func:`multilayer.load` reads it by.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from multilayer._core.errors import ModelFileError
from multilayer._persist.values import decode
from multilayer._portable import categories, columns, scaling
from multilayer._portable.inverses import INVERSES
from multilayer._portable.parts import Holder, Part
from multilayer._portable.predictor import Step, Transform
from multilayer._portable.splines import splines
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
    "SplineTransformer": splines,
    "StandardScaler": scaling.standard,
    "TargetEncoder": categories.target_means,
    "TruncatedSVD": columns.singular,
    "VarianceThreshold": columns.above_variance,
}


def read_step(part: Part) -> Step:
    """Return a step of one of these kinds."""
    holder = _read(part)
    names = take_names(part.fitted, holder.n_features_in_)
    with _refusing(part.kind):
        return Step(TRANSFORMERS[part.kind](holder), holder.n_features_in_, names)


def read_inverse(part: Part) -> Step:
    """Return what undoes a step of one of the kinds that can be undone."""
    holder = _read(part)
    projects = "components_" in vars(holder)
    n_columns = len(holder.components_) if projects else holder.n_features_in_
    with _refusing(part.kind):
        return Step(INVERSES[part.kind](holder), n_columns, None)


def _read(part: Part) -> Holder:
    return held(find(part.kind), part.params, part.fitted, part.arrays)


@contextmanager
def _refusing(kind: str) -> Iterator[None]:
    """Refuse arguments of a type that scikit-learn refuses."""
    try:
        yield
    except ModelFileError:
        raise
    except (TypeError, ValueError) as error:
        raise ModelFileError(f"its {kind} has an argument out of range: {error}") from error


def held(declared: Declared, params: Values, fitted: Values, arrays: Arrays) -> Holder:
    """Return the arguments and attributes of a step, the attributes checked."""
    values = {name: _argument(value) for name, value in params.items()}
    n_features = take_count(fitted, "n_features")
    holder = Holder(declared.name, {**values, "n_features_in_": n_features})
    with _refusing(declared.name):
        declared.check(holder)
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
