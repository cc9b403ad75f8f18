"""TabularClassifier and TabularRegressor: a raw table in, a calibrated ensemble out."""

import math
import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from multilayer._core.checks import check_integer, check_real
from multilayer._sklearn.arguments.checkpoint import Checkpoint
from multilayer._sklearn.arguments.constructors import constructor_of
from multilayer._sklearn.arguments.documentation import with_texts
from multilayer._sklearn.tabular import recipe as recipes
from multilayer._sklearn.tabular.ensemble import EncodedRows, EnsembleRun
from multilayer._sklearn.tabular.recipe import EnsembleRecipe
from multilayer._sklearn.tabular.tabular_base import DEVICE, ENGINE, BaseTabular, engine_side
from multilayer._sklearn.tabular.tabular_prediction import (
    BaseTabularClassifier,
    BaseTabularRegressor,
)
from multilayer._sklearn.targets.metric_table import Metric

if TYPE_CHECKING:
    from multilayer._engine.callbacks.protocol import Callback
    from multilayer._sklearn.tabular.ensemble_training import BegunEnsemble


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

CHECKPOINT = """\
checkpoint : str, path-like, multilayer.Checkpoint or None, default=None
        Folder for checkpoints, so that the same fit, started again after a crash, resumes where it
        was, with the bits of a fit without interruption; ``fit`` of a finished one returns it.
        None writes none. A time budget begins anew with each start."""

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
The networks are multilayer perceptrons of three hidden layers with 128 units, trained side by side,
    natively one on each core. Numbers are scaled and clipped by the statistics of each one's own
    training rows; layers, first weights, update rule and learning rate follow RealMLP (Holzmueller
    et al., 2024), the piecewise linear encoding is that of Gorishniy et al. (2022). The learning
    rate goes through cycles, each twice as long as the one before. After each cycle training ends
    if the predictions for rows out of fold have not become 0.5 % better in it; the networks of the
    best epoch are taken.

    A recipe was chosen on 13 public tables of 800 to 28,000 rows."""


TEXTS = {
    "parameters": PARAMETERS,
    "attributes": f"{ATTRIBUTES}\n    {ENGINE}",
    "checkpoint": f"{CHECKPOINT}\n    {DEVICE}",
    "notes": NOTES,
}
"""What the docstrings of both have in common."""


class ByData(BaseTabular):
    """The recipe that both have: chosen by the data."""

    def __init__(
        self,
        *,
        n_estimators: int | str = "auto",
        n_folds: int | str = "auto",
        time_budget: float | None = None,
        scoring: "str | Metric | Callable[..., float] | None" = None,
        feature_roles: Mapping[str | int, str] | None = None,
        random_state: "int | np.random.RandomState | None" = None,
        verbose: bool = False,
        callbacks: "Sequence[Callback] | None" = None,
        checkpoint: "str | os.PathLike[str] | Checkpoint | None" = None,
        device: str = "auto",
    ) -> None:
        self.n_estimators = n_estimators
        self.n_folds = n_folds
        self.time_budget = time_budget
        self.scoring = scoring
        self.feature_roles = feature_roles
        self.random_state = random_state
        self.verbose = verbose
        self.callbacks = callbacks
        self.checkpoint = checkpoint
        self.device = device

    def _check_arguments(self) -> None:
        """Check the constructor's arguments, as far as that needs no data."""
        for name, least in (("n_estimators", 1), ("n_folds", 2)):
            if getattr(self, name) != "auto":
                check_integer(name, getattr(self, name), least)
        if self.time_budget is not None:
            check_real("time_budget", self.time_budget, "(0, inf)")
        self._check_common()

    def _begin(self, rows: EncodedRows, run: EnsembleRun) -> "BegunEnsemble":
        """Begin to train the ensemble of the recipe, within the time there is."""
        deadline = run.began + (self.time_budget or math.inf)
        return engine_side().begin_ensemble(self._recipe(rows), rows, run, deadline)

    @property
    def _most_epochs(self) -> int:
        return recipes.epochs_of(EnsembleRecipe.most_cycles)

    @property
    def _by_the_clock(self) -> bool:
        return self.time_budget is not None

    def _recipe(self, rows: EncodedRows) -> EnsembleRecipe:
        """Return the recipe of the data, with what the arguments change."""
        n_rows = len(rows.X)
        recipe = recipes.choose_recipe(classification=rows.classification, n_rows=n_rows)
        if self.n_folds != "auto":
            recipe = recipes.with_folds(recipe, min(int(self.n_folds), n_rows), n_rows)
        if self.n_estimators != "auto":
            recipe = recipes.with_members(recipe, int(self.n_estimators))
        if self.time_budget is not None:
            recipe = recipes.without_end(recipe)
        return recipe


@with_texts(TEXTS)
@constructor_of("TabularClassifier")
class TabularClassifier(ByData, BaseTabularClassifier):
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
    <checkpoint>

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
        checkpoint: "str | os.PathLike[str] | Checkpoint | None" = None,
        device: str = "auto",
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
            checkpoint=checkpoint,
            device=device,
        )
        self.class_weight = class_weight


@with_texts(TEXTS)
@constructor_of("TabularRegressor")
class TabularRegressor(ByData, BaseTabularRegressor):
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
    <checkpoint>

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
