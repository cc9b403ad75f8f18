"""What of a user's own loop the native engine knows: its network, its loss, its optimizer.

All three are objects that could do anything, so each is recognised by what it is, never by its
name or by trying it: layers by their class and its fields, losses by identity, and an optimizer by
what JAX makes of it. Its update is traced for the parameters at hand; it is a known one if that
gives the same program, to the last number, as the rule of Optax with the numbers that stand in it.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import jax
import numpy as np
import optax

from multilayer._core.activation_functions import ELEMENTWISE
from multilayer._core.activations import HIDDEN
from multilayer._core.pytrees import Tree, leaves, with_leaves
from multilayer._core.types import Array, Bound
from multilayer._nn.layers import (
    Affine,
    Elementwise,
    Layer,
    Normalization,
    batch_norm,
    dense,
    dropout,
    layer_norm,
)
from multilayer._nn.layers import Scaling as ScaleAndShift
from multilayer._nn.network import Dense, Layers, Network
from multilayer._nn.sequential import sequential
from multilayer._objectives import row_losses
from multilayer._objectives.objective import LossNumbers, Objective

# Networks -----------------------------------------------------------------------------------------

NORMALISATIONS = {batch_norm: "batch", layer_norm: "layer"}


@dataclass(frozen=True)
class Recognised:
    """A network of layers as the native engine has it, but for its sizes."""

    units: tuple[int, ...]
    activations: tuple[str, ...]
    dropout: tuple[float, ...]
    norm: str | None
    input_dropout: float
    owners: tuple[tuple[int, ...], ...]  # for each dense layer, which layers have its parameters
    n_layers: int  # 0 where the network is one layer itself

    def network(self, n_inputs: int) -> Network:
        """Return the network for a number of inputs."""
        return Network(
            layer_sizes=(n_inputs, *self.units),
            activations=self.activations,
            norm=self.norm,
            dropout=any(rate > 0 for rate in self.dropout),
            input_dropout=self.input_dropout > 0,
        )

    def layers(self, params: Tree) -> Layers | None:
        """Return the parameters of the dense layers; None where they are not of these layers."""
        own = (params,) if self.n_layers == 0 else params
        if type(own) is not tuple or len(own) != max(1, self.n_layers):
            return None
        of_dense = {i for owner in self.owners for i in owner}
        if any(leaves(part) for i, part in enumerate(own) if i not in of_dense):
            return None
        found = []
        for owner in self.owners:
            parts = [own[i] for i in owner]
            if type(parts[0]) is not Affine or not _is_norm(self.norm, parts[1:]):
                return None
            scale, shift, moments = (*(parts[1] if len(parts) > 1 else ()), None, None, None)[:3]
            found.append(Dense(*parts[0], scale, shift, moments))
        return tuple(found) if _fit(tuple(found), self.units) else None


def _is_norm(norm: str | None, parts: Sequence[Tree]) -> bool:
    expected = {"batch": Normalization, "layer": ScaleAndShift}
    return not parts or (norm is not None and type(parts[0]) is expected[norm])


def _fit(found: Layers, units: tuple[int, ...]) -> bool:
    """Whether kernels and all vectors beside them have the shapes of dense layers in a row."""
    sizes = (np.shape(found[0].kernel)[:1] or (0,)) + units
    return all(
        np.shape(layer.kernel) == (n, m)
        and all(np.shape(leaf) == (m,) for leaf in leaves(layer._replace(kernel=None)))
        for layer, (n, m) in zip(found, pairwise(sizes), strict=True)
    )


def recognised_network(network: Layer) -> Recognised | None:
    """Return a network of dense layers in a row, with what the engine has around them."""
    layers = network.layers if type(network) is sequential else (network,)
    rest = list(enumerate(layers))
    input_dropout = _taken_dropout(rest)
    units, activations, rates, norms, owners = [], [], [], [], []
    while rest:
        place, layer = rest.pop(0)
        if type(layer) is not dense:
            return None
        units.append(layer.n_units)
        own = [place]
        if rest and type(rest[0][1]) in NORMALISATIONS:
            own.append(rest[0][0])
            norms.append(NORMALISATIONS[type(rest.pop(0)[1])])
        name = _activation(rest[0][1]) if rest else None
        if name is not None:
            rest.pop(0)
        activations.append(name or "identity")
        rates.append(_taken_dropout(rest))
        owners.append(tuple(own))
        if not rest and (name is not None or rates[-1] or len(own) > 1):
            return None  # the outputs are sums
    if not units or len(set(norms)) > 1 or len(norms) not in (0, len(units) - 1):
        return None
    return Recognised(
        units=tuple(units),
        activations=tuple(activations[:-1]),
        dropout=tuple(rates[:-1]),
        norm=norms[0] if norms else None,
        input_dropout=input_dropout,
        owners=tuple(owners),
        n_layers=len(layers) if type(network) is sequential else 0,
    )


def _taken_dropout(rest: list[tuple[int, Layer]]) -> float:
    """Take a layer of dropout off the layers to come; return its rate, 0 where there is none."""
    layer = rest[0][1] if rest else None
    if not isinstance(layer, dropout) or type(layer) is not dropout:
        return 0.0
    rest.pop(0)
    return float(layer.rate)


def _activation(layer: Layer) -> str | None:
    """Return the name of an activation function."""
    if type(layer) is not Elementwise:
        return None
    return next((name for name in HIDDEN if ELEMENTWISE[name] is layer.function), None)


# Losses -------------------------------------------------------------------------------------------

NAMES = {
    row_losses.sparse_softmax_cross_entropy: "softmax",
    row_losses.sigmoid_cross_entropy: "logistic",
    row_losses.squared_error: "squared_error",
    row_losses.absolute_error: "absolute_error",
    row_losses.huber: "huber",
}


def recognised_loss(loss: Callable[..., Array]) -> tuple[str, float] | None:
    """Return the name of a loss, and the delta of huber."""
    if isinstance(loss, Bound) and loss.function is row_losses.huber:
        keywords = dict(loss.keywords)
        delta = keywords.pop("delta", 1.0)
        if loss.arguments or keywords or not isinstance(delta, int | float) or delta <= 0:
            return None
        return "huber", float(delta)
    return (NAMES[loss], 1.0) if loss in NAMES else None


def objective_of(name: str, n_units: int) -> Objective:
    """Return the objective of a loss over so many outputs."""
    if name == "softmax":
        return Objective(name, name, (n_units,))
    return Objective(name, name if name == "logistic" else "identity", (1,) * n_units)


def loss_numbers(delta: float, dtype: str) -> LossNumbers:
    """Return the numbers of a loss."""
    real = np.dtype(dtype).type
    return LossNumbers(real(0), real(delta), np.zeros(0, dtype), None)


# Optimizers ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RuleOfOptax:
    """A rule of Optax that the native engine has too."""

    name: str  # of the engine's rule
    make: Callable[..., optax.GradientTransformation]
    numbers: tuple[str, ...]  # after the rate, in the order of ``make``
    n_slots: int
    counts: bool = False
    nesterov: bool = False


def _momentum(rate: float, momentum: float) -> optax.GradientTransformation:
    return optax.sgd(rate, momentum)


def _nesterov(rate: float, momentum: float) -> optax.GradientTransformation:
    return optax.sgd(rate, momentum, nesterov=True)


def _adagrad(rate: float, epsilon: float) -> optax.GradientTransformation:
    return optax.adagrad(rate, eps=epsilon)


RULES = (
    RuleOfOptax("plain_sgd", optax.sgd, (), 0),
    RuleOfOptax("sgd", _momentum, ("momentum",), 1),
    RuleOfOptax("sgd", _nesterov, ("momentum",), 1, nesterov=True),
    RuleOfOptax("adagrad", _adagrad, ("epsilon",), 1),
    # Its epsilon stands beside the corrected moment.
    RuleOfOptax("corrected_adam", optax.adam, ("beta_1", "beta_2", "epsilon"), 2, counts=True),
)

MARKS = (0.6180339, 0.7320508, 0.4142135, 0.2360679)
"""Numbers that stand nowhere in a rule, in place of its rate and its numbers."""

NUMBER = re.compile(r"(?<![\w.])(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?):f(32|64)\[\]")


@dataclass(frozen=True)
class KnownRule:
    """A rule, its rate and its numbers."""

    rule: RuleOfOptax
    rate: float
    numbers: Mapping[str, float]


def recognised_rule(
    optimizer: optax.GradientTransformation, params: Tree, opt_state: Tree
) -> KnownRule | None:
    """Return what an optimizer is for such parameters; None where the engine does not have it."""
    given = traced(optimizer, params, opt_state)
    n_params, n_state = len(leaves(params)), len(jax.tree.leaves(opt_state))
    for rule in RULES:
        if given is None or n_state != rule.n_slots * n_params + rule.counts:
            continue
        marks = MARKS[: 1 + len(rule.numbers)]
        example = traced(rule.make(*marks), params, opt_state)
        values = None if example is None else read_numbers(example, given, marks)
        if values is None or traced(rule.make(*values), params, opt_state) != given:
            continue
        return KnownRule(rule, values[0], dict(zip(rule.numbers, values[1:], strict=True)))
    return None


def traced(optimizer: optax.GradientTransformation, params: Tree, opt_state: Tree) -> str | None:
    """Return the program of an update in text; None where it has arrays in it, or cannot be had."""
    rule = optax.with_extra_args_support(optimizer)
    shapes = [jax.ShapeDtypeStruct(np.shape(leaf), leaf.dtype) for leaf in leaves(params)]
    state = jax.tree.leaves(opt_state)
    state_shapes = [jax.ShapeDtypeStruct(np.shape(leaf), leaf.dtype) for leaf in state]
    like = with_leaves(params, shapes)
    first = jax.eval_shape(rule.init, like)
    own = jax.tree.structure(first)
    if len(jax.tree.leaves(first)) != len(state):
        return None

    def update(gradient: Tree, state: list[Array], learnt: Tree, value: Array) -> list[Array]:
        nested = jax.tree.unflatten(own, state)
        updates, after = rule.update(gradient, nested, learnt, value=value, grad=gradient)
        return [*jax.tree.leaves(updates), *jax.tree.leaves(after)]

    real = jax.ShapeDtypeStruct((), shapes[0].dtype)
    program = jax.make_jaxpr(update)(like, state_shapes, like, real)
    return None if program.consts else str(program)


def read_numbers(example: str, given: str, marks: Sequence[float]) -> list[float] | None:
    """Return the numbers that stand in a program where an example has its marks, negated or not."""
    pairs = list(zip(_numbers(example), _numbers(given), strict=False))
    values = []
    for mark in marks:
        found = (
            value if np.isclose(place, mark, rtol=1e-6) else -value
            for place, value in pairs
            if np.isclose(abs(place), mark, rtol=1e-6)
        )
        value = next(found, None)
        if value is None:
            return None
        values.append(value)
    return values


def _numbers(program: str) -> Iterator[float]:
    for text, bits in NUMBER.findall(program):
        # Of float32 the shortest number: 0.9 was given, and 1 - 0.9 may stand in the program too.
        yield float(text) if bits == "64" else float(str(np.float32(text)))
