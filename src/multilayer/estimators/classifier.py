"""The multilayer perceptron classifier."""

from typing import Any

import numpy as np
from scipy.special import expit, logsumexp, softmax
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from multilayer._core.checks import refuse
from multilayer._core.errors import DataError
from multilayer.estimators import inputs, labels
from multilayer.estimators.base import BaseMLP


def _is_stochastic(estimator: "MLPClassifier") -> bool:
    if estimator.solver == "lbfgs":
        raise AttributeError(
            "partial_fit is only available for stochastic optimizers. lbfgs is not stochastic."
        )
    return True


class MLPClassifier(ClassifierMixin, BaseMLP):
    """Multilayer perceptron classifier, trained by one compiled program.

    The arguments of :class:`sklearn.neural_network.MLPClassifier` have its names, order, defaults
    and meaning, so that changing the import is enough; the ones it lacks follow them.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(100,)
        Units of each hidden layer.
    activation : {"identity", "logistic", "tanh", "relu"}, default="relu"
        Activation of the hidden layers.
    solver : {"sgd", "adam", "adamw", "adagrad", "rmsprop", "lbfgs"}, default="adam"
        Update rule. "lbfgs" works on all rows at once and takes neither batches, schedules,
        dropout nor validation data.
    alpha : float, default=0.0001
        L2 penalty: ``0.5 * alpha * sum(W**2) / sum(weights of the batch)`` is added to the loss of
        each batch; biases are free of it.
    batch_size : int or "auto", default="auto"
        Rows per step; "auto" is ``min(200, n_samples)``.
    learning_rate : {"constant", "invscaling", "adaptive", "step", "exponential", "linear", \
"cosine", "one_cycle"}, default="constant"
        Schedule of the learning rate over the ``max_iter`` epochs. "invscaling" and "adaptive"
        apply to ``solver="sgd"`` alone, as in scikit-learn; with another solver the rate is
        constant. See `schedule_params`.
    learning_rate_init : float, default=0.001
        Base learning rate: the first one, or the highest one after a warm-up.
    power_t : float, default=0.5
        Exponent of "invscaling": ``learning_rate_init / (t + 1) ** power_t`` after ``t`` rows.
    max_iter : int, default=200
        Epochs ("lbfgs": iterations); 0 gives an initialised network.
    shuffle : bool, default=True
        Whether rows come in a new order in each epoch.
    random_state : int, RandomState instance or None, default=None
        Source of initial weights, order of rows, dropout and validation split. The same number
        gives the same bits on the same machine type, versions and thread count, and the same
        initial weights as scikit-learn's estimator.
    tol : float, default=1e-4
        Gain below which an epoch counts as no improvement ("lbfgs": gradient tolerance).
    verbose : bool or int, default=False
        Print a line per epoch.
    warm_start : bool, default=False
        Continue from the previous fit, the optimizer's state included (scikit-learn starts that
        one anew).
    momentum : float, default=0.9
        Momentum of "sgd", in [0, 1]. The velocity is ``v = momentum * v + gradient`` and the update
        ``-rate * v`` (Optax); scikit-learn keeps the rate inside the velocity, which is the same
        under a constant rate.
    nesterovs_momentum : bool, default=True
        Whether "sgd" looks ahead.
    early_stopping : bool, default=False
        Stop when the validation score stops improving, and return to the best epoch's network.
        Without it training stops on the training loss and keeps the last network.
    validation_fraction : float, default=0.1
        Share of the rows set aside, stratified, when `early_stopping` is on and ``fit`` gets no
        `X_val`.
    beta_1, beta_2 : float, default=0.9, 0.999
        Decay rates of the moments of "adam" and "adamw".
    epsilon : float, default=1e-8
        Added to a denominator by "adam", "adamw", "adagrad", "rmsprop". In Adam it stands beside
        the uncorrected second moment, as in scikit-learn (Kingma and Ba, 2015, end of section 2).
    n_iter_no_change : int or inf, default=10
        Epochs without improvement by `tol` that end training.
    max_fun : int, default=15000
        Most evaluations of the loss by "lbfgs".
    weight_decay : float, default=0.01
        Decoupled weight decay of "adamw" on weights, not biases (Loshchilov and Hutter, 2019);
        `alpha` acts beside it.
    dropout : float or sequence of float, default=0.0
        Chance that a hidden unit is dropped in training; one number, or one per hidden layer.
    label_smoothing : float, default=0.0
        Share of the target spread evenly over the classes. Curves of validation do without it.
    input_scale : float or None, default=None
        Factor of the inputs, applied inside the program: ``input_scale=1/255`` lets uint8 images
        stay uint8. None takes inputs as they are.
    weight_init : {"auto", "glorot_uniform", "glorot_normal", "he_uniform", "he_normal", \
"lecun_normal", "truncated_normal", "glorot_uniform_logistic"}, default="auto"
        Distribution of initial weights. "auto" is scikit-learn's: Glorot's uniform one, narrower
        for the logistic activation. "truncated_normal" has standard deviation
        ``2 / sqrt(inputs)``.
    bias_init : {"auto", "zeros"}, default="auto"
        Initial biases; "auto" draws them within the bound of Glorot's weights, as scikit-learn.
    solver_params : dict or None, default=None
        Further numbers of the solver: "rmsprop" ``decay=0.9``, ``momentum=0``; "adagrad"
        ``initial_accumulator_value=0.1``.
    schedule_params : dict or None, default=None
        Numbers of the schedule. All: ``warmup_fraction`` (of all steps) and ``start_factor`` (of
        the base rate); "step": ``drop_factor=0.1``, ``n_drops=2``; "exponential", "linear",
        "cosine" and "one_cycle": ``end_factor``. "one_cycle" rises from a tenth of the base rate
        over the first fifth of the steps and falls to a thousandth of it.
    callbacks : sequence of callbacks or None, default=None
        Objects with ``on_epoch_end(report)`` and ``on_progress(progress)``.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    coefs_, intercepts_ : list of ndarray
        Weights ``(n_inputs, n_units)`` and biases ``(n_units,)`` of each layer.
    history_ : dict of ndarray
        One entry per epoch: "epoch", "loss", "validation_loss", "validation_score" (NaN without
        validation data), "learning_rate", "steps", "seconds".
    loss_ : float
        Loss of the last epoch: the mean over its batches, penalty included.
    best_loss_ : float or None
        Lowest loss; None under early stopping.
    loss_curve_ : list of float
        Loss of each epoch.
    validation_scores_ : list of float or None
        Accuracy on the validation data after each epoch.
    best_validation_score_ : float or None
        The best of them.
    n_iter_ : int
        Epochs of the last call.
    t_ : int
        Training rows seen.
    n_layers_, n_outputs_ : int
        Layers (inputs and outputs counted) and output units.
    out_activation_ : {"logistic", "softmax"}
        Output activation.
    stop_reason_ : {"max_iter", "converged", "interrupted", "diverged", "failed"}
        What ended training.
    fit_seconds_, compile_seconds_ : float
        Seconds of training steps and of compilation in the last call.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, when X has string column names.

    Notes
    -----
    A binary problem has one output unit (one logit), as in scikit-learn. Everything is computed in
    float32. Results are reproducible on the same machine type, versions and thread count.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from multilayer import MLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = MLPClassifier((16,), learning_rate="cosine", learning_rate_init=0.02, max_iter=100,
    ...                     batch_size=32, random_state=0).fit(X, y)
    >>> clf.predict(X[:3])
    array([0, 0, 0])
    >>> bool(clf.score(X, y) > 0.95)
    True
    """

    # Training ----------------------------------------------------------------------------------

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> "MLPClassifier":
        """Train the network.

        Ctrl-C ends training with a warning and keeps the network: the best validated one where
        there is validation data, else the latest.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data, any real dtype. Sparse and memory-mapped data are streamed.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Class labels, or a 0/1 indicator matrix.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples, not negative. A batch's loss is ``sum(w * loss) / sum(w)``.
        X_val, y_val : array-like, default=None
            Validation data: for the curves, and for early stopping when that is on.
        sample_weight_val : array-like of shape (n_val_samples,), default=None
            Weights of the validation data.

        Returns
        -------
        self : MLPClassifier
            The fitted estimator.

        Raises
        ------
        InvalidArgumentError
            An argument breaks its rule (a ValueError).
        DataError
            The data cannot be used (a ValueError).
        DivergenceError
            The loss became infinite or NaN (a ValueError); the best finite network is kept.
        """
        self._check_parameters()
        again = self.warm_start and hasattr(self, "coefs_")
        with self._unchanged_on_refusal():
            if again:
                self._check_same_classes(y)
            samples = self._samples(X, y, sample_weight, first=not again)
            validation = self._validation(X_val, y_val, sample_weight_val)
            training = self._begin(samples, validation, resume=again)
        self._run(training, self.max_iter)
        return self

    @available_if(_is_stochastic)
    def partial_fit(
        self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None
    ) -> "MLPClassifier":
        """Train for one epoch over the given samples, from where the last call left off.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Class labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples.
        classes : array-like of shape (n_classes,), default=None
            All classes that will ever come; needed in the first call.

        Returns
        -------
        self : MLPClassifier
            The fitted estimator.
        """
        self._check_parameters()
        if self.early_stopping:
            raise DataError("partial_fit does not support early_stopping=True")
        again = hasattr(self, "coefs_")
        with self._unchanged_on_refusal():
            self._declare_classes(y, classes, first=not again)
            samples = self._samples(X, y, sample_weight, first=not again, classes=self.classes_)
            training = self._begin(samples, None, resume=again)
        self._run(training, 1)
        return self

    def _declare_classes(self, y: Any, classes: Any, *, first: bool) -> None:
        """Take the classes of the first call of partial_fit; later ones must agree."""
        if classes is None:
            if first:
                raise DataError("classes must be passed on the first call to partial_fit.")
            return
        declared = np.unique(np.asarray(classes))
        if first:
            self.classes_ = declared
        elif not np.array_equal(declared, self.classes_):
            raise DataError(
                f"`classes={classes!r}` is not the same as on last call to partial_fit, "
                f"was: {self.classes_!r}"
            )

    def _samples(
        self, X: Any, y: Any, weight: Any, *, first: bool, classes: np.ndarray | None = None
    ) -> Any:
        """Check training data, and learn the classes from them where none were declared."""
        from multilayer.estimators.fitting import Samples, computing_type

        streamed = inputs.is_streamed(X)
        X, y = inputs.check_X_y(self, X, y, reset=first)
        y = labels.check_labels(y)
        weight = inputs.check_weight(weight, X, computing_type())
        if first:
            self.classes_ = labels.find_classes(y) if classes is None else classes
            self._multilabel = y.ndim == 2
            self.out_activation_ = self._loss_name()
        target = labels.encode(y, self.classes_, multilabel=self._multilabel)
        return Samples(X, target, weight, streamed)

    def _validation(self, X_val: Any, y_val: Any, weight: Any) -> Any:
        """Check validation data, encoded by the classes of the training data."""
        if X_val is None and y_val is None:
            if weight is not None:
                refuse("sample_weight_val", "given together with X_val and y_val", weight)
            return None
        if X_val is None or y_val is None:
            missing = "X_val" if X_val is None else "y_val"
            refuse(missing, "given: X_val and y_val go together", None)
        if self.solver == "lbfgs":
            refuse("X_val", "None with solver='lbfgs'", "an array", "Choose another solver.")
        return self._samples(X_val, y_val, weight, first=False)

    def _check_same_classes(self, y: Any) -> None:
        """Refuse to continue with other classes than before."""
        classes = labels.find_classes(labels.check_labels(np.asarray(y)))
        if set(classes) != set(self.classes_):
            raise DataError(
                "warm_start can only be used where `y` has the same classes as in the previous "
                f"call to fit. Previously got {self.classes_}, `y` has {classes}"
            )

    def _loss_name(self) -> str:
        binary = self._multilabel or len(self.classes_) == 2
        return "logistic" if binary else "softmax"

    def _n_outputs(self) -> int:
        if not self._multilabel and len(self.classes_) == 2:
            return 1
        return len(self.classes_)

    def _strata(self, y: np.ndarray) -> np.ndarray | None:
        if self._multilabel:
            return None
        return self.classes_[y.reshape(len(y)).astype(int)]  # an error then names the label

    # Prediction --------------------------------------------------------------------------------

    def decision_function(self, X: Any) -> np.ndarray:
        """Outputs of the network before the output activation (logits).

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        logits : ndarray of shape (n_samples,) for two classes, else (n_samples, n_outputs)
        """
        logits = self._logits(X)
        return logits[:, 0] if self._is_binary() else logits

    def predict(self, X: Any) -> np.ndarray:
        """Predict classes: those of the highest logit.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_labels)
        """
        logits = self.decision_function(X)
        if self._multilabel:
            return (logits > 0).astype(int)
        chosen = (logits > 0).astype(int) if self._is_binary() else np.argmax(logits, axis=1)
        return self.classes_[chosen]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities of the classes, in the order of ``classes_``.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        p : ndarray of shape (n_samples, n_classes), float32
        """
        check_is_fitted(self)
        logits = self._logits(X)
        if self._is_binary():  # both from the logit: 1 - p would round small chances to 0
            logits = np.column_stack([-logits[:, 0], logits[:, 0]])
        return softmax(logits, axis=1) if self.out_activation_ == "softmax" else expit(logits)

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Logarithms of the probabilities of the classes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        log_p : ndarray of shape (n_samples, n_classes), float32
            Computed from the logits, so that small probabilities keep their size.
        """
        logits = self._logits(X)
        if self._is_binary():
            logits = np.column_stack([-logits[:, 0], logits[:, 0]])
        if self.out_activation_ == "softmax":
            return logits - logsumexp(logits, axis=1, keepdims=True)
        return -np.logaddexp(0.0, -logits).astype(logits.dtype)

    def evaluate(self, X: Any, y: Any, sample_weight: Any = None) -> dict[str, float]:
        """Accuracy and average loss on labelled samples.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            True labels, of classes known from training.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples.

        Returns
        -------
        figures : dict
            "accuracy" (share of rows predicted right) and "average_loss" (mean cross-entropy
            without penalty and smoothing).
        """
        check_is_fitted(self)
        X, y = inputs.check_X_y(self, X, y, reset=False)
        weight = inputs.check_weight(sample_weight, X, "float64")
        target = labels.encode(labels.check_labels(y), self.classes_, multilabel=self._multilabel)
        logits = self._logits(X).astype(np.float64)
        if self.out_activation_ == "softmax":
            right = np.argmax(logits, axis=1) == target
            losses = logsumexp(logits, axis=1) - logits[np.arange(len(target)), target]
        else:
            right = np.all((logits > 0) == (target > 0), axis=1)
            losses = np.sum(np.logaddexp(0.0, logits) - target * logits, axis=1)
        return {
            "accuracy": float(np.average(right, weights=weight)),
            "average_loss": float(np.average(losses, weights=weight)),
        }

    def _is_binary(self) -> bool:
        return not self._multilabel and len(self.classes_) == 2

    def __sklearn_tags__(self) -> Any:
        """Say what data this estimator takes."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        tags.input_tags.sparse = True
        return tags
