"""The building blocks of the native engine, for each instruction set that this machine has.

`make sanitize` runs these tests with a library compiled into another folder.
"""

import os
from pathlib import Path

import pytest

from multilayer._engine.native import coverage, library, location

from .libraries import Library

SETS = ("baseline", "avx2", "avx512")


@pytest.fixture(scope="session", autouse=True)
def library_under_test():
    folder = os.environ.get("MULTILAYER_NATIVE_FOLDER")
    with pytest.MonkeyPatch.context() as patch:
        if folder:
            patch.setattr(location, "FOLDER", Path(folder).resolve())
            assert location.library_path() is not None, location.why_not_built()
        yield


@pytest.fixture(scope="session")
def libraries(library_under_test):
    """A Library for each instruction set that this processor has."""
    if reason := coverage.unavailable():
        pytest.skip(reason)
    loaded = library.library()
    best = loaded.ml_use(-1).decode()
    usable = SETS[: SETS.index(best) + 1] if best in SETS else (best,)
    return [Library(isa, loaded) for isa in usable]
