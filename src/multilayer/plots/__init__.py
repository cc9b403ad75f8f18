"""Plots of networks, of their training and of their predictions.

Classes follow the conventions of scikit-learn's displays: ``from_...`` computes and draws, the
constructor takes the data, ``plot`` draws them again, ``ax_`` or ``axes_`` and ``figure_`` are the
axes and the figure. Drawing needs matplotlib: ``pip install matplotlib``.
"""

from multilayer.plots._activation import ActivationDisplay
from multilayer.plots._boundary import DecisionBoundaryDisplay
from multilayer.plots._curves import LearningCurvesDisplay
from multilayer.plots._inspection import CoverageDisplay, ImportanceDisplay
from multilayer.plots._mistakes import ConfusionMatrixDisplay, MisclassifiedDisplay
from multilayer.plots._network import NetworkDisplay
from multilayer.plots._search_displays import ParallelCoordinatesDisplay, SearchCurvesDisplay
from multilayer.plots._weight_images import WeightImagesDisplay

__all__ = [
    "ActivationDisplay",
    "ConfusionMatrixDisplay",
    "CoverageDisplay",
    "DecisionBoundaryDisplay",
    "ImportanceDisplay",
    "LearningCurvesDisplay",
    "MisclassifiedDisplay",
    "NetworkDisplay",
    "ParallelCoordinatesDisplay",
    "SearchCurvesDisplay",
    "WeightImagesDisplay",
]
