"""Converters of preprocessing that skl2onnx gets wrong in float64."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from skl2onnx.common.data_types import DoubleTensorType
from sklearn import impute, preprocessing
from sklearn.base import BaseEstimator
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.preprocessing import (
    Binarizer,
    KBinsDiscretizer,
    Normalizer,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
)

from multilayer._onnx import encoders
from multilayer._onnx.graph import Graph

if TYPE_CHECKING:
    from skl2onnx.common._container import ModelComponentContainer
    from skl2onnx.common._topology import Operator, Scope, Variable


# Numeric steps that skl2onnx does not compute in float64, as scikit-learn does -------------------


def imputed(graph: Graph, imputer: SimpleImputer, x: str) -> str:
    """Add a SimpleImputer: what is missing becomes the statistic of its column."""
    statistics = np.asarray(imputer.statistics_, np.float64)
    missing = _missing(graph, imputer.missing_values, x)
    filled = graph.node("Where", missing, statistics, x)
    there = np.flatnonzero(~np.isnan(statistics))
    if len(there) < len(statistics):  # columns without any value are left out
        filled = graph.node("Gather", filled, there, axis=1)
    if imputer.indicator_ is None:
        return filled
    return graph.beside([filled, _flags(graph, imputer.indicator_, missing)])


def _missing(graph: Graph, marker: object, x: str) -> str:
    if isinstance(marker, float) and np.isnan(marker):
        return graph.node("IsNaN", x)
    return graph.node("Equal", x, np.array(marker, np.float64))


def missing_flags(graph: Graph, indicator: MissingIndicator, x: str) -> str:
    """Add a MissingIndicator: 1 where a value is missing."""
    return _flags(graph, indicator, _missing(graph, indicator.missing_values, x))


def _flags(graph: Graph, indicator: MissingIndicator, missing: str) -> str:
    flags = graph.node("Gather", missing, np.asarray(indicator.features_), axis=1)
    return graph.cast(flags, "float64")


def normalize(graph: Graph, normalizer: Normalizer, x: str) -> str:
    """Add a Normalizer."""
    return _divided_by_norms(graph, x, normalizer.norm)


def tfidf(graph: Graph, transformer: TfidfTransformer, x: str) -> str:
    """Add a TfidfTransformer: weighted counts of words."""
    if transformer.sublinear_tf:
        none = graph.node("Equal", x, np.array(0.0))
        logarithm = graph.node("Log", graph.node("Where", none, np.array(1.0), x))
        logarithm = graph.node("Add", logarithm, np.array(1.0))
        x = graph.node("Where", none, np.array(0.0), logarithm)
    if transformer.use_idf:
        x = graph.node("Mul", x, np.asarray(transformer.idf_, np.float64))
    return x if transformer.norm is None else _divided_by_norms(graph, x, transformer.norm)


def _divided_by_norms(graph: Graph, x: str, norm: str) -> str:
    """Add rows divided by their norms, unless those are next to 0."""
    if norm == "l2":
        norms = graph.node("Sqrt", graph.over_columns("ReduceSum", graph.node("Mul", x, x)))
    else:
        op = {"l1": "ReduceSum", "max": "ReduceMax"}[norm]
        norms = graph.over_columns(op, graph.node("Abs", x))
    # As scikit-learn has it, see sklearn.preprocessing._data._handle_zeros_in_scale.
    zero = graph.node("Less", norms, np.array(10 * np.finfo(np.float64).eps))
    return graph.node("Div", x, graph.node("Where", zero, np.array(1.0), norms))


def binarize(graph: Graph, binarizer: Binarizer, x: str) -> str:
    """Add a Binarizer: what is above the threshold becomes 1, all else 0."""
    return graph.cast(
        graph.node("Greater", x, np.array(binarizer.threshold, np.float64)), "float64"
    )


def bins(graph: Graph, binner: KBinsDiscretizer, x: str) -> str:
    """Add a KBinsDiscretizer: the number of inner edges at or below a value is its bin."""
    inner = [edges[1:-1] for edges in binner.bin_edges_]
    table = np.full((len(inner), max(1, *map(len, inner))), np.inf)
    for row, edges in zip(table, inner, strict=True):
        row[: len(edges)] = edges
    reached = graph.node("GreaterOrEqual", graph.node("Unsqueeze", x, np.array([2])), table)
    numbers = graph.node("ReduceSum", graph.cast(reached, "float64"), np.array([2]), keepdims=0)
    if binner.encode == "ordinal":
        return numbers
    counts = binner.n_bins_.astype(int)
    spread = graph.node("Gather", numbers, np.repeat(np.arange(len(counts)), counts), axis=1)
    own = np.concatenate([np.arange(count, dtype=np.float64) for count in counts])
    return graph.cast(graph.node("Equal", spread, own), "float64")


def polynomial(graph: Graph, features: PolynomialFeatures, x: str) -> str:
    """Add PolynomialFeatures: each output is a product of columns, filled up with ones."""
    powers = features.powers_  # (outputs, columns)
    n_columns = powers.shape[1]
    one = graph.node("Pow", graph.columns(x, 0, 1), np.array(0.0))  # x**0
    factors = graph.node("Concat", x, one, axis=1)
    degree = max(1, int(powers.sum(axis=1).max()))
    places = np.full((len(powers), degree), n_columns)
    for row, exponents in zip(places, powers, strict=True):
        columns = np.repeat(np.arange(n_columns), exponents)
        row[: len(columns)] = columns
    product = graph.node("Gather", factors, places[:, 0], axis=1)
    for column in places.T[1:]:
        product = graph.node("Mul", product, graph.node("Gather", factors, column, axis=1))
    return product


def power(graph: Graph, transformer: PowerTransformer, x: str) -> str:
    """Add a PowerTransformer (Box and Cox, 1964; Yeo and Johnson, 2000)."""
    lambdas = np.asarray(transformer.lambdas_, np.float64)
    if transformer.method == "box-cox":
        y = _box_cox(graph, x, lambdas)
    else:
        # Box-Cox of 1 + x above 0, and its mirror image below; each is 0 at 0.
        above = graph.node("Max", x, np.array(0.0))
        below = graph.node("Max", graph.node("Neg", x), np.array(0.0))
        parts = [
            _box_cox(graph, graph.node("Add", part, np.array(1.0)), exponents)
            for part, exponents in ((above, lambdas), (below, 2.0 - lambdas))
        ]
        y = graph.node("Sub", *parts)
    if not transformer.standardize:
        return y
    scaler = transformer._scaler
    return graph.node("Div", graph.node("Sub", y, scaler.mean_), scaler.scale_)


def _box_cox(graph: Graph, x: str, lambdas: np.ndarray) -> str:
    """Add ``(x**lambda - 1) / lambda``, or ``log(x)`` where lambda is 0."""
    logarithm = np.abs(lambdas) < np.finfo(np.float64).eps
    exponents = np.where(logarithm, 1.0, lambdas)
    raised = graph.node("Sub", graph.node("Pow", x, exponents), np.array(1.0))
    raised = graph.node("Div", raised, exponents)
    if not logarithm.any():
        return raised
    return graph.node("Where", logarithm, graph.node("Log", x), raised)


# QuantileTransformer: shares of the values below a value, or normal deviates of those ------------


EDGE = 1e-7
"""Values so near the outer quantiles count as those, in a transformation to the normal."""

# The inverse of the normal distribution function, for shares above 1e-11: Wichura (1988), "The
# percentage points of the normal distribution", Applied Statistics 37, 477-484, algorithm AS 241,
# function PPND16. Numerators and denominators, the highest power first.
CENTRE = (
    (
        2.5090809287301226727e3,
        3.3430575583588128105e4,
        6.7265770927008700853e4,
        4.5921953931549871457e4,
        1.3731693765509461125e4,
        1.9715909503065514427e3,
        1.3314166789178437745e2,
        3.3871328727963666080e0,
    ),
    (
        5.2264952788528545610e3,
        2.8729085735721942674e4,
        3.9307895800092710610e4,
        2.1213794301586595867e4,
        5.3941960214247511077e3,
        6.8718700749205790830e2,
        4.2313330701600911252e1,
        1.0,
    ),
)
TAIL = (
    (
        7.74545014278341407640e-4,
        2.27238449892691845833e-2,
        2.41780725177450611770e-1,
        1.27045825245236838258e0,
        3.64784832476320460504e0,
        5.76949722146069140550e0,
        4.63033784615654529590e0,
        1.42343711074968357734e0,
    ),
    (
        1.05075007164441684324e-9,
        5.47593808499534494600e-4,
        1.51986665636164571966e-2,
        1.48103976427480074590e-1,
        6.89767334985100004550e-1,
        1.67638483018380384940e0,
        2.05319162663775882187e0,
        1.0,
    ),
)


def quantiles(graph: Graph, transformer: QuantileTransformer, x: str) -> str:
    """Add a QuantileTransformer."""
    normal = transformer.output_distribution == "normal"
    edge = EDGE if normal else 0.0
    marks = np.asarray(transformer.quantiles_, np.float64)  # (quantiles, columns)
    parts = [
        _share(graph, graph.columns(x, i, i + 1), own, transformer.references_, edge)
        for i, own in enumerate(marks.T)
    ]
    shares = graph.beside(parts)
    return normal_deviates(graph, shares) if normal else shares


def _share(graph: Graph, x: str, marks: np.ndarray, shares: np.ndarray, edge: float) -> str:
    """Add the share of values below those of a column ``(rows, 1)``; missing ones stay so.

    It is 0 up to the first mark, 1 from the last one, and `edge` earlier.
    """
    between = x if marks[0] == marks[-1] else _interpolated(graph, x, marks, shares)
    if edge:
        low = graph.node("Less", graph.node("Sub", x, np.array(edge)), marks[:1])
        high = graph.node("Greater", graph.node("Add", x, np.array(edge)), marks[-1:])
    else:
        low = graph.node("LessOrEqual", x, marks[:1])
        high = graph.node("GreaterOrEqual", x, marks[-1:])
    between = graph.node("Where", high, np.array(1.0), between)
    return graph.node("Where", low, np.array(0.0), between)


def _interpolated(graph: Graph, x: str, marks: np.ndarray, shares: np.ndarray) -> str:
    """Add shares between marks linearly.

    Where marks are equal the mean of the first and the last one's, as in scikit-learn.
    """
    widths = np.diff(marks)
    slopes = np.divide(np.diff(shares), widths, out=np.zeros_like(widths), where=widths > 0)
    sides = []
    for op, anchor in (("GreaterOrEqual", 0), ("Greater", 1)):
        place = graph.place(op, x, marks, len(widths))
        base, start, slope = (
            graph.node("Gather", table, place)
            for table in (marks[anchor:], shares[anchor:], slopes)
        )
        rise = graph.node("Mul", graph.node("Sub", x, base), slope)
        sides.append(graph.node("Add", start, rise))
    return graph.node("Mul", graph.node("Add", *sides), np.array(0.5))


def normal_deviates(graph: Graph, shares: str) -> str:
    """Add the inverse of the normal distribution function, of shares cut off near 0 and 1."""
    # The bounds of scikit-learn, which cuts off what they map to.
    lowest = EDGE - np.spacing(1)
    for op, bound in (("Less", lowest), ("Greater", 1 - lowest)):
        beyond = graph.node(op, shares, np.array(bound))
        shares = graph.node("Where", beyond, np.array(bound), shares)
    q = graph.node("Sub", shares, np.array(0.5))
    square = graph.node("Sub", np.array(0.180625), graph.node("Mul", q, q))
    centre = graph.node("Mul", q, _ratio(graph, square, CENTRE))
    lower = graph.node("Less", q, np.array(0.0))
    rest = graph.node("Where", lower, shares, graph.node("Sub", np.array(1.0), shares))
    root = graph.node("Sqrt", graph.node("Neg", graph.node("Log", rest)))
    tail = _ratio(graph, graph.node("Sub", root, np.array(1.6)), TAIL)
    tail = graph.node("Where", lower, graph.node("Neg", tail), tail)
    near = graph.node("LessOrEqual", graph.node("Abs", q), np.array(0.425))
    return graph.node("Where", near, centre, tail)


def _ratio(graph: Graph, x: str, powers: tuple[tuple[float, ...], tuple[float, ...]]) -> str:
    """Add a quotient of two polynomials."""
    numerator, denominator = (graph.polynomial(x, [np.array(c) for c in own]) for own in powers)
    return graph.node("Div", numerator, denominator)


# Steps before a network that are converted here; the others are left to skl2onnx -----------------
#
# skl2onnx 1.20 brings some steps to float32 only, where a value on an edge may change sides, and
# mixes types when the columns are float64. Here these steps compute in float64 as in scikit-learn.


Converter: TypeAlias = "Callable[[Scope, Operator, ModelComponentContainer], None]"


def converters() -> dict[type, Converter]:
    """Return the functions that add the nodes of steps, by the steps' classes."""
    return {
        TfidfTransformer: _of_numbers(tfidf),
        impute.MissingIndicator: _of_numbers(missing_flags),
        impute.SimpleImputer: _of_numbers(imputed),
        preprocessing.Binarizer: _of_numbers(binarize),
        preprocessing.KBinsDiscretizer: _of_numbers(bins),
        preprocessing.Normalizer: _of_numbers(normalize),
        preprocessing.PolynomialFeatures: _of_numbers(polynomial),
        preprocessing.PowerTransformer: _of_numbers(power),
        preprocessing.QuantileTransformer: _of_numbers(quantiles),
        preprocessing.SplineTransformer: _of_numbers(encoders.splines),
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
