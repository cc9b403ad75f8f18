"""What the command line writes: results to standard output, all else to standard error."""

import errno
import io
import json
import math
import os
import sys
import unicodedata
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.text import Text

ESCAPED = ("Cc", "Cf", "Co", "Cs", "Zl", "Zp")
"""Unicode's categories of what a terminal would obey, hide or turn around."""
STANDARD_OUTPUT = "standard output"


def results() -> Console:
    """Return the console for results."""
    _standard_output()
    return _console(stderr=False)


def remarks() -> Console:
    """Return the console for progress, remarks and errors."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    # Labels and column names come from users: nothing in them is markup or an emoji.
    return Console(stderr=stderr, markup=False, emoji=False, highlight=False)


def say(console: Console, *parts: str | tuple[str, str]) -> None:
    """Print one line, never wrapped, of plain strings and (string, style) pairs."""
    shown = [plain(part) if isinstance(part, str) else (plain(part[0]), part[1]) for part in parts]
    console.print(Text.assemble(*shown), soft_wrap=True)


def plain(text: str) -> str:
    """Return text with its control and format characters spelt out.

    Whatever comes from a file or a user goes through here on its way to a terminal, which would
    obey some of them; others would hide or reverse what stands beside them.
    """
    if text.isprintable():
        return text
    spelt = (repr(c)[1:-1] if unicodedata.category(c) in ESCAPED else c for c in text)
    return "".join(spelt)


def say_error(message: object) -> None:
    """Print an error as one line."""
    say(remarks(), ("error:", "bold red"), " ", " ".join(str(message).split()))


def say_json(values: Mapping[str, object]) -> None:
    """Print one JSON object; numbers that JSON lacks become null."""
    write(json.dumps(_finite(values), allow_nan=False) + "\n")


def write(text: str) -> None:
    """Write data to standard output as they are; see :func:`to_terminal`."""
    _standard_output().write(text)


def to_terminal() -> bool:
    """Whether standard output is a terminal: labels on it must be :func:`plain`."""
    return _standard_output().isatty()


def _standard_output() -> TextIO:
    if sys.stdout is None:  # closed by whoever started the process
        raise OSError(errno.EBADF, os.strerror(errno.EBADF), STANDARD_OUTPUT)
    return sys.stdout


@contextmanager
def escaped_output() -> Iterator[None]:
    """Spell characters out that the encoding of an output lacks."""
    streams = [s for s in (sys.stdout, sys.stderr) if isinstance(s, io.TextIOWrapper)]
    before = [stream.errors for stream in streams]
    for stream in streams:
        stream.reconfigure(errors="backslashreplace")
    try:
        yield
    finally:
        for stream, errors in zip(streams, before, strict=True):
            stream.reconfigure(errors=errors)


def flush() -> None:
    """Bring what was written to its reader, as long as a failure can still be reported."""
    if sys.stdout is not None:
        try:
            sys.stdout.flush()
        except OSError as error:
            error.filename = STANDARD_OUTPUT
            raise


def give_up_output() -> None:
    """Lead outputs that can no longer be written to nowhere: Python flushes them at its end."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)


def _finite(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


@contextmanager
def one_line_warnings() -> Iterator[None]:
    """Show each warning as one dim line on standard error."""

    def show(message: Warning | str, *_: object, **__: object) -> None:
        say(remarks(), ("warning: " + " ".join(str(message).split()), "dim"))

    with warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.showwarning = show
        yield
