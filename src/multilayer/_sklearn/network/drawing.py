"""A fitted network as a table of text and as a drawing."""

from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from multilayer._sklearn.base import BaseMLP
from multilayer._core.activations import record_of

MOST_UNITS = 10  # circles in a column of the drawing
LONGEST_NAME = 20  # characters of a unit's name
LETTER = 6  # width of a letter, about
WIDTH, HEIGHT, RADIUS, MARGIN = 136, 220, 7, 40
EDGE = 3  # room for the outlines of the outermost circles


def rows_of(estimator: "BaseMLP") -> Iterator[tuple[str, int, str, int]]:
    """Name, units, activation and parameters of each layer."""
    network = estimator._network
    sizes = network.layer_sizes
    yield "input", sizes[0], "", 0
    for i in range(network.n_hidden):
        parts = [record_of(network.activations[i]).name]
        parts += [f"{network.norm} norm"] if network.norm else []
        parts += ["residual"] if network.skips(i) else []
        yield f"hidden {i + 1}", sizes[i + 1], ", ".join(parts), n_parameters(estimator, i)
    yield "output", sizes[-1], estimator.out_activation_, n_parameters(estimator, network.n_hidden)


def n_parameters(estimator: "BaseMLP", i: int) -> int:
    """Number of parameters of a layer."""
    arrays = [estimator.coefs_[i], estimator.intercepts_[i]]
    for name in ("norm_scales_", "norm_shifts_"):
        arrays += getattr(estimator, name, [])[i : i + 1]
    return sum(array.size for array in arrays)


def summary(estimator: "BaseMLP") -> str:
    """Table of the layers."""
    lines = [(f"{type(estimator).__name__}", "units", "activation", "parameters")]
    lines += [
        (name, f"{n:,}", how, f"{m:,}" if m else "") for name, n, how, m in rows_of(estimator)
    ]
    lines += [("total", "", "", f"{estimator.n_parameters_:,}")]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rule = "  ".join("-" * width for width in widths)
    text = [
        "  ".join(
            (
                name.ljust(widths[0]),
                units.rjust(widths[1]),
                how.ljust(widths[2]),
                m.rjust(widths[3]),
            )
        ).rstrip()
        for name, units, how, m in lines
    ]
    return "\n".join([text[0], rule, *text[1:-1], rule, text[-1]])


def names_of_units(estimator: "BaseMLP") -> tuple[list[str], list[str]]:
    """Names of the inputs and of the outputs, as far as they are known: features and classes."""
    classes = getattr(estimator, "classes_", [])
    each = classes if isinstance(classes, list) else [classes]
    outputs = [str(label) for own in each for label in own]
    if estimator.n_outputs_ == 1:  # the logit of the second of two classes
        outputs = outputs[1:]
    return [str(name) for name in getattr(estimator, "feature_names_in_", [])], outputs


def shown_units(n: int) -> list[int]:
    """Numbers of the units that are drawn: all, or the first and the last ones."""
    if n <= MOST_UNITS:
        return list(range(n))
    half = MOST_UNITS // 2
    return [*range(half), *range(n - half, n)]


def places(n: int) -> list[float]:
    """Heights of the drawn units of a layer, with a gap where some are left out."""
    count = len(shown_units(n))
    slots = count + (1 if n > MOST_UNITS else 0)
    step = min(24.0, (HEIGHT - 2 * RADIUS) / max(1, slots - 1))
    top = HEIGHT / 2 - step * (slots - 1) / 2
    gap = MOST_UNITS // 2 if n > MOST_UNITS else count
    return [top + step * (i + (i >= gap)) for i in range(count)]


def svg(estimator: "BaseMLP") -> str:
    """Drawing of the network: units as circles, weights as lines, strong ones thicker.

    Blue lines are positive weights, red ones negative; opacity is relative to the largest weight
    drawn between the two layers.
    """
    rows = list(rows_of(estimator))
    names = names_of_units(estimator)
    left, right = (
        MARGIN + LETTER * max((min(len(name), LONGEST_NAME) for name in own), default=0)
        for own in names
    )
    columns = [left + WIDTH * i for i in range(len(rows))]
    heights = [places(n) for _, n, _, _ in rows]
    lines = [
        line
        for i, kernel in enumerate(estimator.coefs_)
        for line in weights(kernel, columns[i : i + 2], heights[i : i + 2])
    ]
    circles = [
        f'<circle cx="{x}" cy="{y:.1f}" r="{RADIUS}" fill="#fff" stroke="#555"/>'
        for x, column in zip(columns, heights, strict=True)
        for y in column
    ]
    texts = [part for x, row in zip(columns, rows, strict=True) for part in captions(x, row)]
    texts += labels(names[0], columns[0] - RADIUS - 4, heights[0], "end")
    texts += labels(names[1], columns[-1] + RADIUS + 4, heights[-1], "start")
    width, height = columns[-1] + right, HEIGHT + 44 + EDGE
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 {-EDGE} {width} {height}" '
        f'width="{width}" height="{height}" role="img" font-family="sans-serif" font-size="10" '
        f'text-anchor="middle" style="background:#fff">'
        f"<title>{escape(type(estimator).__name__)}: "
        f"{'-'.join(str(n) for _, n, _, _ in rows)}</title>"
        f"{''.join(lines + circles + texts)}</svg>"
    )


def weights(kernel: np.ndarray, x: list[int], y: list[list[float]]) -> Iterator[str]:
    """Lines of the weights between the units that are drawn."""
    drawn = kernel[np.ix_(*(shown_units(n) for n in kernel.shape))]
    largest = float(np.abs(drawn).max()) or 1.0
    for i, row in enumerate(drawn):
        for j, weight in enumerate(row):
            share = abs(float(weight)) / largest
            yield (
                f'<line x1="{x[0]}" y1="{y[0][i]:.1f}" x2="{x[1]}" y2="{y[1][j]:.1f}" '
                f'stroke="{"#2b6cb0" if weight >= 0 else "#c53030"}" '
                f'stroke-width="{0.3 + 1.5 * share:.2f}" opacity="{0.1 + 0.8 * share:.2f}"/>'
            )


def labels(names: list[str], x: int, heights: list[float], anchor: str) -> Iterator[str]:
    """Names beside the units that are drawn, long ones shortened."""
    if not names:
        return
    for i, y in zip(shown_units(len(names)), heights, strict=True):
        name = names[i]
        short = name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}\u2026"
        yield (
            f'<text x="{x}" y="{y + 3:.1f}" text-anchor="{anchor}">'
            f"<title>{escape(name)}</title>{escape(short)}</text>"
        )


def captions(x: int, row: tuple[str, int, str, int]) -> Iterator[str]:
    """Words below a column, and dots where units are left out."""
    name, n, how, _ = row
    if n > MOST_UNITS:
        yield f'<text x="{x}" y="{HEIGHT / 2 + 4:.0f}" font-size="16">&#8942;</text>'
    yield f'<text x="{x}" y="{HEIGHT + 16}">{escape(name)}</text>'
    yield f'<text x="{x}" y="{HEIGHT + 28}">{n:,}</text>'
    yield f'<text x="{x}" y="{HEIGHT + 40}" fill="#777">{escape(how)}</text>'
