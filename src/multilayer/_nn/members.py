"""Several networks of the same layers side by side: an ensemble that trains as one network.

Parameters have an axis of the members in front. What is written for one network broadcasts over it,
see :mod:`multilayer._nn.tabular_layers`, so that all are one program. Where members share a layer,
that axis is 1.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from multilayer._core.checks import check_choice, check_integer, refuse
from multilayer._core.pytrees import leaves, map_leaves, with_leaves, without_nodes
from multilayer._core.types import Array
from multilayer._nn.activation_layers import mixed
from multilayer._nn.model import Disturbance, Factor, Parameters, is_constant
from multilayer._nn.tabular_layers import (
    FIRST_SCALES,
    Random,
    TabularLayer,
    check_width,
    counts,
    first_scales,
    namespace,
    uniform,
)


@dataclass(frozen=True)
class Members:
    """The shape of an ensemble: as many networks of the same layers.

    Rows are those of each member, one member after another, in training; at prediction all members
    are applied to the same rows, and their outputs stand side by side.
    """

    layers: tuple[TabularLayer, ...]
    n_members: int
    own_rows: bool = True
    n_frozen = 0

    @property
    def random(self) -> bool:
        """Whether training draws random numbers."""
        return any(hasattr(layer, "apply_in_training") for layer in self.layers)

    def at_prediction(self) -> "Members":
        """Return the ensemble as it predicts: all members the same rows."""
        return replace(self, own_rows=False)

    def apply(self, params: tuple[Parameters, ...], x: Array) -> Array:
        """Return the raw outputs ``(rows, units)``, or ``(rows, members * units)``."""
        x = self._spread(x)
        for layer, own in zip(self.layers, params, strict=True):
            x = layer.apply(own, x)
        return x.reshape(-1, x.shape[-1]) if self.own_rows else by_row(x, self.n_members)

    def apply_in_training(
        self,
        params: tuple[Parameters, ...],
        x: Array,
        weight: Array,
        disturbance: Disturbance,
        key: Array | None,
    ) -> tuple[Array, tuple[Parameters, ...]]:
        """Return the raw outputs of a batch in training, and the parameters as they are."""
        del disturbance  # the layers have their own
        x = self._spread(x)
        for i, (layer, own) in enumerate(zip(self.layers, params, strict=True)):
            method = getattr(layer, "apply_in_training", None)
            if method is None:
                x = layer.apply(own, x)
            else:
                x, _ = method(own, x, key=layer_counter(key, i), weight=weight)
        return x.reshape(-1, x.shape[-1]), params

    def factors(self, params: tuple[Parameters, ...]) -> tuple[Parameters, ...]:
        """Return how each array learns: a tree of :class:`Factor`."""
        return tuple(map(factors_of, self.layers, params))

    def _spread(self, x: Array) -> Array:
        """Return inputs ``(members, rows, n_inputs)``, those of all ``(1, rows, n_inputs)``.

        So layers that all members share in front are computed once for them.
        """
        return x.reshape(self.n_members, -1, x.shape[-1]) if self.own_rows else x[None]


def by_row(x: Array, n_members: int) -> Array:
    """Return outputs ``(members or 1, rows, units)`` as ``(rows, members * units)``."""
    _, n_rows, n_units = x.shape
    spread = namespace(x).broadcast_to(x, (n_members, n_rows, n_units))
    return spread.swapaxes(0, 1).reshape(n_rows, n_members * n_units)


# Layers that know of members ---------------------------------------------------------------------


class BatchEnsembleParameters(NamedTuple):
    """Parameters of :class:`batch_ensemble`."""

    scale_in: Array  # (members, n_inputs)
    kernel: Array  # (1, n_inputs, n_units), shared
    scale_out: Array  # (members, n_units)
    bias: Array  # (members, n_units)


@dataclass(frozen=True)
class batch_ensemble(TabularLayer):
    """A dense layer whose kernel all members share, with scales and biases of their own.

    Parameters
    ----------
    n_units : int
        Number of outputs.
    initial : {"ones", "normal", "random_signs"}, default="ones"
        First scales of the inputs, see :class:`scaling`; random ones make members differ, which
        the first layer of a network alone needs.
    groups : tuple of int, default=()
        Numbers of inputs side by side that begin with the same scale.

    Raises
    ------
    InvalidArgumentError
        An argument is none of these; from ``init`` if there are other inputs than those of the
        groups (a ValueError).

    Notes
    -----
    ``((x scale_in) @ kernel) scale_out + bias``: BatchEnsemble (Wen et al., 2020) with the first
    parameters of TabM (Gorishniy et al., 2024). Kernel and bias are uniform within ``1 /
    sqrt(n_inputs)``, the biases of all members the same, the scales of the outputs 1. Biases do not
    decay. Among the layers of :class:`members` the kernel has one axis of 1 in front; by itself the
    layer is that of a single member.

    Examples
    --------
    >>> from multilayer import nn
    >>> network = nn.members(nn.batch_ensemble(8, "normal"), n_members=4)
    >>> (params,) = network.init(nn.key(0), n_inputs=3)
    >>> params.kernel.shape, params.scale_in.shape
    ((1, 3, 8), (4, 3))
    """

    n_units: int
    initial: str = "ones"
    groups: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        check_integer("n_units", self.n_units, 1)
        check_choice("initial", self.initial, FIRST_SCALES)
        object.__setattr__(self, "groups", counts("groups", self.groups))

    def draw(self, rng: Random, x: np.ndarray) -> BatchEnsembleParameters:
        """Draw the parameters of a single member."""
        return map_leaves(lambda leaf: leaf[0], self.init_members(rng, x, 1))

    def init_members(self, rng: Random, x: np.ndarray, n_members: int) -> BatchEnsembleParameters:
        """Draw the parameters of all members."""
        n = x.shape[-1]
        drawn = uniform(rng, (n + 1, self.n_units), n)
        scales = [first_scales(rng, self.initial, n, self.groups) for _ in range(n_members)]
        return BatchEnsembleParameters(
            np.stack(scales),
            drawn[None, :-1],
            np.ones((n_members, self.n_units), np.float32),
            np.repeat(drawn[-1:], n_members, axis=0),
        )

    def apply(self, params: BatchEnsembleParameters, x: Array) -> Array:
        """Return the units' sums."""
        check_width(x, params.kernel.shape[-2])
        sums = (x * params.scale_in[..., None, :]) @ params.kernel
        return sums * params.scale_out[..., None, :] + params.bias[..., None, :]

    def factors(self, params: BatchEnsembleParameters) -> BatchEnsembleParameters:
        """Say how the parameters learn: biases without decay."""
        return BatchEnsembleParameters(Factor(), Factor(), Factor(), Factor(decay=0.0))


