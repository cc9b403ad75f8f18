"""scikit-learn's own tests of its MLPClassifier, run on ours.

Each test function of the installed scikit-learn is copied with the name ``MLPClassifier`` bound to
our class, with all its parameters. Tests that ours is not held to are listed with the reason; what
they look at is tested on the public attributes in ``test_scikit_learn_equivalents.py``.
"""

import inspect
import types
from importlib import import_module

import pytest

from multilayer import MLPClassifier

theirs = import_module("sklearn.neural_network.tests.test_mlp")

# Their suite lets this warning pass; a test that looks for it still sees it.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

OURS = {"MLPClassifier": MLPClassifier}
MISSING = ("MLPRegressor",)  # estimators of theirs that we do not have

PRIVATE = "looks at private attributes: "
DIFFERENT = {
    "test_fit": PRIVATE + "builds a fitted estimator out of them",
    "test_gradient": PRIVATE + "the function that SciPy minimises",
    "test_learning_rate_warmstart": PRIVATE + "the optimizer's rate; ours is in history_",
    "test_adaptive_learning_rate": PRIVATE + "the optimizer's rate; ours is in history_",
    "test_n_iter_no_change": PRIVATE + "the count of epochs without improvement",
    "test_n_iter_no_change_inf": PRIVATE + "the count of epochs without improvement",
    "test_predict_proba_multilabel": (
        "probabilities in float32 are exactly 1 above a logit of 17, and tie"
    ),
    "test_early_stopping_stratified": "the message names the class by another text",
    "test_mlp_param_dtypes[float64]": "parameters are float32 for X of any type",
    "test_preserve_feature_names": "y has one class only, which ours refuses",
}
"""Tests, or parameters of them, that ours is not held to."""

SLOW = (
    "test_alpha",
    "test_multilabel_classification",
    "test_partial_fit_classification",
    "test_lbfgs_classification",
    "test_mlp_classifier_dtypes_casting",
    "test_early_stopping",
)


def their_tests():
    return {n: f for n, f in vars(theirs).items() if n.startswith("test_") and callable(f)}


def names_in(code):
    """All names that a function's code uses, those of the functions inside it too."""
    inner = (names_in(c) for c in code.co_consts if isinstance(c, types.CodeType))
    return set(code.co_names).union(*inner)


def parametrised(function):
    """The classes that a test takes as parameters."""
    marks = getattr(function, "pytestmark", [])
    values = (value for m in marks if m.name == "parametrize" for value in m.args[1])
    return {value.__name__ for value in values if isinstance(value, type)}


def is_for_ours(function):
    used = names_in(function.__code__) | parametrised(function)
    return bool(used & set(OURS))


def adapted(name, mark):
    """Put our estimators into a parametrisation; drop those we lack, and what is different."""
    if mark.name != "parametrize":
        return mark
    argument, values = mark.args
    kept = []
    for value in values:
        label = getattr(value, "__name__", None)
        if label not in MISSING and f"{name}[{label}]" not in DIFFERENT:
            kept.append(OURS.get(label, value))
    return getattr(pytest.mark, mark.name)(argument, kept, **mark.kwargs).mark


def bound_to_ours(name, function):
    """Copy a test function so that it sees our estimators under their names."""
    scope = {**vars(theirs), **OURS}
    copy = types.FunctionType(function.__code__, scope, name, function.__defaults__)
    copy.pytestmark = [adapted(name, mark) for mark in getattr(function, "pytestmark", [])]
    return pytest.mark.slow(copy) if name in SLOW else copy


for _name, _function in their_tests().items():
    if is_for_ours(_function) and _name not in DIFFERENT:
        globals()[_name] = bound_to_ours(_name, _function)


# The lists themselves ---------------------------------------------------------------------------


def test_every_test_of_theirs_is_run_or_listed():
    ours = {name for name, function in their_tests().items() if is_for_ours(function)}
    assert len(ours - set(DIFFERENT)) >= 20
    assert set(DIFFERENT) - ours == {n for n in DIFFERENT if "[" in n}
    for name in set(their_tests()) - ours:
        function = their_tests()[name]
        used = names_in(function.__code__) | parametrised(function)
        assert used & set(MISSING), f"{name} neither runs nor is it about {MISSING}"


@pytest.mark.parametrize("entry", [entry for entry in DIFFERENT if "[" in entry])
def test_parameters_that_are_different_still_exist(entry):
    name, _, parameter = entry.rstrip("]").partition("[")
    marks = their_tests()[name].pytestmark
    assert parameter in [getattr(value, "__name__", None) for m in marks for value in m.args[1]]


@pytest.mark.parametrize("name", [n for n, why in DIFFERENT.items() if why.startswith(PRIVATE)])
def test_what_looks_at_private_attributes_does_so(name):
    source = inspect.getsource(import_module("sklearn.neural_network._multilayer_perceptron"))
    private = {n for n in names_in(their_tests()[name].__code__) if n.startswith("_")}
    theirs_alone = {n for n in private if not hasattr(MLPClassifier, n)}
    assert any(f"self.{n}" in source or f"def {n}(" in source for n in theirs_alone)


@pytest.mark.parametrize("name", SLOW)
def test_slow_ones_still_exist(name):
    assert name in their_tests()
