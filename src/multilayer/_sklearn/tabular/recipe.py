"""What an ensemble for a table consists of and how it trains, chosen by the shape of the data."""

from dataclasses import dataclass, replace
from math import ceil

import numpy as np

from multilayer._core.checks import refuse
from multilayer._data.encoding import TableLayout
from multilayer._nn.activation_layers import activate, parametric, scheduled_dropout
from multilayer._nn.column_layers import n_bins, table_inputs
from multilayer._nn.tabular_layers import TabularLayer, ntk_dense, scaling


@dataclass(frozen=True)
class View:
    """How some members see the columns: each view has members for every fold."""

    name: str
    encoded: bool  # whether the piecewise linear encoding of numbers takes part
    input_dropout: float
    weight_decay: float
    scaled: bool = False  # whether each input has a weight of its own, which learns fast


PLAIN = View("plain numbers", encoded=False, input_dropout=0.0, weight_decay=0.02)
ENCODED = View("encoded numbers", encoded=True, input_dropout=0.0, weight_decay=0.1)
SCALED = View("encoded numbers, inputs weighted", True, 0.0, weight_decay=0.02, scaled=True)
DROPPED = View("encoded numbers, inputs dropped", True, input_dropout=0.25, weight_decay=0.1)


@dataclass(frozen=True)
class EnsembleRecipe:
    """An ensemble and its training.

    A member is a network of one view, trained on the rows of all folds but one.
    """

    views: tuple[View, ...]
    n_folds: int
    n_repeats: int = 1  # of the folds, each time with other rows
    width: int = 128
    depth: int = 3
    activation: str = "selu"
    learns_activation: bool = False
    most_bins: int = 16  # of a numeric column
    encoded_width: int = 256  # and of all columns, about
    dropout: float = 0.0
    learning_rate: float = 0.08
    beta_2: float = 0.95
    batch_size: int = 256
    first_cycle: int = 64  # steps of the first cycle of the learning rate; each is twice as long
    fewest_cycles: int = 3
    most_cycles: int = 5
    gain: float = 0.005  # relative, of the loss in a cycle: another cycle follows from here on

    @property
    def n_members(self) -> int:
        """Networks of the ensemble."""
        return len(self.views) * self.n_repeats * self.n_folds

    @property
    def most_epochs(self) -> int:
        """Evaluations of all cycles, each as many steps apart as the first cycle has."""
        return epochs_of(self.most_cycles)


def epochs_of(cycles: int) -> int:
    """Return the evaluations in so many cycles: the first has one, each other twice as many."""
    return 2**cycles - 1


BATCHES = ((1500, 64), (20_000, 128), (100_000, 256))  # below so many rows of a member
LARGEST_BATCH = 512
FEW_ROWS = 2000  # below which more networks cost little and gain much
FEWEST_PASSES = 5  # over the rows of a member, if all cycles are trained
MOST_CYCLES = 16  # more than four million steps


def choose_recipe(*, classification: bool, n_rows: int) -> EnsembleRecipe:
    """Return the recipe for a table with so many rows."""
    if classification:
        recipe = EnsembleRecipe((PLAIN, DROPPED), n_folds=4, dropout=0.15, learning_rate=0.06)
    else:
        views = (ENCODED, SCALED) if n_rows < FEW_ROWS else (SCALED,)
        recipe = EnsembleRecipe(
            views, n_folds=8, activation="mish", learns_activation=True, encoded_width=640
        )
    return with_folds(recipe, min(recipe.n_folds, n_rows), n_rows)


def with_folds(recipe: EnsembleRecipe, n_folds: int, n_rows: int) -> EnsembleRecipe:
    """Return a recipe with another number of folds, and the batches and cycles that go with it."""
    trained = n_rows - n_rows // n_folds
    size = next((size for most, size in BATCHES if trained < most), LARGEST_BATCH)
    while size > trained and size > 1:  # powers of two: few shapes, few programs
        size //= 2
    cycles = 2**recipe.most_cycles - 1  # in units of the first
    first = max(recipe.first_cycle, ceil(trained * FEWEST_PASSES / (size * cycles)))
    return replace(recipe, n_folds=n_folds, batch_size=size, first_cycle=first)


def with_members(recipe: EnsembleRecipe, n_members: int) -> EnsembleRecipe:
    """Return a recipe with another number of networks: of views first, then of repeats."""
    sets, rest = divmod(n_members, recipe.n_folds)
    if rest or not sets:
        rule = f"a multiple of n_folds={recipe.n_folds}"
        refuse("n_estimators", rule, n_members)
    views = recipe.views if sets % len(recipe.views) == 0 else recipe.views[-1:]
    return replace(recipe, views=views, n_repeats=sets // len(views))


def without_end(recipe: EnsembleRecipe) -> EnsembleRecipe:
    """Return a recipe that trains as long as it gains, or as time allows."""
    return replace(recipe, most_cycles=MOST_CYCLES)


def learning_rates(recipe: EnsembleRecipe, steps: np.ndarray) -> np.ndarray:
    """Return the learning rate of each step: cycles of a cosine, each twice as long as the last.

    The schedule "coslog" of RealMLP (Holzmueller et al., 2024), without an end.
    """
    cycle = np.log2(1.0 + steps / recipe.first_cycle)
    return recipe.learning_rate * 0.5 * (1.0 - np.cos(2.0 * np.pi * cycle))


def bins_of(recipe: EnsembleRecipe, layout: TableLayout, X: np.ndarray) -> tuple[int, ...]:
    """Return the number of bins of each numeric column of encoded rows."""
    most = int(np.clip(recipe.encoded_width // max(1, layout.n_numeric), 2, recipe.most_bins))
    return tuple(n_bins(column, most) for column in X[:, : layout.n_numeric].T)


def layers_of(
    recipe: EnsembleRecipe, view: View, layout: TableLayout, bins: tuple[int, ...], n_outputs: int
) -> tuple[TabularLayer, ...]:
    """Return the layers of a member.

    Those of all views are of the same kinds and sizes: what differs is among their parameters.
    """
    gain = 2.0 if view.encoded else 0.0
    columns = layout.n_numeric, layout.n_flags, layout.cardinalities
    layers: list[TabularLayer] = [table_inputs(*columns, bins, gain=gain)]
    if any(view.input_dropout for view in recipe.views):
        layers.append(scheduled_dropout(view.input_dropout))
    if any(view.scaled for view in recipe.views):
        layers.append(scaling(used=view.scaled))
    for _ in range(recipe.depth):
        layers.append(ntk_dense(recipe.width))
        activation = parametric if recipe.learns_activation else activate
        layers.append(activation(recipe.activation))
        if recipe.dropout:
            layers.append(scheduled_dropout(recipe.dropout))
    return (*layers, ntk_dense(n_outputs))
