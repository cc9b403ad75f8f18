"""What the command line writes: results to standard output, all else to standard error."""

import json
import math
import re
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.text import Text

CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")


def results() -> Console:
    """Return the console for results."""
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
    """Return text with its control characters spelt out: a terminal would obey them."""
    return CONTROL.sub(lambda found: repr(found[0])[1:-1], text)


def say_error(message: object) -> None:
    """Print an error as one line."""
    say(remarks(), ("error:", "bold red"), " ", " ".join(str(message).split()))


def say_json(values: Mapping[str, Any]) -> None:
    """Print one JSON object; numbers that JSON lacks become null."""
    sys.stdout.write(json.dumps(_finite(values), allow_nan=False) + "\n")


def _finite(value: Any) -> Any:
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

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        say(remarks(), ("warning: " + " ".join(str(message).split()), "dim"))

    with warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.showwarning = show
        yield
