"""Results as lines of JSON: one file, one line per measurement, appended as they come."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

Key = tuple[str, int]  # table and seed


@dataclass(frozen=True)
class Result:
    """What one contender reached on one split of one table."""

    table: str
    task: str
    seed: int
    contender: str
    version: str  # of the contender's package
    machine: str
    n_train: int
    fit_cpu: float  # seconds of all threads of the process
    fit_wall: float
    predict_cpu: float  # labels and probabilities of all test rows
    predict_wall: float
    error: float | None = None  # 1 - accuracy; classification
    log_loss: float | None = None  # classification
    nrmse: float | None = None  # RMSE / standard deviation of the test targets; regression

    @property
    def key(self) -> Key:
        return self.table, self.seed

    @property
    def first_metric(self) -> float:
        """The error of a classification, the nRMSE of a regression."""
        value = self.error if self.task == "classification" else self.nrmse
        assert value is not None, self
        return value


def read(file: Path) -> list[Result]:
    """All results of a file; none where there is no file."""
    if not file.exists():
        return []
    names = {field.name for field in fields(Result)}
    found = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        values = json.loads(line)
        if unknown := values.keys() - names:
            raise ValueError(f"{file}:{number}: unknown fields {sorted(unknown)}")
        found.append(Result(**values))
    return found


def append(file: Path, result: Result) -> None:
    present = {name: value for name, value in asdict(result).items() if value is not None}
    with file.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(present) + "\n")


def by_contender(results: Iterable[Result]) -> dict[str, dict[Key, Result]]:
    """Results by contender, then by table and seed."""
    found: dict[str, dict[Key, Result]] = defaultdict(dict)
    for result in results:
        if result.key in found[result.contender]:
            raise ValueError(f"{result.contender}: two results of table and seed {result.key}")
        found[result.contender][result.key] = result
    return dict(found)
