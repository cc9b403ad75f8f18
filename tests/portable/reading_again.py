"""Models as they come from their description, without a file."""

from multilayer._persist.memory import MemoryBudget
from multilayer._portable.reading import read_steps
from multilayer._sklearn.saving.models import describe
from multilayer._sklearn.saving.reader import StoredArrays


def predictor_of(model):
    """Return the predictor of a fitted model."""
    told = describe(model)
    return read(told.steps, told.arrays, told.pipeline)


def read(steps, arrays, pipeline=None):
    """Return the predictor that a description tells of."""
    pipeline = len(steps) > 1 if pipeline is None else pipeline
    return read_steps(pipeline, steps, StoredArrays(arrays, MemoryBudget(1_000_000)))
