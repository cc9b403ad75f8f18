"""What a model predicts at each place of a plane."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator

from multilayer._core.checks import refuse
from multilayer.plots._axes import one_axes, words
from multilayer.plots._boundary_drawing import draw_classes, draw_values
from multilayer.plots._surface import evaluate

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class DecisionBoundaryDisplay:
    """Predictions over two features, with the samples on top.

    Of a classifier each class has a colour; with probabilities the colour is the stronger, the
    surer the network is. Dark lines are the boundaries. Of a regressor the colours are the values.

    It is recommended to use :meth:`from_estimator`.

    Parameters
    ----------
    xx0, xx1 : ndarray of shape (n, m)
        First and second feature on an evenly spaced grid, as ``np.meshgrid`` returns them.
    response : ndarray of shape (n, m) or (n, m, n_classes)
        Of a classifier the number of the class, or the probabilities of all; of a regressor the
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
        What lies below.
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
            probability; a place belongs to the most probable class. "auto" is the second one where
            there are probabilities.
        grid_resolution : int, default=200
            Points along each feature.
        margin : float, default=0.1
            How far the grid reaches beyond the samples, as a share of their range.

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
