"""What holds for every test: strict JAX, quick compiling, and Ctrl-C as a terminal has it.

Most of a test's time went into compiling. XLA compiles without optimising, in a fourth of the time:
tests of what the optimised programs themselves promise have the fixture `optimized`, and
`XLA_FLAGS= make test` optimises for all. Processes of one run, and later runs, find compiled
programs in pytest's cache folder. The environment carries this to the processes that tests start.
"""

import os
import signal
import sys
from pathlib import Path

import jaxlib
import pytest

COMPILED = Path(__file__).parents[1] / ".pytest_cache" / "compiled"
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(COMPILED))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.2")

# How XLA compiles in tests, and how it does in users' processes.
QUICK: dict[str, bool | int] = {
    "xla_backend_optimization_level": 0,
    "xla_llvm_disable_expensive_passes": True,
    "xla_cpu_parallel_codegen_split_count": 1,
}
OPTIMIZED: dict[str, bool | int] = {
    "xla_backend_optimization_level": 3,
    "xla_llvm_disable_expensive_passes": False,
    "xla_cpu_parallel_codegen_split_count": 32,
}
# XLA ends a process that names a flag it does not know: jaxlib 0.12 has no choice of emitters.
# Remove where pyproject.toml requires it.
if tuple(map(int, jaxlib.__version__.split(".")[:2])) < (0, 11):
    QUICK["xla_cpu_use_fusion_emitters"] = False
    OPTIMIZED["xla_cpu_use_fusion_emitters"] = True
os.environ.setdefault(
    "XLA_FLAGS", " ".join(f"--{name}={str(value).lower()}" for name, value in QUICK.items())
)

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


@pytest.fixture
def optimized(monkeypatch):
    """Let XLA optimise as in users' processes: for tests of bits. Returns the options."""
    from multilayer._engine.xla import cache

    monkeypatch.setattr(cache, "CPU_OPTIONS", cache.CPU_OPTIONS | OPTIMIZED)
    cache.PROGRAMS.clear()
    cache.known_options.cache_clear()
    yield OPTIMIZED
    cache.PROGRAMS.clear()
    cache.known_options.cache_clear()


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
