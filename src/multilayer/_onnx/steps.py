"""Steps before a network that are converted here, the others being left to skl2onnx.

skl2onnx 1.20 brings some steps to float32 only, where a value on an edge may change sides, and
mixes types when the columns are float64. Here these steps compute in float64 as in scikit-learn.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from skl2onnx.common.data_types import DoubleTensorType
from sklearn import impute, preprocessing
from sklearn.base import BaseEstimator
from sklearn.feature_extraction.text import TfidfTransformer

from multilayer._onnx import encoders, numeric_steps, quantiles, splines
from multilayer._onnx.graph import Graph

if TYPE_CHECKING:
    from skl2onnx.common._container import ModelComponentContainer
    from skl2onnx.common._topology import Operator, Scope, Variable

Converter: TypeAlias = "Callable[[Scope, Operator, ModelComponentContainer], None]"


def converters() -> dict[type, Converter]:
    """Return the functions that add the nodes of steps, by the steps' classes."""
    return {
        TfidfTransformer: _of_numbers(numeric_steps.tfidf),
        impute.MissingIndicator: _of_numbers(numeric_steps.missing_flags),
        impute.SimpleImputer: _of_numbers(numeric_steps.imputed),
        preprocessing.Binarizer: _of_numbers(numeric_steps.binarize),
        preprocessing.KBinsDiscretizer: _of_numbers(numeric_steps.bins),
        preprocessing.Normalizer: _of_numbers(numeric_steps.normalize),
        preprocessing.PolynomialFeatures: _of_numbers(numeric_steps.polynomial),
        preprocessing.PowerTransformer: _of_numbers(numeric_steps.power),
        preprocessing.QuantileTransformer: _of_numbers(quantiles.quantiles),
        preprocessing.SplineTransformer: _of_numbers(splines.splines),
        preprocessing.OneHotEncoder: _of_categories(encoders.one_hot),
        preprocessing.OrdinalEncoder: _of_categories(encoders.ordinal),
        preprocessing.TargetEncoder: _of_categories(encoders.target),
    }


def declare(operator: "Operator") -> None:
    """Declare to skl2onnx the type of what such a step makes."""
    width = len(operator.raw_operator.get_feature_names_out())
    operator.outputs[0].type = DoubleTensorType([None, width])


def _of_numbers(build: Callable[[Graph, BaseEstimator, str], str]) -> Converter:
    def convert(scope: "Scope", operator: "Operator", container: "ModelComponentContainer") -> None:
        graph = Graph(scope, container)
        names = [graph.cast(variable.full_name, "float64") for variable in operator.inputs]
        made = build(graph, operator.raw_operator, graph.beside(names))
        graph.end(made, operator.outputs[0].full_name)

    return convert


def _of_categories(
    build: "Callable[[Graph, BaseEstimator, list[Variable]], str]",
) -> Converter:
    def convert(scope: "Scope", operator: "Operator", container: "ModelComponentContainer") -> None:
        graph = Graph(scope, container)
        made = build(graph, operator.raw_operator, operator.inputs)
        graph.end(made, operator.outputs[0].full_name)

    return convert
