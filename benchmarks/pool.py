"""The driver's side of the workers: start them, ask them, end them."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from cases import Case

HERE = Path(__file__).parent


class Worker:
    """One contender's process."""

    def __init__(self, contender: str, folder: Path) -> None:
        self.contender = contender
        self._log: IO[str] = open(folder / f"{contender}.log", "w+")  # noqa: SIM115
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "worker.py"), contender, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )

    def ask(self, case: Case, seed: int) -> dict[str, Any]:
        """Train ``case`` once; raise `RuntimeError` with the worker's words when it cannot."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        request = {"case": asdict(case), "epochs": case.epochs, "seed": seed}
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        line = self._process.stdout.readline()
        answer = json.loads(line) if line else {"error": f"the process ended: {self._last_words()}"}
        if "error" in answer:
            raise RuntimeError(f"{self.contender}: {answer['error']}")
        return answer

    def end(self) -> None:
        """End the process, now."""
        self._process.kill()
        self._process.wait()
        self._log.close()

    def _last_words(self) -> str:
        self._log.seek(0)
        return self._log.read()[-500:].strip()


@contextlib.contextmanager
def workers(contenders: list[str], folder: Path) -> Iterator[dict[str, Worker]]:
    """One worker per contender; all are ended on the way out, Ctrl-C included."""
    started: dict[str, Worker] = {}
    try:
        for contender in contenders:
            started[contender] = Worker(contender, folder)
        yield started
    finally:
        for worker in started.values():
            worker.end()
