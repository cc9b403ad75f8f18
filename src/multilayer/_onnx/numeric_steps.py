"""Steps of numbers that skl2onnx does not bring to float64, in which scikit-learn has them."""

import numpy as np
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.preprocessing import (
    Binarizer,
    KBinsDiscretizer,
    Normalizer,
    PolynomialFeatures,
    PowerTransformer,
)

from multilayer._onnx.graph import Graph


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
