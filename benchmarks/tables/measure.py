"""One measurement in a process of its own: a request as JSON in, a result as JSON out.

``python -m benchmarks.tables.measure < request.json``. What libraries print goes to the standard
error. The clock covers the whole ``fit`` of the contender: preparation of the frame, compilation
and training; imports and the reading of the table come before it.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

import numpy as np
from sklearn.metrics import log_loss

from benchmarks import machine

from .contenders import PACKAGES, Fitted, Setting
from .data import Split, all_tables, split
from .results import Result

T = TypeVar("T")
SMALLEST_PROBABILITY = 1e-15


@dataclass(frozen=True)
class Request:
    """What to measure."""

    contender: str
    table: str
    seed: int
    folder: str | None  # of the tables; None: those that packages bring
    threads: int
    max_rows: int


@dataclass(frozen=True)
class Clocked:
    """Seconds a call took: of the processor, in all threads, and on the wall."""

    cpu: float
    wall: float


def clock(call: Callable[[], T]) -> tuple[T, Clocked]:
    cpu, wall = time.process_time(), time.perf_counter()
    value = call()
    return value, Clocked(time.process_time() - cpu, time.perf_counter() - wall)


def score_classes(model: Fitted, data: Split) -> tuple[dict[str, float], Clocked]:
    """Error and log loss on the test rows, and what both predictions took."""
    (labels, table), seconds = clock(
        lambda: (model.predict(data.X_test), model.predict_proba(data.X_test))
    )
    classes = np.asarray(model.classes_).astype(str)
    if sorted(classes) != sorted(set(data.y_train)):
        raise ValueError(f"classes of the model are {classes.tolist()}")
    # scikit-learn's log loss takes columns in the order of strings; CatBoost orders "10" after "9".
    table = np.asarray(table, np.float64)[:, np.argsort(classes)]
    table = np.clip(table, SMALLEST_PROBABILITY, 1.0)
    table /= table.sum(axis=1, keepdims=True)
    scores = {
        "error": float(np.mean(np.asarray(labels).ravel().astype(str) != data.y_test)),
        "log_loss": float(log_loss(data.y_test, table, labels=np.sort(classes))),
    }
    return scores, seconds


def score_numbers(model: Fitted, data: Split) -> tuple[dict[str, float], Clocked]:
    """Root mean squared error over the standard deviation of the targets, on the test rows."""
    numbers, seconds = clock(lambda: np.asarray(model.predict(data.X_test), np.float64).ravel())
    rmse = np.sqrt(np.mean((numbers - data.y_test) ** 2))
    return {"nrmse": float(rmse / np.std(data.y_test))}, seconds


def measure(request: Request) -> Result:
    """Fit once, predict once."""
    contender = importlib.import_module(f"benchmarks.tables.contenders.{request.contender}")
    folder = None if request.folder is None else Path(request.folder)
    table = all_tables(folder)[request.table]
    data = split(table, request.seed, request.max_rows)
    setting = Setting(table.is_classification, request.seed, request.threads)
    model, fitting = clock(lambda: contender.fit(data.X_train, data.y_train, setting))
    score = score_classes if table.is_classification else score_numbers
    scores, predicting = score(model, data)
    return Result(
        table=table.name,
        task=table.task,
        seed=request.seed,
        contender=request.contender,
        version=version(PACKAGES[request.contender]),
        machine=f"{machine.processor()}; {machine.system()}",
        n_train=len(data.y_train),
        fit_cpu=round(fitting.cpu, 4),
        fit_wall=round(fitting.wall, 4),
        predict_cpu=round(predicting.cpu, 4),
        predict_wall=round(predicting.wall, 4),
        **scores,
    )


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print must not mix with the answer
    request = Request(**json.load(sys.stdin))
    if hasattr(os, "sched_setaffinity"):  # the one limit that every library obeys
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: request.threads])
    warnings.simplefilter("ignore")  # "not converged" and the like: defaults are the point
    answers.write(json.dumps(asdict(measure(request))) + "\n")
    answers.flush()


if __name__ == "__main__":
    main()
