"""Steps of numbers that skl2onnx does not bring to float64, in which scikit-learn has them."""

from typing import Any

import numpy as np

from multilayer._core.checks import refuse
from multilayer._onnx.graph import Graph


def impute(graph: Graph, imputer: Any, x: str) -> str:
    """Add a SimpleImputer: what is missing becomes the statistic of its column."""
    statistics = np.asarray(imputer.statistics_, np.float64)
    missing = _missing(graph, imputer.missing_values, x)
    filled = graph.node("Where", missing, statistics, x)
    there = np.flatnonzero(~np.isnan(statistics))
    if len(there) < len(statistics):  # columns without any value are left out
        filled = graph.node("Gather", filled, there, axis=1)
    if imputer.indicator_ is None:
        return filled
    flags = graph.node("Gather", missing, np.asarray(imputer.indicator_.features_), axis=1)
    return graph.node("Concat", filled, graph.cast(flags, "float64"), axis=1)


def _missing(graph: Graph, marker: Any, x: str) -> str:
    if isinstance(marker, float) and np.isnan(marker):
        return graph.node("IsNaN", x)
    return graph.node("Equal", x, np.array(marker, np.float64))


def binarize(graph: Graph, binarizer: Any, x: str) -> str:
    """Add a Binarizer: what is above the threshold becomes 1, all else 0."""
    return graph.cast(
        graph.node("Greater", x, np.array(binarizer.threshold, np.float64)), "float64"
    )


def bins(graph: Graph, binner: Any, x: str) -> str:
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


def polynomial(graph: Graph, features: Any, x: str) -> str:
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


def power(graph: Graph, transformer: Any, x: str) -> str:
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


def quantiles(graph: Graph, transformer: Any, x: str) -> str:
    """Add a QuantileTransformer to the uniform distribution."""
    if transformer.output_distribution != "uniform":
        refuse(
            "output_distribution",
            "'uniform' for ONNX, which has no inverse of the normal distribution",
            transformer.output_distribution,
        )
    marks = np.asarray(transformer.quantiles_, np.float64)  # (quantiles, columns)
    parts = [
        _share(graph, graph.columns(x, i, i + 1), own, transformer.references_)
        for i, own in enumerate(marks.T)
    ]
    return graph.beside(parts)


def _share(graph: Graph, x: str, marks: np.ndarray, shares: np.ndarray) -> str:
    """Add the share of values below those of a column ``(rows, 1)``, between marks linearly.

    Where marks are equal the mean of the first and the last one's, as in scikit-learn.
    """
    if len(marks) == 1 or marks[0] == marks[-1]:
        above = graph.node("Greater", x, marks[-1:])
        return graph.cast(above, "float64")
    widths = np.diff(marks)
    slopes = np.divide(np.diff(shares), widths, out=np.zeros_like(widths), where=widths > 0)
    sides = []
    for op, anchor in (("GreaterOrEqual", 0), ("Greater", 1)):
        reached = graph.cast(graph.node(op, x, marks[None, :]), "float32")  # (rows, marks)
        count = graph.node("ReduceSum", reached, np.array([1]), keepdims=1)
        place = graph.node("Sub", graph.cast(count, "int64"), np.array(1))
        place = graph.node("Clip", place, np.array(0), np.array(len(widths) - 1))
        base, start, slope = (
            graph.node("Gather", table, place)
            for table in (marks[anchor:], shares[anchor:], slopes)
        )
        rise = graph.node("Mul", graph.node("Sub", x, base), slope)
        sides.append(graph.node("Add", start, rise))
    mean = graph.node("Mul", graph.node("Add", *sides), np.array(0.5))
    inside = graph.node("Where", graph.node("GreaterOrEqual", x, marks[-1:]), np.array(1.0), mean)
    return graph.node("Where", graph.node("LessOrEqual", x, marks[:1]), np.array(0.0), inside)
