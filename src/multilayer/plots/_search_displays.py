"""Pictures of searches: which configurations were tried, and how they competed."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from multilayer._core.checks import refuse
from multilayer._search.search_cv import MLPSearchCV
from multilayer.plots._axes import given_axes, grid_of_axes, one_axes, pyplot, shortened, words
from multilayer.plots._searches import ArgumentAxis, SearchTable, axis_of, lowest_shown, table_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes


# Parallel coordinates ----------------------------------------------------------------------------


LONGEST_MARK, LONGEST_ARGUMENT = 16, 24  # characters
COLUMN = 1.5  # inches for an argument


class ParallelCoordinatesDisplay:
    """A line for each configuration of a search, over its arguments and to its score.

    Numbers that were drawn over decades have a logarithmic axis; other numbers a linear one; a few
    different numbers and all else are marks at even distances. Lines have the colour of the score;
    those of configurations that did not train to their end are thin, as their scores do not compare
    with the others. The best one is drawn over all. Scores far below most of them (three times the
    distance of the quartiles) are drawn at the lower end.

    It is recommended to use :meth:`from_search`.

    Parameters
    ----------
    table : SearchTable
        What a search has found.

    Attributes
    ----------
    axes_of_arguments : list of ArgumentAxis
        Where each configuration is on the axis of each argument.
    lines_ : LineCollection
        The lines of all configurations that have a score, worst first.
    ax_ : Axes
        The axes drawn in.
    figure_ : Figure
        Their figure.

    Examples
    --------
    >>> from scipy.stats import loguniform
    >>> from sklearn.datasets import load_iris
    >>> from multilayer import MLPClassifier, plots
    >>> from multilayer.search import MLPSearchCV
    >>> X, y = load_iris(return_X_y=True)
    >>> space = {"hidden_layer_sizes": [(16,), (32,)], "learning_rate_init": loguniform(1e-3, 1e-1)}
    >>> search = MLPSearchCV(MLPClassifier(max_iter=9), space, n_iter=9, cv=3, random_state=0)
    >>> display = plots.ParallelCoordinatesDisplay.from_search(search.fit(X, y))
    >>> [text.get_text() for text in display.ax_.get_xticklabels()]
    ['hidden_layer_sizes', 'learning_rate_init', 'mean score']
    """

    TEXTS: Mapping[str, str] = {"score": "mean score", "best": "best"}

    def __init__(self, table: SearchTable) -> None:
        if not np.isfinite(table.scores).any():
            refuse("table.scores", "of configurations, one of which has a score", table.scores)
        self.table = table
        self.axes_of_arguments = [axis_of(values) for values in table.values]

    @classmethod
    def from_search(
        cls,
        search: MLPSearchCV,
        *,
        ax: "Axes | None" = None,
        texts: Mapping[str, str] | None = None,
    ) -> Self:
        """Draw the configurations of a search.

        Parameters
        ----------
        search : MLPSearchCV
            A fitted one.
        ax, texts
            As in :meth:`plot`.

        Returns
        -------
        display : ParallelCoordinatesDisplay

        Raises
        ------
        InvalidArgumentError
            The search is not fitted, or has several scores and none that decides (a ValueError).
        """
        return cls(table_of(search)).plot(ax, texts=texts)

    def plot(self, ax: "Axes | None" = None, *, texts: Mapping[str, str] | None = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : Axes, default=None
            Axes to draw in; None for a new figure, wide enough for the arguments.
        texts : dict of str, default=None
            Words in place of "mean score" (the key "score") and "best".

        Returns
        -------
        self : ParallelCoordinatesDisplay
        """
        text, table = words(self.TEXTS, texts), self.table
        n = len(self.axes_of_arguments) + 1
        (ax,) = given_axes(ax, 1, "ax") or grid_of_axes(1, 1, (max(6.4, COLUMN * n), 4.2))
        low = lowest_shown(table.scores)
        scores = np.maximum(table.scores, low)
        high = np.nanmax(scores) + (np.nanmax(scores) == low)
        score = ArgumentAxis((scores - low) / (high - low), {}, low, float(high))
        every = [*self.axes_of_arguments, score]
        known = np.flatnonzero(np.isfinite(scores))
        drawn = known[np.argsort(scores[known], kind="stable")]  # the best ones over the others
        x = np.arange(n)
        lines = [np.column_stack([x, [axis.places[i] for axis in every]]) for i in drawn]
        self.lines_ = pyplot().matplotlib.collections.LineCollection(
            lines,
            array=scores[drawn],
            linewidths=np.where(table.finished[drawn], 1.6, 0.7),
            alpha=0.75,
        )
        ax.add_collection(self.lines_)
        best: dict[str, Any] = {"color": "C3", "linewidth": 3, "zorder": 3}
        ax.plot(x, [axis.places[table.best] for axis in every], label=text["best"], **best)
        for place, axis in enumerate(every):
            ax.axvline(place, color="0.25", linewidth=0.9)
            self._mark(ax, place, axis)
        names = [shortened(name, LONGEST_ARGUMENT) for name in (*table.names, text["score"])]
        ax.set_xticks(x, names, rotation=20, ha="right", rotation_mode="anchor", parse_math=False)
        ax.set(xlim=(-0.15, n - 0.45), ylim=(-0.04, 1.04), yticks=[])
        for side in ax.spines.values():
            side.set_visible(False)
        ax.legend(loc="lower right", bbox_to_anchor=(1, 1), frameon=False)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _mark(self, ax: "Axes", place: int, axis: ArgumentAxis) -> None:
        """Write the marks of an axis beside it, over the lines."""
        behind: dict[str, Any] = {"facecolor": "white", "alpha": 0.7, "linewidth": 0, "pad": 0.8}
        for name, height in axis.ticks().items():
            ax.plot([place - 0.03, place], [height] * 2, color="0.25", linewidth=0.9)
            label = shortened(name, LONGEST_MARK)
            ax.text(
                *(place + 0.03, height, label),
                fontsize="small",
                va="center",
                bbox=behind,
                zorder=4,
                parse_math=False,
            )


