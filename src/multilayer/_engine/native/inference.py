"""Outputs of a network for many rows, natively. A row's result never depends on those beside it."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from multilayer._data.csr_rows import CsrRows
from multilayer._data.source import Rows, rows_within
from multilayer._engine.native.handle import Handle, NativeRows, base_spec, layer_specs, native_rows
from multilayer._engine.native.library import PARAMS
from multilayer._engine.native.maker import n_weights
from multilayer._engine.native.member_networks import MemberHandles, readers
from multilayer._engine.native.threads import n_threads
from multilayer._nn.members import Members
from multilayer._nn.model import Parameters
from multilayer._nn.network import Layers, Network
from multilayer._objectives.numpy_outputs import distribution
from multilayer._objectives.objective import Objective

MOST_ROWS = 192  # whose activations are in memory at a time, for each thread
MEMBER_ROWS = 16_384  # of an ensemble, whose outputs are computed in one call


def outputs(
    network: Network | Members,
    params: Layers | Parameters,
    take: Callable[[slice], np.ndarray] | CsrRows,
    n_rows: int,
    *,
    read: Objective | int | None = None,
    input_scale: float,
    dtype: str,
) -> np.ndarray:
    """Compute what a network says of rows, as :class:`multilayer._engine.engines.Outputs` says."""
    if isinstance(network, Members):
        assert not isinstance(take, CsrRows)  # coverage.reads_sparse
        return outputs_of_members(network, params, take, n_rows, dtype)
    network = network.at_prediction()
    threads = n_threads(n_weights(network) * n_rows)
    spec = base_spec(network.layer_sizes[-1], None, None)
    spec.input_scale = float(input_scale)
    spec.only_sparse = isinstance(take, CsrRows)
    most = min(n_rows, MOST_ROWS * threads)
    handle = Handle(spec, layer_specs(network, None, False), most, dtype)
    handle.put(PARAMS, params)
    layer = read if isinstance(read, int) else network.n_hidden
    row_bytes = network.layer_sizes[0] * np.dtype(dtype).itemsize
    parts = [
        handle.read(native_rows(None, Rows(X, None, None), dtype), layer, threads)
        for X in blocks_of(take, n_rows, row_bytes)
    ]
    raw = parts[0] if len(parts) == 1 else np.concatenate(parts)
    return distribution(read, raw) if isinstance(read, Objective) else raw


def blocks_of(
    take: Callable[[slice], np.ndarray] | CsrRows, n_rows: int, row_bytes: int
) -> Iterator[np.ndarray | CsrRows]:
    """Go through rows, so many at a time that those of ``row_bytes`` stay within a block."""
    block = rows_within(take.row_bytes if isinstance(take, CsrRows) else row_bytes, 1)
    for start in range(0, n_rows, block):
        rows = slice(start, min(start + block, n_rows))
        yield take[rows] if isinstance(take, CsrRows) else take(rows)


def outputs_of_members(
    network: Members,
    params: Parameters,
    take: Callable[[slice], np.ndarray],
    n_rows: int,
    dtype: str,
) -> np.ndarray:
    """Return the raw outputs of all members for the same rows, ``(rows, members * outputs)``."""
    handles = readers(network, params, min(n_rows, MOST_ROWS), dtype)
    handles.put(PARAMS, params, handles.network.places)
    parts = []
    for start in range(0, n_rows, MEMBER_ROWS):
        X = take(slice(start, min(start + MEMBER_ROWS, n_rows)))
        X = handles.network.columns(params, np.asarray(X, dtype))
        rows = native_rows(None, Rows(X, None, None), dtype)
        parts.append(np.concatenate(handles.outputs([rows] * len(handles.handles)), axis=1))
    return np.concatenate(parts)


def member_predictor(
    network: Members, X: np.ndarray, rows: Sequence[np.ndarray]
) -> Callable[[Parameters], list[np.ndarray]]:
    """Return what predicts with each member some rows of its own.

    As :class:`multilayer._engine.engines.MemberPredictor` says.
    """
    most = min(max(map(len, rows)), MOST_ROWS)
    made: list[MemberHandles] = []  # once the shapes of the parameters are known
    tables: list[NativeRows] = []

    def predict(params: Parameters) -> list[np.ndarray]:
        if not made:
            handles = readers(network, params, most, "float32")
            made.append(handles)
            for own in rows[: len(handles.handles)]:  # members that share kernels have the same
                columns = handles.network.columns(params, X[own])
                tables.append(native_rows(None, Rows(columns, None, None), "float32"))
        handles = made[0]
        handles.put(PARAMS, params, handles.network.places)
        outputs = handles.outputs(tables)
        if handles.network.n_members == 1:
            return outputs
        by_member = outputs[0].reshape(len(outputs[0]), network.n_members, -1)
        return list(by_member.swapaxes(0, 1))

    return predict
