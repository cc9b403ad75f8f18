"""`make sanitize` runs these tests with a library compiled into another folder."""

import os
from pathlib import Path

import pytest

from multilayer._engine.native import location


@pytest.fixture(scope="session", autouse=True)
def library_under_test():
    folder = os.environ.get("MULTILAYER_NATIVE_FOLDER")
    with pytest.MonkeyPatch.context() as patch:
        if folder:
            patch.setattr(location, "FOLDER", Path(folder).resolve())
            assert location.library_path() is not None, location.why_not_built()
        yield
