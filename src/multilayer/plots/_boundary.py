"""Regions of the classes, and surfaces of scores, over two features."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, is_classifier, is_regressor
from sklearn.utils.validation import check_is_fitted

from multilayer._core.checks import check_choice, check_integer, check_real, refuse
from multilayer.plots._axes import (
    class_colors,
    class_markers,
    legend_beside,
    one_axes,
    pyplot,
    words,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage
    from pandas import DataFrame

    pass


# The predictions of a model on a grid: the data of a decision boundary ---------------------------


class Surface(NamedTuple):
    """Predictions on a grid."""

    xx0: np.ndarray  # (n, n)
    xx1: np.ndarray
    response: np.ndarray  # (n, n): class numbers, or values; (n, n, n_classes): probabilities
    classes: np.ndarray | None  # labels, None of a regressor


def evaluate(
    estimator: BaseEstimator,
    X: npt.ArrayLike,
    response_method: str,
    grid_resolution: int,
    margin: float,
) -> Surface:
    """Predict on a grid that covers the samples."""
    check_choice("response_method", response_method, ("auto", "predict", "predict_proba"))
    check_integer("grid_resolution", grid_resolution, 2)
    check_real("margin", margin, "[0, inf)")
    check_is_fitted(estimator)
    xx0, xx1 = grid(X, grid_resolution, margin)
    rows = like(X, np.column_stack([xx0.ravel(), xx1.ravel()]))
    predicted = np.asarray(estimator.predict(rows[:1]))
    if predicted.ndim != 1:
        refuse("estimator", "one with a single output", type(estimator).__name__)
    has_probabilities = hasattr(estimator, "predict_proba")
    if response_method == "predict_proba" and not has_probabilities:
        refuse(
            "response_method", "'predict' for an estimator without predict_proba", "predict_proba"
        )
    if not is_classifier(estimator):
        if not is_regressor(estimator):
            refuse("estimator", "a classifier or a regressor", type(estimator).__name__)
        return Surface(xx0, xx1, np.reshape(estimator.predict(rows), xx0.shape), None)
    classes = np.asarray(estimator.classes_)
    if response_method != "predict" and has_probabilities:
        response = np.reshape(estimator.predict_proba(rows), (*xx0.shape, len(classes)))
    else:
        response = np.reshape(estimator.predict(rows), (*xx0.shape, 1)) == classes
        response = response.argmax(axis=2)
    return Surface(xx0, xx1, response, classes)


def grid(X: npt.ArrayLike, resolution: int, margin: float) -> tuple[np.ndarray, np.ndarray]:
    """Return an evenly spaced grid around the samples; a constant feature has a range of 2."""
    samples = np.asarray(X, float)
    if samples.ndim != 2 or samples.shape[1] != 2 or not len(samples):
        refuse("X.shape", "(n_samples, 2): two features make a plane", samples.shape)
    if not np.isfinite(samples).all():
        refuse("X", "finite numbers", X)
    low, high = samples.min(axis=0), samples.max(axis=0)
    beyond = np.where(high > low, margin * (high - low), 1.0)
    sides = np.linspace(low - beyond, high + beyond, resolution)  # (resolution, 2)
    xx0, xx1 = np.meshgrid(*sides.T)
    return xx0, xx1


def like(X: Any, rows: np.ndarray) -> "np.ndarray | DataFrame":
    """Return rows as a DataFrame where X is one (of pandas or polars), so that names agree."""
    if not hasattr(X, "columns"):
        return rows
    return type(X)(dict(zip(X.columns, rows.T, strict=True)))


# Regions of classes, or a surface of values, and the samples on top ------------------------------


STRENGTHS = 0.1, 0.6  # of the colours where the classes are equally probable, and where one is sure
POINTS: dict[str, Any] = {"linewidths": 0.5, "s": 25}
WHITE = 1.0


def draw_classes(ax: "Axes", plane: "DecisionBoundaryDisplay", names: Sequence[str]) -> "AxesImage":
    """Draw regions (of a DecisionBoundaryDisplay), their boundaries, the samples and a legend."""
    colors, markers = class_colors(len(names)), class_markers(len(names))
    surface = _image(ax, plane, shades(plane.response, colors))
    for level in margins(plane.response, len(names)):
        if level.min() < 0 < level.max():
            ax.contour(plane.xx0, plane.xx1, level, levels=[0], colors="0.2", linewidths=1)
    if plane.X is not None and plane.y is not None and plane.classes is not None:
        for i, label in enumerate(plane.classes):
            rows = plane.X[plane.y == label]
            style = {"color": colors[i : i + 1], "marker": markers[i], **POINTS}
            ax.scatter(rows[:, 0], rows[:, 1], edgecolors="black", **style)
    shape: dict[str, Any] = {"linestyle": "", "markeredgecolor": "black", "markeredgewidth": 0.5}
    handles = [
        pyplot().Line2D(
            [], [], color=color, marker="s" if plane.y is None else marker, label=name, **shape
        )
        for color, marker, name in zip(colors, markers, names, strict=True)
    ]
    legend_beside(ax, handles)
    return surface


def draw_values(ax: "Axes", plane: "DecisionBoundaryDisplay", name: str) -> "AxesImage":
    """Draw a surface of values, the samples, and a bar that explains the colours."""
    shown = [plane.response.ravel()] + ([] if plane.y is None else [plane.y])
    limits = min(map(np.min, shown)), max(map(np.max, shown))
    surface = _image(ax, plane, plane.response)
    surface.set_clim(*limits)
    if plane.X is not None and plane.y is not None:
        ax.scatter(
            plane.X[:, 0], plane.X[:, 1], c=plane.y, clim=limits, edgecolors="white", **POINTS
        )
    ax.figure.colorbar(surface, ax=ax, label=name)
    return surface


def _image(ax: "Axes", plane: "DecisionBoundaryDisplay", pixels: np.ndarray) -> "AxesImage":
    """Draw an image whose pixels have the points of the grid in their centres."""
    sides = plane.xx0[0], plane.xx1[:, 0]
    (left, right), (low, high) = (
        (side[0] - half, side[-1] + half) for side in sides for half in [(side[1] - side[0]) / 2]
    )
    extent = left, right, low, high
    return ax.imshow(pixels, extent=extent, origin="lower", aspect="auto", interpolation="nearest")


def shades(response: np.ndarray, colors: np.ndarray) -> np.ndarray:
    """Return the colours of a classifier's predictions, shape ``(n, m, 3)``."""
    if response.ndim == 2:
        strength = np.full(response.shape, np.mean(STRENGTHS))
        region = response
    else:
        chance = 1 / response.shape[2]
        sure = (response.max(axis=2) - chance) / (1 - chance or 1)  # one class is always sure
        strength = STRENGTHS[0] + (STRENGTHS[1] - STRENGTHS[0]) * np.clip(sure, 0, 1)
        region = response.argmax(axis=2)
    strength = strength[..., np.newaxis]
    return strength * colors[region] + (1 - strength) * WHITE


