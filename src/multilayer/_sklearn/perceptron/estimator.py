"""The perceptron: one layer of threshold units."""

from collections.abc import Callable
from copy import copy
from typing import Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags

from multilayer._core.checks import refuse
from multilayer._core.errors import DataError
from multilayer._data.rows import MatrixLike
from multilayer._sklearn import inputs
from multilayer._sklearn.arguments.constructors import known_arguments
from multilayer._sklearn.arguments.resolved import tables_of
from multilayer._sklearn.network.onnx_methods import OnnxPerceptron
from multilayer._sklearn.perceptron.arguments import PerceptronArguments, check_arguments
from multilayer._sklearn.perceptron.decisions import PerceptronUse
from multilayer._sklearn.perceptron.layer import first_units, train_layer, warn_of_failure
from multilayer._sklearn.perceptron.rule import Outcome
from multilayer._sklearn.targets import class_labels
from multilayer._sklearn.targets.class_outputs import BINARY, MULTIOUTPUT, Classes


class Perceptron(
    ClassifierMixin, OnnxPerceptron, PerceptronUse, PerceptronArguments, BaseEstimator
):
    """Perceptron: one layer of threshold units, each of which learns from its errors.

    Arguments, attributes and, under the same `random_state`, the weights themselves are those of
    :class:`sklearn.linear_model.Perceptron`. New are indicator matrices as targets, `converged_`,
    `n_updates_`, and with ``tol=None`` training ends as soon as there is nothing left to learn.

    Parameters
    ----------
    penalty : {"l2", "l1", "elasticnet"} or None, default=None
        Penalty on the weights, not on the bias. It changes them at every row, so that training does
        not converge by itself.
    alpha : float, default=0.0001
        Strength of the penalty, at least 0.
    l1_ratio : float, default=0.15
        Fraction of L1 in the penalty "elasticnet", in [0, 1].
    fit_intercept : bool, default=True
        Whether there is a bias: the weight of a feature that is always 1.
    max_iter : int, default=1000
        Maximum number of passes of ``fit`` over the rows (epochs).
    tol : float or None, default=1e-3
        With a number, a unit stops after `n_iter_no_change` passes in a row that did not bring its
        loss more than `tol` below the lowest so far. The loss is the mean over the rows of
        ``max(0, -y * z)``, plus the penalty. With None it stops after the first pass without an
        error, which comes if a hyperplane separates the classes, and otherwise at `max_iter`.
    shuffle : bool, default=True
        Whether each pass has another order of the rows.
    verbose : bool or int, default=0
        Whether to print the loss of each pass, one unit after the other.
    eta0 : float, default=1.0
        Size of the steps, above 0. From weights of 0 and without a penalty it scales the weights,
        and no prediction depends on it.
    n_jobs : int or None, default=None
        Accepted for compatibility with scikit-learn, without effect: the units are trained one
        after the other.
    random_state : int, RandomState instance or None, default=0
        Seed of the shuffling and of the rows that are set aside.
    early_stopping : bool, default=False
        Whether to set rows aside, and to stop by the accuracy of the unit on them instead of the
        loss: after `n_iter_no_change` passes without a rise by `tol`.
    validation_fraction : float, default=0.1
        Fraction of the rows that `early_stopping` sets aside, stratified by class, in (0, 1).
    n_iter_no_change : int, default=5
        Passes in a row without progress after which a unit stops.
    class_weight : dict, "balanced", list of dict or None, default=None
        Factors of the steps by class; a class that a dict leaves out has 1. With more than two
        classes each has its factor in its own unit, where the rest has 1, as in scikit-learn.
        "balanced" is ``n_samples / (n_classes * count)``. For an indicator matrix a list with a
        dict ``{0: ..., 1: ...}`` for each column.
    warm_start : bool, default=False
        Whether ``fit`` continues from the weights of the previous fit.

    Attributes
    ----------
    coef_ : ndarray of shape (1, n_features) or (n_outputs, n_features), float64
        Weights: of one unit for two classes, else of one for each class or column.
    intercept_ : ndarray of shape (1,) or (n_outputs,), float64
        Biases.
    classes_ : ndarray of shape (n_classes,)
        Class labels; for an indicator matrix the numbers of its columns.
    converged_ : bool
        Whether the last pass of every unit was without an error (rows of weight 0 make none).
        Without a penalty each unit then separates its classes, and no row changes it any more.
    n_updates_ : int
        Number of updates, of all units together: of errors, that is.
    n_iter_ : int
        Number of passes, of the unit that made most.
    t_ : int
        ``n_iter_ * n_samples + 1``, with all calls of ``partial_fit``.
    n_features_in_, feature_names_in_ : int, ndarray of shape (n_features_in_,)
        Number of features, and their names where X had names that are all text.

    See Also
    --------
    multilayer.MLPClassifier : Layers of units, for classes that no hyperplane separates.

    Notes ----- **The rule** (Rosenblatt, 1958). A unit has the score ``z = w @ x + b`` and the
    output ``yhat = heaviside(z)``. Each row in turn moves each unit j by

    ``w_ij += eta * (y_j - yhat_j) * x_i``,  ``b_j += eta * (y_j - yhat_j)``,

    which is nothing where the unit is right. As scikit-learn does, it is applied with classes -1
    and 1, by a step ``eta * y * x`` where ``y * z <= 0``. The steps are the same, but for a tie:
    ``heaviside(0) = 1`` is right for a row of class 1, while here ``z = 0`` is an error of either
    class. So training ends with every row off the boundary, and the first row, which weights of 0
    leave undecided, is an update whatever its class. In ``predict`` a tie goes to the class of 0,
    as in scikit-learn.

    **The convergence theorem** (Novikoff, 1962). Count the bias as the weight of a feature that is
    1. Let all rows have norms of at most R, and let there be a unit vector u with
    ``y * (u @ x) >= gamma > 0`` for all of them. From weights of 0 a unit then makes at most
    ``(R / gamma) ** 2`` updates, in whatever order the rows come. If there is no such u, as for
    XOR, it never converges. A ConvergenceWarning says so when `max_iter` ended the training, or
    when the weights came back to an earlier value, which proves it.

    **Equality with scikit-learn.** On float64 data the rows come in the same order and the sums are
    added up in the same way, so the weights equal those of its Perceptron and of
    ``SGDClassifier(loss="perceptron", learning_rate="constant", eta0=1, penalty=None)``: exactly
    where no sum is rounded or the processor rounds as there. As there, sparse X moves the bias by a
    hundredth of a step. Different are: X of float32 is computed in float64; ``tol=None`` ends when
    nothing changes any more (there at `max_iter`, with the same weights); scikit-learn before 1.8
    leaves the penalty out of the loss.

    References
    ----------
    F. Rosenblatt, "The perceptron: a probabilistic model for information storage and organization
    in the brain", Psychological Review 65 (1958).

    A. B. J. Novikoff, "On convergence proofs for perceptrons", Proceedings of the Symposium on the
    Mathematical Theory of Automata 12 (1962).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from multilayer import Perceptron
    >>> iris = load_iris()
    >>> X, y = iris.data[:, (2, 3)], iris.target == 0  # petal length and width; setosa or not
    >>> clf = Perceptron(tol=None, random_state=42).fit(X, y)
    >>> clf.predict([[2, 0.5]])
    array([ True])
    >>> clf.converged_, clf.score(X, y)
    (True, 1.0)
    """

    __module__ = "multilayer"  # its public home: pickles do not depend on this file

    n_updates_: int
    t_: int

    # Training ------------------------------------------------------------------------------------

    @known_arguments
    def fit(
        self,
        X: MatrixLike,
        y: npt.ArrayLike,
        coef_init: npt.ArrayLike | None = None,
        intercept_init: npt.ArrayLike | None = None,
        sample_weight: npt.ArrayLike | None = None,
    ) -> Self:
        """Train until a unit has nothing more to learn, or `tol` or `max_iter` ends it.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data, any real dtype.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Class labels, or a 0/1 indicator matrix: one yes/no unit for each column.
        coef_init : array-like of the shape of `coef_`, default=None
            Weights to start from, instead of 0 or of those of a warm start.
        intercept_init : array-like of the shape of `intercept_`, default=None
            Biases to start from.
        sample_weight : array-like of shape (n_samples,), default=None
            Factors of the steps, not negative.

        Returns
        -------
        self : Perceptron
            The fitted estimator.

        Raises
        ------
        InvalidArgumentError
            An argument breaks its rule (a ValueError).
        DataError
            The data cannot be used (a ValueError).
        DivergenceError
            The weights overflowed (a ValueError).
        """
        check_arguments(self)
        trained = copy(self)  # so that what is refused leaves this one as it was
        if not self.warm_start:
            for name in ("coef_", "intercept_", "classes_"):
                trained.__dict__.pop(name, None)
        trained.t_, trained.n_updates_ = 1, 0
        outcomes = trained._learn(
            X,
            y,
            sample_weight,
            class_labels.find_classes,
            (coef_init, intercept_init),
            self.max_iter,
        )
        self.__dict__.update(trained.__dict__)
        warn_of_failure(outcomes, self)
        return self

    @known_arguments
    def partial_fit(
        self,
        X: MatrixLike,
        y: npt.ArrayLike,
        classes: npt.ArrayLike | None = None,
        sample_weight: npt.ArrayLike | None = None,
    ) -> Self:
        """Make one pass over the given rows, from where the last call left off.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Class labels, or an indicator matrix.
        classes : array-like of shape (n_classes,), default=None
            All classes that can occur in any call; needed in the first call. For an indicator
            matrix the numbers of its columns.
        sample_weight : array-like of shape (n_samples,), default=None
            Factors of the steps, not negative.

        Returns
        -------
        self : Perceptron
            The fitted estimator; `converged_` is of this pass, `n_updates_` counts on.
        """
        check_arguments(self)
        if self.early_stopping:
            refuse("early_stopping", "False for partial_fit, which makes one pass", True)
        if any(isinstance(table, str) for table in tables_of(self.class_weight)):
            refuse(
                "class_weight",
                "None or a dict for partial_fit, which never sees all samples",
                self.class_weight,
                "Compute the weights with sklearn.utils.class_weight.compute_class_weight.",
            )
        trained = copy(self)
        if not hasattr(self, "coef_"):
            if classes is None:
                raise DataError("classes must be passed on the first call to partial_fit.")
            trained.t_, trained.n_updates_ = 1, 0

        def find(y: np.ndarray) -> tuple[Classes, str]:
            if classes is None:
                return self.classes_, self._target_kind
            return class_labels.declared_classes(classes, y)

        trained._learn(X, y, sample_weight, find, (None, None), 1)
        self.__dict__.update(trained.__dict__)
        return self

    def _learn(
        self,
        X: MatrixLike,
        y: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None,
        find: Callable[[np.ndarray], tuple[Classes, str]],
        start: tuple[npt.ArrayLike | None, npt.ArrayLike | None],
        max_iter: int,
    ) -> list[Outcome]:
        """Check the data, train each unit, and set the fitted attributes."""
        first = not hasattr(self, "coef_")
        X, y = inputs.check_X_y(self, X, y, reset=first)
        y = class_labels.check_labels(y)
        weight = inputs.check_weight(sample_weight, X, "float64")
        self._take_classes(*find(y), first=first)
        coef, intercept = start
        units = first_units(
            1 if self._target_kind == BINARY else len(self.classes_),
            X.shape[1],
            getattr(self, "coef_", None) if coef is None else coef,
            getattr(self, "intercept_", None) if intercept is None else intercept,
        )
        target = self.classes_, self._target_kind
        outcomes = train_layer(self, X, y, weight, target, units, max_iter)
        self.coef_ = np.array([unit.weights for unit in units])
        self.intercept_ = np.array([unit.bias for unit in units])
        self.n_iter_ = max(outcome.passes for outcome in outcomes)
        self.t_ += self.n_iter_ * X.shape[0]
        self.n_updates_ += sum(outcome.updates for outcome in outcomes)
        self.converged_ = all(outcome.converged for outcome in outcomes)
        return outcomes

    def _take_classes(self, classes: Classes, kind: str, *, first: bool) -> None:
        """Learn the classes, or see that they are those of before."""
        if kind == MULTIOUTPUT:
            raise DataError(
                f"y must be one column of classes or a 0/1 indicator matrix, got {len(classes)} "
                "columns of classes. Wrap the estimator in sklearn.multioutput."
                "MultiOutputClassifier."
            )
        if first:
            self.classes_, self._target_kind = classes, kind
        elif not class_labels.same_classes(classes, self.classes_):
            raise DataError(
                f"The classes must be {self.classes_}, as in the continued training, got "
                f"{classes}. Clone the estimator to start anew."
            )

    def __sklearn_tags__(self) -> Tags:
        """Say what data this estimator takes."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.classifier_tags.multi_label = True
        return tags
