"""What a search gains over the estimator as it is, on rows that took no part in it.

A network behind a `TabularEncoder`, its default space, and a time budget. A fifth of the rows is
set aside. The standard error is that of the difference, row by row.

    python benchmarks/search_defaults.py a.parquet b.parquet --target target --seconds 180
"""

from __future__ import annotations

import argparse
import time
import warnings
from pathlib import Path
from typing import Any

import machine
import numpy as np
import pandas as pd
from markdown_table import markdown
from sklearn.base import clone
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline

from multilayer import MLPClassifier, MLPRegressor, TabularEncoder
from multilayer.search import MLPSearchCV

COLUMNS = [
    *("table", "rows", "as it is", "searched", "standard error", "ensemble", "seconds"),
    "configurations",
]


def main() -> None:
    """Print a line for each table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tables", nargs="+", help="Parquet files")
    parser.add_argument("--target", default="target")
    parser.add_argument("--seconds", type=float, default=180.0)
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # of networks that have not converged
    print(f"{machine.describe()}\n")
    lines = [compared(path, options.target, options.seconds) for path in options.tables]
    print(markdown(COLUMNS, lines))


def compared(path: str, target: str, seconds: float) -> list[str]:
    """Return the line of a table: accuracy, or R2, on the rows that were set aside."""
    frame = pd.read_parquet(path)
    y = frame.pop(target)
    classes = not pd.api.types.is_float_dtype(y)
    y = y.astype(str).to_numpy() if classes else y.to_numpy(float)
    X, X_test, y, y_test = train_test_split(
        frame, y, test_size=0.2, random_state=0, stratify=y if classes else None
    )
    network = MLPClassifier() if classes else MLPRegressor(standardize_target=True)
    network.set_params(random_state=0)
    plain = Pipeline([("encoder", TabularEncoder()), ("network", network)])

    def right(model: Any) -> np.ndarray:
        """What each row adds to the score."""
        found = model.predict(X_test)
        return found == y_test if classes else 1.0 - (found - y_test) ** 2 / y_test.var()

    default = right(clone(plain).fit(X, y))
    scores, begun = [], time.perf_counter()
    for refit in (True, "ensemble"):
        search = MLPSearchCV(plain, time_budget=seconds, refit=refit, random_state=0).fit(X, y)
        scores.append(right(search.best_estimator_))
    took = (time.perf_counter() - begun) / 2
    gain = scores[0] - default * 1.0
    error = gain.std(ddof=1) / np.sqrt(len(gain))
    means = [f"{part.mean():.4f}" for part in (default, *scores)]
    tried = len(search.cv_results_["params"])
    name = Path(path).stem
    return [name, str(len(y)), *means[:2], f"{error:.4f}", means[2], f"{took:.0f}", str(tried)]


if __name__ == "__main__":
    main()
