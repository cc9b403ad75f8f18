"""Many networks of several shapes in one process: no program, memory map or memory is left behind.

One shape under changing arguments is in tests/engine/test_compilation.py.
"""

import sys
from pathlib import Path

import numpy as np
import pytest

from multilayer import MLPClassifier
from multilayer._engine.xla.cache import PROGRAMS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

MOST_MAPS = 500
MOST_KILOBYTES = 100_000
# Hidden layers, features, classes, and two numbers of rows that share a padded size.
SHAPES = [
    ((4,), 3, 2, (40, 52)),
    ((6, 5), 7, 3, (70, 100)),
    ((9,), 5, 4, (130, 200)),
    ((5, 5), 11, 2, (300, 411)),
]


def fit_and_predict(number, shapes, solver):
    hidden, n_features, n_classes, sizes = shapes[number % len(shapes)]
    n_rows = sizes[number // len(shapes) % len(sizes)]
    rng = np.random.default_rng(number)
    y = np.arange(n_rows) % n_classes
    X = 3.0 * np.eye(n_classes, n_features)[y] + rng.normal(size=(n_rows, n_features))
    clf = MLPClassifier(
        hidden,
        solver=solver,
        momentum=0.0,
        learning_rate_init=10.0 ** -(1 + number % 3),
        alpha=10.0 ** -(1 + number % 4),
        batch_size=32,
        max_iter=3,
        random_state=number,
    ).fit(X, y)
    assert clf.predict(X[:32]).shape == (32,)


def maps_and_kilobytes():
    status = Path("/proc/self/status").read_text(encoding="ascii")
    resident = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    maps = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace")
    return maps.count("\n"), int(resident.split()[1])


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize(
    ("n_fits", "n_shapes", "solver"),
    [
        (60, 3, "sgd"),  # the rule that compiles fastest
        pytest.param(2000, 4, "adam", marks=pytest.mark.slow),
    ],
)
def test_many_shapes_leave_nothing_behind(n_fits, n_shapes, solver):
    shapes = SHAPES[:n_shapes]
    for number in range(n_shapes):
        fit_and_predict(number, shapes, solver)
    compiled = PROGRAMS.n_compiled
    maps, resident = maps_and_kilobytes()
    for number in range(n_shapes, n_shapes + n_fits):
        fit_and_predict(number, shapes, solver)
    maps_after, resident_after = maps_and_kilobytes()
    assert PROGRAMS.n_compiled == compiled
    assert maps_after - maps < MOST_MAPS
    assert resident_after - resident < MOST_KILOBYTES
