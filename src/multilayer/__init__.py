"""Feed-forward neural networks for people who think in scikit-learn."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from multilayer import callbacks as callbacks
    from multilayer import datasets as datasets
    from multilayer import estimator as estimator
    from multilayer import nn as nn
    from multilayer import plots as plots
    from multilayer import portable as portable
    from multilayer import schedules as schedules
    from multilayer import search as search
    from multilayer._core.activations import Activation as Activation
    from multilayer._core.errors import DataError as DataError
    from multilayer._core.errors import DivergenceError as DivergenceError
    from multilayer._core.errors import ForkedProcessError as ForkedProcessError
    from multilayer._core.errors import InvalidArgumentError as InvalidArgumentError
    from multilayer._core.errors import ModelFileError as ModelFileError
    from multilayer._core.errors import MultilayerError as MultilayerError
    from multilayer._objectives.regression_losses import RegressionLoss as RegressionLoss
    from multilayer._sklearn.arguments.checkpoint import Checkpoint as Checkpoint
    from multilayer._sklearn.classifier import MLPClassifier as MLPClassifier
    from multilayer._sklearn.network.importances import FeatureImportances as FeatureImportances
    from multilayer._sklearn.perceptron.estimator import Perceptron as Perceptron
    from multilayer._sklearn.reference.realmlp import RealMLPClassifier as RealMLPClassifier
    from multilayer._sklearn.reference.realmlp import RealMLPRegressor as RealMLPRegressor
    from multilayer._sklearn.reference.tabm import TabMClassifier as TabMClassifier
    from multilayer._sklearn.reference.tabm import TabMRegressor as TabMRegressor
    from multilayer._sklearn.regressor import MLPRegressor as MLPRegressor
    from multilayer._sklearn.tabular.encoder import TabularEncoder as TabularEncoder
    from multilayer._sklearn.tabular.tabular_estimators import (
        TabularClassifier as TabularClassifier,
    )
    from multilayer._sklearn.tabular.tabular_estimators import TabularRegressor as TabularRegressor
    from multilayer._sklearn.targets.metric_table import Metric as Metric
    from multilayer.model_file import load as load
    from multilayer.model_file import save as save
    from multilayer.onnx import to_onnx as to_onnx

__version__ = "0.2.0.dev0"

_HOMES = {
    "Activation": "multilayer._core.activations",
    "Checkpoint": "multilayer._sklearn.arguments.checkpoint",
    "DataError": "multilayer._core.errors",
    "DivergenceError": "multilayer._core.errors",
    "FeatureImportances": "multilayer._sklearn.network.importances",
    "ForkedProcessError": "multilayer._core.errors",
    "InvalidArgumentError": "multilayer._core.errors",
    "MLPClassifier": "multilayer._sklearn.classifier",
    "MLPRegressor": "multilayer._sklearn.regressor",
    "Metric": "multilayer._sklearn.targets.metric_table",
    "ModelFileError": "multilayer._core.errors",
    "MultilayerError": "multilayer._core.errors",
    "Perceptron": "multilayer._sklearn.perceptron.estimator",
    "RealMLPClassifier": "multilayer._sklearn.reference.realmlp",
    "RealMLPRegressor": "multilayer._sklearn.reference.realmlp",
    "RegressionLoss": "multilayer._objectives.regression_losses",
    "TabMClassifier": "multilayer._sklearn.reference.tabm",
    "TabMRegressor": "multilayer._sklearn.reference.tabm",
    "TabularClassifier": "multilayer._sklearn.tabular.tabular_estimators",
    "TabularEncoder": "multilayer._sklearn.tabular.encoder",
    "TabularRegressor": "multilayer._sklearn.tabular.tabular_estimators",
    "load": "multilayer.model_file",
    "save": "multilayer.model_file",
    "to_onnx": "multilayer.onnx",
}
_MODULES = ("callbacks", "datasets", "estimator", "nn", "plots", "portable", "schedules", "search")

__all__ = [
    "Activation",
    "Checkpoint",
    "DataError",
    "DivergenceError",
    "FeatureImportances",
    "ForkedProcessError",
    "InvalidArgumentError",
    "MLPClassifier",
    "MLPRegressor",
    "Metric",
    "ModelFileError",
    "MultilayerError",
    "Perceptron",
    "RealMLPClassifier",
    "RealMLPRegressor",
    "RegressionLoss",
    "TabMClassifier",
    "TabMRegressor",
    "TabularClassifier",
    "TabularEncoder",
    "TabularRegressor",
    "__version__",
    "callbacks",
    "datasets",
    "estimator",
    "load",
    "nn",
    "plots",
    "portable",
    "save",
    "schedules",
    "search",
    "to_onnx",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: ``import multilayer`` stays instant."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    if name in _MODULES:
        return import_module(f"multilayer.{name}")
    raise AttributeError(f"module 'multilayer' has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)
