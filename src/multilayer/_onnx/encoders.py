"""Converters of encoders and splines."""

import math
from collections.abc import Iterator, Sequence
from copy import copy
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from scipy.interpolate import BSpline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, SplineTransformer, TargetEncoder

from multilayer._core.checks import refuse
from multilayer._onnx.graph import Graph, Value

if TYPE_CHECKING:
    from skl2onnx.common._topology import Variable


# Encoders of categories, text or numbers; what an encoder would refuse becomes NaN ---------------


Columns: TypeAlias = "Sequence[Variable]"


def one_hot(graph: Graph, encoder: OneHotEncoder, columns: Columns) -> str:
    """Add a OneHotEncoder."""
    parts: list[str] = []
    for j, place in enumerate(_places(graph, encoder, columns)):
        positions, width = _positions(encoder, j)
        if width == 0:
            continue
        # Not by OneHot: of no rows, ONNX Runtime 1.20 divides by zero there, and the process ends.
        position = graph.node("Gather", positions, place, axis=0)
        position = graph.node("Unsqueeze", position, np.array([1]))
        hot = graph.cast(graph.node("Equal", position, np.arange(width)[None, :]), "float64")
        if encoder.handle_unknown == "error":
            unknown = graph.node("Equal", place, np.array(len(positions) - 1))
            unknown = graph.node("Unsqueeze", unknown, np.array([1]))
            hot = graph.node("Where", unknown, np.array(np.nan), hot)
        parts.append(hot)
    return graph.beside(parts)


def _positions(encoder: OneHotEncoder, j: int) -> tuple[np.ndarray, int]:
    """Return the output column of each category and of an unknown one, and their number.

    A position of that number stands for no column.
    """
    n = len(encoder.categories_[j])
    rare = getattr(encoder, "infrequent_categories_", None)
    rare = [] if rare is None or rare[j] is None else rare[j].tolist()
    is_rare = np.array([category in rare for category in encoder.categories_[j].tolist()])
    dropped = None if encoder.drop_idx_ is None else encoder.drop_idx_[j]
    # Groups of categories with a column each, the infrequent ones together at the end.
    groups = [[i] for i in np.flatnonzero(~is_rare)]
    if rare:
        groups.append(list(np.flatnonzero(is_rare)))
    groups = [group for group in groups if dropped is None or dropped not in group]
    positions = np.full(n + 1, len(groups))
    for position, group in enumerate(groups):
        positions[group] = position
    if rare and encoder.handle_unknown in ("infrequent_if_exist", "warn"):
        positions[n] = positions[np.flatnonzero(is_rare)[0]]
    return positions, len(groups)


def ordinal(graph: Graph, encoder: OrdinalEncoder, columns: Columns) -> str:
    """Add an OrdinalEncoder."""
    # How the encoder itself encodes each category.
    bare = copy(encoder)
    vars(bare).pop("feature_names_in_", None)
    known = encoder.handle_unknown == "use_encoded_value"
    unknown = float(encoder.unknown_value) if known else np.nan
    parts: list[str] = []
    for j, place in enumerate(_places(graph, encoder, columns)):
        categories = encoder.categories_[j]
        rows = np.array([[own[0] for own in encoder.categories_]] * len(categories), object)
        rows[:, j] = categories
        values = np.asarray(bare.transform(rows), np.float64)[:, j]
        coded = graph.node("Gather", np.append(values, unknown), place, axis=0)
        parts.append(graph.node("Unsqueeze", coded, np.array([1])))
    return graph.beside(parts)


def target(graph: Graph, encoder: TargetEncoder, columns: Columns) -> str:
    """Add a TargetEncoder: the mean of the target, or of each class, for a category."""
    means = np.atleast_1d(np.asarray(encoder.target_mean_, np.float64))  # of an unknown category
    parts: list[str] = []
    for j, place in enumerate(_places(graph, encoder, columns)):
        own = encoder.encodings_[j * len(means) : (j + 1) * len(means)]
        table = np.vstack([np.column_stack(own), means])  # (categories + 1, classes)
        parts.append(graph.node("Gather", table, place, axis=0))
    return graph.beside(parts)


def _places(
    graph: Graph, encoder: OneHotEncoder | OrdinalEncoder | TargetEncoder, columns: Columns
) -> Iterator[str]:
    """Add the number of each row's category ``(rows,)``, column by column; after all: unknown."""
    there = (
        graph.column(variable.full_name, i)
        for variable in columns
        for i in range(variable.type.shape[1])
    )
    for column, categories in zip(there, encoder.categories_, strict=True):
        if categories.dtype.kind in "biuf":
            yield _place_of_number(graph, column, categories.astype(np.float64))
        elif all(isinstance(category, str) for category in categories.tolist()):
            yield graph.number_of_text(column, categories.tolist())
        else:
            refuse(
                "categories",
                "all text or all numbers for ONNX, which has no missing text",
                categories,
                "Fill in what is missing with a text of your own.",
            )


def _place_of_number(graph: Graph, column: str, categories: np.ndarray) -> str:
    x = graph.node("Unsqueeze", graph.cast(column, "float64"), np.array([1]))
    same = graph.node("Equal", x, categories[None, :])
    if np.isnan(categories).any():
        nan = graph.node("And", graph.node("IsNaN", x), np.isnan(categories)[None, :])
        same = graph.node("Or", same, nan)
    found = graph.cast(same, "float32")
    # Half a point for "unknown", beside the point of a category.
    half = graph.node("Mul", graph.columns(found, 0, 1), np.array(0.0, np.float32))
    half = graph.node("Add", half, np.array(0.5, np.float32))
    return graph.node("ArgMax", graph.node("Concat", found, half, axis=1), axis=1, keepdims=0)


# SplineTransformer: each column becomes the values of the B-splines on its knots -----------------


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
    """Add the splines as polynomials between knots, the outer ones without an end."""
    starts = np.unique(spline.t[spline.k : -spline.k - 1])
    place = graph.place("GreaterOrEqual", x, starts, len(starts))
    along = graph.node("Sub", x, graph.node("Gather", starts, place))
    place = graph.node("Squeeze", place, np.array([1]))
    taylor = [spline(starts, nu=n) / math.factorial(n) for n in reversed(range(spline.k + 1))]
    return graph.polynomial(along, [graph.node("Gather", table, place) for table in taylor])


def _beyond(
    graph: Graph, transformer: SplineTransformer, spline: BSpline, x: str
) -> tuple[Value, Value] | None:
    """Return the splines below and above the limits, None where they continue."""
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
