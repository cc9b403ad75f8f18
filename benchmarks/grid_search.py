"""A grid search in one process against scikit-learn's in two: seconds, score, programs compiled.

Twenty settings of learning rate and penalty, five folds and the refit: 101 networks, on the breast
cancer data. Rates and penalties are numbers of the compiled program, and padded folds have one
shape, so the search should compile once for the folds and once for the refit.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import multiprocessing
import signal
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import mean, median, stdev
from typing import Any

import interrupt
import machine
from markdown_table import markdown

GRID = {
    "mlp__learning_rate_init": [0.0003, 0.001, 0.003, 0.01, 0.03],
    "mlp__alpha": [1e-5, 1e-4, 1e-3, 1e-2],  # none is 0: without a penalty it is another program
}
FOLDS = 5
MOST_PROGRAMS = 2
SPEEDUP = 3.0
# The class's module, joblib's backend (None: GridSearchCV's own loop) and the number of jobs.
SIDES = {
    "multilayer, n_jobs=1": ("multilayer", None, 1),
    "multilayer, 2 threads": ("multilayer", "threading", 2),
    "scikit-learn, 2 processes": ("sklearn.neural_network", "loky", 2),
}
THEIRS = "scikit-learn, 2 processes"
SPAWN = multiprocessing.get_context("spawn")


@dataclass(frozen=True)
class Request:
    """What a round asks of every side."""

    epochs: int
    batch_size: int
    n_rates: int
    seed: int


@dataclass(frozen=True)
class Answer:
    """What a side found in a round."""

    seconds: float
    best: float  # mean accuracy over the folds of the best setting
    mean: float  # and of all settings
    programs: dict[str, int]  # in the process so far, by kind; empty for scikit-learn


# In the process of a side ------------------------------------------------------------------------


def make_search(module: str, n_jobs: int | None, request: Request) -> Any:
    """Build the search: the splits and the networks' settings are the same for all sides."""
    import importlib

    from sklearn.model_selection import GridSearchCV, StratifiedKFold
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    network = importlib.import_module(module).MLPClassifier(
        batch_size=request.batch_size,
        max_iter=request.epochs,
        tol=0.0,
        n_iter_no_change=math.inf,
        random_state=request.seed,
    )
    grid = {**GRID, "mlp__learning_rate_init": GRID["mlp__learning_rate_init"][: request.n_rates]}
    return GridSearchCV(
        Pipeline([("scaler", StandardScaler()), ("mlp", network)]),
        grid,
        cv=StratifiedKFold(FOLDS, shuffle=True, random_state=request.seed),
        n_jobs=n_jobs,
        error_score="raise",
    )


def programs() -> dict[str, int]:
    """Count the programs compiled so far by kind; nothing where multilayer is not in use."""
    cache = sys.modules.get("multilayer._engine.xla.cache")
    if cache is None:
        return {}
    kinds = Counter(str(key[0]) for key in cache.PROGRAMS._programs)
    if sum(kinds.values()) != cache.PROGRAMS.n_compiled:
        raise RuntimeError("programs were dropped from the cache: their kinds cannot be counted")
    return dict(kinds)


def run_search(side: str, request: Request) -> Answer:
    """Search once and take the time of ``GridSearchCV.fit``, refit included."""
    from joblib import parallel_config
    from sklearn.datasets import load_breast_cancer

    module, backend, n_jobs = SIDES[side]
    X, y = load_breast_cancer(return_X_y=True)
    search = make_search(module, 1 if backend is None else None, request)
    where = parallel_config(backend, n_jobs=n_jobs) if backend else contextlib.nullcontext()
    with where:
        begin = time.perf_counter()
        search.fit(X, y)
        seconds = time.perf_counter() - begin
    scores = search.cv_results_["mean_test_score"]
    return Answer(seconds, float(search.best_score_), float(scores.mean()), programs())


