"""Cold start: imports, ``--help`` and the first fits, each in a fresh process."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import sysconfig
import time
from pathlib import Path
from statistics import median

import interrupt
from markdown_table import markdown

PYTHON = [sys.executable, "-c"]
# What is run, with the whole process timed.
PROCESSES = {
    "`python -c pass`, for comparison": [*PYTHON, "pass"],
    "`import multilayer`": [*PYTHON, "import multilayer"],
    "`import sklearn`": [*PYTHON, "import sklearn"],
    "`from multilayer import MLPClassifier`": [*PYTHON, "from multilayer import MLPClassifier"],
    "`from sklearn.neural_network import MLPClassifier`": [
        *PYTHON,
        "from sklearn.neural_network import MLPClassifier",
    ],
    "`multilayer --help`": [str(Path(sysconfig.get_path("scripts")) / "multilayer"), "--help"],
}
LIBRARIES = {"multilayer": "multilayer", "scikit-learn": "sklearn.neural_network"}
# Default settings on iris: 200 epochs of one step. Prints the seconds of two fits in turn.
FITS = """
import json, time, warnings
warnings.simplefilter("ignore")
from sklearn.datasets import load_iris
from {module} import MLPClassifier
X, y = load_iris(return_X_y=True)
seconds = []
for seed in range(2):
    begin = time.perf_counter()
    MLPClassifier(random_state=seed).fit(X, y)
    seconds.append(time.perf_counter() - begin)
print(json.dumps(seconds))
"""


def timed(command: list[str]) -> tuple[float, str]:
    """Run a process to its end; return its seconds and what it printed."""
    begin = time.perf_counter()
    try:
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise RuntimeError(str(error)) from error
    seconds = time.perf_counter() - begin
    if ended.returncode != 0:
        raise RuntimeError(ended.stderr.strip()[-500:])
    return seconds, ended.stdout


def once() -> dict[str, float]:
    """Take each time once, in turn; what cannot run is left out."""
    seconds: dict[str, float] = {}
    for title, command in PROCESSES.items():
        try:
            seconds[title] = timed(command)[0]
        except RuntimeError as error:
            print(f"left out: {title}: {error}", file=sys.stderr)
    for library, module in LIBRARIES.items():
        try:
            first, second = json.loads(timed([*PYTHON, FITS.format(module=module)])[1])
        except RuntimeError as error:
            print(f"left out: fits of {library}: {error}", file=sys.stderr)
            continue
        seconds[f"first fit on iris, {library}"] = first
        seconds[f"second fit on iris, {library}"] = second
    return seconds


def measure(repeats: int) -> dict[str, float]:
    """Medians over ``repeats``; one more before them, uncounted, fills the file cache."""
    print("cold start", file=sys.stderr, flush=True)
    runs = [once() for _ in range(repeats + 1)][1:]
    return {title: median(run[title] for run in runs if title in run) for title in runs[0]}


def report(seconds: dict[str, float]) -> str:
    """Make a Markdown table."""
    return markdown(["", "seconds"], [[title, f"{value:.3f}"] for title, value in seconds.items()])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    print(report(measure(parser.parse_args().repeats)))


if __name__ == "__main__":
    interrupt.run(main)
