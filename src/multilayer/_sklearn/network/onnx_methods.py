"""The methods that skl2onnx calls on a fitted estimator, so that it converts pipelines with one."""

from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils.validation import check_is_fitted

from multilayer._core.activations import AnyActivation, OnnxForm, record_of
from multilayer._core.checks import refuse
from multilayer._data.rows import Matrix
from multilayer._sklearn.network.parameters import NORM_ATTRIBUTES
from multilayer._sklearn.targets.class_outputs import MULTILABEL, MULTIOUTPUT

if TYPE_CHECKING:
    from multilayer._data.encoding import TableEncoding
    from multilayer._nn.network import Network
    from multilayer._objectives.objective import Objective
    from multilayer._onnx.conversion import Hooks
    from multilayer._onnx.graph import DenseNetwork
    from multilayer._onnx.outputs import Described
    from multilayer._onnx.tabular_graphs import TableEnsemble
    from multilayer._sklearn.tabular.encoder import TabularEncoder
    from multilayer._sklearn.tabular.ensemble import Ensemble
    from multilayer._sklearn.tabular.probabilities import NumberUnits
    from multilayer._sklearn.tabular.targets import ClassTargets
    from multilayer._sklearn.targets.class_outputs import Classes
    from multilayer._sklearn.targets.uncertainty import Temperature


def graphs(name: str = "estimator_graphs") -> ModuleType:
    """Return a module that describes estimators: ONNX is an extra."""
    return import_module(f"multilayer._onnx.{name}")


class OnnxMethods:
    """The methods that ``skl2onnx.to_onnx`` looks for; :func:`multilayer.to_onnx` is for users."""

    def _onnx_description(self) -> "Described":
        """Return what a graph needs of the fitted estimator."""
        raise NotImplementedError

    def _onnx_hooks(self) -> "Hooks":
        from multilayer._onnx.conversion import hooks  # late: onnx is an extra

        return hooks(self, self._onnx_description())

    def onnx_parser(self) -> Callable[..., object]:
        """Return the function by which skl2onnx declares the outputs."""
        return self._onnx_hooks().parser

    def onnx_shape_calculator(self) -> Callable[..., None]:
        """Return the function by which skl2onnx learns their types."""
        return self._onnx_hooks().shape_calculator

    def onnx_converter(self) -> Callable[..., None]:
        """Return the function by which skl2onnx adds the nodes."""
        return self._onnx_hooks().converter


class OnnxNetwork(OnnxMethods):
    """Those of a network, whose attributes are described."""

    network: object
    input_scale: float | None
    _network: "Network"
    _trained: "Objective"
    coefs_: list[np.ndarray]
    intercepts_: list[np.ndarray]


class OnnxClassifier(OnnxNetwork):
    """Those of a classifier."""

    _target_kind: str
    classes_: "Classes"
    _calibration: "Temperature | None"

    def _onnx_description(self) -> "Described":
        network, loss = dense_network(self), self._trained.classification_loss
        temperature = 1.0 if self._calibration is None else self._calibration.value
        if self._target_kind == MULTILABEL:
            return graphs().Indicators(
                network, np.asarray(self.classes_), not loss.yes_no, temperature
            )
        several = self._target_kind == MULTIOUTPUT
        columns = tuple(self.classes_) if several else (self.classes_,)
        return graphs().Classes(network, loss, columns, several, temperature)


class OnnxRegressor(OnnxNetwork):
    """Those of a regressor."""

    _asked_levels: list[int]
    target_mean_: np.ndarray
    target_scale_: np.ndarray

    def _onnx_description(self) -> "Described":
        network, trained = dense_network(self), self._trained
        return graphs().Numbers(
            network,
            trained.regression_loss.output,
            _onnx_form(trained.out_activation),
            np.asarray(self.target_mean_, np.float64),
            np.asarray(self.target_scale_, np.float64),
            n_levels=trained.heads[0],
            middle=trained.middle,
            asked=tuple(self._asked_levels),
        )


