"""Time to accuracy: seconds from the start of a process to 98.28 % on MNIST's test images.

98.28 % is what the network 784-300-100-10 reached in 40 epochs in the book this project follows.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import sysconfig
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import interrupt
from cases import write_data
from markdown_table import markdown
from recipes.common import TARGET

HERE = Path(__file__).parent
RECIPES = {
    "multilayer": "`multilayer train mnist`",
    "torch": "PyTorch eager, one cycle",
    "keras_jax": "Keras on JAX, one cycle",
    "keras_tensorflow": "Keras on TensorFlow, one cycle",
    "scikit_learn": "scikit-learn, Adam, lowered by hand",
}
MODULES = {
    "torch": "recipes.torch_one_cycle",
    "keras_jax": "recipes.keras_one_cycle",
    "keras_tensorflow": "recipes.keras_one_cycle",
    "scikit_learn": "recipes.scikit_learn_steps",
}


@dataclass(frozen=True)
class Outcome:
    """One process, from start to end; accuracy 0 when the time limit ended it."""

    seconds: float
    epochs: int = 0
    test_accuracy: float = 0.0


def command(name: str, folder: Path, seed: int) -> list[str]:
    """Return the command line of a contender."""
    if name == "multilayer":
        program = str(Path(sysconfig.get_path("scripts")) / "multilayer")
        return [program, "train", "mnist", "--json", "--seed", str(seed)]
    return [sys.executable, "-m", MODULES[name], str(folder), str(seed)]


def run(name: str, folder: Path, seed: int, limit: float) -> Outcome:
    """Run one process; the clock covers its start, its imports and its end."""
    env = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": name.removeprefix("keras_")}
    with tempfile.TemporaryDirectory() as empty:  # the command line may write its model here
        begin = time.perf_counter()
        try:
            ended = subprocess.run(
                command(name, folder, seed),
                cwd=empty if name == "multilayer" else HERE,
                env=env,
                capture_output=True,
                text=True,
                timeout=limit,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Outcome(limit)
        except FileNotFoundError as error:
            raise RuntimeError(f"{name}: {error}") from error
        seconds = time.perf_counter() - begin
    if ended.returncode != 0:
        raise RuntimeError(f"{name}: {ended.stderr.strip()[-500:]}")
    answer = json.loads(ended.stdout.strip().splitlines()[-1])
    return Outcome(seconds, answer["epochs"], answer["test_accuracy"])


def measure(names: list[str], repeats: int, limit: float) -> dict[str, list[Outcome]]:
    """Run all recipes in turn, ``repeats`` times over, each time from another seed."""
    outcomes: dict[str, list[Outcome]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as folder:
        write_data(Path(folder))
        for seed in range(repeats):
            for name in list(outcomes):
                print(f"time to accuracy: {RECIPES[name]}", file=sys.stderr, flush=True)
                try:
                    outcomes[name].append(run(name, Path(folder), seed, limit))
                except (RuntimeError, ValueError) as error:
                    print(f"left out: {error}", file=sys.stderr)
                    del outcomes[name]
    return outcomes


def row(name: str, outcomes: list[Outcome], limit: float) -> list[str]:
    """Medians over the runs; a contender has reached the target when most runs have."""
    accuracy = median(outcome.test_accuracy for outcome in outcomes)
    seconds = f"{median(outcome.seconds for outcome in outcomes):.1f}"
    if accuracy == 0:
        return [RECIPES[name], f"not reached in {limit:.0f} s", "", ""]
    if accuracy < TARGET:
        seconds = f"not reached, ended after {seconds}"
    epochs = median(outcome.epochs for outcome in outcomes)
    return [RECIPES[name], seconds, f"{epochs:.0f}", f"{accuracy:.2%}"]


def report(outcomes: dict[str, list[Outcome]], limit: float) -> str:
    """Make a Markdown table, a row per contender."""
    body = [row(name, found, limit) for name, found in outcomes.items()]
    return markdown(["", "seconds", "epochs", "test accuracy"], body)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--limit", type=float, default=120.0, help="seconds per process")
    parser.add_argument("--contenders", nargs="+", choices=list(RECIPES), default=list(RECIPES))
    arguments = parser.parse_args()
    outcomes = measure(arguments.contenders, arguments.repeats, arguments.limit)
    print(report(outcomes, arguments.limit))


if __name__ == "__main__":
    interrupt.run(main)
