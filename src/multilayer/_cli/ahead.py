"""The program of the MNIST run, compiled while scikit-learn is being imported.

Importing scikit-learn takes one core a second or two, compiling takes the other: neither waits
for the other when the compilation starts first. What it compiles is found in the engine's cache by
the fit that follows; were it another program, the fit would compile its own.
"""

from pathlib import Path
from threading import Thread

import numpy as np

from multilayer._cli import settings, tables
from multilayer._core.types import computing_type
from multilayer._engine import engines
from multilayer._engine.loop import prepare
from multilayer._objectives.objective import Objective
from multilayer._persist.atomic import check_writable
from multilayer._sklearn.arguments.constructors import ClassifierArguments
from multilayer._sklearn.arguments.resolved import check_classifier
from multilayer._sklearn.fit.assembly import Plan, assemble, planned
from multilayer._sklearn.fit.samples import Samples
from multilayer._sklearn.fit.start import fresh
from multilayer._sklearn.targets.class_outputs import classifier_numbers
from multilayer.datasets._mnist import N_CLASSES, N_PIXELS, N_TRAIN, N_VALID


def compile_mnist(recipe: str, given: settings.Arguments, output: Path) -> Thread | None:
    """Start to compile a recipe's program, once the options are known to be good.

    Nothing is compiled, and None returned, where the fit will be computed natively.

    Parameters
    ----------
    recipe : str
        Its name.
    given : mapping
        Estimator arguments that override the recipe's.
    output : Path
        The model file, which must be possible to write.
    """
    planned = settings.recipe_arguments(recipe, N_TRAIN, given)
    settings.check_together(planned, given)
    check_writable(output)
    arguments = ClassifierArguments(**planned, input_scale=tables.MNIST_SCALE)
    plan, train, validation = _blank_fit(arguments)
    if plan.choice.engine == engines.NATIVE:
        return None
    thread = Thread(target=prepare, args=(assemble(plan, train, validation),))
    thread.start()
    return thread


def _blank_fit(arguments: ClassifierArguments) -> tuple[Plan, Samples, Samples]:
    """A fit of the right shapes on blank images."""
    resolved, dtype = check_classifier(arguments), computing_type(arguments.precision)
    start = fresh(resolved, np.random.RandomState(0), N_PIXELS, N_CLASSES, None, dtype)
    train, validation = (_blank_samples(n, dtype) for n in (N_TRAIN, N_VALID))
    objective = Objective("softmax", "softmax", (N_CLASSES,))
    numbers = classifier_numbers(arguments, dtype)
    plan = planned(resolved, start, objective, numbers, train, validation)
    return plan, train, validation


def _blank_samples(n: int, dtype: str) -> Samples:
    labels = np.zeros(n, np.int32)
    return Samples(np.zeros((n, N_PIXELS), np.uint8), labels, np.ones(n, dtype), labels)
