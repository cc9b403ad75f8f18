"""Learning curves."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeAlias

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from multilayer._core.checks import check_choice, check_integer, refuse
from multilayer.plots._axes import AxesLike, legend_beside, row_of_axes, words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame


# The curves of training runs: the data of a plot -------------------------------------------------


History: TypeAlias = "Mapping[str, npt.ArrayLike] | DataFrame"
"""Columns of figures, a row for each epoch."""


class Curve(NamedTuple):
    """A column of a run's history."""

    run: str
    metric: str
    x: np.ndarray  # (n_epochs,)
    y: np.ndarray  # (n_epochs,)
    chosen: tuple[int, ...] = ()  # epochs whose networks are used


def history_of(name: str, given: "BaseEstimator | History") -> History:
    """Return the history of a fitted network, or the one given: a dict or a DataFrame."""
    if isinstance(given, Pipeline):
        given = given[-1]
    history = getattr(given, "history_", given)
    if not isinstance(history, Mapping) and not hasattr(history, "columns"):
        rule = "a fitted MLPClassifier, MLPRegressor, TabularClassifier or TabularRegressor"
        refuse(name, rule, given, "Call fit first.")
    return history


def chosen_by(given: "BaseEstimator | History") -> Sequence[int]:
    """Return the epochs whose networks an estimator has restored, as far as it knows them."""
    if isinstance(given, Pipeline):
        given = given[-1]
    return getattr(given, "_chosen_epochs", ())


def curves_of(
    run: str, history: History, metrics: Sequence[str], x: str, chosen: Sequence[int] = ()
) -> Iterator[Curve]:
    """Yield those columns of a history that are there and have numbers."""
    for metric in metrics:
        if metric not in history:
            continue
        y = np.asarray(history[metric], float)
        if not np.isnan(y).all():
            for epoch in chosen:
                check_integer(f"chosen[{run!r}]", epoch, 0, len(y) - 1)
            yield Curve(run, metric, progress(history, x, len(y)), y, tuple(chosen))


def progress(history: History, x: str, n_epochs: int) -> np.ndarray:
    """Return how far training had come at the end of each epoch."""
    if x == "epoch":  # finished ones: a history counts from 0
        return 1 + np.asarray(history["epoch"] if "epoch" in history else range(n_epochs))
    if x not in history:
        refuse("x", "'epoch' for a history without that column", x)
    return np.asarray(history[x], float)


# Figures of training over epochs, steps or time --------------------------------------------------


PANELS = (("loss", "validation_loss"), ("validation_score",))
"""Columns of a history that share an axes."""

METRICS = tuple(metric for panel in PANELS for metric in panel)
PROGRESS = ("epoch", "steps", "seconds")
FEW = 20  # so many epochs are marked one by one
MANY = 5  # more curves have their legend beside the axes


