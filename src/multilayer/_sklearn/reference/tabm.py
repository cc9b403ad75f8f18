"""TabMClassifier and TabMRegressor: the recipe of a paper, for raw tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from multilayer._core.checks import check_bool, check_choice, check_integer, check_real
from multilayer._data.encoding import TableLayout
from multilayer._sklearn.arguments.architecture import hidden_sizes
from multilayer._sklearn.arguments.constructors import constructor_of
from multilayer._sklearn.arguments.documentation import with_texts
from multilayer._sklearn.reference import reference_base
from multilayer._sklearn.reference.recipes import ReferenceRecipe, TabMNetwork
from multilayer._sklearn.reference.reference_base import (
    Reference,
    check_most_one_hot,
    chosen,
)
from multilayer._sklearn.tabular.ensemble import EncodedRows
from multilayer._sklearn.tabular.tabular_prediction import (
    BaseTabularClassifier,
    BaseTabularRegressor,
)
from multilayer._sklearn.tabular.targets import NumberTargets

VARIANTS = ("TabM", "TabM-mini")
SCALINGS = ("quantile", "robust")
WIDTH = 512
BATCHES = ((2800, 32), (4500, 64), (6400, 128), (32_000, 256), (108_000, 512))  # below so many rows
LARGEST_BATCH = 1024
FEWEST_QUANTILES, MOST_QUANTILES = 10, 1000


@dataclass(eq=False, repr=False, kw_only=True)
class TabM(Reference):
    """What classifier and regressor have in common."""

    variant: str = "TabM"
    k: int = 32
    hidden_layer_sizes: int | Sequence[int] | str = "auto"
    numeric_scaling: str = "quantile"
    numeric_embedding: str | None = "piecewise_linear"
    n_bins: int = 48
    embedding_size: int = 16
    max_one_hot: int | None = None
    dropout: float = 0.1
    weight_decay: float = 3e-4
    learning_rate_init: float = 2e-3
    clip_norm: float | None = 1.0
    batch_size: int | str = 256
    share_training_batches: bool = False
    max_iter: int = 1000
    n_iter_no_change: int = 16

    def _check_arguments(self) -> None:
        """Check the constructor's arguments, as far as that needs no data."""
        check_choice("variant", self.variant, VARIANTS)
        if self.hidden_layer_sizes != "auto":
            hidden_sizes(self.hidden_layer_sizes)
        check_choice("numeric_scaling", self.numeric_scaling, SCALINGS)
        if self.numeric_embedding is not None:
            check_choice("numeric_embedding", self.numeric_embedding, ("piecewise_linear",))
        check_most_one_hot(self.max_one_hot)
        check_real("dropout", self.dropout, "[0, 1)")
        check_real("weight_decay", self.weight_decay, "[0, inf)")
        check_real("learning_rate_init", self.learning_rate_init, "(0, inf)")
        if self.clip_norm is not None:
            check_real("clip_norm", self.clip_norm, "(0, inf)")
        if self.batch_size != "auto":
            check_integer("batch_size", self.batch_size, 1)
        check_bool("share_training_batches", self.share_training_batches)
        for name in ("k", "n_bins", "embedding_size"):
            check_integer(name, getattr(self, name), 1)
        check_integer("n_iter_no_change", self.n_iter_no_change, 0)
        self._check_common()

    def _most_one_hot(self) -> int | None:
        return self.max_one_hot

    def _recipe(self, rows: EncodedRows) -> ReferenceRecipe:
        embedded = self.numeric_embedding is not None and rows.layout.n_numeric > 0
        usual = (WIDTH,) * (2 if embedded else 3)
        n_trained = round(len(rows.X) * (1.0 - self.validation_fraction))
        network = TabMNetwork(
            widths=hidden_sizes(chosen(self.hidden_layer_sizes, usual)),
            mini=self.variant == "TabM-mini",
            piecewise=embedded,
            n_bins=self.n_bins,
            embedding_size=self.embedding_size,
            dropout=float(self.dropout),
            n_quantiles=quantiles_for(n_trained) if self.numeric_scaling == "quantile" else None,
        )
        return ReferenceRecipe(
            network=network,
            learning_rate=float(self.learning_rate_init),
            weight_decay=float(self.weight_decay),
            batch_size=chosen(self.batch_size, batch_size_for(n_trained)),
            max_iter=self.max_iter,
            beta_2=0.999,
            validation_fraction=self.validation_fraction,
            n_members=self.k,
            whole_batches=False,
            same_batches=self.share_training_batches,
            clip_norm=self.clip_norm,
            patience=self.n_iter_no_change,
            latest_best=False,
        )


def batch_size_for(n_rows: int) -> int:
    """Return the rows of a batch by the rows trained on."""
    return next((size for most, size in BATCHES if n_rows < most), LARGEST_BATCH)


