"""A fit that an earlier release began goes on, and its best network stays the best."""

import importlib.util
import shutil
from pathlib import Path

import numpy as np
import pytest

FIXTURES = Path(__file__).parent / "fixtures"
FOLDERS = [path for path in sorted(FIXTURES.iterdir()) if path.is_dir() and path.name[0].isdigit()]


def maker():
    """Return the module that made the files."""
    specification = importlib.util.spec_from_file_location("make", FIXTURES / "make.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


MAKE = maker()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:.*was written with:UserWarning")
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_a_fit_goes_on(folder, tmp_path):
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    (written,) = tmp_path.glob("*/*.safetensors")
    begun = int(written.stem.rpartition("-")[2])
    clf = MAKE.fit(tmp_path)
    assert len(list(tmp_path.iterdir())) == 1  # the checkpoint is that of this fit
    assert clf.history_["steps"][-1] == 3 * begun
    # The score was the same in all epochs: the lowest loss was before the interruption, and the
    # checkpoints of 0.2.0 do not hold it.
    losses = clf.history_["validation_loss"]
    assert np.ptp(clf.validation_scores_) == 0
    assert losses.argmin() == 0
    best = clf.evaluate(MAKE.X[MAKE.JUDGE], MAKE.Y[MAKE.JUDGE])["average_loss"]
    assert best == pytest.approx(losses[0], rel=1e-5)
