"""Networks built by hand, the low-level way: layers, losses, a training step, your own loop.

A layer is a small immutable object with two methods, ``init(key, n_inputs)``, which draws its first
parameters, and ``apply(params, x)``, which returns its outputs; a network is a layer too. Any
object with these two methods works, a network of another library through :func:`from_functions`.

Layers for tables, from :class:`scaling` to :class:`members`, are the parts of RealMLP and TabM;
some are initialised on data, by a method ``init_on_data(key, X)`` that networks have too.

Shapes: inputs ``(rows, n_inputs)``, outputs ``(rows, units)``. Parameters are pytrees of float32
arrays, stored outside the layers: what changes in training is passed in and returned.
"""

from multilayer._core import activation_functions
from multilayer._core.activation_functions import *  # noqa: F403 - those in its __all__
from multilayer._core.activation_functions import ELEMENTWISE as ACTIVATIONS
from multilayer._data.order import shuffle_batch
from multilayer._engine.xla.own_loop import train_step
from multilayer._nn import logic
from multilayer._nn.activation_layers import parametric
from multilayer._nn.column_layers import robust_scaling
from multilayer._nn.derivative import derivative
from multilayer._nn.embeddings import (
    category_embedding,
    periodic_embedding,
    piecewise_linear_embedding,
)
from multilayer._nn.keys import key
from multilayer._nn.layers import batch_norm, dense, dropout, gaussian_noise, layer_norm
from multilayer._nn.members import batch_ensemble, shared
from multilayer._nn.quantile_layers import quantile_scaling
from multilayer._nn.sequential import from_functions, residual, sequential
from multilayer._nn.side_by_side import members
from multilayer._nn.tabular_layers import linear, ntk_dense, scaling
from multilayer._objectives.row_losses import (
    absolute_error,
    accuracy,
    huber,
    in_top_k,
    sigmoid_cross_entropy,
    softmax_cross_entropy,
    sparse_softmax_cross_entropy,
    squared_error,
)
from multilayer._persist.parameters_file import restore, save

__all__ = [
    "ACTIVATIONS",
    "absolute_error",
    "accuracy",
    "batch_ensemble",
    "batch_norm",
    "category_embedding",
    "dense",
    "derivative",
    "dropout",
    "from_functions",
    "gaussian_noise",
    "huber",
    "in_top_k",
    "key",
    "layer_norm",
    "linear",
    "logic",
    "members",
    "ntk_dense",
    "parametric",
    "periodic_embedding",
    "piecewise_linear_embedding",
    "quantile_scaling",
    "residual",
    "restore",
    "robust_scaling",
    "save",
    "scaling",
    "sequential",
    "shared",
    "shuffle_batch",
    "sigmoid_cross_entropy",
    "softmax_cross_entropy",
    "sparse_softmax_cross_entropy",
    "squared_error",
    "train_step",
]
__all__ += activation_functions.__all__
