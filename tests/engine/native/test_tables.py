"""Every name that the package offers has its place in the native library."""

from multilayer._core.activations import HIDDEN, OUTPUTS
from multilayer._engine.native import library as lib
from multilayer._objectives.objective import CLASSIFICATION
from multilayer._objectives.regression_losses import REGRESSION_LOSSES
from multilayer._optim.rules import RULES


def test_activations():
    assert set(lib.ACTIVATIONS) == {*HIDDEN, *OUTPUTS}, "complete _native/activations.h"


def test_losses():
    assert set(lib.LOSSES) == {*CLASSIFICATION, *REGRESSION_LOSSES}, "complete _native/losses.h"


def test_rules():
    assert set(lib.RULES) == {*RULES, "nesterov"}, "complete _native/rules.h"
