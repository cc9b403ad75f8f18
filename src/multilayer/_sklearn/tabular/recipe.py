"""What an ensemble for a table consists of and how it trains, chosen by the shape of the data."""

from dataclasses import dataclass

import numpy as np

from multilayer._data.encoding import TableLayout
from multilayer._nn.tabular_layers import (
    TabularLayer,
    activate,
    n_bins,
    ntk_dense,
    parametric,
    scaling,
    scheduled_dropout,
    table_inputs,
)


@dataclass(frozen=True)
class View:
    """How some members see the columns: each view has a member for every fold."""

    encoded: bool  # whether the piecewise linear encoding of numbers takes part
    input_dropout: float


@dataclass(frozen=True)
class Recipe:
    """An ensemble and its training."""

    views: tuple[View, ...]
    n_folds: int
    width: int = 128
    depth: int = 3
    activation: str = "selu"
    learns_activation: bool = False
    scaled: bool = False
    most_bins: int = 16
    encoded_width: int = 256  # numbers that the encoding of all columns makes, about
    dropout: float = 0.0
    learning_rate: float = 0.04
    beta_2: float = 0.95
    weight_decay: float = 0.02
    batch_size: int = 256
    first_cycle: int = 64  # steps of the first cycle of the learning rate; each is twice as long
    fewest_cycles: int = 3
    most_cycles: int = 5
    gain: float = 0.005  # smallest relative gain of a cycle that another one follows

    @property
    def n_members(self) -> int:
        """Networks of the ensemble."""
        return len(self.views) * self.n_folds

    @property
    def most_steps(self) -> int:
        """Steps of all cycles."""
        return self.first_cycle * (2**self.most_cycles - 1)


def choose_recipe(*, classification: bool, n_rows: int, n_folds: int | None) -> Recipe:
    """Return the recipe for a table by its number of rows."""
    if classification:
        folds = n_folds or 4
        raw, strong = View(encoded=False, input_dropout=0.0), View(True, 0.25)
        recipe = Recipe((raw, strong), folds, dropout=0.15)
    else:
        folds = n_folds or 8
        view = View(encoded=True, input_dropout=0.0)
        recipe = Recipe(
            (view,), folds, activation="mish", learns_activation=True, encoded_width=640
        )
    trained = n_rows * (folds - 1) // folds
    size = 64 if trained < 1500 else 128 if trained < 4000 else 256
    from dataclasses import replace
    return replace(recipe, batch_size=min(size, trained))


def learning_rates(recipe: Recipe, steps: np.ndarray) -> np.ndarray:
    """Return the learning rate of each step: cycles of a cosine, each twice as long as the last.

    The schedule "coslog" of RealMLP (Holzmueller et al., 2024), without an end.
    """
    cycle = np.log2(1.0 + steps / recipe.first_cycle)
    return recipe.learning_rate * 0.5 * (1.0 - np.cos(2.0 * np.pi * cycle))


def layers_of(
    recipe: Recipe, view: View, layout: TableLayout, encoded: np.ndarray, n_outputs: int
) -> tuple[TabularLayer, ...]:
    """Return the layers of a member: ``encoded`` are all rows of the table."""
    most = int(np.clip(recipe.encoded_width // max(1, layout.n_numeric), 2, recipe.most_bins))
    bins = tuple(n_bins(column, most) for column in encoded[:, : layout.n_numeric].T)
    layers: list[TabularLayer] = [
        table_inputs(
            layout.n_numeric,
            layout.n_flags,
            layout.cardinalities,
            bins,
            gain=2.0 if view.encoded else 0.0,
        )
    ]
    if any(view.input_dropout for view in recipe.views):
        layers.append(scheduled_dropout(view.input_dropout))
    if recipe.scaled:
        layers.append(scaling())
    for _ in range(recipe.depth):
        layers.append(ntk_dense(recipe.width))
        activation = parametric if recipe.learns_activation else activate
        layers.append(activation(recipe.activation))
        if recipe.dropout:
            layers.append(scheduled_dropout(recipe.dropout))
    layers.append(ntk_dense(n_outputs))
    return tuple(layers)
