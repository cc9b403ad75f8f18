"""QuantileTransformer: shares of the values below a value, or normal deviates of those."""

import numpy as np
from sklearn.preprocessing import QuantileTransformer

from multilayer._onnx.graph import Graph

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
