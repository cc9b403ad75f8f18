"""What a fitted network offers: outputs, hidden activations, curves, a summary."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn import get_config
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import estimator_html_repr
from sklearn.utils.validation import check_is_fitted

from multilayer._core.checks import refuse
from multilayer._core.errors import InvalidArgumentError
from multilayer._core.types import REPORT_COLUMNS
from multilayer._data import rows
from multilayer._data.rows import Matrix, MatrixLike
from multilayer._engine import engines
from multilayer._engine.history import History
from multilayer._nn.network import n_parameters
from multilayer._sklearn import inputs
from multilayer._sklearn.arguments.architecture import check_transform_layer
from multilayer._sklearn.network import drawing
from multilayer._sklearn.network.parameters import parameters_of

if TYPE_CHECKING:
    from multilayer._nn.model import Parameters
    from multilayer._nn.network import Network
    from multilayer._objectives.objective import Objective


# The figures of training as attributes, read from its history ------------------------------------


def _needs_training(estimator: "Curves", name: str) -> History:
    if "_history" not in vars(estimator):
        raise AttributeError(
            f"{type(estimator).__name__!r} object has no attribute {name!r}: it is not fitted"
        )
    return estimator._history


class Curves:
    """History and what follows from it; nothing is copied before it is read."""

    _history: History
    _validated: bool  # whether the last call had validation data
    _stopped_by_score: bool  # whether validation decided over its end
    n_iter_: int
    stop_reason_: str
    scoring: Any

    @property
    def history_(self) -> dict[str, np.ndarray]:
        """Figures of each epoch, one array per column."""
        columns = _needs_training(self, "history_").columns()
        return columns or {name: np.array([]) for name in REPORT_COLUMNS}

    @property
    def loss_curve_(self) -> list[float]:
        """Loss of each epoch."""
        return _needs_training(self, "loss_curve_")["loss"].tolist()

    @property
    def best_loss_(self) -> float | None:
        """Lowest loss; None where validation decided."""
        losses = self.loss_curve_
        return None if self._stopped_by_score else float(np.min(losses, initial=np.inf))

    @property
    def validation_scores_(self) -> list[float] | None:
        """Validation score of each epoch; None without validation data."""
        history = _needs_training(self, "validation_scores_")
        return history["validation_score"].tolist() if self._validated else None

    @property
    def best_validation_score_(self) -> float | None:
        """Best validation score; None without validation data."""
        scores = self.validation_scores_
        return None if scores is None else float(np.max(scores, initial=-np.inf))

    @property
    def _chosen_epochs(self) -> tuple[int, ...]:
        """The epoch whose network was restored, none where it is the latest or of an earlier call.

        It follows from the history by the rule of ``close_epoch`` in `_engine/stopping.py`.
        """
        history = _needs_training(self, "_chosen_epochs")
        interrupted = self.stop_reason_ in ("interrupted", "failed") and self._validated
        if not (self._stopped_by_score or interrupted) or self.n_iter_ != len(history):
            return ()
        loss = history["validation_loss"]
        by_loss = self._stopped_by_score and self.scoring == "loss"
        rank = loss if by_loss else -history["validation_score"]
        finite = np.isfinite(history["loss"]) & np.isfinite(loss) & np.isfinite(rank)
        order = np.lexsort((loss, np.where(finite, rank, np.inf)))
        return (int(order[0]),) if finite.any() else ()


# What a fitted network is used for besides predicting: outputs, hidden activations, a summary


DIAGRAM = "sklearn.utils._repr_html.estimator"  # the module that draws them, from 1.9 on


class NetworkUse(ClassNamePrefixFeaturesOutMixin, TransformerMixin):
    """The network of an estimator, forward."""

    _network: "Network"  # a multilayer._nn.network.Network, the one that was trained
    _dtype: str  # what it was trained, and is computed, in
    engine_: str
    input_scale: float | None
    transform_layer: int
    network: object
    coefs_: list[np.ndarray]
    intercepts_: list[np.ndarray]

    def _outputs(self, X: MatrixLike, read: "Objective | int | None" = None) -> np.ndarray:
        """Compute what is read from the network; see `multilayer._engine.engines.Outputs`.

        It is computed in the type of the training. A network of float32 gives what scikit-learn
        would return: float32 for X of float32 or of a smaller type, float64 otherwise.
        """
        check_is_fitted(self)
        return self._forward(inputs.check_X(self, X, reset=False), read)

    def _forward(self, X: Matrix, read: "Objective | int | None") -> np.ndarray:
        """Do the same for rows that were checked."""
        dtype = self._dtype
        result = self._computed(rows.row_taker(X, dtype), X.shape[0], read)
        if not np.isfinite(result).all():
            inputs.refuse_huge(X, dtype)  # weights as large would be another matter
        return result.astype(inputs.type_of_results(X, dtype), copy=False)

    def _computed(
        self,
        take: Callable[[np.ndarray | slice], np.ndarray],
        n_rows: int,
        read: "Objective | int | None",
    ) -> np.ndarray:
        """Do the same for rows that are taken in slices, in the computing type."""
        network = self._network
        return engines.predictor(self.engine_, network.at_prediction()).outputs(
            network,
            self._parameters(),
            take,
            n_rows,
            read=read,
            input_scale=1.0 if self.input_scale is None else self.input_scale,
            dtype=self._dtype,
        )

    def _parameters(self) -> "Parameters":
        """Return the parameters in the attributes (users may have changed them)."""
        return parameters_of(self, self._dtype)

    def transform(self, X: MatrixLike) -> np.ndarray:
        """Activations of a hidden layer: the features that the network has learnt.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        activations : ndarray of shape (n_samples, n_units), float32 or float64 as X
            Those of the hidden layer `transform_layer`.
        """
        check_is_fitted(self)
        return self._outputs(X, read=self._hidden_layer())

    def _hidden_layer(self) -> int:
        """Return the number of the layer to transform to, counted from the first."""
        if self.network is not None:
            refuse("network", "None for transform, which names dense layers", self.network)
        n_hidden = self._network.n_hidden
        if n_hidden == 0:
            refuse(
                "hidden_layer_sizes",
                "at least one layer for transform",
                self._network.layer_sizes[1:-1],
            )
        check_transform_layer(self.transform_layer, n_hidden)
        return int(self.transform_layer) % n_hidden

    @property
    def _n_features_out(self) -> int:
        """Number of columns of :meth:`transform`, for ``get_feature_names_out``."""
        try:
            return self._network.layer_sizes[1 + self._hidden_layer()]
        except InvalidArgumentError as error:  # which `hasattr`, and so `dir`, would let through
            raise AttributeError(str(error)) from error

    @property
    def n_parameters_(self) -> int:
        """Number of weights, biases, and scales and shifts of normalised layers."""
        if "_network" not in vars(self):
            raise AttributeError("n_parameters_ is there once the network is: call fit first")
        return n_parameters(self._parameters())

    def summary(self) -> str:
        """Table of the layers: units, activation, parameters.

        Returns
        -------
        text : str
            One line per layer and the total.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            The network has no input and output layer before ``fit``; ``max_iter=0`` makes one.
        InvalidArgumentError
            The network is a custom one: see `network` for its layers.
        """
        check_is_fitted(self)
        if self.network is not None:
            refuse("network", "None for a summary of dense layers", self.network)
        return drawing.summary(self)

    def get_feature_names_out(self, input_features: None = None) -> np.ndarray:
        """Names of the columns that :meth:`transform` returns.

        Parameters
        ----------
        input_features : None
            Not used: the names are derived from the class name.

        Returns
        -------
        names : ndarray of shape (n_units,), object
            Such as ``mlpclassifier0``.
        """
        # scikit-learn's diagram asks whatever can transform, and would show the number of hidden
        # units as the features of an estimator that predicts.
        if sys._getframe(1).f_globals.get("__name__") == DIAGRAM:
            raise AttributeError("the features of a hidden layer are not part of a diagram")
        return super().get_feature_names_out(input_features)

    def _get_params_html(self, *args: Any, **kwargs: Any) -> Any:
        """What scikit-learn's diagrams show of an estimator; of a fitted one also a drawing."""
        params = super()._get_params_html(*args, **kwargs)
        if "coefs_" in vars(self):
            text = f"{params._repr_html_inner()}\n{drawing.svg(self)}"
            params._repr_html_inner = lambda: text
        return params

    def _html_repr(self) -> str:
        """scikit-learn's diagram of the estimator, a fitted one with a drawing of its network."""
        html = estimator_html_repr(self)
        if "coefs_" not in vars(self):
            return html
        drawn = drawing.svg(self)
        return html if drawn in html else f"{html}\n{drawn}"  # before 1.7 it is not in the diagram

    def _repr_html_inner(self) -> str:
        """What a notebook shows; scikit-learn 1.6 calls its own function here."""
        return self._html_repr()

    def _repr_mimebundle_(self, **kwargs: object) -> dict[str, str]:
        """What a notebook shows, by type; scikit-learn 1.6 calls its own function here."""
        output = {"text/plain": repr(self)}
        if get_config()["display"] == "diagram":
            output["text/html"] = self._html_repr()
        return output