class LearningCurvesDisplay:
    """Loss and validation score over the epochs, of one run or of several.

    It is recommended to use :meth:`from_estimator` or :meth:`from_histories`.

    Parameters
    ----------
    histories : dict of {str: dict of array-like}
        The columns of each run, by its name: a history as in ``MLPClassifier.history_``, with
        "epoch", "loss", "validation_loss", "validation_score", "steps", "seconds", or some of
        them. Columns that are missing or without a single number are not drawn.
    metrics : sequence of str, default=("loss", "validation_loss", "validation_score")
        Columns to draw. Losses share an axes; the score has its own.
    x : {"epoch", "steps", "seconds"}, default="epoch"
        The horizontal axis: finished epochs, updates, or seconds of training (epochs of small
        data are computed many at a time, and end in the same moment).
    chosen : dict of {str: sequence of int}, default=None
        Epochs of each run, counted from 0, whose networks are used: that of the best validation
        figure where training restores it. They are marked; None for no marks.

    Attributes
    ----------
    curves : list of Curve
        The lines, with the fields `run`, `metric`, `x`, `y` and `chosen`.
    axes_ : ndarray of Axes
        The axes drawn in, one or two.
    figure_ : Figure
        Their figure.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from multilayer import MLPClassifier, plots
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = MLPClassifier((8,), early_stopping=True, random_state=0, tol=0, max_iter=30,
    ...                     learning_rate="cosine").fit(X, y)
    >>> display = plots.LearningCurvesDisplay.from_estimator(clf)
    >>> [ax.get_ylabel() for ax in display.axes_]
    ['loss', 'validation score']
    """

    TEXTS: Mapping[str, str] = {
        "epoch": "epoch",
        "steps": "step",
        "seconds": "seconds",
        "loss": "loss",
        "score": "validation score",
        "training": "training",
        "validation": "validation",
        "chosen": "chosen epoch",
    }

    def __init__(
        self,
        histories: Mapping[str, History],
        *,
        metrics: Sequence[str] = METRICS,
        x: str = "epoch",
        chosen: Mapping[str, Sequence[int]] | None = None,
    ) -> None:
        check_choice("x", x, PROGRESS)
        for metric in metrics:
            check_choice("metrics", metric, METRICS)
        self.histories, self.metrics, self.x = histories, tuple(metrics), x
        self.curves = [
            curve
            for run, history in histories.items()
            for curve in curves_of(run, history, self.metrics, x, (chosen or {}).get(run, ()))
        ]
        if not self.curves:
            refuse("histories", f"of runs that have epochs with {self.metrics}", dict(histories))

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        *,
        x: str = "epoch",
        axes: AxesLike = None,
        texts: Mapping[str, str] | None = None,
    ) -> Self:
        """Draw the curves of one network.

        Parameters
        ----------
        estimator : fitted estimator
            An MLPClassifier or MLPRegressor, whose validation figures are drawn if it had
            validation data; a TabularClassifier or TabularRegressor, whose validation figures are
            those of predictions out of fold; or a pipeline that ends in one of these.
        x
            As in :class:`LearningCurvesDisplay`.
        axes, texts
            As in :meth:`plot`.

        Returns
        -------
        display : LearningCurvesDisplay

        Raises
        ------
        InvalidArgumentError
            The estimator has no history of epochs (a ValueError).
        """
        history, chosen = history_of("estimator", estimator), chosen_by(estimator)
        return cls({"": history}, x=x, chosen={"": chosen}).plot(axes, texts=texts)

    @classmethod
    def from_histories(
        cls,
        histories: Mapping[str, History],
        metric: str = "validation_score",
        *,
        x: str = "epoch",
        ax: "Axes | None" = None,
        texts: Mapping[str, str] | None = None,
    ) -> Self:
        """Draw one figure of several runs, for comparison.

        Parameters
        ----------
        histories : dict of {str: estimator, dict of array-like or DataFrame}
            Fitted networks or their histories, by the names in the legend.
        metric : {"loss", "validation_loss", "validation_score"}, default="validation_score"
            What is compared.
        x
            As in :class:`LearningCurvesDisplay`.
        ax : Axes, default=None
            Axes to draw in; None for a new figure.
        texts
            As in :meth:`plot`.

        Returns
        -------
        display : LearningCurvesDisplay

        Raises
        ------
        InvalidArgumentError
            A run has no such figures (a ValueError).
        """
        check_choice("metric", metric, METRICS)
        if not isinstance(histories, Mapping) or not histories:
            refuse("histories", "a dict of runs by name", histories)
        found = {name: history_of(f"histories[{name!r}]", run) for name, run in histories.items()}
        chosen = {name: chosen_by(run) for name, run in histories.items()}
        display = cls(found, metrics=(metric,), x=x, chosen=chosen)
        without = [name for name in found if name not in {curve.run for curve in display.curves}]
        if without:
            remedy = "Fit it with X_val and y_val, or with early_stopping=True."
            refuse(f"histories[{without[0]!r}]", f"a run with figures of {metric!r}", None, remedy)
        return display.plot(ax, texts=texts)

    def plot(self, axes: AxesLike = None, *, texts: Mapping[str, str] | None = None) -> Self:
        """Draw.

        Parameters
        ----------
        axes : Axes or array-like of Axes, default=None
            One for the losses and one for the score, those that are there; None for a new figure.
        texts : dict of str, default=None
            Words in place of "epoch", "steps", "seconds" (below), "loss", "score" (at the side),
            "training", "validation" and "chosen" (in the legend).

        Returns
        -------
        self : LearningCurvesDisplay
        """
        text = words(self.TEXTS, texts)
        drawn = {curve.metric for curve in self.curves}
        panels = [panel for panel in PANELS if drawn.intersection(panel)]
        self.axes_ = np.array(row_of_axes(axes, len(panels)), dtype=object)
        for ax, panel in zip(self.axes_, panels, strict=True):
            for curve in self.curves:
                if curve.metric in panel:
                    self._draw(ax, curve, text)
            self._mark(ax, panel, text["chosen"])
            ax.set_xlabel(text[self.x])
            ax.set_ylabel(text["loss" if "loss" in panel else "score"])
            ax.grid(alpha=0.3)
            if self.x == "epoch":
                ax.xaxis.get_major_locator().set_params(integer=True)
            if len(ax.lines) > MANY:
                legend_beside(ax)
            elif len(ax.get_legend_handles_labels()[0]) > 1:
                ax.legend()
        self.figure_ = self.axes_[0].figure
        return self

    def _draw(self, ax: "Axes", curve: Curve, text: Mapping[str, str]) -> None:
        """Draw a curve: training and validation in two colours, or each run in its own."""
        runs = list(self.histories)
        validation = curve.metric != "loss"
        part = text["validation" if validation else "training"]
        if len(runs) == 1:
            color, dashes, label = int(validation), "-", part
        elif len(self.metrics) == 1:
            color, dashes, label = runs.index(curve.run), "-", curve.run
        else:
            color, label = runs.index(curve.run), f"{curve.run}, {part}"
            dashes = "--" if validation else "-"
        marker = "o" if len(curve.x) <= FEW else ""
        style: dict[str, Any] = {
            "color": f"C{color}",
            "linestyle": dashes,
            "marker": marker,
            "markersize": 4,
        }
        ax.plot(curve.x, curve.y, label=label, **style)
        if len(runs) > 1 and curve.chosen:
            some = list(curve.chosen)
            ring: dict[str, Any] = {"facecolors": "none", "edgecolors": f"C{color}"}
            ax.scatter(curve.x[some], curve.y[some], s=60, zorder=3, **ring)

    def _mark(self, ax: "Axes", panel: Sequence[str], label: str) -> None:
        """Mark the chosen epochs of a single run by lines across."""
        curves = [curve for curve in self.curves if curve.metric in panel]
        places = sorted({float(curve.x[epoch]) for curve in curves for epoch in curve.chosen})
        if places and len(self.histories) == 1:
            across = ax.get_xaxis_transform()
            ax.vlines(places, 0, 1, label=label, transform=across, color="0.4", linestyle=":")
