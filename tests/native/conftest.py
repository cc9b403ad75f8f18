"""The building blocks of the native engine, for each instruction set that this machine has."""

import pytest

from multilayer._engine.native import coverage, library

from .libraries import Library

SETS = ("baseline", "avx2", "avx512")


@pytest.fixture(scope="session")
def libraries():
    """A Library for each instruction set that this processor has."""
    if reason := coverage.unavailable():
        pytest.skip(reason)
    loaded = library.library()
    best = loaded.ml_use(-1).decode()
    usable = SETS[: SETS.index(best) + 1] if best in SETS else (best,)
    return [Library(isa, loaded) for isa in usable]
