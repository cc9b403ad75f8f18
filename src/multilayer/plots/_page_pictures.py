"""Pictures for a page in a browser: SVG, of a width that a phone shows without making it small."""

import io
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.calibration import CalibrationDisplay
from sklearn.metrics import PredictionErrorDisplay

from multilayer._search.search_cv import MLPSearchCV
from multilayer._sklearn.network.importances import FeatureImportances
from multilayer.plots._axes import pyplot
from multilayer.plots._curves import PANELS, LearningCurvesDisplay
from multilayer.plots._inspection import BAR, CoverageDisplay, ImportanceDisplay
from multilayer.plots._search_displays import ParallelCoordinatesDisplay, SearchCurvesDisplay
from multilayer.plots._searches import parameter_importances

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDE, SQUARE, PAGE = (4.3, 3.0), (4.3, 3.7), (9.0, 3.8)  # widths and heights in inches
STYLE: Mapping[str, Any] = {
    "font.size": 9,
    "legend.fontsize": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.fonttype": "none",  # text stays text: the browser has the letters that a font here lacks
    "svg.hashsalt": "multilayer",  # the same picture has the same bytes
}
DOTS_PER_INCH = 150  # of what is drawn dot by dot within
MOST_ROWS = 2000  # drawn, each as a dot
MOST_BARS = 20
N_GROUPS = 10  # of rows, in a calibration curve


def as_svg(size: tuple[float, float], draw: "Callable[[Axes], object]") -> bytes:
    """Return an SVG file of one axes; ``size`` is the width and the height in inches."""
    with pyplot().rc_context(dict(STYLE)), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from")
        figure = pyplot().Figure(figsize=size, layout="constrained")
        draw(figure.subplots())
        file = io.BytesIO()
        figure.savefig(file, format="svg", dpi=DOTS_PER_INCH, metadata={"Date": None})
    return file.getvalue()


def calibration(happened: np.ndarray, probability: np.ndarray) -> bytes:
    """Return the calibration curve of probabilities ``(rows,)`` of what happened or did not."""

    def draw(ax: "Axes") -> None:
        CalibrationDisplay.from_predictions(
            happened.astype(int),
            probability,
            n_bins=N_GROUPS,
            strategy="quantile",
            pos_label=1,
            name="model",
            ax=ax,
        )
        ax.set(xlabel="mean predicted probability", ylabel="share of rows that are")
        ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
        ax.grid(alpha=0.3)

    return as_svg(SQUARE, draw)


def errors(y: np.ndarray, predicted: np.ndarray, *, residuals: bool) -> bytes:
    """Return rows as dots: true numbers or residuals, against predicted numbers."""
    # Dots are an image within: thousands of them as shapes would make the page slow.
    dots = {"s": 9, "alpha": 0.45, "linewidths": 0, "rasterized": True}

    def draw(ax: "Axes") -> None:
        locators = ax.xaxis.get_major_locator(), ax.yaxis.get_major_locator()
        PredictionErrorDisplay.from_predictions(
            y,
            predicted,
            kind="residual_vs_predicted" if residuals else "actual_vs_predicted",
            subsample=min(MOST_ROWS, len(y)),
            random_state=0,
            ax=ax,
            scatter_kwargs=dots,
        )
        # scikit-learn puts five marks between the extremes, at numbers such as 23.61.
        ax.xaxis.set_major_locator(locators[0])
        ax.yaxis.set_major_locator(locators[1])
        ax.set(xlabel="predicted", ylabel="residual" if residuals else "true")
        ax.grid(alpha=0.3)

    return as_svg(SQUARE, draw)


def coverage(nominal: Sequence[float], covered: Sequence[float], n_rows: int) -> bytes:
    """Return the coverage of intervals, for rows of this number."""
    return as_svg(SQUARE, CoverageDisplay(nominal, covered, n_rows=n_rows).plot)


def importances(found: FeatureImportances, score: str) -> bytes:
    """Return the bars of the most important columns."""
    display = ImportanceDisplay(found, top_n=MOST_BARS)

    def draw(ax: "Axes") -> None:
        display.plot(ax, texts={"importance": f"fall of the score ({score})"})
        ax.locator_params(axis="x", nbins=5)

    return as_svg((WIDE[0], BAR * len(display.names) + 0.8), draw)


def curves(
    history: Mapping[str, np.ndarray], chosen: Sequence[int], *, out_of_fold: bool
) -> dict[str, bytes]:
    """Return the curves of "loss" and "score" by these names, those that there are."""
    texts = {}
    if out_of_fold:
        texts = {"validation": "out of fold", "score": "score out of fold"}
    found = {}
    for name, metrics in zip(("loss", "score"), PANELS, strict=True):
        if any(not np.isnan(history[metric]).all() for metric in metrics):
            display = LearningCurvesDisplay({"": history}, metrics=metrics, chosen={"": chosen})

            def draw(ax: "Axes", display: LearningCurvesDisplay = display) -> None:
                display.plot(ax, texts=texts)

            found[name] = as_svg(WIDE, draw)
    return found


# A search ----------------------------------------------------------------------------------------


def search_curves(search: MLPSearchCV) -> bytes:
    """Return the curves of the configurations."""
    return as_svg(SQUARE, lambda ax: SearchCurvesDisplay.from_search(search, ax=ax))


def search_arguments(search: MLPSearchCV) -> bytes:
    """Return the configurations in parallel coordinates, as wide as the page."""
    return as_svg(PAGE, lambda ax: ParallelCoordinatesDisplay.from_search(search, ax=ax))


def search_importances(search: MLPSearchCV) -> bytes:
    """Return the bars of the arguments that matter most."""
    return importances(parameter_importances(search), "R2 of scores predicted")
