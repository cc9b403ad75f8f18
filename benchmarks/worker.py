"""A contender in a process of its own: JSON lines in, JSON lines out.

``python worker.py CONTENDER FOLDER`` answers ``{"case": {...}, "epochs": 3, "seed": 0}`` with
``{"seconds": 1.5, "steps": 3300}``, or with ``{"error": "..."}``, until its input ends.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from cases import Case, read_data
from contenders import Start


def prepare(contender: str, folder: Path, case: Case) -> Start:
    """Import the contender, load the data and build what can be built before the clock starts."""
    X, y = read_data(folder, case.data)
    module = importlib.import_module(f"contenders.{contender}")
    return module.prepare(case, X[: case.rows], y[: case.rows])


def measure(start: Start, epochs: int, seed: int) -> dict[str, Any]:
    """Train once and take the time."""
    train = start(seed)
    gc.collect()
    begin = time.perf_counter()
    steps = train(epochs)
    return {"seconds": time.perf_counter() - begin, "steps": steps}


def serve(contender: str, folder: Path) -> None:
    """Answer requests; what was prepared for a case is kept until another case comes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the driver's to handle
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print must not mix with the answers
    prepared: tuple[Case, Start] | None = None
    for line in sys.stdin:
        request = json.loads(line)
        fields = {k: tuple(v) if isinstance(v, list) else v for k, v in request["case"].items()}
        case = Case(**fields)
        try:
            if prepared is None or prepared[0] != case:
                prepared = (case, prepare(contender, folder, case))
            answer = measure(prepared[1], request["epochs"], request["seed"])
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    serve(sys.argv[1], Path(sys.argv[2]))