# Curves of the configurations --------------------------------------------------------------------


MANY_EPOCHS = 20.0  # ratio of the last rung to the first from which epochs are logarithmic


class SearchCurvesDisplay:
    """The mean score of each configuration of a search over the epochs.

    Curves end where their configurations were halved or stopped. The best one and the default
    configuration, the estimator as it was given, are drawn over the others. Scores far below
    most of them are out of the picture.

    It is recommended to use :meth:`from_search`.

    Parameters
    ----------
    table : SearchTable
        What a search has found.

    Attributes
    ----------
    ax_ : Axes
        The axes drawn in.
    figure_ : Figure
        Their figure.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from multilayer import MLPClassifier, plots
    >>> from multilayer.search import MLPSearchCV
    >>> X, y = load_iris(return_X_y=True)
    >>> space = {"learning_rate_init": [0.001, 0.003, 0.01, 0.03]}
    >>> search = MLPSearchCV(MLPClassifier(max_iter=9), space, n_iter=4, cv=3, random_state=0)
    >>> display = plots.SearchCurvesDisplay.from_search(search.fit(X, y))
    >>> len(display.ax_.lines)
    4
    """

    TEXTS: Mapping[str, str] = {
        "epoch": "epoch",
        "score": "mean score",
        "finished": "trained to the end",
        "ended": "ended earlier",
        "best": "best",
        "default": "default",
    }

    def __init__(self, table: SearchTable) -> None:
        if not any(len(epochs) for epochs, _ in table.curves):
            refuse("table.curves", "of configurations, one of which has a curve", table.curves)
        self.table = table

    @classmethod
    def from_search(
        cls,
        search: MLPSearchCV,
        *,
        ax: "Axes | None" = None,
        texts: Mapping[str, str] | None = None,
    ) -> Self:
        """Draw the curves of a search.

        Parameters
        ----------
        search : MLPSearchCV
            A fitted one.
        ax, texts
            As in :meth:`plot`.

        Returns
        -------
        display : SearchCurvesDisplay

        Raises
        ------
        InvalidArgumentError
            The search is not fitted, or has several scores and none that decides (a ValueError).
        """
        return cls(table_of(search)).plot(ax, texts=texts)

    def plot(self, ax: "Axes | None" = None, *, texts: Mapping[str, str] | None = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : Axes, default=None
            Axes to draw in; None for a new figure.
        texts : dict of str, default=None
            Words in place of "epoch" (below), "mean score" (the key "score", at the side),
            "trained to the end" ("finished"), "ended earlier" ("ended"), "best" and "default" (in
            the legend).

        Returns
        -------
        self : SearchCurvesDisplay
        """
        text, table, ax = words(self.TEXTS, texts), self.table, one_axes(ax)
        named = set()
        for i, (epochs, scores) in enumerate(table.curves):
            kind = "finished" if table.finished[i] else "ended"
            if i not in (table.best, table.default) and len(epochs):
                style = FINISHED if kind == "finished" else ENDED
                label = None if kind in named else text[kind]
                named.add(kind)
                ax.plot(epochs, scores, label=label, markevery=[-1], **style)
        labels = {table.best: text["best"]}
        if table.default is not None:
            both = f"{text['best']}, {text['default']}"
            labels[table.default] = both if table.default == table.best else text["default"]
        for place, label in reversed(labels.items()):  # the best one over the default one
            if len(table.curves[place][0]):
                style = BEST if place == table.best else DEFAULT
                ax.plot(*table.curves[place], label=label, markevery=[-1], **style)
        self._scale(ax)
        every = np.concatenate([scores for _, scores in table.curves])
        low, high = lowest_shown(every), np.nanmax(every)
        margin = 0.05 * (high - low) or 0.05
        ax.set_ylim(low - margin, high + margin)
        ax.set(xlabel=text["epoch"], ylabel=text["score"])
        ax.grid(alpha=0.3)
        ax.legend(loc="lower right")
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _scale(self, ax: "Axes") -> None:
        """Scale the epochs: with a mark for each rung where they are over decades."""
        table = self.table
        first = min(int(epochs[0]) for epochs, _ in table.curves if len(epochs))
        last = max(int(epochs[-1]) for epochs, _ in table.curves if len(epochs))
        if last / first < MANY_EPOCHS:
            ax.xaxis.set_major_locator(pyplot().MaxNLocator(integer=True))
            return
        pairs = zip(table.curves, table.finished, strict=True)
        ended = {int(epochs[-1]) for (epochs, _), done in pairs if len(epochs) and not done}
        ax.set_xscale("log")
        ax.set_xticks(sorted({first, last, *ended}), minor=False)
        ax.xaxis.set_major_formatter("{x:g}")
        ax.set_xticks([], minor=True)


LAST: Mapping[str, Any] = {"marker": "o", "markersize": 4}
ENDED: Mapping[str, Any] = {"color": "0.7", "linewidth": 0.8, **LAST, "markersize": 2.5}
FINISHED: Mapping[str, Any] = {"color": "C0", "linewidth": 1.2, **LAST}
DEFAULT: Mapping[str, Any] = {"color": "black", "linestyle": "--", "linewidth": 1.8, **LAST}
BEST: Mapping[str, Any] = {"color": "C3", "linewidth": 2.6, **LAST}
