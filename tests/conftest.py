"""What holds for every test: strict JAX, shared compiled programs, and Ctrl-C as a terminal has it.

Most of a test's time goes into compiling. Processes of one run, and later runs, find compiled
programs in pytest's cache folder; the environment tells the processes that tests start.
"""

import os
import signal
import sys
from pathlib import Path

import pytest

COMPILED = Path(__file__).parents[1] / ".pytest_cache" / "compiled"
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(COMPILED))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.2")

import jax  # noqa: E402 - it reads the environment once

from multilayer._engine.native import location  # noqa: E402

jax.config.update("jax_numpy_rank_promotion", "raise")  # broadcasts between ranks are written out

# `make sanitize` compiles the native engine into a folder of its own.
if folder := os.environ.get("MULTILAYER_NATIVE_FOLDER"):
    location.FOLDER = Path(folder).resolve()
    if location.library_path() is None:
        raise pytest.UsageError(location.why_not_built())

# A shell without job control starts what goes to the background with interrupts ignored.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def no_earlier_interrupt(monkeypatch):
    """Forget the interrupts of other tests: a second one within seconds means something else."""
    results = sys.modules.get("multilayer._sklearn.fit.engine_run")
    if results is not None:
        monkeypatch.setattr(results, "_last_interrupt", float("-inf"))


@pytest.fixture(scope="module")
def module_by_xla():
    """Let XLA train what the native engine would: for tests of its programs."""
    from multilayer._engine import engines

    choice = engines.Choice(engines.XLA, "a test asks for it")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engines, "choose", lambda *given, **more: choice)
        yield


@pytest.fixture
def by_xla(monkeypatch):
    """Do the same for one test."""
    from multilayer._engine import engines

    choice = engines.Choice(engines.XLA, "a test asks for it")
    monkeypatch.setattr(engines, "choose", lambda *given, **more: choice)