def margins(response: np.ndarray, n_classes: int) -> list[np.ndarray]:
    """Return of each class by how much it is ahead of the best other one; 0 at its boundaries.

    Of two classes the first one's alone: the boundaries are the same.
    """
    if n_classes == 1:
        return []
    scores = np.eye(n_classes)[response] if response.ndim == 2 else response
    ahead = []
    for i in range(1 if n_classes == 2 else n_classes):
        others = np.delete(scores, i, axis=2)
        ahead.append(scores[..., i] - others.max(axis=2))
    return ahead


# What a model predicts at each place of a plane --------------------------------------------------


class DecisionBoundaryDisplay:
    """Predictions over two features, with the samples on top.

    For a classifier each class has a colour; with probabilities the colour is stronger where the
    network is more certain. Dark lines are the boundaries. For a regressor the colours are the
    values.

    It is recommended to use :meth:`from_estimator`.

    Parameters
    ----------
    xx0, xx1 : ndarray of shape (n, m)
        First and second feature on an evenly spaced grid, as ``np.meshgrid`` returns them.
    response : ndarray of shape (n, m) or (n, m, n_classes)
        For a classifier the number of the class, or the probabilities of all; for a regressor the
        values.
    classes : array-like of shape (n_classes,), default=None
        Labels; None for a regressor.
    X : array-like of shape (n_samples, 2), default=None
        Samples to draw.
    y : array-like of shape (n_samples,), default=None
        Their labels or values.
    feature_names : sequence of two str, default=None
        Names of the features; None for "x1" and "x2".

    Attributes
    ----------
    surface_ : AxesImage
        The image of the predictions.
    ax_ : Axes
        The axes drawn in.
    figure_ : Figure
        Its figure.

    See Also
    --------
    sklearn.inspection.DecisionBoundaryDisplay : Without samples and legend; how it draws depends
        on the release.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from multilayer import MLPClassifier, plots
    >>> iris = load_iris()
    >>> X, y = iris.data[:, 2:], iris.target_names[iris.target]
    >>> clf = MLPClassifier((8,), solver="lbfgs", random_state=0).fit(X, y)
    >>> display = plots.DecisionBoundaryDisplay.from_estimator(
    ...     clf, X, y=y, feature_names=iris.feature_names[2:], grid_resolution=50)
    >>> display.ax_.get_xlabel()
    'petal length (cm)'
    """

    TEXTS: Mapping[str, str] = {"prediction": "prediction"}

    def __init__(
        self,
        *,
        xx0: np.ndarray,
        xx1: np.ndarray,
        response: np.ndarray,
        classes: npt.ArrayLike | None = None,
        X: npt.ArrayLike | None = None,
        y: npt.ArrayLike | None = None,
        feature_names: Sequence[str] | None = None,
    ) -> None:
        self.xx0, self.xx1 = np.asarray(xx0, float), np.asarray(xx1, float)
        self.response = np.asarray(response)
        self.classes = None if classes is None else np.asarray(classes)
        self.X = None if X is None else np.asarray(X, float)
        self.y = None if y is None else np.asarray(y)
        self.feature_names = ("x1", "x2") if feature_names is None else tuple(feature_names)
        self._check()

    def _check(self) -> None:
        grid, shape = self.xx0.shape, self.response.shape
        if len(grid) != 2 or min(grid) < 2 or self.xx1.shape != grid:
            refuse("xx0.shape", "two axes of 2 or more, those of xx1", grid)
        shapes = {grid} if self.classes is None else {grid, (*grid, len(self.classes))}
        if shape not in shapes:
            refuse("response.shape", f"in {sorted(shapes)}", shape)
        if len(self.feature_names) != 2:
            refuse("feature_names", "two names", self.feature_names)
        if self.y is None:
            return
        n = 0 if self.X is None else len(self.X)
        if self.y.shape != (n,):
            refuse("y.shape", f"({n},), a label or value for each row of X", self.y.shape)
        if self.classes is not None and not np.isin(self.y, self.classes).all():
            strange = np.setdiff1d(self.y, self.classes)[0]
            refuse("y", f"made of the classes {list(self.classes)}", strange)

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        X: npt.ArrayLike,
        *,
        y: npt.ArrayLike | None = None,
        feature_names: Sequence[str] | None = None,
        class_names: Sequence[str] | None = None,
        response_method: str = "auto",
        grid_resolution: int = 200,
        margin: float = 0.1,
        ax: "Axes | None" = None,
        texts: Mapping[str, str] | None = None,
    ) -> Self:
        """Predict on a grid and draw.

        Parameters
        ----------
        estimator : fitted classifier or regressor
            A network, a pipeline, or any other scikit-learn estimator, trained on two features.
        X : array-like or DataFrame of shape (n_samples, 2)
            Samples, finite numbers: the grid covers them, and with `y` they are drawn.
        y : array-like of shape (n_samples,), default=None
            Labels or values of the samples; None draws no samples.
        feature_names : sequence of two str, default=None
            Labels of the axes; None for the columns of a DataFrame, else "x1" and "x2".
        class_names, ax, texts
            As in :meth:`plot`.
        response_method : {"auto", "predict", "predict_proba"}, default="auto"
            "predict" gives each class one colour, "predict_proba" one that fades with its
            probability; a place belongs to the most probable class. "auto" is "predict_proba" where
            there are probabilities.
        grid_resolution : int, default=200
            Points along each feature.
        margin : float, default=0.1
            How far the grid extends beyond the samples, as a fraction of their range.

        Returns
        -------
        display : DecisionBoundaryDisplay

        Raises
        ------
        InvalidArgumentError
            An argument breaks its rule, there are other than two features, or the estimator has
            several outputs (a ValueError).
        """
        surface = evaluate(estimator, X, response_method, grid_resolution, margin)
        if feature_names is None and hasattr(X, "columns"):
            feature_names = [str(name) for name in X.columns]
        display = cls(**surface._asdict(), X=X, y=y, feature_names=feature_names)
        return display.plot(ax, class_names=class_names, texts=texts)

    def plot(
        self,
        ax: "Axes | None" = None,
        *,
        class_names: Sequence[str] | None = None,
        texts: Mapping[str, str] | None = None,
    ) -> Self:
        """Draw.

        Parameters
        ----------
        ax : Axes, default=None
            Axes to draw in; None for a new figure.
        class_names : sequence of str, default=None
            Names in the legend, in the order of the classes; None for the labels.
        texts : dict of str, default=None
            A word in place of "prediction", beside the colour bar of a regressor.

        Returns
        -------
        self : DecisionBoundaryDisplay
        """
        text = words(self.TEXTS, texts)
        n_classes = 0 if self.classes is None else len(self.classes)
        if class_names is not None and len(class_names) != n_classes:
            refuse("class_names", f"{n_classes} names, one for each class", class_names)
        ax = one_axes(ax)
        if self.classes is None:
            self.surface_ = draw_values(ax, self, text["prediction"])
        else:
            names = self.classes if class_names is None else class_names
            self.surface_ = draw_classes(ax, self, [str(name) for name in names])
        ax.set(
            xlim=(self.xx0[0, 0], self.xx0[0, -1]),
            ylim=(self.xx1[0, 0], self.xx1[-1, 0]),
            xlabel=self.feature_names[0],
            ylabel=self.feature_names[1],
        )
        self.ax_, self.figure_ = ax, ax.figure
        return self