@dataclass(frozen=True)
class shared(TabularLayer):
    """A layer whose parameters all members share.

    Parameters
    ----------
    layer : layer
        Such as :class:`linear` or an embedding.

    Raises
    ------
    InvalidArgumentError
        It is no such layer (a ValueError).

    Notes
    -----
    Those in front of the first layer of the members' own are computed once for all members.

    Examples
    --------
    >>> from multilayer import nn
    >>> mini = nn.members(  # as TabM-mini (Gorishniy et al., 2024)
    ...     nn.scaling(rate=1.0, initial="normal"),
    ...     nn.shared(nn.linear(8)),
    ...     nn.relu,
    ...     nn.linear(1),
    ...     n_members=4,
    ... )
    >>> params = mini.init(nn.key(0), n_inputs=3)
    >>> params[1].kernel.shape, params[3].kernel.shape
    ((1, 3, 8), (4, 8, 1))
    """

    layer: TabularLayer

    def __post_init__(self) -> None:
        rule = "a layer for tables that does the same in training and at prediction"
        if not isinstance(self.layer, TabularLayer) or hasattr(self.layer, "apply_in_training"):
            refuse("layer", rule, self.layer, "Such as linear(8).")
        if isinstance(self.layer, batch_ensemble | shared):
            refuse("layer", "one that knows nothing of members", self.layer)

    def draw(self, rng: Random, x: np.ndarray) -> Parameters:
        """Draw the layer's first parameters."""
        return self.layer.draw(rng, x)

    def init_members(self, rng: Random, x: np.ndarray, n_members: int) -> Parameters:
        """Draw the layer's first parameters, once for all members."""
        return map_leaves(lambda leaf: leaf[None], self.layer.draw(rng, x))

    def apply(self, params: Parameters, x: Array) -> Array:
        """Return the layer's outputs."""
        return self.layer.apply(params, x)

    def factors(self, params: Parameters) -> Parameters:
        """Say how the layer's parameters learn."""
        return factors_of(self.layer, params)


