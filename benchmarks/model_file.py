"""Model files: saving, loading and size, beside joblib and scikit-learn's network.

Models are of the chapter's network, 784-300-100-10, as if trained on MNIST. Loading is timed in
fresh processes that have imported scikit-learn, where nothing of multilayer's has been used: the
time is that of the call, and of importing multilayer for it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from markdown_table import markdown

# Prints the seconds that loading took. What has been imported before is what any program has that
# was to use the model.
LOAD = """
import json, sys, time
import numpy, sklearn.pipeline, sklearn.preprocessing
path, library = sys.argv[1:]
begin = time.perf_counter()
if library == "multilayer":
    import multilayer
    model = multilayer.load(path)
else:
    import joblib
    model = joblib.load(path)
seconds = time.perf_counter() - begin
assert model.n_features_in_ == 784
assert library != "multilayer" or "jax" not in sys.modules
print(json.dumps(seconds))
"""


def trained(library: str) -> Any:
    """Train for one epoch on rows in the shape of MNIST's."""
    import numpy as np

    if library == "multilayer":
        from multilayer import MLPClassifier
    else:
        from sklearn.neural_network import MLPClassifier
    rng = np.random.default_rng(0)
    X = rng.random((1000, 784)).astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one epoch is no training
        return MLPClassifier((300, 100), max_iter=1).fit(X, np.arange(1000) % 10)


def in_pipeline(model: Any) -> Any:
    """Return a pipeline of a scaler and the model."""
    import numpy as np
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(np.random.default_rng(0).random((1000, 784)))
    return make_pipeline(scaler, model)


def seconds_of(call: Callable[..., object], *arguments: object) -> float:
    """Return how long a call takes."""
    begin = time.perf_counter()
    call(*arguments)
    return time.perf_counter() - begin


def loading(path: Path, library: str) -> float:
    """Load a file in a fresh process; return the seconds that took."""
    command = [sys.executable, "-c", LOAD, str(path), library]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        raise RuntimeError(ended.stderr.strip()[-500:])
    return json.loads(ended.stdout)


def measure(repeats: int, folder: Path) -> list[list[str]]:
    """Return a row of the table for each model and way of saving it."""
    import joblib

    from multilayer import load, save

    ours, theirs = trained("multilayer"), trained("scikit-learn")
    cases = {
        "multilayer.save, MLPClassifier": (save, ours, load),
        "multilayer.save, scaler and MLPClassifier": (save, in_pipeline(ours), load),
        "joblib.dump, multilayer's MLPClassifier": (joblib.dump, ours, joblib.load),
        "joblib.dump, scikit-learn's MLPClassifier": (joblib.dump, theirs, joblib.load),
    }
    rows = []
    for number, (name, (dump, model, again)) in enumerate(cases.items()):
        path = folder / f"{number}.model"
        library = "multilayer" if dump is save else "joblib"
        figures = [
            median(seconds_of(dump, model, path) for _ in range(repeats)),
            median(seconds_of(again, path) for _ in range(repeats)),
            median(loading(path, library) for _ in range(repeats)),
        ]
        sizes = [f"{1000 * seconds:.1f} ms" for seconds in figures]
        rows.append([name, *sizes, f"{path.stat().st_size / 2**20:.2f} MiB"])
    return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=20)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(arguments.repeats, Path(folder))
    print(f"median of {arguments.repeats}, {os.cpu_count()} cores\n")
    header = ["", "save", "load again", "load in a fresh process", "size"]
    print(markdown(header, rows))


if __name__ == "__main__":
    main()
