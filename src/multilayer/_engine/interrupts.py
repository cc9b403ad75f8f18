"""SIGINT and SIGTERM as a flag that training reads between its calls."""

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Self

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(Exception):
    """Training is asked to stop where it is; raised between calls and caught by the loop."""


class Interrupts:
    """Records signals while it is entered, and passes them on once training has been saved.

    A signal handler runs anywhere, also in the middle of writing a file. So this one only sets a
    flag. Handlers can be set from the main thread alone: elsewhere signals do what they did.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._before: dict[int, Callable[[int, FrameType | None], object] | int] = {}

    def __enter__(self) -> Self:
        """Replace the present handlers; an ignored signal stays ignored."""
        self.received = None
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                before = signal.getsignal(number)
                if before is not None and before != signal.SIG_IGN:  # None: not set from Python
                    self._before[number] = before
                    signal.signal(number, self._note)
        return self

    def __exit__(self, *error: object) -> None:
        """Put the handlers back, and pass on a signal that came after the last check."""
        for number, before in self._before.items():
            signal.signal(number, before)
        self.hand_on()

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.received = number

    @property
    def name(self) -> str:
        """Name of the signal that has come, such as "SIGTERM"."""
        return "" if self.received is None else signal.Signals(self.received).name

    def check(self) -> None:
        """Raise Interrupted where a signal has come."""
        if self.received is not None:
            raise Interrupted

    def hand_on(self) -> None:
        """Do what the signal would have done: call the earlier handler, or end the process.

        Without a handler SIGTERM ends it by SystemExit, so that open files are closed. A handler
        that returns lets training go on.
        """
        number, self.received = self.received, None
        if number is None:
            return
        before = self._before[number]
        if callable(before):
            before(number, None)
        else:
            raise SystemExit(128 + number)
