"""End cleanly on Ctrl-C and on SIGTERM."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable


def run(main: Callable[[], None]) -> None:
    """Call ``main``; an interruption unwinds it, so that workers and temporary folders go."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
