"""Something in place of the native engine, for tests of what chooses it: linear regression."""

import runpy
import sys
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import numpy as np

from multilayer._engine import engines

HOME = "multilayer._engine.native"
NUMPY_MAKER = runpy.run_path(str(Path(__file__).with_name("numpy_maker.py")))


def outputs(network, params, take, n_rows, *, read=None, input_scale, dtype):
    (layer,) = params
    X = np.asarray(take(slice(0, n_rows)), dtype) * np.dtype(dtype).type(input_scale)
    return X @ layer.kernel + layer.bias


def uncovered(config):
    lines = not config.network.activations and config.solver == "plain_sgd" and not config.penalty
    return "" if lines else "the stand-in computes lines alone"


PARTS = {
    "": {"__path__": []},
    ".maker": {"NATIVE": NUMPY_MAKER["NumpyMaker"]()},
    ".inference": {"outputs": outputs, "member_predictor": None},
}


def forget():
    """Let engines be looked for again."""
    engines.load.cache_clear()
    engines._warned.clear()


@contextmanager
def standing_in(unavailable=""):
    """Put it in the place of the package, whether that is there or not."""
    before = {name: part for name, part in sys.modules.items() if name.startswith(HOME)}
    coverage = {
        ".coverage": {
            "uncovered": uncovered,
            "uncovered_network": lambda network: "",
            "unavailable": lambda: unavailable,
        }
    }
    for name, content in (PARTS | coverage).items():
        sys.modules[HOME + name] = module = ModuleType(HOME + name)
        vars(module).update(content, __spec__=ModuleSpec(HOME + name, None))
    forget()
    try:
        yield
    finally:
        for name in [name for name in sys.modules if name.startswith(HOME)]:
            del sys.modules[name]
        sys.modules.update(before)
        forget()
