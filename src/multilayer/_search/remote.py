"""Lanes that train in the processes of a cluster, through joblib's backends.

With ``joblib.parallel_config("dask")`` or ``("ray")`` chunks of lanes go to the workers of the
cluster. The rows go there once. A worker trains each lane on one thread and returns its scores and
the state of its network, from which any worker goes on.
"""

import dataclasses
import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Any, NoReturn, cast
from uuid import uuid4

from joblib.parallel import ParallelBackendBase, get_active_backend
from sklearn.base import BaseEstimator
from sklearn.utils.parallel import Parallel, delayed

from multilayer._engine.native.threads import limited
from multilayer._persist.checkpoints import StoredCheckpoint
from multilayer._search.folds import SearchRows
from multilayer._search.lanes import Fold, Lane
from multilayer._search.pipelines import Preparation
from multilayer._search.visits import Rules, visit
from multilayer._search.work import Checked, Work, Workers

LOCAL = ("LokyBackend", "MultiprocessingBackend", "SequentialBackend", "ThreadingBackend")
"""Backends of joblib on this machine, whose cores share the rows already."""
CHUNKS_PER_WORKER = 4  # so that few wait for the one with the slowest lanes


@contextmanager
def workers_for(
    estimator: BaseEstimator, rows: SearchRows, n_jobs: int | None, threads: int, deadline: float
) -> Iterator[Workers]:
    """Yield what trains the lanes of a search: this process, or the cluster that joblib is set to.

    Parameters
    ----------
    estimator : estimator
        The search's one.
    rows : SearchRows
        The rows.
    n_jobs : int or None
        Lanes at a time on a cluster, None for as many as it has cores.
    threads : int
        Lanes at a time in this process.
    deadline : float
        When the work ends, by ``time.monotonic``.
    """
    backend, _ = get_active_backend()
    if type(backend).__name__ in LOCAL:
        yield Work(threads, deadline)
        return
    most = backend.effective_n_jobs(-1)
    most = most if n_jobs in (None, -1) else min(most, n_jobs)
    as_they_come = backend.supports_return_generator
    returned = "generator_unordered" if as_they_come else "list"
    # Open as long as the search trains: Ray begins new processes otherwise.
    with Parallel(n_jobs=most, batch_size=1, return_as=returned) as parallel:
        yield Cluster(estimator, shipped(backend, rows), parallel, most, deadline)


def shipped(backend: ParallelBackendBase, rows: SearchRows) -> Any:
    """Send the rows to a cluster once, where it can store them; return what stands for them."""
    kind = type(backend).__name__
    if kind == "DaskDistributedBackend":
        return backend.client.scatter(rows, broadcast=True, hash=False)
    if kind == "RayBackend":
        import ray  # late: an extra

        return ray.put(rows)
    return rows


def fetched(rows: Any) -> SearchRows:
    """Return the rows in a worker."""
    if isinstance(rows, SearchRows):  # Dask has put them in place of what stood for them
        return rows
    # Joblib sends nothing to one core: then it is a future of Dask, in this process.
    if hasattr(rows, "result"):
        return cast(SearchRows, rows.result())
    import ray  # late: an extra

    return cast(SearchRows, ray.get(rows))


@dataclass(frozen=True)
class Snapshot:
    """The state of a network, from which a lane goes on."""

    stored: StoredCheckpoint | None

    def __call__(self) -> StoredCheckpoint | None:
        """Return it."""
        return self.stored


def without_fold() -> NoReturn:
    """Stand for the rows of a lane that travels."""
    raise AssertionError("a lane in a worker has the rows of the worker")


def packed(lane: Lane) -> Lane:
    """Return a lane without its rows, with the state of its network."""
    stored = None if lane.over else lane.state()
    return dataclasses.replace(
        lane, fit=None, make_fold=without_fold, resume=Snapshot(stored), outcomes=[*lane.outcomes]
    )


@dataclass
class Cluster:
    """Trains lanes in the processes of a cluster.

    Parameters
    ----------
    estimator : estimator
        The search's one.
    rows : SearchRows, or what stands for them
        The rows.
    parallel : Parallel
        joblib's way to the cluster, open as long as the search trains.
    n_jobs : int
        Lanes at the same time.
    deadline : float
        When all of them end, by ``time.monotonic``.
    """

    estimator: BaseEstimator
    rows: Any
    parallel: Parallel
    n_jobs: int
    deadline: float

    def __post_init__(self) -> None:
        self._key = uuid4().hex

    @property
    def over(self) -> bool:
        """Whether nothing more is to be begun."""
        return time.monotonic() >= self.deadline

    @property
    def seconds_left(self) -> float:
        """Seconds until the work ends."""
        return self.deadline - time.monotonic()

    def visit(
        self,
        lanes: Sequence[Lane],
        points: Sequence[Sequence[float]],
        rules: Rules,
        checked: Checked,
    ) -> None:
        """Train lanes in chunks; each is remembered when its chunk returns."""
        size = max(1, math.ceil(len(lanes) / (self.n_jobs * CHUNKS_PER_WORKER)))
        places = [range(i, min(i + size, len(lanes))) for i in range(0, len(lanes), size)]
        tasks = (
            delayed(train_chunk)(
                self.rows,
                self._key,
                self.estimator,
                [sent(lanes[i]) for i in place],
                [points[i] for i in place],
                rules,
                self.seconds_left,
                place.start,
            )
            for place in places
        )
        for start, trained in self.parallel(tasks):
            for i, new in enumerate(trained, start):
                _take(lanes[i], new)
                checked(lanes[i])


def sent(lane: Lane) -> Lane:
    """Return a lane for a worker, which needs no predictions."""
    return dataclasses.replace(packed(lane), outcomes=[])


def _take(lane: Lane, new: Lane) -> None:
    """Give a lane what a worker made of it."""
    own = {"make_fold", "fit", "number", "estimator", "outcomes"}
    lane.outcomes += new.outcomes
    for field in dataclasses.fields(Lane):
        if field.name not in own:
            setattr(lane, field.name, getattr(new, field.name))


# In a worker ----------------------------------------------------------------------------------

_MADE: dict[str, tuple[Preparation, list[Fold]]] = {}  # of the search at hand
_LOCK = Lock()


def train_chunk(
    rows: Any,
    key: str,
    estimator: BaseEstimator,
    lanes: Sequence[Lane],
    points: Sequence[Sequence[float]],
    rules: Rules,
    seconds: float,
    start: int,
) -> tuple[int, list[Lane]]:
    """Train lanes one after the other; return the number of the first one, and all of them."""
    with _LOCK:
        if key not in _MADE:
            made = Preparation(estimator), fetched(rows).folds()
            _MADE.clear()
            _MADE[key] = made
        preparation, folds = _MADE[key]
    work = Work(1, time.monotonic() + seconds)
    for lane, own in zip(lanes, points, strict=True):
        lane.make_fold = preparation.maker(lane.before, folds[lane.fold])
        if not work.over:
            with limited(1):
                visit(lane, own, rules, work.within, lambda lane: None)
    return start, [packed(lane) for lane in lanes]
