"""What a fitted network offers: outputs, hidden activations, a summary."""

import sys
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import issparse
from sklearn import get_config
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import estimator_html_repr
from sklearn.utils.validation import check_is_fitted

from multilayer._core.checks import refuse
from multilayer._core.errors import InvalidArgumentError
from multilayer._data import rows
from multilayer._data.csr_rows import CsrRows
from multilayer._data.rows import Matrix, MatrixLike
from multilayer._engine import engines
from multilayer._sklearn import inputs
from multilayer._sklearn.arguments.architecture import check_transform_layer
from multilayer._sklearn.network import drawing
from multilayer._sklearn.network.parameters import parameters_of

if TYPE_CHECKING:
    from multilayer._nn.model import Parameters
    from multilayer._nn.network import Network
    from multilayer._objectives.objective import Objective


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

        def compute() -> np.ndarray:
            return self._forward(inputs.check_X(self, X, reset=False), read)

        return inputs.remembered(self, X, compute) if read is None else compute()

    def _forward(self, X: Matrix, read: "Objective | int | None") -> np.ndarray:
        """Do the same for rows that were checked."""
        dtype = self._dtype
        sparse = issparse(X) and self._reads_sparse()
        take = CsrRows.of(X, dtype) if sparse else rows.row_taker(X, dtype)
        result = self._computed(take, X.shape[0], read)
        if not np.isfinite(result).all():
            inputs.refuse_huge(X, dtype)  # weights as large would be another matter
        return result.astype(inputs.type_of_results(X, dtype), copy=False)

    def _computed(
        self,
        take: engines.Take,
        n_rows: int,
        read: "Objective | int | None",
    ) -> np.ndarray:
        """Do the same for rows that are taken in slices, in the computing type."""
        return self._predictor().outputs(
            self._network,
            self._parameters(),
            take,
            n_rows,
            read=read,
            input_scale=1.0 if self.input_scale is None else self.input_scale,
            dtype=self._dtype,
        )

    def _predictor(self) -> engines.Engine:
        """Return the engine that predicts."""
        return engines.predictor(self.engine_, self._network.at_prediction())

    def _reads_sparse(self) -> bool:
        """Whether sparse rows may stay so."""
        return engines.reads_sparse(self._predictor().name, self._network.at_prediction())

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
