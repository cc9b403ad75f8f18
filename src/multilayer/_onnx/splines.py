"""SplineTransformer: each column becomes the values of the B-splines on its knots."""

import math

import numpy as np
from scipy.interpolate import BSpline
from sklearn.preprocessing import SplineTransformer

from multilayer._core.checks import refuse
from multilayer._onnx.graph import Graph, Value


def splines(graph: Graph, transformer: SplineTransformer, x: str) -> str:
    """Add a SplineTransformer; what it refuses to extrapolate becomes NaN."""
    linear = transformer.extrapolation == "linear"
    if linear and transformer.degree < 2 and len(transformer.bsplines_) > 1:
        # scikit-learn counts up the degree from column to column there, and so shifts the limits.
        rule = 'above 1 for ONNX where several columns have extrapolation="linear"'
        refuse("degree", rule, transformer.degree, "Take degree=2, or another extrapolation.")
    if transformer.extrapolation == "continue":
        for spline in transformer.bsplines_:
            first = spline.t[spline.k : spline.k + 2]
            if first[0] == first[1]:  # what goes on below would be a piece of no width
                rule = 'of different values at their start for ONNX with extrapolation="continue"'
                refuse("knots", rule, first, "Take uniform knots, or another extrapolation.")
    parts = [
        _column(graph, transformer, spline, graph.columns(x, i, i + 1))
        for i, spline in enumerate(transformer.bsplines_)
    ]
    return graph.beside(parts)


def _column(graph: Graph, transformer: SplineTransformer, spline: BSpline, x: str) -> str:
    """Add the splines of a column ``(rows, 1)``."""
    low, high = _limits(spline)
    inside = x
    if transformer.extrapolation == "periodic" and high > low:
        inside = _wrapped(graph, x, low, high)
    made = _values(graph, spline, inside)
    ends = _beyond(graph, transformer, spline, x)
    if ends is not None:
        below, above = ends
        made = graph.node("Where", graph.node("Less", x, np.array(low)), below, made)
        made = graph.node("Where", graph.node("Greater", x, np.array(high)), above, made)
    if getattr(transformer, "handle_missing", "error") == "zeros":  # new in scikit-learn 1.8
        made = graph.node("Where", graph.node("IsNaN", x), np.array(0.0), made)
    if transformer.include_bias:
        return made
    return graph.columns(made, 0, spline.c.shape[1] - 1)


def _limits(spline: BSpline) -> tuple[float, float]:
    """Return the first and the last knot between which the splines add up to 1."""
    return float(spline.t[spline.k]), float(spline.t[-spline.k - 1])


def _wrapped(graph: Graph, x: str, low: float, high: float) -> str:
    """Add the place within the first period; the operator has the sign of what it divides."""
    period = np.array(high - low)
    rest = graph.node("Mod", graph.node("Sub", x, np.array(low)), period, fmod=1)
    before = graph.node("Less", rest, np.array(0.0))
    rest = graph.node("Where", before, graph.node("Add", rest, period), rest)
    return graph.node("Add", rest, np.array(low))


def _values(graph: Graph, spline: BSpline, x: str) -> str:
    """Add the splines as polynomials between knots, the outer ones going on for ever."""
    starts = np.unique(spline.t[spline.k : -spline.k - 1])
    place = graph.place("GreaterOrEqual", x, starts, len(starts))
    along = graph.node("Sub", x, graph.node("Gather", starts, place))
    place = graph.node("Squeeze", place, np.array([1]))
    taylor = [spline(starts, nu=n) / math.factorial(n) for n in reversed(range(spline.k + 1))]
    return graph.polynomial(along, [graph.node("Gather", table, place) for table in taylor])


def _beyond(
    graph: Graph, transformer: SplineTransformer, spline: BSpline, x: str
) -> tuple[Value, Value] | None:
    """Return the splines below and above the limits, None where they go on."""
    low, high = _limits(spline)
    if transformer.extrapolation == "error":
        return np.array(np.nan), np.array(np.nan)
    if transformer.extrapolation not in ("constant", "linear"):
        return None
    n_splines, degree = spline.c.shape[1], spline.k
    linear = transformer.extrapolation == "linear"
    n_kept = degree + 1 if linear and degree < 2 else degree
    numbers = np.arange(n_splines)
    ends: list[Value] = []
    for limit, kept in ((low, numbers < n_kept), (high, numbers >= n_splines - n_kept)):
        value: Value = np.where(kept, spline(limit), 0.0)
        if linear:
            along = graph.node("Sub", x, np.array(limit))
            slope = np.where(kept, spline(limit, nu=1), 0.0)
            value = graph.node("Add", graph.node("Mul", along, slope), value)
        ends.append(value)
    return ends[0], ends[1]
