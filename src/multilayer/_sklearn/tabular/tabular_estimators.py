"""TabularClassifier and TabularRegressor: a raw table in, a calibrated ensemble out."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from multilayer._data.encoding import TableLayout
from multilayer._data.raw_tables import TableLike
from multilayer._sklearn.network.onnx_methods import OnnxTableClassifier, OnnxTableRegressor
from multilayer._sklearn.tabular.ensemble import EncodedRows
from multilayer._sklearn.tabular.probabilities import tempered
from multilayer._sklearn.tabular.tabular_base import BaseTabular
from multilayer._sklearn.tabular.targets import ClassTargets, NumberTargets, table_scorer
from multilayer._sklearn.targets.class_labels import weights_of_classes
from multilayer._sklearn.targets.metric_table import Metric
from multilayer._sklearn.targets.uncertainty import error_at

if TYPE_CHECKING:
    from multilayer._engine.callbacks.protocol import Callback


PARAMETERS = """\
n_estimators : int or "auto", default="auto"
        Number of networks, a multiple of `n_folds`. "auto" is 8, and 16 for numbers in tables of
        fewer than 2,000 rows.
    n_folds : int or "auto", default="auto"
        Number of folds of the rows. A network is trained on all of them but one, whose rows choose
        its epoch. "auto" is 4 for classes and 8 for numbers, or the number of rows if that is less.
    time_budget : float or None, default=None
        Seconds that ``fit`` may take, preparation included, more or less. Training then goes on as
        long as it gains and the time allows; without it, it ends after 5 cycles of the learning
        rate at the latest.
    scoring : str, callable, Metric or None, default=None
        Score of predictions out of fold that chooses the epoch of each view, as in
        scikit-learn's :func:`~sklearn.metrics.get_scorer`. None and "loss" are the log loss after
        calibration, or the squared error.
    feature_roles : dict or None, default=None
        Roles of columns that are not to be judged by type and content, see
        :class:`TabularEncoder`."""

ATTRIBUTES = """\
encoder_ : TabularEncoder
        The fitted encoder of the columns.
    feature_roles_ : dict
        Role of each column of X, "drop" included.
    report_ : TabularReport
        What the fit did: networks, folds, views and their weights, epochs, loss and score of
        predictions out of fold, seconds.
    history_ : dict of ndarray
        Curves of training, one number for each epoch.
    n_iter_ : int
        Number of epochs.
    stop_reason_ : str
        Why training ended: "converged", "max_iter", "time_budget", "interrupted", "failed" or what
        a callback gave.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns of X, where X had names that are all text."""

NOTES = """\
The networks are multilayer perceptrons of three hidden layers with 128 units, trained side by side
    by one compiled program. Numbers are scaled and clipped by the statistics of each network's own
    training rows; layers, first weights, update rule and learning rate follow RealMLP (Holzmueller
    et al., 2024), the piecewise linear encoding is that of Gorishniy et al. (2022). The learning
    rate goes through cycles, each twice as long as the one before. After each cycle training ends
    if the predictions for rows out of fold have not become 0.5 % better in it; the networks of the
    best epoch are taken.

    A recipe was chosen on 13 public tables of 800 to 28,000 rows."""


def documented(cls: type) -> type:
    """Fill what the docstrings of both estimators have in common into that of one."""
    if cls.__doc__:  # None under python -OO
        for name, text in (
            ("parameters", PARAMETERS),
            ("attributes", ATTRIBUTES),
            ("notes", NOTES),
        ):
            cls.__doc__ = cls.__doc__.replace(f"<{name}>", text)
    return cls


@documented
class TabularClassifier(OnnxTableClassifier, ClassifierMixin, BaseTabular):
    """Classifier of raw tables: an ensemble of small networks with calibrated probabilities.

    A table goes into ``fit`` as it is, with categories, dates and missing cells; nothing has to be
    encoded, scaled or tuned before.

    Parameters
    ----------
    <parameters>
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes, which multiply those of the rows; a class that a dict leaves out has
        weight 1. "balanced" is ``n_samples / (n_classes * count)``. Probabilities then are those of
        rows weighted so.
    random_state : int, RandomState or None, default=None
        Seed of folds, first weights, the order of rows and dropout. The same seed gives the same
        bits on one machine, unless `time_budget` ends training.
    verbose : bool, default=False
        Whether loss and score out of fold are printed after each epoch.
    callbacks : sequence of Callback or None, default=None
        See :mod:`multilayer.callbacks`; ``ProgressBar()`` shows how training goes.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels, sorted.
    <attributes>

    See Also
    --------
    TabularRegressor : The same for numbers.
    TabularEncoder : What makes numbers of the columns.
    MLPClassifier : One network with scikit-learn's arguments, for an array of numbers.

    Notes
    -----
    <notes>

    Classes: half of the networks see numbers as they are, the others their piecewise linear
    encoding too, with inputs dropped at random. What each half counts is chosen by the log loss of
    predictions out of fold. Probabilities are the weighted mean of the networks', raised to the
    square root of the power (a temperature; Guo et al., 2017) that calibrates predictions out of
    fold: those are of single networks, and a mean is softer already.

    Examples
    --------
    >>> import pandas as pd
    >>> from multilayer import TabularClassifier
    >>> visits = pd.DataFrame(
    ...     {
    ...         "age": [23, None, 45, 31, 62, 28, 51, None] * 10,
    ...         "city": ["Rome", "Lima", "Rome", "Oslo", "Lima", "Rome", "Oslo", None] * 10,
    ...         "day": pd.date_range("2024-01-01", periods=80),
    ...     }
    ... )
    >>> bought = ["no", "yes", "no", "no", "yes", "no", "no", "yes"] * 10
    >>> clf = TabularClassifier(random_state=0).fit(visits, bought)
    >>> clf.predict(visits[:3]).tolist()
    ['no', 'yes', 'no']
    >>> clf.feature_roles_
    {'age': 'numeric', 'city': 'categorical', 'day': 'datetime'}
    """

    __module__ = "multilayer"
    _targets = ClassTargets
    _learnt: ClassTargets

    def __init__(
        self,
        *,
        n_estimators: int | str = "auto",
        n_folds: int | str = "auto",
        time_budget: float | None = None,
        scoring: "str | Metric | Callable[..., float] | None" = None,
        feature_roles: Mapping[str | int, str] | None = None,
        class_weight: "Mapping[object, float] | str | None" = None,
        random_state: "int | np.random.RandomState | None" = None,
        verbose: bool = False,
        callbacks: "Sequence[Callback] | None" = None,
    ) -> None:
        super().__init__(
            n_estimators=n_estimators,
            n_folds=n_folds,
            time_budget=time_budget,
            scoring=scoring,
            feature_roles=feature_roles,
            random_state=random_state,
            verbose=verbose,
            callbacks=callbacks,
        )
        self.class_weight = class_weight

    def _encoded(
        self,
        X: np.ndarray,
        layout: TableLayout,
        y: npt.ArrayLike,
        weight: np.ndarray,
        groups: npt.ArrayLike | None,
    ) -> "tuple[ClassTargets, EncodedRows]":
        targets, labels = ClassTargets.learn(y)
        encoded = targets.encode(labels)
        if self.class_weight is not None:
            (table,) = weights_of_classes(self.class_weight, labels, targets.classes, "multiclass")
            weight = (weight * table[encoded]).astype(np.float32)
        scorer = None
        if self.scoring not in (None, "loss"):
            shares = np.bincount(encoded, weight, len(targets.classes)) / weight.sum()
            first = np.tile(shares, (len(encoded), 1))
            scorer = table_scorer(self.scoring, targets, labels, weight, first)
        n_outputs = len(targets.classes)
        return targets, EncodedRows(X, layout, encoded, weight, n_outputs, groups, scorer)

    @property
    def classes_(self) -> np.ndarray:
        """Class labels, sorted."""
        check_is_fitted(self)
        return self._learnt.classes

    def predict_proba(self, X: TableLike) -> np.ndarray:
        """Return the probabilities of the classes.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            Rows with the columns of training.

        Returns
        -------
        p : ndarray of shape (n_samples, n_classes), float64
            Calibrated, in the order of ``classes_``.
        """
        mean = self._mean_prediction(X)
        return tempered(mean, self._ensemble.temperature)

    def predict(self, X: TableLike) -> np.ndarray:
        """Return the most probable class of each row.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            Rows with the columns of training.

        Returns
        -------
        y : ndarray of shape (n_samples,)
        """
        probabilities = self.predict_proba(X)
        return self.classes_[probabilities.argmax(axis=1)]

    def predict_log_proba(self, X: TableLike) -> np.ndarray:
        """Return the logarithms of the probabilities, see :meth:`predict_proba`.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            Rows with the columns of training.

        Returns
        -------
        log_p : ndarray of shape (n_samples, n_classes), float64
        """
        return np.log(self.predict_proba(X))


@documented
class TabularRegressor(OnnxTableRegressor, RegressorMixin, BaseTabular):
    """Regressor of raw tables: an ensemble of small networks over folds.

    A table goes into ``fit`` as it is, with categories, dates and missing cells, and targets in any
    unit; nothing has to be encoded, scaled or tuned before.

    Parameters
    ----------
    <parameters>
    random_state : int, RandomState or None, default=None
        Seed of folds, first weights and the order of rows. The same seed gives the same bits on one
        machine, unless `time_budget` ends training.
    verbose : bool, default=False
        Whether loss and score out of fold are printed after each epoch.
    callbacks : sequence of Callback or None, default=None
        See :mod:`multilayer.callbacks`; ``ProgressBar()`` shows how training goes.

    Attributes
    ----------
    <attributes>

    See Also
    --------
    TabularClassifier : The same for classes.
    TabularEncoder : What makes numbers of the columns.
    MLPRegressor : One network with scikit-learn's arguments, for an array of numbers.

    Notes
    -----
    <notes>

    Numbers: networks see the columns with their piecewise linear encoding, each input multiplied by
    a weight of its own that learns fast; in tables of fewer than 2,000 rows half of them have no
    such weights and a stronger weight decay, and what each half counts is chosen by the error of
    predictions out of fold. The target is standardised, the squared error minimised, and the mean
    of the networks' predictions is brought into the range of the training targets.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from multilayer import TabularRegressor
    >>> rng = np.random.default_rng(0)
    >>> area, town = rng.uniform(20, 120, 200), rng.choice(["A", "B"], 200)
    >>> flats, price = pd.DataFrame({"area": area, "town": town}), 3e3 * area * (1 + (town == "B"))
    >>> reg = TabularRegressor(n_folds=2, random_state=0).fit(flats, price)
    >>> bool(reg.score(flats, price) > 0.98)
    True
    """

    __module__ = "multilayer"
    _targets = NumberTargets
    _learnt: NumberTargets

    def _encoded(
        self,
        X: np.ndarray,
        layout: TableLayout,
        y: npt.ArrayLike,
        weight: np.ndarray,
        groups: npt.ArrayLike | None,
    ) -> "tuple[NumberTargets, EncodedRows]":
        targets, table = NumberTargets.learn(y, weight)
        encoded = targets.encode(table)
        scorer = None
        if self.scoring not in (None, "loss"):
            first = np.zeros_like(encoded)
            scorer = table_scorer(self.scoring, targets, targets.shaped(table), weight, first)
        return targets, EncodedRows(X, layout, encoded, weight, table.shape[1], groups, scorer)

    def predict(self, X: TableLike) -> np.ndarray:
        """Return the predicted numbers.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            Rows with the columns of training.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs), float64
            In the units of the training targets, and within their range.
        """
        mean = self._mean_prediction(X)
        return self._learnt.shaped(self._learnt.decode(mean))

    def predict_interval(self, X: TableLike, coverage: float = 0.9) -> np.ndarray:
        """Return intervals that contain y with a given probability.

        Cross-conformal prediction (Vovk, 2015): the prediction, plus and minus the size that so
        many of the errors out of fold have at most. Without an assumption on the distribution of
        y, the intervals contain it as often as promised on the average over rows like those of
        training, or slightly more often, as errors out of fold are those of single networks.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            Rows with the columns of training.
        coverage : float, default=0.9
            Share of rows whose y is in its interval, in (0, 1).

        Returns
        -------
        intervals : ndarray of shape (n_samples, 2) or (n_samples, n_outputs, 2), float64
            Lower and upper ends, in the units of y.

        Raises
        ------
        InvalidArgumentError
            The coverage is not such a number, or more than the number of training rows can
            promise (a ValueError).

        Examples
        --------
        >>> import numpy as np
        >>> from multilayer import TabularRegressor
        >>> rng = np.random.default_rng(0)
        >>> X = rng.uniform(-1, 1, (300, 2))
        >>> y = X[:, 0] + rng.normal(0, 0.1, 300)
        >>> reg = TabularRegressor(n_folds=2, n_estimators=2, random_state=0).fit(X[:200], y[:200])
        >>> low, high = reg.predict_interval(X[200:], coverage=0.8).T
        >>> bool(np.mean((low <= y[200:]) & (y[200:] <= high)) > 0.7)
        True
        """
        check_is_fitted(self)
        error = error_at(self._errors, coverage)
        return self._learnt.interval(self._mean_prediction(X), error)

    def __sklearn_tags__(self) -> Tags:
        """Say what targets this estimator takes."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
