"""What compiles, and what does not: counted by the program cache and by JAX itself."""

import os
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import sparse

from multilayer import MLPClassifier
from multilayer._core.errors import ForkedProcessError
from multilayer._engine.xla import cache
from multilayer._engine.xla.cache import PROGRAMS, ProgramCache
from multilayer._persist import memory
from multilayer._persist.memory import n_maps

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.usefixtures("module_by_xla"),
]

EVENT = "/jax/core/compile/backend_compile_duration"


class Compilations:
    """Counts what JAX's compiler does, and what the cache holds to be new."""

    def __init__(self):
        self.by_jax = 0
        self._before = PROGRAMS.n_compiled

    def __call__(self, event, duration, **details):
        self.by_jax += event == EVENT

    @property
    def by_cache(self):
        return PROGRAMS.n_compiled - self._before


@pytest.fixture
def compilations():
    count = Compilations()
    jax.monitoring.register_event_duration_secs_listener(count)
    yield count
    jax.monitoring.unregister_event_duration_listener(count)


def data(n_rows, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.integers(3, size=n_rows)
    return rng.normal(size=(n_rows, 4)) + np.eye(3, 4)[y], y


def fit_and_use(n_rows, *, seed=0, **arguments):
    X, y = data(n_rows, seed)
    settings = {"max_iter": 6, "dropout": 0.1, "batch_size": 50, "random_state": seed}
    clf = MLPClassifier((7,), **{**settings, **arguments}).fit(X, y)
    clf.predict_proba(X)
    clf.predict(X)
    return clf


@pytest.fixture(scope="module")
def first_fit():
    PROGRAMS.clear()
    return fit_and_use(300)


def test_the_counters_count(first_fit, compilations):
    fit_and_use(300, activation="tanh")
    assert 2 <= compilations.by_cache <= 3  # training, and the kinds of prediction
    assert compilations.by_jax >= compilations.by_cache


@pytest.mark.parametrize(
    "changed",
    [
        {"learning_rate_init": 0.01},
        {"learning_rate": "one_cycle"},
        {"alpha": 0.1},
        {"dropout": 0.5},
        {"dropout": [0.25]},
        {"label_smoothing": 0.1},
        {"tol": 10.0, "n_iter_no_change": 1},
        {"max_iter": 8},
        {"beta_1": 0.8, "beta_2": 0.99, "epsilon": 1e-6},
        {"weight_init": "he_normal", "bias_init": "zeros"},
        {"shuffle": False},
        {"seed": 7},
    ],
    ids=", ".join,
)
def test_numbers_compile_nothing(first_fit, compilations, changed):
    clf = fit_and_use(300, **changed)
    assert any((a != b).any() for a, b in zip(clf.coefs_, first_fit.coefs_, strict=True))
    assert (compilations.by_cache, compilations.by_jax) == (0, 0)


def test_going_on_compiles_nothing(first_fit, compilations):
    X, y = data(300)
    first_fit.set_params(warm_start=True).fit(X, y)
    assert (compilations.by_cache, compilations.by_jax) == (0, 0)


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array], ids=["resident", "streamed"])
def test_chunks_of_changing_size_share_programs(make, compilations):
    rng = np.random.default_rng(0)
    X, y = data(500)
    clf = MLPClassifier((7,), random_state=0)
    for n_rows in rng.integers(1, 501, size=60).tolist():
        weight = rng.integers(0, 2, n_rows).astype(float)
        weight[0] = 1
        chunk = make(X[:n_rows]), y[:n_rows]
        clf.partial_fit(*chunk, None if n_rows % 2 else weight, classes=[0, 1, 2])
    assert 1 <= compilations.by_cache <= 3
    assert compilations.by_jax <= 3
    assert len(clf.loss_curve_) == 60


@pytest.mark.parametrize("arguments", [{}, {"early_stopping": True}, {"batch_size": 10_000}])
def test_folds_share_a_program(arguments, compilations):
    fit_and_use(799, **arguments)
    before = compilations.by_cache, compilations.by_jax
    assert before[0] > 0
    fit_and_use(801, seed=1, **arguments)
    assert (compilations.by_cache, compilations.by_jax) == before


def test_the_number_of_rows_predicted_compiles_little(first_fit, compilations):
    X = data(5000)[0]
    for n in (49, 64, 80, 100, 128, 144):
        assert len(first_fit.predict(X[:n])) == n
    assert compilations.by_cache <= 1
    for n in (529, 1000, 2048, 2064, 3000, 5000):
        assert len(first_fit.predict(X[:n])) == n
    assert compilations.by_cache <= 2


# The cache ----------------------------------------------------------------------------------------


def test_least_recently_used_programs_go():
    programs = ProgramCache(capacity=2)
    for key in ("a", "b", "a", "c"):
        assert programs.get(key, lambda key=key: key.upper()) == key.upper()
    assert (len(programs), programs.n_compiled) == (2, 3)
    programs.get("a", lambda: pytest.fail("'a' was used last but one and must still be there"))
    assert programs.get("b", lambda: "built again") == "built again"