def quantiles_for(n_rows: int) -> int:
    """Return the number of quantiles that numbers are scaled by: one for 30 rows trained on."""
    return min(max(n_rows // 30, FEWEST_QUANTILES), MOST_QUANTILES)


PARAMETERS = """\
variant : {"TabM", "TabM-mini"}, default="TabM"
        In "TabM" each member scales the inputs and outputs of every hidden layer, and has biases of
        its own; in "TabM-mini" it scales the inputs of the network only. Both have a last layer for
        each member.
    k : int, default=32
        Number of members, which share their kernels and predict apart.
    hidden_layer_sizes : int, sequence of int or "auto", default="auto"
        Units of the hidden layers. "auto" is (512, 512) with an embedding of numbers, and
        (512, 512, 512) without.
    numeric_scaling : {"quantile", "robust"}, default="quantile"
        How numbers are scaled. "quantile": by one quantile for 30 rows of training, at least 10 and
        at most 1,000, to a standard normal distribution (``nn.quantile_scaling``). "robust": by
        median and quartiles, clipped smoothly, as in RealMLP (``nn.robust_scaling``).
    numeric_embedding : "piecewise_linear" or None, default="piecewise_linear"
        Embedding of numbers: a piecewise linear function of each
        (``nn.piecewise_linear_embedding``), or none.
    n_bins : int, default=48
        Bins of the piecewise linear functions, between quantiles of training.
    embedding_size : int, default=16
        Numbers that the embedding makes of each.
    max_one_hot : int or None, default=None
        Number of levels up to which a category becomes one flag for each level; a category with
        more has a learnt embedding of 8 numbers. None is flags for all.
    dropout : float, default=0.1
        Probability of each hidden unit to be dropped in training, in [0, 1).
    weight_decay : float, default=3e-4
        Decoupled weight decay, of AdamW; biases have none.
    learning_rate_init : float, default=2e-3
        The learning rate, which is constant.
    clip_norm : float or None, default=1.0
        Longer gradients are shortened to this norm.
    batch_size : int or "auto", default=256
        Rows of a step for each member, all rows of training if they are fewer. "auto" is 32 for few
        rows of training (below 2,800) to 1,024 for many (from 108,000).
    share_training_batches : bool, default=False
        Whether all members see the same rows in a step.
    n_iter_no_change : int, default=16
        Epochs without a better one that are waited for: training ends with the next such epoch."""

NOTES = """\
TabM [1]_ imitates an ensemble of multilayer perceptrons at a fraction of its weights: members
    differ in vectors that scale what passes through shared kernels. Each member has a loss of its
    own; their mean prediction chooses the epoch.

    Where the authors' code differs: it refuses missing numbers, which are the median here, with an
    indicator beside them; a category of two levels is one flag of -1 and 1 here, two there; the
    rows set aside are stratified by class here. Quantiles are measured on at most 16,384 rows.

    References
    ----------
    .. [1] Y. Gorishniy, A. Kotelnikov, A. Babenko, "TabM: Advancing Tabular Deep Learning with
       Parameter-Efficient Ensembling", ICLR 2025."""

TEXTS = reference_base.TEXTS | {
    "parameters": PARAMETERS,
    "notes": NOTES,
    "max_iter": "1000",
    "epochs": "Most epochs; early stopping ends training long before.",
}


@with_texts(TEXTS)
@constructor_of("TabMClassifier")
@dataclass(eq=False, repr=False, kw_only=True)
class TabMClassifier(TabM, BaseTabularClassifier):
    """TabM for classes, on raw tables.

    Parameters
    ----------
    <parameters>
    <common>
    <class_weight>
    <last>

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels, sorted.
    <attributes>

    See Also
    --------
    TabMRegressor : The same for numbers.
    TabularClassifier : An ensemble with calibrated probabilities, better and faster by default.
    RealMLPClassifier : Another published recipe.

    Notes
    -----
    <notes>

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from multilayer import TabMClassifier
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> clf = TabMClassifier(k=4, hidden_layer_sizes=64, random_state=0).fit(X, y)
    >>> bool(clf.score(X, y) > 0.9)
    True
    """

    __module__ = "multilayer"

    class_weight: "Mapping[object, float] | str | None" = None


@with_texts(TEXTS)
@constructor_of("TabMRegressor")
@dataclass(eq=False, repr=False, kw_only=True)
class TabMRegressor(TabM, BaseTabularRegressor):
    """TabM for numbers, on raw tables.

    Parameters
    ----------
    <parameters>
    <common>
    <last>

    Attributes
    ----------
    <attributes>

    See Also
    --------
    TabMClassifier : The same for classes.
    TabularRegressor : An ensemble over folds, better and faster by default.
    RealMLPRegressor : Another published recipe.

    Notes
    -----
    <notes>

    The target is standardised. :meth:`predict_interval` uses the errors for the rows set aside.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from multilayer import TabMRegressor
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> reg = TabMRegressor(k=4, hidden_layer_sizes=64, random_state=0).fit(X, y)
    >>> bool(reg.score(X, y) > 0.4)
    True
    """

    __module__ = "multilayer"

    def _encoded(
        self,
        X: np.ndarray,
        layout: TableLayout,
        y: npt.ArrayLike,
        weight: np.ndarray,
        groups: npt.ArrayLike | None,
    ) -> "tuple[NumberTargets, EncodedRows]":
        targets, rows = super()._encoded(X, layout, y, weight, groups)
        return targets.unbounded(), rows
