"""All rows of the table, by name."""

from . import (
    at_predict,
    labels,
    multilabel,
    parameters,
    targets,
    validation,
    weights,
    x_frames,
    x_sparse,
    x_types,
    x_values,
)
from .rows import Row

PARTS = (
    x_types,
    x_values,
    x_sparse,
    x_frames,
    labels,
    multilabel,
    weights,
    targets,
    parameters,
    at_predict,
    validation,
)
ROWS: dict[str, Row] = {}
for part in PARTS:
    twice = set(ROWS) & set(part.ROWS)
    if twice:
        raise ValueError(f"the table holds these names twice: {sorted(twice)}")
    ROWS |= part.ROWS
