"""What makes one search the same as another: a fingerprint of its arguments and rows."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from multilayer._core.checks import refuse
from multilayer._core.errors import InvalidArgumentError
from multilayer._core.types import JSON
from multilayer._search.folds import Routed, SearchRows
from multilayer._sklearn.fit import fingerprint

if TYPE_CHECKING:
    from multilayer._search.search_cv import MLPSearchCV

NOT_OF_THE_RESULT = (
    *("estimator", "n_jobs", "refit", "storage", "checkpoint", "time_budget", "verbose"),
    *("param_distributions", "random_state", "sampler", "cv"),
)
"""Arguments of a search that have no part in how its lanes train, or are described apart."""


def of_search(search: "MLPSearchCV", X: Any, y: Any, routed: Routed) -> str:
    """Return the fingerprint of a search before its rows are split.

    Raises
    ------
    InvalidArgumentError
        An argument is an object that cannot be recognised in a later process (a ValueError).
    """
    given = search.get_params(deep=False)
    facts = {
        name: _described(name, value)
        for name, value in sorted(given.items())
        if name not in NOT_OF_THE_RESULT
    }
    network = search.estimator.get_params(deep=True)
    facts["estimator"] = [
        type(search.estimator).__name__,
        {name: _described(name, _own(value)) for name, value in sorted(network.items())},
    ]
    facts["space"] = _space(search.param_distributions)
    sampler = search.sampler
    facts["sampler"] = sampler if isinstance(sampler, str) else type(sampler).__name__
    parts = {"X": X, "y": y, **routed.fit, **{f"score {k}": v for k, v in routed.score.items()}}
    named = {name: [*_arrays(value)] for name, value in parts.items()}
    facts["rows"] = [[name, len(arrays)] for name, arrays in named.items()]
    return fingerprint.of_rows(facts, {}, (array for own in named.values() for array in own))


def of_split_search(earlier: str, seeds: Sequence[int], rows: SearchRows) -> str:
    """Return the fingerprint of a search with the seeds and the folds that it was given."""
    arrays = [np.asarray(part) for split in rows.splits for part in split]
    return fingerprint.of_rows({"search": earlier}, {"seeds": list(seeds)}, arrays)


def seed_of(digest: str) -> int:
    """Return a seed that is a function of a fingerprint."""
    return int(hashlib.sha256(json.dumps(digest).encode()).hexdigest()[:8], 16)


def _own(value: object) -> object:
    """Leave out the state of a fitted estimator: its arguments are described beside it."""
    return type(value).__name__ if hasattr(value, "get_params") else value


def _described(name: str, value: object) -> JSON:
    try:
        return fingerprint.describe(name, value)
    except InvalidArgumentError:
        refuse(
            "storage",
            f"None where {name} is an object that cannot be recognised in a later process",
            value,
            "Give a function with a name, or plain values.",
        )


def _space(given: Any) -> JSON:
    """Describe a space: distributions of SciPy by their names and numbers."""
    if isinstance(given, Mapping):
        return {name: _values(name, given[name]) for name in sorted(given)}
    if isinstance(given, Sequence) and not isinstance(given, str):
        return [_space(each) for each in given]
    return _described("param_distributions", given)


def _values(name: str, values: Any) -> JSON:
    if hasattr(values, "rvs") and hasattr(values, "dist"):
        arguments = [values.dist.name, list(values.args), dict(values.kwds)]
        return _described(name, arguments)
    return _described(name, values if hasattr(values, "__dict__") else list(values))


def _arrays(values: Any) -> Iterator[np.ndarray]:
    """Yield the arrays that data are made of: columns of a table, parts of a sparse matrix."""
    if values is None:
        return
    if sparse.issparse(values):
        yield from fingerprint.arrays_of(values)
    elif hasattr(values, "columns"):
        yield np.asarray([str(name) for name in values.columns])
        for name in values.columns:
            yield np.asarray(values[name])
    else:
        yield np.asarray(values)
