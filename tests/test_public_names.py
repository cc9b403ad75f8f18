"""The public names: where they say that they are, and examples that run."""

import doctest
import pickle

import pytest

import multilayer

HOMES = (multilayer, multilayer.search)
CLASSES = [
    pytest.param(home, name, id=name)
    for home in HOMES
    for name in home.__all__
    if isinstance(getattr(home, name), type)
]


@pytest.mark.parametrize(("home", "name"), CLASSES)
def test_public_classes_are_at_home_in_the_package(home, name):
    cls = getattr(home, name)
    assert (cls.__module__, cls.__qualname__) == (home.__name__, name)
    assert pickle.loads(pickle.dumps(cls)) is cls
    assert name in dir(home)


def test_pickles_name_no_private_module():
    fitted = multilayer.MLPClassifier((2,), max_iter=0, random_state=0).fit([[0.0], [1.0]], [0, 1])
    assert b"_sklearn.classifier" not in pickle.dumps(fitted)


@pytest.mark.parametrize(("home", "name"), CLASSES)
def test_examples_of_public_classes_run(home, name):
    """pytest looks for those of a class in the module that the class names alone."""
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    examples = doctest.DocTestFinder().find(getattr(home, name), name, module=False, globs={})
    for example in examples:
        runner.run(example)
    assert runner.failures == 0
    assert runner.tries > 0 or name.endswith("Error")
