"""Evaluation and prediction: a trained network, forward."""

import os
import time
from collections.abc import Iterator
from itertools import islice

import numpy as np

from multilayer._core.errors import DataError
from multilayer._core.types import computing_type
from multilayer._engine import engines
from multilayer.estimator.design import Design
from multilayer.estimator.feature_reading import ArrayInput, Features, Input, n_rows
from multilayer.estimator.features import weights
from multilayer.estimator.logging import LOGGER
from multilayer.estimator.session import engine_of, find_checkpoint, trained_network
from multilayer.estimator.training_run import network_of

CHUNK_ROWS = 1 << 14  # rows of arrays that are predicted at once


class Forward:
    """The network of a checkpoint, applied to rows."""

    def __init__(self, design: Design, place: str | os.PathLike[str]) -> None:
        checkpoint = find_checkpoint(design, place)
        LOGGER.info("Restoring parameters from %s", checkpoint.path)
        self.design, self.dtype = design, computing_type()
        trained_by = engine_of(checkpoint)
        self._engine = engines.predictor(trained_by, network_of(design, trained_by).at_prediction())
        network = trained_network(design, checkpoint, self._engine, self.dtype)
        self._network, self._params = network
        self.global_step = checkpoint.step

    def outputs(self, X: np.ndarray) -> np.ndarray:
        """Return the outputs before their activation ``(rows, units)``."""
        return self._engine.outputs(
            self._network,
            self._params,
            lambda rows: X[rows],
            len(X),
            input_scale=1.0,
            dtype=self.dtype,
        )

    def raw(self, features: Features) -> np.ndarray:
        """Return the outputs for features."""
        return self.outputs(self.design.columns.matrix(features, self.dtype))

    def judge(
        self, features: Features, labels: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return a batch's outputs, targets, weights and losses."""
        assert labels is not None  # checked by read_input
        weight = weights(self.design.weight_column, features, n_rows(features), self.dtype)
        raw, targets = self.raw(features), self.design.head.encode(labels)
        return raw, targets, weight.astype(np.float64), self.design.head.losses(raw, targets)

    def evaluate(self, given: Input, steps: int | None) -> dict[str, float]:
        """Return the figures of an input."""
        LOGGER.info("Starting evaluation at %s", now())
        head, summed = self.design.head, self.design.reports_sum
        judged = [self.judge(features, labels) for features, labels in batches_of(given, steps)]
        if not judged:
            raise DataError("input_fn must return at least one batch, its iterator has none.")
        raw, targets, weight, losses = (
            np.concatenate(parts) for parts in zip(*judged, strict=True)
        )
        total = weight.sum(dtype=np.float64)
        if total == 0:
            raise DataError("weights must not be 0 in all rows of an evaluation.")
        of_batches = [
            (np.sum(w * of_rows), 1.0 if summed else w.sum() * head.n_outputs)
            for _, _, w, of_rows in judged
        ]
        results = {
            **head.figures(raw, targets, weight),
            "average_loss": float(np.sum(weight * losses) / (total * head.n_outputs)),
            "loss": float(np.mean([loss / (per or 1.0) for loss, per in of_batches])),
            "global_step": self.global_step,
        }
        LOGGER.info("Finished evaluation at %s", now())
        shown = ", ".join(f"{key} = {results[key]:.8g}" for key in sorted(results))
        LOGGER.info("Saving dict for global step %d: %s", self.global_step, shown)
        return results

    def predict(
        self, given: Input, keys: list[str] | None, *, single: bool
    ) -> Iterator[dict[str, np.ndarray]]:
        """Yield what is predicted, for each row or for each batch."""
        rows_at_once = CHUNK_ROWS if single else None
        for features, _ in batches_of(given, None, rows_at_once):
            predicted = self.design.head.predictions(self.raw(features))
            chosen = {key: predicted[key] for key in keys or predicted}
            if not single:
                yield chosen
                continue
            for row in range(len(next(iter(chosen.values())))):
                yield {key: values[row] for key, values in chosen.items()}


def taken(features: Features, rows: np.ndarray | slice) -> Features:
    """Return some rows of features."""
    if isinstance(features, np.ndarray):
        return features[rows]
    return {key: values[rows] for key, values in features.items()}


def batches_of(
    given: Input, steps: int | None, rows_at_once: int | None = None
) -> Iterator[tuple[Features, np.ndarray | None]]:
    """Go through the batches of an input, all or the first ones.

    Rows of arrays may come in other groups than batches: ``rows_at_once``.
    """
    if not isinstance(given, ArrayInput):
        yield from islice(given.batches, steps)
        return
    passes = given.passes(seed=0)
    n_batches = min(n for n in (passes.n_steps, steps) if n is not None)
    numbers = passes.rows(0, n_batches)
    size = rows_at_once or passes.batch_size
    for start in range(0, len(numbers), size):
        some = numbers[start : start + size]
        labels = None if given.labels is None else given.labels[some]
        yield taken(given.features, some), labels


def now() -> str:
    """Return the time in the form of the log."""
    return time.strftime("%Y-%m-%d-%H:%M:%S")