def serve(connection: Any, side: str) -> None:
    """Answer requests until there are no more; import and start workers before the first one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the driver's to handle
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # unwinds, so that loky's workers go
    from sklearn.exceptions import ConvergenceWarning

    warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is fixed
    if side == THEIRS:
        run_search(side, Request(epochs=1, batch_size=200, n_rates=1, seed=0))
    else:
        import multilayer._engine.xla.maker  # noqa: F401  (what the first fit would import)
    connection.send(None)
    try:
        while True:
            connection.send(run_search(side, connection.recv()))
    except EOFError:
        pass  # the driver has ended
    finally:
        if side == THEIRS:
            from joblib.externals.loky import get_reusable_executor

            get_reusable_executor().shutdown(kill_workers=True)  # idle ones would last 5 minutes


# In the driver -----------------------------------------------------------------------------------


@contextlib.contextmanager
def sides() -> Iterator[dict[str, Any]]:
    """Give each side a process of its own, so that thread pools never meet; a pipe to each."""
    started, pipes = [], {}
    try:
        for side in SIDES:
            pipes[side], theirs = SPAWN.Pipe()
            process = SPAWN.Process(target=serve, args=(theirs, side))
            process.start()
            theirs.close()  # else the end of the process would not be the end of the pipe
            started.append(process)
            pipes[side].recv()
        yield pipes
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.join()


def measure(requests: list[Request]) -> dict[str, list[Answer]]:
    """One search per side and request, in turn, each round from another start."""
    answers: dict[str, list[Answer]] = {side: [] for side in SIDES}
    names = list(SIDES)
    with sides() as pipes:
        for number, request in enumerate(requests):
            shift = number % len(names)
            for side in names[shift:] + names[:shift]:
                pipes[side].send(request)
                answers[side].append(pipes[side].recv())
                print(f"round {number}: {side}: {answers[side][-1]}", file=sys.stderr, flush=True)
    return answers


def ratio(answers: dict[str, list[Answer]], side: str, rounds: slice) -> float:
    """Median over rounds of how many times as fast a side was as scikit-learn."""
    pairs = zip(answers[THEIRS][rounds], answers[side][rounds], strict=True)
    return median(theirs.seconds / own.seconds for theirs, own in pairs)


def table(answers: dict[str, list[Answer]]) -> str:
    """Seconds and scores of each side; round 0 compiles and is shown apart."""
    body = []
    for side, found in answers.items():
        first, rest = found[0].seconds, [answer.seconds for answer in found[1:]]
        body.append(
            [
                side,
                f"{first:.2f} ({ratio(answers, side, slice(0, 1)):.2f}x)",
                f"{median(rest):.2f} ({ratio(answers, side, slice(1, None)):.2f}x)",
                f"{min(rest):.2f}-{max(rest):.2f}",
                f"{mean(answer.best for answer in found):.4f}",
                f"{mean(answer.mean for answer in found):.4f}",
            ]
        )
    header = ["", "first round, s", "later rounds, s", "range, s", "best score", "mean score"]
    return markdown(header, body)


def verdicts(answers: dict[str, list[Answer]]) -> list[str]:
    """Say of each bar whether it is met, and by how much."""
    lines = []
    for side in (name for name in SIDES if name != THEIRS):
        kinds = answers[side][-1].programs
        faster = ratio(answers, side, slice(1, None))
        pairs = list(zip(answers[side], answers[THEIRS], strict=True))
        gains = [own.best - theirs.best for own, theirs in pairs]
        error = stdev(gains) / math.sqrt(len(gains))
        for met, text in (
            (kinds["train"] <= MOST_PROGRAMS, f"programs {kinds}, bar {MOST_PROGRAMS} of training"),
            (faster >= SPEEDUP, f"{faster:.2f}x as fast, bar {SPEEDUP:.0f}x"),
            (
                mean(gains) + 2 * error >= 0,
                f"best score {mean(gains):+.4f} +- {error:.4f} (standard error of {len(gains)} "
                "rounds), bar: not below 0 by more than two standard errors",
            ),
        ):
            lines.append(f"{'met   ' if met else 'MISSED'} {side}: {text}")
    return lines


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a try-out, not a measurement")
    parser.add_argument("--rounds", type=int, default=5, help="counted rounds (default 5)")
    parser.add_argument("--epochs", type=int, default=100, help="of every fit (default 100)")
    parser.add_argument("--batch-size", type=int, default=200, help="rows (default 200)")
    return parser.parse_args()


def main() -> None:
    arguments = parse()
    machine.warn_if_busy()
    n_rates = 1 if arguments.quick else len(GRID["mlp__learning_rate_init"])
    rounds = min(arguments.rounds, 2) if arguments.quick else arguments.rounds
    answers = measure(
        [Request(arguments.epochs, arguments.batch_size, n_rates, s) for s in range(rounds + 1)]
    )
    n_fits = n_rates * len(GRID["mlp__alpha"]) * FOLDS + 1
    print(f"{n_fits} fits of {arguments.epochs} epochs, batch size {arguments.batch_size}\n")
    print(table(answers))
    print()
    print("\n".join(verdicts(answers)))


if __name__ == "__main__":
    interrupt.run(main)