def test_another_process_is_refused(monkeypatch):
    programs = ProgramCache()
    programs.get("a", lambda: 1)
    monkeypatch.setattr(os, "getpid", lambda: -1)
    with pytest.raises(ForkedProcessError, match="spawn"):
        programs.get("a", lambda: 1)


# Memory maps --------------------------------------------------------------------------------------


def small_program(n):
    """Return what compiles ten sums, of which each is a function of machine code and its maps."""

    def sums(x):
        for i in range(10):
            x = jnp.cumsum(x * i, axis=0) + x.sum(axis=1, keepdims=True)
        return x

    return lambda: cache.compiled(sums, np.ones((n, 3), np.float32))


@pytest.mark.skipif(n_maps() is None, reason="reads /proc")
def test_programs_go_before_memory_maps_run_out():
    """In a process of its own: what earlier tests mapped may go at any time."""
    code = "import test_compilation; test_compilation.programs_go_before_memory_maps_run_out()"
    here = Path(__file__).parent
    subprocess.run([sys.executable, "-c", code], cwd=here, check=True)


def programs_go_before_memory_maps_run_out():
    one = ProgramCache()
    one.get(2, small_program(2))  # the compiler's own threads take some as well
    before = n_maps()
    one.get(3, small_program(3))
    taken = n_maps() - before
    assert taken > 10
    programs = ProgramCache(most_maps=before + 4 * taken)
    for n in range(4, 16):
        programs.get(n, small_program(n))
        assert n_maps() <= programs.most_maps + 2 * taken
    assert (programs.n_compiled, 1 < len(programs) < 6) == (12, True)
    programs.get(15, lambda: pytest.fail("the program used last must still be there"))
    one.clear()
    programs.clear()
    assert n_maps() <= before + taken // 2


def test_a_process_that_has_no_maps_left_still_compiles():
    programs = ProgramCache(most_maps=0)
    assert [programs.get(key, lambda key=key: key) for key in "ab"] == ["a", "b"]
    assert len(programs) == (2 if n_maps() is None else 1)


def test_the_system_says_how_many_maps_there_may_be(monkeypatch, tmp_path):
    monkeypatch.setattr(memory, "MOST", tmp_path / "max_map_count")
    assert cache.programs_of_process().most_maps is None
    assert cache.programs_of_process().capacity * 600 < 65_530
    (tmp_path / "max_map_count").write_text("80000\n", encoding="ascii")
    monkeypatch.setattr(memory, "MAPS", tmp_path / "max_map_count")
    assert cache.programs_of_process().most_maps == 70_000


NEARLY_FULL = """
import ctypes, mmap, sys, warnings
import numpy as np
from multilayer import MLPClassifier, nn
from multilayer._persist.memory import most_maps, n_maps

warnings.simplefilter("ignore")
rng = np.random.default_rng(0)
X, y = rng.normal(size=(60, 3)).astype(np.float32), np.arange(60) % 2
MLPClassifier((2,), max_iter=1).fit(X, y)
pairs = (most_maps() - n_maps() - 1500) // 2
memory = mmap.mmap(-1, 2 * pairs * mmap.PAGESIZE)
start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
for i in range(pairs):  # every other page is another map
    place = ctypes.c_void_p(start + 2 * i * mmap.PAGESIZE)
    assert ctypes.CDLL(None).mprotect(place, mmap.PAGESIZE, 0) == 0
for width in range(3, 15):
    MLPClassifier((width,), max_iter=1).fit(X, y)
import optax
step = nn.train_step(nn.dense(1), nn.squared_error, optax.sgd(0.1))
state = step.init(nn.dense(1).init(nn.key(0), n_inputs=3))
for rows in range(1, 13):
    state, loss = step(state, X[:rows], y[:rows, None].astype(np.float32))
print("done", float(loss) >= 0)
"""


@pytest.mark.slow
@pytest.mark.skipif(n_maps() is None, reason="reads /proc")
def test_fits_survive_in_a_process_that_is_nearly_full():
    """With 1,500 maps left, nine fits of different networks used to end in SIGSEGV."""
    command = [sys.executable, "-c", NEARLY_FULL]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "done True\n"), done.stderr


# Resources ----------------------------------------------------------------------------------------


def memory_maps_and_kilobytes():
    status = Path("/proc/self/status").read_text(encoding="ascii")
    resident = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    maps = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace")
    return maps.count("\n"), int(resident.split()[1])


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize(
    ("n_fits", "kilobytes"), [(20, 8_000), pytest.param(200, 16_000, marks=pytest.mark.slow)]
)
def test_fits_leave_nothing_behind(n_fits, kilobytes):
    for seed in range(10):
        fit_and_use(300, seed=seed)
    maps, resident = memory_maps_and_kilobytes()
    for seed in range(n_fits):
        fit_and_use(300, seed=seed, learning_rate_init=10.0 ** -(1 + seed % 4))
    maps_after, resident_after = memory_maps_and_kilobytes()
    assert maps_after - maps <= 20
    assert resident_after - resident <= kilobytes
