"""The building blocks of the native engine, compiled for each instruction set of this machine."""

import ctypes
import platform
import shutil
import subprocess
from pathlib import Path

import pytest

from .libraries import Library

SOURCES = Path(__file__).parents[2] / "src" / "multilayer" / "_native"
FLAGS = (
    *("-O3", "-std=c++17", "-fno-exceptions", "-fno-rtti", "-fno-tree-slp-vectorize"),
    *("-fvisibility=hidden", "-Wall", "-Wextra", "-Werror", "-Wno-psabi"),
)
INTEL = platform.machine().lower() in ("x86_64", "amd64")
INSTRUCTION_SETS = {"baseline": ("-DML_BYTES=16",)}
if INTEL:
    INSTRUCTION_SETS["avx2"] = ("-DML_BYTES=32", "-mavx2", "-mfma")
    # Compiled, and run where a processor has it.
    INSTRUCTION_SETS["avx512"] = (
        *(
            "-DML_BYTES=64",
            "-mavx512f",
            "-mavx512vl",
            "-mavx512dq",
            "-mavx512bw",
            "-mavx2",
            "-mfma",
        ),
    )
UNIT = """
#define JOINED(a, b) a##_##b
#define NAMED(a, b) JOINED(a, b)
#define ML_NAME(x) NAMED(x, ML_ISA)
#include "math_entries.h"
#ifdef ASK
ML_EXPORT int has(int bytes) {
  if (bytes == 64) return __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
  return bytes == 16 || (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"));
}
#endif
"""


def compiler():
    found = next(filter(None, map(shutil.which, ("g++", "clang++", "c++"))), None)
    if found is None:
        pytest.skip("there is no C++ compiler")
    return found


@pytest.fixture(scope="session")
def libraries(tmp_path_factory):
    """A Library for each instruction set that this processor has; all are compiled."""
    folder = tmp_path_factory.mktemp("native")
    (folder / "unit.cpp").write_text(UNIT, encoding="utf-8")
    command = compiler(), *FLAGS, "-fPIC", "-shared", f"-I{SOURCES}", "unit.cpp"
    running = []
    for isa, flags in INSTRUCTION_SETS.items():
        own = *flags, f"-DML_ISA={isa}", *(("-DASK",) if INTEL and isa == "baseline" else ())
        running.append(subprocess.Popen([*command, *own, "-o", f"{isa}.so"], cwd=folder))
    assert [process.wait() for process in running] == [0] * len(running)
    loaded = {isa: ctypes.CDLL(str(folder / f"{isa}.so")) for isa in INSTRUCTION_SETS}
    widths = {"baseline": 16, "avx2": 32, "avx512": 64}
    usable = [isa for isa in loaded if not INTEL or loaded["baseline"].has(widths[isa])]
    return [Library(isa, loaded[isa]) for isa in usable]