def factors_of(layer: object, params: Parameters) -> Parameters:
    """Return how the arrays of any layer or network learn: a tree of :class:`Factor`."""
    method = getattr(layer, "factors", None)
    return map_leaves(lambda _: Factor(), params) if method is None else method(params)


def without_fixed(params: Parameters) -> Parameters:
    """Return a tree with nothing in place of what an update rule does not see."""
    return without_nodes(params, is_constant)


# First parameters --------------------------------------------------------------------------------


def stacked(members: Sequence[Parameters]) -> Parameters:
    """Return the parameters of several networks, or of a layer of theirs, as those of members."""
    same = zip(*map(leaves, members), strict=True)
    return with_leaves(members[0], [np.stack(parts) for parts in same])


def init_layers(
    layers: Sequence[TabularLayer], rng: Random, x: np.ndarray, *, dropped: bool = False
) -> tuple[Parameters, ...]:
    """Draw the first parameters of one network, layer by layer on data.

    With ``dropped`` layers see what dropout leaves, as in training.
    """
    params = []
    for layer in layers:
        params.append(layer.draw(rng, x))
        x = passed_on(layer, params[-1], x, rng if dropped else None)
    return tuple(params)


def draw_members(layer: TabularLayer, rng: Random, x: np.ndarray, n_members: int) -> Parameters:
    """Draw first parameters of all members, by inputs ``(members or 1, rows, n_inputs)``."""
    if isinstance(layer, batch_ensemble | shared):
        return layer.init_members(rng, x[0], n_members)
    return stacked([layer.draw(rng, x[i % len(x)]) for i in range(n_members)])


def init_members(
    layers: Sequence[TabularLayer], rng: Random, x: np.ndarray, n_members: int
) -> tuple[Parameters, ...]:
    """Draw the first parameters of members that share some layers.

    ``x`` passes through the first member alone.
    """
    params = []
    for layer in layers:
        params.append(drawn := draw_members(layer, rng, x[None], n_members))
        x = layer.apply(map_leaves(lambda leaf: leaf[0], drawn), x)
    return tuple(params)


def passed_on(
    layer: TabularLayer, params: Parameters, x: np.ndarray, rng: Random | None
) -> np.ndarray:
    """Return what a layer makes of data, in training where it draws random numbers of ``rng``."""
    if rng is None or not hasattr(layer, "apply_in_training"):
        return layer.apply(params, x)
    counter = rng.integers(2**32, size=1, dtype=np.uint32)  # an array may overflow silently
    return layer.apply_in_training(params, x, key=counter, weight=np.ones(len(x)))[0]


def layer_counter(key: Array, number: int) -> Array:
    """Return what the random numbers of a layer in a step are a hash of: uint32."""
    word = sys.modules["jax"].random.key_data(key)[-1]
    return mixed(word + np.uint32(number))
