"""Ask for measurements, each in a fresh process, and note the answers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from . import results
from .data import Table
from .measure import Request
from .results import Result

ROOT = Path(__file__).parents[2]
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Plan:
    """All that a run measures."""

    tables: list[Table]
    folder: Path | None
    seeds: list[int]
    contenders: list[str]
    threads: int
    max_rows: int
    limit: float  # seconds for one measurement

    def requests(self) -> list[Request]:
        """Contenders take turns on each split, so that a busy minute hits all alike."""
        folder = None if self.folder is None else str(self.folder.resolve())
        return [
            Request(contender, table.name, seed, folder, self.threads, self.max_rows)
            for table in self.tables
            for seed in self.seeds
            for contender in self.contenders
        ]


def environment(threads: int) -> dict[str, str]:
    """The same limits for everybody; nothing that an earlier process compiled."""
    variables = {k: v for k, v in os.environ.items() if k != "JAX_COMPILATION_CACHE_DIR"}
    variables.update(dict.fromkeys(THREAD_VARIABLES, str(threads)))
    # Threads that spin while they wait multiply the CPU seconds of a busy machine: OpenMP's can be
    # stopped from it. OpenBLAS's cannot, and are of no use for products as small as those of
    # scikit-learn's MLP, the one contender that trains with it.
    variables["OMP_WAIT_POLICY"] = "PASSIVE"
    variables["OPENBLAS_NUM_THREADS"] = "1"
    return variables


def ask(request: Request, limit: float) -> Result:
    """Measure in a fresh process; raise `RuntimeError` with its last words when it fails."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.tables.measure"],
            input=json.dumps(asdict(request)),
            capture_output=True,
            text=True,
            timeout=limit,
            cwd=ROOT,
            env=environment(request.threads),
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"not finished within {limit:.0f} s") from None
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip()[-500:] or f"exit status {done.returncode}")
    return Result(**json.loads(done.stdout))


def run(plan: Plan, file: Path) -> None:
    """Measure what the file of results does not have yet; failures are reported and left out."""
    known = {(r.contender, r.key) for r in results.read(file)}
    requests = [r for r in plan.requests() if (r.contender, (r.table, r.seed)) not in known]
    for number, request in enumerate(requests, 1):
        where = f"{number}/{len(requests)} {request.table} seed {request.seed} {request.contender}"
        try:
            result = ask(request, plan.limit)
        except RuntimeError as error:
            print(f"left out: {where}: {error}", file=sys.stderr, flush=True)
            continue
        results.append(file, result)
        print(f"{where}: {result.fit_cpu:.1f} cpu s", file=sys.stderr, flush=True)
