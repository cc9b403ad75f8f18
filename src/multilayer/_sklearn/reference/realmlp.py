"""RealMLPClassifier and RealMLPRegressor: the recipe of a paper, for raw tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from multilayer._core.checks import check_choice, check_integer, check_real
from multilayer._data.encoding import TableLayout
from multilayer._sklearn.arguments.architecture import hidden_sizes
from multilayer._sklearn.arguments.constructors import constructor_of
from multilayer._sklearn.arguments.documentation import with_texts
from multilayer._sklearn.reference import reference_base
from multilayer._sklearn.reference.recipes import RealMLPNetwork, ReferenceRecipe
from multilayer._sklearn.reference.reference_base import (
    Reference,
    check_activation,
    check_most_one_hot,
    check_number,
    chosen,
)
from multilayer._sklearn.tabular.ensemble import EncodedRows
from multilayer._sklearn.tabular.tabular_prediction import (
    BaseTabularClassifier,
    BaseTabularRegressor,
)
from multilayer._sklearn.tabular.targets import NumberTargets


@dataclass(frozen=True)
class Variant:
    """What a variant of the recipe says where an argument is "auto"."""

    embedding: str | None
    max_one_hot: int | None
    parametric: bool
    on_data: bool
    dropout: float
    weight_decay: float
    rates: tuple[float, float]  # of learning: classes, numbers
    clamped: bool  # whether predicted numbers stay within those of training


VARIANTS = {
    "TD": Variant("pbld", 8, True, True, 0.15, 0.02, (0.04, 0.2), True),
    "TD-S": Variant(None, None, False, False, 0.0, 0.0, (0.04, 0.07), False),
}


@dataclass(eq=False, repr=False, kw_only=True)
class RealMLP(Reference):
    """What classifier and regressor have in common."""

    variant: str = "TD"
    hidden_layer_sizes: int | Sequence[int] = (256, 256, 256)
    activation: str = "auto"
    numeric_embedding: str | None = "auto"
    max_one_hot: int | str | None = "auto"
    dropout: float | str = "auto"
    weight_decay: float | str = "auto"
    learning_rate_init: float | str = "auto"
    beta_2: float = 0.95
    batch_size: int = 256
    max_iter: int = 256
    n_cv: int = 1
    n_ens: int = 1
    n_refit: int = 0

    def _check_arguments(self) -> None:
        """Check the constructor's arguments, as far as that needs no data."""
        check_choice("variant", self.variant, VARIANTS)
        hidden_sizes(self.hidden_layer_sizes)
        check_activation(self.activation)
        if self.numeric_embedding is not None:
            check_choice("numeric_embedding", self.numeric_embedding, ("auto", "pbld"))
        check_most_one_hot(self.max_one_hot)
        check_number("dropout", self.dropout, "[0, 1)")
        check_number("weight_decay", self.weight_decay, "[0, inf)")
        check_number("learning_rate_init", self.learning_rate_init, "(0, inf)")
        check_real("beta_2", self.beta_2, "[0, 1)")
        for name, least in (("batch_size", 1), ("n_cv", 1), ("n_ens", 1), ("n_refit", 0)):
            check_integer(name, getattr(self, name), least)
        self._check_common()

    def _most_one_hot(self) -> int | None:
        return chosen(self.max_one_hot, VARIANTS[self.variant].max_one_hot)

    def _recipe(self, rows: EncodedRows) -> ReferenceRecipe:
        variant, classes = VARIANTS[self.variant], rows.classification
        network = RealMLPNetwork(
            widths=hidden_sizes(self.hidden_layer_sizes),
            activation=chosen(self.activation, "selu" if classes else "mish"),
            parametric=variant.parametric,
            periodic=chosen(self.numeric_embedding, variant.embedding) is not None,
            dropout=float(chosen(self.dropout, variant.dropout)),
            on_data=variant.on_data,
        )
        return ReferenceRecipe(
            network=network,
            learning_rate=float(chosen(self.learning_rate_init, variant.rates[not classes])),
            weight_decay=float(chosen(self.weight_decay, variant.weight_decay)),
            batch_size=self.batch_size,
            max_iter=self.max_iter,
            beta_2=self.beta_2,
            validation_fraction=self.validation_fraction,
            n_splits=self.n_cv,
            n_members=self.n_ens,
            n_refits=self.n_refit,
            cycles=True,
            annealed=True,
        )


