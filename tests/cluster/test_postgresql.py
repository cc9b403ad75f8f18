"""A search in PostgreSQL: what ``make cluster`` runs where its server is installed."""

import glob
import os
import pwd
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.datasets import load_iris

from multilayer import MLPClassifier
from multilayer._search.optuna_study import StudyRecord
from multilayer.search import MLPSearchCV

pytest.importorskip("psycopg", reason="PostgreSQL has an environment of its own: make cluster")
pytestmark = pytest.mark.filterwarnings("default")
SPACE = {"hidden_layer_sizes": [(4,), (8,)], "learning_rate_init": [0.003, 0.01, 0.03]}
X, y = load_iris(return_X_y=True)


def program(name):
    """Return the path of a program of PostgreSQL; Debian has them beside the search path."""
    found = [shutil.which(name), *sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"))]
    found = [path for path in found if path]
    if not found:
        pytest.skip(f"{name} of PostgreSQL is not installed")
    return found[0]


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    """The URL of a database of a server that runs as long as these tests."""
    folder = Path(tmp_path_factory.mktemp("server"))
    user = None
    if os.geteuid() == 0:  # whom the server refuses
        user = "postgres" if "postgres" in {entry.pw_name for entry in pwd.getpwall()} else "nobody"
        shutil.chown(folder, user)
        for above in (folder, *folder.parents[:3]):
            above.chmod(0o755)
    data = folder / "data"

    def run(*command):
        subprocess.run(command, check=True, capture_output=True, user=user, cwd=folder)

    run(program("initdb"), "-D", data, "-U", "tests", "-A", "trust")
    options = f"-c listen_addresses='' -c unix_socket_directories={folder}"
    control = [program("pg_ctl"), "-D", data, "-w"]
    run(*control, "-l", folder / "log", "-o", options, "start")
    try:
        yield f"postgresql+psycopg://tests@/postgres?host={folder}"
    finally:
        run(*control, "-m", "fast", "stop")


def searched(**changes):
    network = MLPClassifier(max_iter=9, random_state=0)
    return MLPSearchCV(network, SPACE, n_iter=6, cv=3, random_state=0, **changes).fit(X, y)


@pytest.mark.parametrize("sampler", ["random", "tpe"])
@pytest.mark.parametrize("networks", [True, False], ids=["networks", "no networks"])
def test_a_search_resumes_from_postgresql(sampler, networks, database, tmp_path, monkeypatch):
    given = {"storage": database, "sampler": sampler}
    if networks:
        given["checkpoint"] = tmp_path
    else:
        given["factor"] = 2  # another search
    checked, seen = StudyRecord.checked, []

    def stopping(self, lane):
        checked(self, lane)
        seen.append(lane)
        if len(seen) == 20:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(StudyRecord, "checked", stopping)
        stopped = searched(**given)
    assert len(seen) >= 20
    found = searched(**given)
    expected = searched(sampler=sampler, factor=given.get("factor", 3))
    for name, column in expected.cv_results_.items():
        if "time" not in name:
            assert_array_equal(found.cv_results_[name], column, err_msg=name)
    assert_array_equal(found.predict_proba(X), expected.predict_proba(X))
    assert np.isfinite(stopped.cv_results_["mean_test_score"][0])
