"""The multilayer perceptron regressor."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import RegressorMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from multilayer._core.checks import check_real
from multilayer._core.errors import DataError, InvalidArgumentError
from multilayer._core.types import computing_type
from multilayer._data.rows import MatrixLike
from multilayer._objectives.regression_losses import REGRESSION_LOSSES, loss_of
from multilayer._sklearn import inputs
from multilayer._sklearn.arguments.constructors import RegressorArguments, known_arguments
from multilayer._sklearn.arguments.documentation import documented
from multilayer._sklearn.arguments.resolved import Resolved, check_regressor
from multilayer._sklearn.base import BaseMLP, is_stochastic
from multilayer._sklearn.fit.calibration import outputs_of
from multilayer._sklearn.fit.samples import Samples
from multilayer._sklearn.fit.scorer import check_scorer
from multilayer._sklearn.network.onnx_methods import OnnxRegressor
from multilayer._sklearn.targets import metrics, regression_targets
from multilayer._sklearn.targets.metrics import warn_of_worse_than_constant
from multilayer._sklearn.targets.uncertainty import (
    NOT_CALIBRATED,
    IntervalCalibration,
    in_units,
    intervals,
)

if TYPE_CHECKING:
    from multilayer._objectives.objective import LossNumbers, Objective


def _predicts_quantiles(estimator: "MLPRegressor") -> bool:
    fitted = hasattr(estimator, "_trained")
    loss = estimator._trained.regression_loss if fitted else estimator.loss
    regression_targets.check_predicts_quantiles(loss)
    return True


@documented(
    out_activation=regression_targets.out_activations_text(),
    score="R2",
    calibration="by their errors ``predict_interval`` knows how wide its intervals are",
    losses=", ".join(f'"{name}"' for name in REGRESSION_LOSSES),
)
class MLPRegressor(RegressorMixin, OnnxRegressor, BaseMLP, RegressorArguments):
    """Multilayer perceptron regressor, trained natively on the CPU or by XLA.

    The arguments of :class:`sklearn.neural_network.MLPRegressor` have its names, order, defaults
    and meaning, so that changing the import is enough; the ones it lacks follow them.

    Parameters
    ----------
    loss : {<losses>} or RegressionLoss, default="squared_error"
        What is minimised. "squared_error" and "poisson" are scikit-learn's (half the squared error,
        half the deviance). "quantile" learns the `quantiles` with the pinball loss, one network for
        all, without crossing; "gaussian_nll" a mean and a standard deviation (at least 1e-4 in the
        units trained in). A :class:`multilayer.RegressionLoss` is a custom loss.
    <parameters>
    quantiles : sequence of float, default=(0.1, 0.5, 0.9)
        Levels in (0, 1), ascending, for ``loss="quantile"``; the median is trained too when it is
        not among them.
    huber_delta : float, default=1.0
        Where "huber" changes from squared to absolute error, in the units of training.
    standardize_target : bool, default=False
        Train on ``(y - mean) / std``, by the (weighted) moments of the first training data, and
        predict in the units of y. Losses are those of the standardised target. Recommended whenever
        y is far from 0 or from unit scale.

    Attributes
    ----------
    target_mean_, target_scale_ : ndarray of shape (n_targets,)
        What the target was standardised by; 0 and 1 without `standardize_target`.
    <attributes>

    Notes
    -----
    Everything is computed in float32 unless `precision` is "float64"; results come in float64 for X
    of float64, as in scikit-learn, and in float32 for X of float32. With several targets the sum of
    their losses is minimised and their mean is reported, as in scikit-learn (for "poisson" the
    sum). Results are reproducible on the same machine type, versions and thread count.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from multilayer import MLPRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> reg = MLPRegressor(hidden_layer_sizes=(16,), learning_rate="cosine", max_iter=60,
    ...                    learning_rate_init=0.01, standardize_target=True, random_state=0)
    >>> model = make_pipeline(StandardScaler(), reg).fit(X, y)
    >>> bool(model.score(X, y) > 0.5)
    True
    """

    __module__ = "multilayer"  # its public home: pickles do not depend on this file

    _calibration: IntervalCalibration | None

    # Targets -------------------------------------------------------------------------------------

    def _check_parameters(self) -> "Resolved":
        resolved = check_regressor(self)
        if self.scoring is not None:
            check_scorer(self.scoring)
        return resolved

    def _samples(
        self, X: MatrixLike, y: npt.ArrayLike, weight: npt.ArrayLike | None, *, first: bool
    ) -> "tuple[Samples, Objective]":
        dtype = computing_type(self.precision)
        rows, numbers = inputs.check_X_y(self, X, y, reset=first, numeric=True)
        numbers = regression_targets.check_targets(numbers, loss_of(self.loss))
        weights = inputs.check_weight(weight, rows, dtype)
        columns = numbers.reshape(len(numbers), -1)
        if first:
            self._one_target = numbers.ndim == 1
            self._n_targets = columns.shape[1]
            self.target_mean_, self.target_scale_ = regression_targets.moments(
                columns, weights, standardize=self.standardize_target
            )
        self._check_as_in_training(numbers)
        target = regression_targets.to_train(columns, self.target_mean_, self.target_scale_, dtype)
        objective = regression_targets.objective(self, self._n_targets)
        self.out_activation_ = objective.out_activation
        self._learnt_levels, self._asked_levels = (
            regression_targets.levels(self),
            regression_targets.asked(self),
        )
        samples = Samples(rows, target, weights, numbers, inputs.is_streamed(X, rows))
        return samples, objective

    def _check_as_in_training(self, y: np.ndarray) -> None:
        """Refuse targets of another shape than those of training."""
        n_targets = y.reshape(len(y), -1).shape[1]
        if (y.ndim == 1) != self._one_target or n_targets != self._n_targets:
            expected = "1-D" if self._one_target else f"of {self._n_targets} columns"
            raise DataError(f"y must be {expected}, as in training, got shape {y.shape}.")

    def _learnt_from_first(self, parts: Sequence[Samples]) -> Sequence[Samples]:
        if not self.standardize_target:
            return parts
        tables = [part.labels.reshape(len(part), -1) for part in parts]
        units = regression_targets.moments(tables[0], parts[0].weight, standardize=True)
        self.target_mean_, self.target_scale_ = units
        return [
            replace(part, y=regression_targets.to_train(table, *units, part.dtype))
            for part, table in zip(parts, tables, strict=True)
        ]

    def _validation(
        self,
        X_val: MatrixLike | None,
        y_val: npt.ArrayLike | None,
        weight: npt.ArrayLike | None,
    ) -> Samples | None:
        validation = super()._validation(X_val, y_val, weight)
        watches_r2 = self.early_stopping and self.scoring is None
        if validation is not None and watches_r2:
            regression_targets.check_r2_is_defined(validation.y)
        return validation

    def _loss_numbers(self, dtype: str, class_weights: list[np.ndarray] | None) -> "LossNumbers":
        return regression_targets.regressor_numbers(self, dtype, regression_targets.levels(self))

    def _check_fit(self, samples: Samples) -> None:
        if self.max_iter > 0 and self.stop_reason_ != "interrupted":
            warn_of_worse_than_constant(self, samples)

    def _other_objective(self) -> tuple[str, object]:
        if loss_of(self.loss) != self._trained.regression_loss:
            return "loss", self._trained.loss
        return "quantiles", f"{self._trained.heads[0]} levels, the median among them"

    # Training ------------------------------------------------------------------------------------

    @available_if(is_stochastic)
    @known_arguments
    def partial_fit(
        self,
        X: MatrixLike,
        y: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
        *,
        X_val: MatrixLike | None = None,
        y_val: npt.ArrayLike | None = None,
        sample_weight_val: npt.ArrayLike | None = None,
    ) -> Self:
        """Train for one epoch over the given samples, from where the last call left off.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples.
        X_val, y_val, sample_weight_val : array-like, default=None
            Validation data, as in ``fit``. No rows are set aside here, and the network is always
            the latest: with `early_stopping`, `stop_reason_` becomes "converged" when it is time to
            stop.

        Returns
        -------
        self : MLPRegressor
            The fitted estimator.
        """
        resolved = self._check_parameters()
        again = "_network" in vars(self)
        return self._fit_one_epoch(
            lambda: self._samples(X, y, sample_weight, first=not again),
            (X_val, y_val, sample_weight_val),
            resolved,
            again=again,
        )

    # Prediction ----------------------------------------------------------------------------------

    def predict(
        self, X: MatrixLike, return_std: bool = False, *, quantiles: Sequence[float] | None = None
    ) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
        """Predict targets: the mean, or the median where the loss is minimised by it.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.
        return_std : bool, default=False
            Whether to return the standard deviation too, with ``loss="gaussian_nll"``.
        quantiles : sequence of float or None, default=None
            Levels in (0, 1), ascending, of the quantiles to return in place of the point
            prediction: with ``loss="quantile"`` among those learnt, with ``loss="gaussian_nll"``
            any. It works through a pipeline: ``predict(X, quantiles=...)``.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_targets), float32 or float64 as X
        std : ndarray of the same shape
            Only with ``return_std=True``.
        q : ndarray of shape (n_samples, n_quantiles) or (n_samples, n_targets, n_quantiles)
            In place of `y`, with `quantiles`.

        Raises
        ------
        InvalidArgumentError
            ``return_std=True`` or `quantiles` with a loss that does not learn them (a
            ValueError).
        """
        check_is_fitted(self)
        regression_targets.check_spread(self._trained, return_std, quantiles)
        says = self._distribution(X)
        if quantiles is not None:
            learnt = self._learnt_levels
            return regression_targets.quantiles_at(
                self._trained, self._units(), says, learnt, quantiles
            )
        return regression_targets.numbers_of(self._trained, self._units(), says, spread=return_std)

    @available_if(_predicts_quantiles)
    def predict_quantiles(self, X: MatrixLike) -> np.ndarray:
        """Predict the quantiles; they never cross.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        q : ndarray of shape (n_samples, n_quantiles) or (n_samples, n_targets, n_quantiles)
            In the order of `quantiles`.
        """
        check_is_fitted(self)
        says = self._distribution(X)  # (rows, targets, levels learnt)
        return regression_targets.quantiles_of(self._units(), says, self._asked_levels)

    def predict_interval(self, X: MatrixLike, coverage: float = 0.9) -> np.ndarray:
        """Return intervals that contain y with a given probability; the network is calibrated.

        Split conformal prediction: the point prediction, plus and minus the size that so many of
        the errors on the calibration rows have at most (Lei et al., 2018). With ``loss="quantile"``
        and ``"gaussian_nll"`` the network's own interval is moved outwards, or inwards, so that it
        holds as many of their targets (conformalised quantile regression; Romano et al., 2019): it
        is then wider where y is more uncertain. Without an assumption on the distribution of y, as
        many of the rows to come as promised are within theirs, on average over rows like those of
        calibration. Of several targets each has its own intervals, and its own promise.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.
        coverage : float, default=0.9
            Share of rows whose y is in its interval, in (0, 1). Quantiles that were learnt serve
            best at the levels ``(1 - coverage) / 2`` and ``(1 + coverage) / 2``; otherwise the
            outermost ones are taken.

        Returns
        -------
        intervals : ndarray of shape (n_samples, 2) or (n_samples, n_targets, 2), as X
            Lower and upper ends, in the units of y: float32 or float64 as X.

        Raises
        ------
        InvalidArgumentError
            The network is not calibrated, or the coverage is no such number or more than the
            calibration rows can promise, `n` rows ``n / (n + 1)`` (a ValueError).

        Examples
        --------
        >>> import numpy as np
        >>> from multilayer import MLPRegressor
        >>> rng = np.random.default_rng(0)
        >>> X = rng.uniform(-1, 1, (600, 2))
        >>> y = X[:, 0] + rng.normal(0, 0.1, 600)
        >>> reg = MLPRegressor(hidden_layer_sizes=(16,), learning_rate="cosine", max_iter=30,
        ...                    learning_rate_init=0.01, calibration_fraction=0.2, random_state=0)
        >>> low, high = reg.fit(X[:400], y[:400]).predict_interval(X[400:], coverage=0.8).T
        >>> bool(np.mean((low <= y[400:]) & (y[400:] <= high)) > 0.7)
        True
        """
        check_is_fitted(self)
        check_real("coverage", coverage, "(0, 1)")
        if self._calibration is None:
            raise InvalidArgumentError(NOT_CALIBRATED)
        trained, learnt = self._trained, self._learnt_levels
        correction = self._calibration.correction(trained, learnt, coverage)
        says = self._distribution(X)
        return intervals(correction, trained, self._units(), says, learnt, coverage)

    def _calibration_on(self, samples: Samples) -> IntervalCalibration:
        trained = self._trained
        said = in_units(trained, self._units(), outputs_of(self, samples, trained))
        y = samples.labels.reshape(len(samples), -1)
        return IntervalCalibration.of(trained, said, y, samples.weight)

    def _point_predictions(self, X: MatrixLike) -> np.ndarray:
        """Predict targets of rows that were checked."""
        says = self._forward(X, self._trained)
        return regression_targets.point_of(self._trained, self._units(), says)

    def _distribution(self, X: MatrixLike) -> np.ndarray:
        """Return what the network says of each target, in the units trained in."""
        return self._outputs(X, read=self._trained)

    def _units(self) -> regression_targets.Units:
        """Return the units of y, and its shape."""
        return regression_targets.Units(self.target_mean_, self.target_scale_, self._one_target)

    def evaluate(
        self, X: MatrixLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None
    ) -> dict[str, float]:
        """Errors on samples with known targets.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            True targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples.

        Returns
        -------
        figures : dict
            "r2", "rmse" (root mean squared error) and "mae" (mean absolute error), averaged over
            the targets.
        """
        rows = self._labelled(X, y, sample_weight)
        return metrics.of_numbers(self._point_predictions(rows.X), rows.labels, rows.weight)

    def _labelled(
        self, X: MatrixLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None
    ) -> Samples:
        check_is_fitted(self)
        rows, numbers = inputs.check_X_y(self, X, y, reset=False, numeric=True)
        weight = inputs.check_weight(sample_weight, rows, "float64")
        numbers = np.asarray(numbers, np.float64)
        if self._one_target and numbers.shape[1:] == (1,):
            numbers = numbers[:, 0]
        self._check_as_in_training(numbers)
        columns = numbers.reshape(len(numbers), -1)
        return Samples(rows, columns, weight, numbers, inputs.is_streamed(X, rows))
