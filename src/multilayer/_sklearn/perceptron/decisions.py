"""What a trained perceptron is used for."""

from typing import TYPE_CHECKING, NoReturn, Self

import numpy as np
from scipy import sparse
from sklearn.utils.extmath import safe_sparse_dot
from sklearn.utils.validation import check_is_fitted

from multilayer._data.rows import Matrix, MatrixLike
from multilayer._sklearn import inputs
from multilayer._sklearn.targets.class_outputs import BINARY, labels_of

if TYPE_CHECKING:
    from multilayer._sklearn.targets.class_outputs import Classes


class PerceptronUse:
    """Prediction, and the form of the weights."""

    coef_: Matrix  # CSR after sparsify
    intercept_: np.ndarray
    classes_: "Classes"
    _target_kind: str

    # Prediction ----------------------------------------------------------------------------------

    def decision_function(self, X: MatrixLike) -> np.ndarray:
        """Scores ``z = w @ x + b``: a unit is on where its score is above 0.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        z : ndarray of shape (n_samples,) for two classes, else (n_samples, n_outputs), float64
        """
        check_is_fitted(self)
        X = inputs.check_X(self, X, reset=False)
        scores = safe_sparse_dot(X, self.coef_.T, dense_output=True) + self.intercept_
        return scores[:, 0] if self._target_kind == BINARY else scores

    def predict(self, X: MatrixLike) -> np.ndarray:
        """Predict classes: of the unit that is on, or of the highest score.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        """
        scores = self.decision_function(X)
        return labels_of(self._target_kind, self.classes_, [scores.reshape(len(scores), -1)])

    @property
    def predict_proba(self) -> NoReturn:
        """There is none: the attribute raises an AttributeError that names what to use."""
        self._refuse_probabilities("predict_proba")

    @property
    def predict_log_proba(self) -> NoReturn:
        """There is none, as there is no `predict_proba`."""
        self._refuse_probabilities("predict_log_proba")

    def _refuse_probabilities(self, name: str) -> NoReturn:
        raise AttributeError(
            f"{type(self).__name__!r} object has no attribute {name!r}: a threshold unit says on "
            "or off, and how far its score is from 0 is no probability. Use "
            "multilayer.MLPClassifier, whose outputs are trained to be probabilities, or wrap the "
            "perceptron in sklearn.calibration.CalibratedClassifierCV."
        )

    # Weights -------------------------------------------------------------------------------------

    def sparsify(self) -> Self:
        """Turn `coef_` into a sparse matrix: smaller where the penalty "l1" made most of it 0.

        Returns
        -------
        self : Perceptron
            The fitted estimator.
        """
        check_is_fitted(self)
        self.coef_ = sparse.csr_matrix(self.coef_)
        return self

    def densify(self) -> Self:
        """Turn `coef_` back into an array.

        Returns
        -------
        self : Perceptron
            The fitted estimator.
        """
        check_is_fitted(self)
        if sparse.issparse(self.coef_):
            self.coef_ = self.coef_.toarray()
        return self
