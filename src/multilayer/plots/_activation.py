"""Activation functions and their derivatives."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from multilayer._core.checks import check_real, refuse
from multilayer.plots._axes import AxesLike, given_axes, grid_of_axes, words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

N_POINTS = 401
NEAR = 1e-6  # how far beside 0 the one-sided limits are taken
JUMP = 1e-3  # a smaller difference of the limits is a slope


class ActivationCurves(NamedTuple):
    """Activation functions at some points."""

    names: Sequence[str]
    z: np.ndarray  # (n_points,), ascending, with points right beside 0
    values: np.ndarray  # (n_functions, n_points)
    derivatives: np.ndarray  # (n_functions, n_points)


class ActivationDisplay:
    """Activation functions and their derivatives, an axes for each function.

    Where a function or a derivative jumps (every such function jumps at 0) its line has a gap: a
    full dot is the value at 0, a hollow one a limit that is not attained.

    It is recommended to use :meth:`from_names`.

    Parameters
    ----------
    names : sequence of str
        Titles of the axes.
    z : array-like of shape (n_points,)
        Where the functions were computed, ascending. For a jump to show there must be a point at 0
        and others right beside it.
    values : array-like of shape (n_functions, n_points)
        The functions.
    derivatives : array-like of shape (n_functions, n_points)
        Their derivatives.

    Attributes
    ----------
    axes_ : ndarray of shape (n_functions,), of Axes
        The axes drawn in.
    figure_ : Figure
        Their figure.

    Examples
    --------
    >>> from multilayer import plots
    >>> display = plots.ActivationDisplay.from_names(["relu", "tanh"])
    >>> [ax.get_title() for ax in display.axes_]
    ['relu', 'tanh']
    """

    TEXTS: Mapping[str, str] = {"function": "function", "derivative": "derivative", "z": "z"}

    def __init__(
        self,
        names: Sequence[str],
        z: npt.ArrayLike,
        values: npt.ArrayLike,
        derivatives: npt.ArrayLike,
    ) -> None:
        self.names = list(names)
        self.z = np.asarray(z, float)
        self.values = np.asarray(values, float)
        self.derivatives = np.asarray(derivatives, float)
        for name in ("values", "derivatives"):
            shape, expected = getattr(self, name).shape, (len(self.names), *self.z.shape)
            if shape != expected:
                refuse(f"{name}.shape", f"{expected}, as names and z say", shape)

    @classmethod
    def from_names(
        cls,
        names: Sequence[str] | None = None,
        z_range: tuple[float, float] = (-5, 5),
        *,
        axes: AxesLike = None,
        texts: Mapping[str, str] | None = None,
    ) -> Self:
        """Compute and draw.

        Parameters
        ----------
        names : sequence of str, default=None
            Names in :data:`multilayer.nn.ACTIVATIONS`; None for all.
        z_range : (float, float), default=(-5, 5)
            From where to where.
        axes, texts
            As in :meth:`plot`.

        Returns
        -------
        display : ActivationDisplay

        Raises
        ------
        InvalidArgumentError
            A name is unknown, or the range is empty (a ValueError).
        """
        return cls(*compute(names, z_range)).plot(axes=axes, texts=texts)

    def plot(self, axes: AxesLike = None, *, texts: Mapping[str, str] | None = None) -> Self:
        """Draw.

        Parameters
        ----------
        axes : array-like of Axes, default=None
            An axes for each function; None for a new figure with up to four in a row.
        texts : dict of str, default=None
            Words in place of "function", "derivative" (both in the legend) and "z" (below).

        Returns
        -------
        self : ActivationDisplay
        """
        text, n = words(self.TEXTS, texts), len(self.names)
        drawn = given_axes(axes, n) or grid_of_axes(n, 4, (2.4, 2.0) if n > 4 else (3.2, 2.6))
        for i, ax in enumerate(drawn):
            _draw(ax, self.z, self.values[i], text["function"], ("C0", "-"))
            _draw(ax, self.z, self.derivatives[i], text["derivative"], ("C1", "--"))
            ax.set_title(self.names[i])
            ax.set_xlabel(text["z"])
            ax.grid(alpha=0.3)
        self.axes_ = np.array(drawn, dtype=object)
        self.figure_ = drawn[0].figure
        if axes is None:
            handles, _ = drawn[0].get_legend_handles_labels()
            self.figure_.legend(handles=handles, loc="outside lower center", ncols=2)
        else:
            drawn[0].legend(fontsize="small")
        return self


def compute(names: Sequence[str] | None, z_range: tuple[float, float]) -> ActivationCurves:
    """Return activation functions and their derivatives by name."""
    from multilayer._nn.derivative import ELEMENTWISE, derivative  # late: it starts JAX

    names = list(ELEMENTWISE) if names is None else names
    known = not isinstance(names, str) and all(
        isinstance(name, str) and name in ELEMENTWISE for name in names
    )
    if not known or not len(names):
        refuse("names", f"None or a sequence of names among {sorted(ELEMENTWISE)}", names)
    z = points(z_range)
    functions = [ELEMENTWISE[name] for name in names]
    values = [np.asarray(function(z)) for function in functions]
    slopes = [np.asarray(derivative(function)(z)) for function in functions]
    return ActivationCurves(list(names), z, np.array(values), np.array(slopes))


def points(z_range: tuple[float, float]) -> np.ndarray:
    """Return points of a range, with 0 and its neighbours where they are in it."""
    if not isinstance(z_range, Sequence) or len(z_range) != 2:
        refuse("z_range", "a pair of numbers", z_range)
    low, high = z_range
    check_real("z_range[0]", low, "(-inf, inf)")
    check_real("z_range[1]", high, f"({low}, inf)")
    z = np.linspace(low, high, N_POINTS)
    if not low < -NEAR < NEAR < high:
        return z
    return np.union1d(z[np.abs(z) > NEAR], [-NEAR, 0.0, NEAR])


def jump(z: np.ndarray, y: np.ndarray) -> int | None:
    """Return the place of 0 in z where y jumps there, else None."""
    at = int(np.searchsorted(z, 0.0))
    beside = 0 < at < len(z) - 1 and z[at] == 0 and z[at + 1] - z[at - 1] <= 2 * NEAR
    return at if beside and abs(y[at + 1] - y[at - 1]) > JUMP else None


def _draw(ax: "Axes", z: np.ndarray, y: np.ndarray, label: str, style: tuple[str, str]) -> None:
    """Draw a line, which ends at a jump and begins anew."""
    color, dashes = style
    at = jump(z, y)
    if at is None:
        ax.plot(z, y, color=color, linestyle=dashes, label=label)
        return
    line = y.copy()
    line[at] = np.nan
    ax.plot(z, line, color=color, linestyle=dashes, label=label)
    limits = [side for side in (y[at - 1], y[at + 1]) if abs(side - y[at]) > JUMP]
    marker: dict[str, Any] = {
        "color": color,
        "marker": "o",
        "markersize": 4,
        "linestyle": "",
        "zorder": 3,
    }
    ax.plot([0] * len(limits), limits, markerfacecolor="white", **marker)
    ax.plot([0], [y[at]], **marker)
