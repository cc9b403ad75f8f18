"""Files that earlier versions wrote, and other releases of scikit-learn, give the same answers.

How the files were made stands in their README.
"""

import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from multilayer import load
from multilayer._persist.manifest import read_manifest
from multilayer._persist.tensors import MODEL

FIXTURES = Path(__file__).parent / "fixtures"
FILES = sorted(FIXTURES.glob("*/*.safetensors"))


def maker():
    """Return the module that made the files, for what it does with their rows."""
    specification = importlib.util.spec_from_file_location("make", FIXTURES / "make.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


MAKE = maker()


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_answers_are_those_of_then(path):
    expected = np.load(path.parent / "expected.npz")
    answers = MAKE.answers(load(path), MAKE.rows_of(path.stem, expected))
    assert {f"{path.stem}.{name}" for name in answers} == {
        name for name in expected if name.startswith(f"{path.stem}.")
    }
    for name, answer in answers.items():
        then = expected[f"{path.stem}.{name}"]
        if then.dtype.kind == "f":  # other machines round in other places
            assert_allclose(answer, then, rtol=2e-5, atol=2e-6)
            assert answer.dtype == then.dtype
        else:
            assert_array_equal(answer, then)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_protocol_is_that_of_the_folder(path):
    assert read_manifest(path)["protocol"] == int(re.findall(r"protocol-(\d+)", str(path))[0])


def test_every_protocol_has_its_files():
    folders = {path.parent.name for path in FILES}
    assert {f"protocol-{number}" for number in range(1, MODEL.protocol + 1)} <= folders
