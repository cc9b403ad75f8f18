"""What a checkpoint stores of a training run, and the way back.

The state, the history and the states of callbacks are all of it. The order of rows and all that is
random are functions of the seed and of the step, so a run that goes on has the bits of one that was
never interrupted.
"""

from collections.abc import Mapping, Sequence
from math import inf
from typing import TYPE_CHECKING

import numpy as np

from multilayer._core.errors import ModelFileError
from multilayer._core.types import REPORT_COLUMNS
from multilayer._engine.callbacks.protocol import Callback, Stop
from multilayer._engine.history import History
from multilayer._nn.model import Parameters
from multilayer._persist.checkpoints import Checkpoint
from multilayer._persist.trees import named_leaves, restored_tree
from multilayer._persist.values import decode, encode

if TYPE_CHECKING:
    from multilayer._engine.loop import Training

PLAIN = (bool, int, float, str, type(None))
"""What of a callback's state goes into the facts; all else is a network."""


def record(
    training: "Training", callbacks: Sequence[Callback]
) -> tuple[dict[str, object], dict[str, np.ndarray]]:
    """Return facts (JSON) and arrays, from which :func:`restore` recreates the run."""
    stop = training.stopped_by
    arrays = named_leaves("state", training.state)
    arrays |= named_leaves("history", training.history.columns())
    encoded: list[dict[str, object]] = []
    for i, state in enumerate(callback.state() for callback in _stateful(callbacks)):
        plain = {key: value for key, value in state.items() if isinstance(value, PLAIN)}
        encoded.append({key: encode(key, value) for key, value in plain.items()})
        for key in state.keys() - plain.keys():
            arrays |= named_leaves(f"callbacks/{i}/{key}", state[key])
    facts: dict[str, object] = {
        "epoch": len(training.history),
        "seconds": training.seconds,
        "compile_seconds": training.compile_seconds,
        "stopped_by": None if stop is None else stop.reason,
        "callbacks": encoded,
    }
    return facts, arrays


def restore(training: "Training", checkpoint: Checkpoint) -> None:
    """Bring a new run to the step, the state and the history of a checkpoint."""
    arrays, facts = _completed(checkpoint.arrays), checkpoint.facts
    training.state = restored_tree("state", training.state, arrays, checkpoint.path)
    columns = _below("history/", arrays)
    shapes = {column.shape for column in columns.values()}
    if columns and (columns.keys() != set(REPORT_COLUMNS) or shapes != {(len(columns["loss"]),)}):
        raise _damaged(checkpoint)
    training.history = History.of_columns(columns)
    training.reported = len(training.history)
    match facts:
        case {
            "seconds": float(seconds),
            "compile_seconds": float(compiled),
            "stopped_by": str() | None as reason,
        } if 0 <= seconds < inf and 0 <= compiled < inf:
            training.seconds, training.compile_seconds = seconds, compiled
            training.stopped_by = None if reason is None else Stop(reason)
        case _:
            raise _damaged(checkpoint)


def _completed(arrays: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
    """Add what checkpoints of earlier releases lack: the validation loss of the best network.

    Those returned to the first epoch of the best score; the history says what its loss was.
    """
    best = arrays.get("state/best_kept")
    if best is None or "state/best_loss" in arrays:
        return arrays
    scores, losses = (arrays.get(f"history/validation_{name}", ()) for name in ("score", "loss"))
    reached = np.flatnonzero(np.asarray(scores, best.dtype) == -best)
    loss = losses[reached[0]] if len(reached) and len(losses) == len(scores) else np.inf
    return {**arrays, "state/best_loss": np.asarray(loss, best.dtype)}


def restore_callbacks(
    callbacks: Sequence[Callback], network: Parameters, checkpoint: Checkpoint
) -> None:
    """Give callbacks the states that they had; networks in them are like the one given."""
    encoded, stateful = checkpoint.facts.get("callbacks"), _stateful(callbacks)
    if not isinstance(encoded, list) or not all(isinstance(plain, dict) for plain in encoded):
        raise _damaged(checkpoint)
    if len(encoded) != len(stateful):
        raise _damaged(checkpoint)
    for i, (callback, plain) in enumerate(zip(stateful, encoded, strict=True)):
        state = {key: decode(value) for key, value in plain.items()}
        prefix = f"callbacks/{i}/"
        for key in {name.split("/")[0] for name in _below(prefix, checkpoint.arrays)}:
            state[key] = restored_tree(prefix + key, network, checkpoint.arrays, checkpoint.path)
        callback.set_state(state)


def _stateful(callbacks: Sequence[Callback]) -> list[Callback]:
    """Return the callbacks that act on training and have a state.

    Those that only watch may differ between the parts of a run.
    """
    return [c for c in callbacks if c.acts and type(c).state is not Callback.state]


def _below(prefix: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the arrays whose names begin so, by the rest of their names."""
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }


def _damaged(checkpoint: Checkpoint) -> ModelFileError:
    return ModelFileError(
        f"{checkpoint.path} is no checkpoint of this run. Remove its folder to start anew."
    )
