"""Published recipes as data: what a network consists of, and how it is trained.

RealMLP: D. Holzmueller, L. Grinsztajn, I. Steinwart, "Better by Default" (NeurIPS 2024). TabM: Y.
Gorishniy, A. Kotelnikov, A. Babenko, "TabM" (ICLR 2025).
"""

from dataclasses import dataclass

import numpy as np

from multilayer._core.activations import AnyActivation
from multilayer._data.encoding import TableLayout
from multilayer._nn.activation_layers import activate, parametric, scheduled_dropout
from multilayer._nn.column_layers import robust_scaling
from multilayer._nn.embeddings import (
    category_embedding,
    periodic_embedding,
    piecewise_linear_embedding,
)
from multilayer._nn.members import batch_ensemble, init_layers, init_members, shared, stacked
from multilayer._nn.model import Parameters
from multilayer._nn.quantile_layers import quantile_scaling
from multilayer._nn.tabular_layers import Random, TabularLayer, linear, ntk_dense, scaling

CATEGORY_SIZE = 8  # of the embedding of a category

# Networks ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RealMLPNetwork:
    """The layers of RealMLP."""

    widths: tuple[int, ...]
    activation: AnyActivation
    parametric: bool  # whether each unit learns its share of the activation function
    periodic: bool  # whether numbers have embeddings
    dropout: float
    on_data: bool  # whether first parameters are drawn by data

    def layers(self, layout: TableLayout, n_outputs: int) -> tuple[TabularLayer, ...]:
        """Return the layers for a table."""
        layers: list[TabularLayer] = [robust_scaling(layout.n_numeric + layout.n_flags)]
        if layout.cardinalities:
            layers.append(category_embedding(layout.cardinalities, CATEGORY_SIZE))
        if self.periodic and layout.n_numeric:
            layers.append(periodic_embedding(layout.n_numeric))
        layers.append(scaling())
        drawn = "data" if self.on_data else "normal"
        for width in self.widths:
            layers.append(ntk_dense(width, initial=drawn))
            activation = parametric if self.parametric else activate
            layers.append(activation(self.activation))
            if self.dropout:
                layers.append(scheduled_dropout(self.dropout))
        return (*layers, ntk_dense(n_outputs, initial="data" if self.on_data else "zeros"))

    def init(
        self, layers: tuple[TabularLayer, ...], rng: Random, tables: list[np.ndarray]
    ) -> Parameters:
        """Draw first parameters of networks side by side, each by its own rows of training."""
        return stacked([init_layers(layers, rng, x, dropped=True) for x in tables])


@dataclass(frozen=True)
class TabMNetwork:
    """The layers of TabM: ``k`` members that share their kernels, and predict apart."""

    widths: tuple[int, ...]
    mini: bool  # whether members differ in one scaling of the inputs and the last layer only
    piecewise: bool  # whether numbers have embeddings
    n_bins: int
    embedding_size: int
    dropout: float
    n_quantiles: int | None  # that numbers are scaled by; None for median and quartiles

    def layers(self, layout: TableLayout, n_outputs: int) -> tuple[TabularLayer, ...]:
        """Return the layers for a table."""
        layers: list[TabularLayer] = [shared(self._scaling(layout.n_numeric))]
        if layout.cardinalities:
            layers.append(shared(category_embedding(layout.cardinalities, CATEGORY_SIZE)))
        initial, sizes = "random_signs", 1
        if self.piecewise:
            initial, sizes = "normal", self.embedding_size
            layers.append(shared(piecewise_linear_embedding(layout.n_numeric, self.n_bins, sizes)))
        flags = layout.flag_groups or (1,) * layout.n_flags
        embedded = (CATEGORY_SIZE,) * len(layout.cardinalities)
        groups = (sizes,) * layout.n_numeric + flags + embedded
        if self.mini:
            layers.append(scaling(rate=1.0, initial=initial, groups=groups))
        for number, width in enumerate(self.widths):
            if self.mini:
                layers.append(shared(linear(width)))
            elif number:
                layers.append(batch_ensemble(width))
            else:
                layers.append(batch_ensemble(width, initial, groups))
            layers.append(activate("relu"))
            if self.dropout:
                layers.append(scheduled_dropout(self.dropout, shared_mask=False))
        return (*layers, linear(n_outputs))

    def _scaling(self, n_columns: int) -> TabularLayer:
        if self.n_quantiles is None:
            return robust_scaling(n_columns)
        return quantile_scaling(n_columns, self.n_quantiles)

    def init(
        self, layers: tuple[TabularLayer, ...], rng: Random, tables: list[np.ndarray]
    ) -> Parameters:
        """Draw first parameters of all members, by the same rows of training."""
        return init_members(layers, rng, tables[0], len(tables))


# Training ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ReferenceRecipe:
    """A network and its training, as published."""

    network: RealMLPNetwork | TabMNetwork
    learning_rate: float
    weight_decay: float
    batch_size: int
    max_iter: int  # epochs
    beta_2: float
    validation_fraction: float
    n_splits: int = 1  # folds; 1 for one random split
    n_members: int = 1  # of each split
    n_refits: int = 0  # sets of members trained again on all rows, which predict then
    cycles: bool = False  # whether the learning rate goes through four cycles of a cosine
    annealed: bool = False  # whether dropout and weight decay end in the second half
    whole_batches: bool = True  # whether rows beyond the last whole batch wait for the next epoch
    same_batches: bool = False  # whether all members of a split see the same rows in a step
    label_smoothing: float = 0.0
    clip_norm: float | None = None
    patience: int | None = None  # epochs without a better one that end training
    latest_best: bool = True  # whether of equally good epochs the last is used


def learning_rates(recipe: ReferenceRecipe, steps: np.ndarray, total_steps: int) -> np.ndarray:
    """Return the learning rate of each step: constant, or RealMLP's schedule "coslog4"."""
    if not recipe.cycles:
        return np.full(len(steps), recipe.learning_rate)
    cycle = np.log2(1.0 + 15.0 * steps / total_steps)
    return recipe.learning_rate * 0.5 * (1.0 - np.cos(2.0 * np.pi * cycle))
