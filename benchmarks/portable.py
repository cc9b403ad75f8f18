"""Milliseconds until a fresh process has read the network 784-300-100-10 and predicted one row."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import interrupt
import machine
from markdown_table import markdown

MAKE = """
import sys
import numpy as np
import multilayer

images = np.random.default_rng(0).integers(0, 256, (100, 784)).astype(np.uint8)
model = multilayer.MLPClassifier((300, 100), input_scale=1 / 255, max_iter=0, random_state=0)
multilayer.save(model.fit(images, np.arange(100) % 10), sys.argv[1])
np.save(sys.argv[2], images[:1])
"""
# Prints seconds: of the imports and reading, then of predicting the row for the first time.
READ = """
import json, sys, time
begin = time.perf_counter()
{imports}
model = {load}(sys.argv[1])
read = time.perf_counter()
import numpy as np
row = np.load(sys.argv[2])
loaded = time.perf_counter()
model.predict(row)
print(json.dumps([read - begin, time.perf_counter() - loaded]))
"""
WAYS = {
    "`multilayer.portable.load`": ("from multilayer import portable", "portable.load"),
    "`multilayer.load`": ("import multilayer", "multilayer.load"),
    "`multilayer.load`, scikit-learn imported before": (
        "import sklearn.pipeline, sklearn.preprocessing\nimport multilayer\n"
        "begin = time.perf_counter()",
        "multilayer.load",
    ),
}


def run(code: str, *arguments: str) -> str:
    """Run a program in a fresh process; return what it prints."""
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def measure(repeats: int) -> dict[str, list[float]]:
    """Medians over ``repeats``, taken in turn; one more before them fills the file cache."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [str(Path(folder) / name) for name in ("model.safetensors", "row.npy")]
        run(MAKE, *paths)
        found: dict[str, list[list[float]]] = {title: [] for title in WAYS}
        for _ in range(repeats + 1):
            for title, (imports, load) in WAYS.items():
                told = run(READ.format(imports=imports, load=load), *paths)
                found[title].append(json.loads(told))
    return {
        title: [median(column) for column in zip(*runs[1:], strict=True)]
        for title, runs in found.items()
    }


def report(seconds: dict[str, list[float]]) -> str:
    """Make a Markdown table."""
    rows = [[title, *(f"{1e3 * value:.1f}" for value in pair)] for title, pair in seconds.items()]
    return markdown(["", "import and read, ms", "first prediction, ms"], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=10)
    machine.warn_if_busy()
    print(machine.describe(), report(measure(parser.parse_args().repeats)), sep="\n\n")


if __name__ == "__main__":
    interrupt.run(main)