class OnnxPerceptron(OnnxMethods):
    """Those of a perceptron."""

    _target_kind: str
    classes_: "Classes"
    coef_: Matrix
    intercept_: np.ndarray

    def _onnx_description(self) -> "Described":
        check_is_fitted(self)
        weights = self.coef_ if isinstance(self.coef_, np.ndarray) else self.coef_.toarray()
        several = self._target_kind == MULTILABEL
        return graphs().ThresholdUnits(
            weights, np.asarray(self.intercept_), np.asarray(self.classes_), several
        )


class OnnxTable(OnnxMethods):
    """Those of what reads raw tables."""

    @property
    def _onnx_table(self) -> "TableEncoding":
        """What the columns become."""
        raise NotImplementedError


class OnnxEncoder(OnnxTable):
    """Those of an encoder of raw tables."""

    _encoding: "TableEncoding"

    @property
    def _onnx_table(self) -> "TableEncoding":
        return self._encoding

    def _onnx_description(self) -> "Described":
        check_is_fitted(self)
        return graphs("tabular_graphs").EncodedTable(self._encoding)


class OnnxEnsemble(OnnxTable):
    """Those of an ensemble for raw tables."""

    encoder_: "TabularEncoder"
    _ensemble: "Ensemble"

    @property
    def _onnx_table(self) -> "TableEncoding":
        return self.encoder_._onnx_table

    def _onnx_ensemble(self) -> "TableEnsemble":
        check_is_fitted(self)
        own = self._ensemble
        return graphs("tabular_graphs").TableEnsemble(
            self._onnx_table, own.network, own.params, own.weights
        )


class OnnxTableClassifier(OnnxEnsemble):
    """Those of an ensemble for classes."""

    _learnt: "ClassTargets"

    def _onnx_description(self) -> "Described":
        ensemble, temperature = self._onnx_ensemble(), self._ensemble.temperature
        return graphs("tabular_graphs").TableClasses(ensemble, temperature, self._learnt.classes)


class OnnxTableRegressor(OnnxEnsemble):
    """Those of an ensemble for numbers."""

    _learnt: "NumberUnits"

    def _onnx_description(self) -> "Described":
        ensemble, own = self._onnx_ensemble(), self._learnt
        units = own.mean, own.spread, own.low, own.high
        return graphs("tabular_graphs").TableNumbers(ensemble, *units)


def dense_network(estimator: OnnxNetwork) -> "DenseNetwork":
    """Return the layers of a fitted network, as it predicts."""
    from multilayer._onnx.graph import DenseNetwork, LayerNodes

    check_is_fitted(estimator)
    if estimator.network is not None:
        refuse(
            "network",
            "None for ONNX, as another network is code",
            estimator.network,
            "Build it of dense layers with hidden_layer_sizes.",
        )
    network = estimator._network
    layers = [
        LayerNodes(
            np.asarray(kernel, np.float32),
            np.asarray(bias, np.float32),
            _onnx_form(activation),
            _norm(estimator, i),
            network.skips(i),
        )
        for i, (kernel, bias, activation) in enumerate(
            zip(
                estimator.coefs_,
                estimator.intercepts_,
                (*network.activations, "identity"),
                strict=True,
            )
        )
    ]
    return DenseNetwork(tuple(layers), estimator.input_scale)


def _onnx_form(activation: AnyActivation) -> OnnxForm:
    """Return what adds the nodes of an activation function."""
    form = record_of(activation).onnx_form
    if form is None:
        remedy = "Use one that has a name, or a multilayer.Activation with an onnx_form."
        refuse("activation", "a name for ONNX, as a function is code", activation, remedy)
    return form


def _norm(estimator: OnnxNetwork, i: int) -> tuple[np.ndarray, ...]:
    """Return what normalises layer ``i``: scale and shift, and the running moments of "batch"."""
    values = (getattr(estimator, name, ()) for name in NORM_ATTRIBUTES)
    return tuple(np.asarray(each[i], np.float32) for each in values if i < len(each))
