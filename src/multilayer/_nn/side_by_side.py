"""Networks side by side as one network: an ensemble built by hand."""

from collections.abc import Iterable
from dataclasses import dataclass

import jax
import numpy as np

from multilayer._core.activations import Function
from multilayer._core.checks import check_integer, refuse
from multilayer._core.types import Array
from multilayer._nn.keys import as_key, generator, keys_of_layers
from multilayer._nn.layers import Layer, apply_in_training, as_layer, checked_shape
from multilayer._nn.members import by_row, draw_members, factors_of, shared, stacked
from multilayer._nn.model import Parameters
from multilayer._nn.sequential import outputs_in_training
from multilayer._nn.tabular_layers import SAMPLE, TabularLayer, checked_rows


@dataclass(frozen=True, init=False, repr=False)
class members:
    """Several networks of the same layers side by side, on the same rows: an ensemble.

    Parameters
    ----------
    *layers : layers or functions
        Layers one after another that broadcast over members: the layers for tables, from
        :class:`scaling` to :class:`shared`, functions such as :func:`relu`, :class:`dropout` and
        :class:`gaussian_noise`. One of your own says so by an attribute ``broadcasts = True``: its
        ``apply`` takes parameters and inputs with one axis in front, of the members or of 1.
    n_members : int
        Number of networks.

    Attributes
    ----------
    layers : tuple
        The layers, functions made into layers.
    n_members : int
        Number of networks.

    Raises
    ------
    InvalidArgumentError
        There are no layers, or one is no such layer (a ValueError).

    Notes
    -----
    Inputs are of shape ``(rows, n_inputs)``, outputs of shape ``(rows, n_members * units)``, member
    after member. Parameters have an axis of the members in front, of 1 in layers that they share.

    Members are trained by the mean of each one's own loss, not by the loss of their mean, which
    would have them make up for each other. The prediction is the mean of what they predict.

    ``init_on_data(key, X)`` measures columns on all rows; where members come apart the layers
    behind see 1,024 of them.

    Examples
    --------
    TabM (Gorishniy et al., 2024), small, with the loss of each member:

    >>> import jax.numpy as jnp
    >>> import numpy as np
    >>> import optax
    >>> from multilayer import nn
    >>> k = 4
    >>> network = nn.members(
    ...     nn.shared(nn.piecewise_linear_embedding(2, n_bins=8, size=4)),
    ...     nn.batch_ensemble(16, "normal", groups=(4, 4)), nn.relu,
    ...     nn.batch_ensemble(16), nn.relu,
    ...     nn.linear(2),
    ...     n_members=k,
    ... )
    >>> def loss(outputs, y):
    ...     logits = outputs.reshape(-1, 2)  # k in sequence for each row
    ...     losses = nn.sparse_softmax_cross_entropy(logits, jnp.repeat(y, k))
    ...     return losses.reshape(-1, k).mean(axis=1)
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 2)).astype(np.float32)
    >>> y = (X[:, 0] * X[:, 1] > 0).astype(np.int32)
    >>> step = nn.train_step(network, loss, optax.adam(0.01))
    >>> state = step.init(network.init_on_data(nn.key(0), X))
    >>> for epoch in range(20):
    ...     for X_batch, y_batch in nn.shuffle_batch(X, y, 50, rng):
    ...         state, _ = step(state, X_batch, y_batch)
    >>> logits = network.apply(state.params, X).reshape(-1, k, 2)
    >>> p = nn.softmax(logits.reshape(-1, 2)).reshape(-1, k, 2).mean(axis=1)
    >>> bool((p.argmax(axis=1) == y).mean() > 0.9)
    True
    """

    layers: tuple[Layer, ...]
    n_members: int

    def __init__(self, *layers: Layer | Function, n_members: int) -> None:
        if not layers:
            refuse("layers", "at least one layer", layers)
        check_integer("n_members", n_members, 1)
        found = tuple(as_layer(f"layers[{i}]", layer) for i, layer in enumerate(layers))
        for i, layer in enumerate(found):
            if getattr(layer, "broadcasts", False) is not True:
                rule = "a layer that broadcasts over members, or a function of arrays"
                remedy = "Give nn.linear for nn.dense, and the layers of a network one by one."
                refuse(f"layers[{i}]", rule, layer, remedy)
        object.__setattr__(self, "layers", found)
        object.__setattr__(self, "n_members", int(n_members))

    def __repr__(self) -> str:
        return f"members({', '.join(map(repr, self.layers))}, n_members={self.n_members})"

    def init(self, key: Array, n_inputs: int) -> tuple[Parameters, ...]:
        """Draw first parameters: a tuple of those of each layer, as if inputs were normal."""
        check_integer("n_inputs", n_inputs, 1)
        params: list[Parameters] = []
        shape: tuple[int, ...] = (1, 3, n_inputs)
        for i, (layer, own_key) in enumerate(self._with_keys(key)):
            x = generator(own_key).standard_normal((1, SAMPLE, shape[-1]), np.float32)
            params.append(self._draw(layer, jax.random.fold_in(own_key, 1), x))
            shape = checked_shape(f"layers[{i}]", layer, params[-1], shape)
        return tuple(params)

    def init_on_data(self, key: Array, X: Array) -> tuple[Parameters, ...]:
        """Draw first parameters layer by layer, by what training passes to each of some rows."""
        params: list[Parameters] = []
        x = checked_rows(X)[None]
        for i, (layer, own_key) in enumerate(self._with_keys(key)):
            params.append(self._draw(layer, own_key, x))
            checked_shape(f"layers[{i}]", layer, params[-1], x.shape)
            if not isinstance(layer, shared) and x.shape[1] > SAMPLE:
                x = x[:, generator(own_key).choice(x.shape[1], SAMPLE, replace=False)]
            x = outputs_in_training(layer, own_key, params[-1], x)
        return tuple(params)

    def apply(self, params: tuple[Parameters, ...], x: Array) -> Array:
        """Return the outputs of all members side by side."""
        x = self._rows(x)
        for layer, own in zip(self.layers, params, strict=True):
            x = layer.apply(own, x)
        return by_row(x, self.n_members)

    def apply_in_training(
        self, params: tuple[Parameters, ...], x: Array, *, key: Array | None, weight: Array
    ) -> tuple[Array, tuple[Parameters, ...]]:
        """Return the outputs in training, and the parameters."""
        x, moved = self._rows(x), []
        for i, (layer, own) in enumerate(zip(self.layers, params, strict=True)):
            own_key = None if key is None else jax.random.fold_in(key, i)
            x, own = apply_in_training(layer, own, x, key=own_key, weight=weight)
            moved.append(own)
        return by_row(x, self.n_members), tuple(moved)

    def factors(self, params: tuple[Parameters, ...]) -> tuple[Parameters, ...]:
        """Return how each array learns: a tree of :class:`Factor`."""
        return tuple(map(factors_of, self.layers, params))

    def _with_keys(self, key: Array) -> Iterable[tuple[Layer, Array]]:
        return zip(self.layers, keys_of_layers(as_key(key), len(self.layers)), strict=True)

    def _draw(self, layer: Layer, key: Array, x: np.ndarray) -> Parameters:
        """Draw a layer's first parameters, by inputs ``(members or 1, rows, n_inputs)``."""
        if isinstance(layer, TabularLayer):
            return draw_members(layer, generator(key), x, self.n_members)
        keys = keys_of_layers(key, self.n_members)
        return stacked([layer.init(own, x.shape[-1]) for own in keys])

    def _rows(self, x: Array) -> Array:
        """Return inputs with an axis in front."""
        if x.ndim != 2:
            refuse("x.shape", "(rows, n_inputs)", x.shape)
        return x[None]