PARAMETERS = """\
variant : {"TD", "TD-S"}, default="TD"
        "TD" is the whole recipe, "TD-S" the simplified one: without embeddings, dropout, weight
        decay and learnt shares of the activation function, with first weights drawn without data.
        It decides what the arguments with the value "auto" are.
    hidden_layer_sizes : int or sequence of int, default=(256, 256, 256)
        Units of the hidden layers.
    activation : str, default="auto"
        Activation function of the hidden layers, by its name; "auto" is "selu" for classes and
        "mish" for numbers.
    numeric_embedding : {"auto", "pbld"} or None, default="auto"
        Embedding of numbers: "pbld" are cosines of learnt frequencies and the number itself
        (``nn.periodic_embedding``); "auto" is "pbld" in "TD" and None in "TD-S".
    max_one_hot : int, "auto" or None, default="auto"
        Number of levels up to which a category becomes one flag for each level, not counting
        unknown ones; a category with more has a learnt embedding of 8 numbers. None is flags for
        all. "auto" is 8 in "TD" and None in "TD-S".
    dropout : float or "auto", default="auto"
        Probability of each hidden unit to be dropped in training, in [0, 1), until half of it is
        over; it then falls to 0 along a cosine. "auto" is 0.15 in "TD" and 0 in "TD-S".
    weight_decay : float or "auto", default="auto"
        Decoupled weight decay, which ends like dropout. "auto" is 0.02 in "TD" and 0 in "TD-S".
    learning_rate_init : float or "auto", default="auto"
        Largest learning rate of the schedule "coslog4", four cycles of a cosine that are each
        twice as long as the one before. "auto" is 0.04 for classes, and for numbers 0.2 in "TD"
        and 0.07 in "TD-S".
    beta_2 : float, default=0.95
        Decay of Adam's mean of squared gradients, in [0, 1).
    batch_size : int, default=256
        Rows of a step, all rows of training if they are fewer. What is left of an epoch after the
        last whole batch is left out.
    n_cv : int, default=1
        Number of folds: each is set aside for networks of its own, and their predictions are
        averaged. With 1, `validation_fraction` of the rows are set aside.
    n_ens : int, default=1
        Number of networks for each fold, whose mean prediction chooses the epoch.
    n_refit : int, default=0
        Number of times that `n_ens` networks are trained again, on all rows and for as many epochs
        as the best ones on average; these then predict."""

NOTES = """\
RealMLP [1]_ is a multilayer perceptron with the defaults that were best on average over 118
    tables, chosen by classification error and RMSE. Numbers are centred by their median, divided by
    the range of their middle half and clipped smoothly; each input has a weight that learns at six
    times the rate; dense layers are in NTK parametrisation, their first weights scaled and shifted
    by data; each unit learns its share of the activation function. Factors of the learning rate
    enter weight decay twice, as in the authors' code. Missing numbers are the median, with an
    indicator beside them; the authors' code refuses them.

    All networks of `n_cv` and `n_ens` are trained side by side, natively one on each core.

    References
    ----------
    .. [1] D. Holzmueller, L. Grinsztajn, I. Steinwart, "Better by Default: Strong Pre-Tuned MLPs
       and Boosted Trees on Tabular Data", NeurIPS 2024."""

TEXTS = reference_base.TEXTS | {
    "parameters": PARAMETERS,
    "notes": NOTES,
    "max_iter": "256",
    "epochs": "Number of epochs, which the schedule of the learning rate spans.",
}


@with_texts(TEXTS)
@constructor_of("RealMLPClassifier")
@dataclass(eq=False, repr=False, kw_only=True)
class RealMLPClassifier(RealMLP, BaseTabularClassifier):
    """RealMLP for classes, on raw tables.

    Parameters
    ----------
    <parameters>
    label_smoothing : float, default=0.1
        Share of the probability that the loss gives to all classes alike, in [0, 1). It helps the
        error and harms log loss and AUC: use 0 with ``scoring="loss"``.
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
    RealMLPRegressor : The same for numbers.
    TabularClassifier : An ensemble with calibrated probabilities, better and faster by default.
    TabMClassifier : Another published recipe.

    Notes
    -----
    <notes>

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from multilayer import RealMLPClassifier
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> clf = RealMLPClassifier(max_iter=64, random_state=0).fit(X, y)
    >>> bool(clf.score(X, y) > 0.9)
    True
    """

    __module__ = "multilayer"

    label_smoothing: float = 0.1
    class_weight: "Mapping[object, float] | str | None" = None

    def _check_arguments(self) -> None:
        super()._check_arguments()
        check_real("label_smoothing", self.label_smoothing, "[0, 1)")

    def _recipe(self, rows: EncodedRows) -> ReferenceRecipe:
        return replace(super()._recipe(rows), label_smoothing=self.label_smoothing)


@with_texts(TEXTS)
@constructor_of("RealMLPRegressor")
@dataclass(eq=False, repr=False, kw_only=True)
class RealMLPRegressor(RealMLP, BaseTabularRegressor):
    """RealMLP for numbers, on raw tables.

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
    RealMLPClassifier : The same for classes.
    TabularRegressor : An ensemble over folds, better and faster by default.
    TabMRegressor : Another published recipe.

    Notes
    -----
    <notes>

    The target is standardised. Predictions stay within the training targets in "TD", not in "TD-S".
    :meth:`predict_interval` uses the errors for the rows set aside.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from multilayer import RealMLPRegressor
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> reg = RealMLPRegressor(batch_size=64, max_iter=64, random_state=0).fit(X, y)
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
        return targets if VARIANTS[self.variant].clamped else targets.unbounded(), rows
