"""Mean rank against the time of a fit, a labelled point for each contender."""

from __future__ import annotations

from pathlib import Path
from statistics import median

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator
from matplotlib.transforms import Bbox

from . import ranks
from .contenders import TITLES
from .report import METRICS, OURS, Metric, Results
from .results import Result

OWN_COLOUR, TREES, NETWORKS = "#c8342b", "#2f6f9f", "#6b6b6b"
TREE_CONTENDERS = ("histgb", "lightgbm", "xgboost", "catboost")
MARGIN, DOT = 6, 12  # pixels: between a label and the edge of its panel; half a dot's box
# Where a label may stand, in points from its dot, and how it is aligned; the first that fits.
PLACES = (
    (9, 0, "left", "center"),
    (-9, 0, "right", "center"),
    (0, 9, "center", "bottom"),
    (0, -9, "center", "top"),
    (7, 8, "left", "bottom"),
    (-7, 8, "right", "bottom"),
    (7, -8, "left", "top"),
    (-7, -8, "right", "top"),
    (0, 20, "center", "bottom"),
    (0, -20, "center", "top"),
)


def colour(name: str) -> str:
    if name == OURS:
        return OWN_COLOUR
    return TREES if name in TREE_CONTENDERS else NETWORKS


def place_labels(axes: Axes, points: dict[str, tuple[float, float]]) -> None:
    """Label each point where the text is inside the axes and meets no dot and no other label."""
    figure = axes.get_figure()
    figure.draw_without_rendering()
    renderer = FigureCanvasAgg(figure).get_renderer()
    inside = axes.get_window_extent(renderer).padded(-MARGIN)
    dots = {name: axes.transData.transform(xy) for name, xy in points.items()}
    taken = [Bbox.from_extents(x - DOT, y - DOT, x + DOT, y + DOT) for x, y in dots.values()]
    for name, xy in points.items():
        for dx, dy, horizontal, vertical in PLACES:
            label = axes.annotate(
                TITLES[name],
                xy,
                (dx, dy),
                textcoords="offset points",
                ha=horizontal,
                va=vertical,
                color=colour(name),
                fontsize=10,
                fontweight="bold" if name == OURS else "normal",
            )
            box = label.get_window_extent(renderer)
            fits = inside.x0 < box.x0 and box.x1 < inside.x1
            fits = fits and inside.y0 < box.y0 and box.y1 < inside.y1
            if fits and not any(box.overlaps(other) for other in taken):
                break
            label.remove()
        else:
            raise ValueError(f"the picture has no room for the label of {name}")
        taken.append(box)


def panel(axes: Axes, results: Results, metric: Metric) -> None:
    """One metric: seconds to the right, worse ranks upwards."""
    scores = results.common_scores(metric)
    keys = ranks.common_keys(scores)
    mean_rank = ranks.mean_ranks(scores)
    points = {}
    for name in scores:
        cpu = {key: results.by_contender[name][key].fit_cpu for key in keys}
        points[name] = (median(ranks.table_means(cpu, keys).values()), mean_rank[name])
    for name, (x, y) in points.items():
        axes.scatter(x, y, s=80 if name == OURS else 50, color=colour(name), zorder=3)
    n_tables = len({table for table, _ in keys})
    axes.set_title(
        f"{metric.title}, {n_tables} table{'s' * (n_tables != 1)}", loc="left", fontsize=11
    )
    axes.set_xscale("log")
    xs, ys = zip(*points.values(), strict=True)
    axes.set_xlim(min(xs) / 2.5, max(xs) * 2.5)
    axes.set_ylim(min(ys) - 0.6, max(ys) + 0.6)
    axes.invert_yaxis()
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 3.0)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter("")
    axes.set_xlabel("median processor seconds of a fit")
    axes.grid(color="#e6e6e6", linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)
    place_labels(axes, points)


def draw(found: list[Result], file: Path) -> None:
    """Draw a panel for all tables, and one for the log loss of classifications."""
    results = Results(found)
    metrics = [metric for metric in METRICS[:2] if results.common_scores(metric)]
    if not metrics:
        raise ValueError("the contenders have no split in common: choose fewer with --contenders")
    figure = Figure(figsize=(5.6 * len(metrics), 4.4), dpi=150, layout="constrained")
    panels = figure.subplots(1, len(metrics), squeeze=False)[0]
    kinds = {"gradient boosting": TREES, "neural networks": NETWORKS}
    dots = [Line2D([], [], marker="o", linestyle="", color=c, label=k) for k, c in kinds.items()]
    figure.legend(handles=dots, loc="outside lower center", ncols=len(dots), frameon=False)
    panels[0].set_ylabel("mean rank (1 is best)")
    for axes, metric in zip(panels, metrics, strict=True):
        panel(axes, results, metric)
    figure.savefig(file, facecolor="white")
