"""Processes for the tests that end some."""

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parent
LONGEST = 120  # seconds that anything may take


@dataclass
class Process:
    """A process that the server has started."""

    server: "Server"
    number: int
    output: Path

    def send(self, number: int) -> None:
        """Send a signal."""
        os.kill(self.number, number)

    def wait(self) -> int:
        """Return the exit code; the number of the signal, negative, that ended it."""
        return self.server.ask({"wait": self.number}, or_kill=self.number)

    def wait_until(self, true: Callable[[], Any]) -> None:
        """Wait until something is true."""
        limit = time.monotonic() + LONGEST
        while not true():
            assert time.monotonic() < limit, self.said()
            time.sleep(0.002)

    def said(self) -> str:
        """Return what it has written."""
        return self.output.read_text() if self.output.exists() else ""


class Server:
    """A process in which all is imported, and which forks for each script."""

    def __init__(self) -> None:
        self.pipe = subprocess.Popen(
            [sys.executable, FOLDER / "server.py"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self, script: Path, *arguments: object, output: Path) -> Process:
        """Start a script with arguments; what it writes is appended to a file."""
        command = [str(part) for part in (script, *arguments)]
        return Process(self, self.ask({"start": command, "output": str(output)}), output)

    def ask(self, request: dict[str, Any], or_kill: int | None = None) -> int:
        """Return the answer to a request."""
        self.pipe.stdin.write(json.dumps(request) + "\n")
        self.pipe.stdin.flush()
        ready, _, _ = select.select([self.pipe.stdout], [], [], LONGEST)
        if not ready:
            os.kill(or_kill or self.pipe.pid, signal.SIGKILL)
            raise TimeoutError(f"{request} took more than {LONGEST} seconds")
        return int(self.pipe.stdout.readline())


@pytest.fixture(scope="session")
def server():
    """Starts scripts in processes of their own."""
    if not hasattr(os, "fork"):
        pytest.skip("this system has no fork")
    server = Server()
    yield server
    server.pipe.stdin.close()
    server.pipe.wait(LONGEST)
    server.pipe.stdout.close()
