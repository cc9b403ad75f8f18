"""Outputs of a network for many rows, natively. A row's result never depends on those beside it."""

from collections.abc import Callable

import numpy as np

from multilayer._data.source import Rows, rows_within
from multilayer._engine.native.handle import Handle, base_spec, layer_specs, native_rows
from multilayer._engine.native.library import PARAMS
from multilayer._engine.native.maker import n_weights
from multilayer._engine.native.threads import n_threads
from multilayer._nn.network import Layers, Network
from multilayer._objectives.numpy_outputs import distribution
from multilayer._objectives.objective import Objective

MOST_ROWS = 192  # whose activations are in memory at a time, for each thread


def outputs(
    network: Network,
    params: Layers,
    take: Callable[[slice], np.ndarray],
    n_rows: int,
    *,
    read: Objective | int | None = None,
    input_scale: float,
    dtype: str,
) -> np.ndarray:
    """Compute what a network says of rows, as :class:`multilayer._engine.engines.Outputs` says."""
    network = network.at_prediction()
    threads = n_threads(n_weights(network) * n_rows)
    spec = base_spec(network, None, None)
    spec.input_scale = float(input_scale)
    most = min(n_rows, MOST_ROWS * threads)
    handle = Handle(network, spec, layer_specs(network, None, False), most, dtype)
    handle.put(PARAMS, params)
    layer = read if isinstance(read, int) else network.n_hidden
    block = rows_within(network.layer_sizes[0], np.dtype(dtype).itemsize)
    parts = []
    for start in range(0, n_rows, block):
        X = take(slice(start, min(start + block, n_rows)))
        parts.append(handle.read(native_rows(None, Rows(X, None, None), dtype), layer, threads))
    raw = parts[0] if len(parts) == 1 else np.concatenate(parts)
    return distribution(read, raw) if isinstance(read, Objective) else raw
