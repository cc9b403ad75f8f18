"""A layer of perceptrons, trained unit by unit."""

import warnings
from collections.abc import Callable, Iterator
from itertools import repeat

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import ShuffleSplit, StratifiedShuffleSplit
from sklearn.utils import check_random_state

from multilayer._core.checks import refuse
from multilayer._core.environment import level_of_caller
from multilayer._core.errors import DataError
from multilayer._data.order import drawn_permutation, shuffled_again
from multilayer._data.row_blocks import RowBlocks
from multilayer._data.rows import Matrix
from multilayer._engine.callbacks.printing import PrintLoss
from multilayer._engine.engines import native_problem
from multilayer._sklearn.perceptron.arguments import PerceptronArguments
from multilayer._sklearn.perceptron.native_rule import NativeRule, permutation
from multilayer._sklearn.perceptron.rule import (
    Lesson,
    Outcome,
    Rule,
    Stopping,
    Unit,
    passes_of,
    train,
)
from multilayer._sklearn.targets import class_labels
from multilayer._sklearn.targets.class_outputs import BINARY, MULTICLASS, Classes

# Warnings of a perceptron whose training ended with errors left ----------------------------------


def warn_of_failure(outcomes: list[Outcome], arguments: PerceptronArguments) -> None:
    """Warn where max_iter ended the training of a unit, or where it could not succeed.

    No warning where the rule of `tol` ended it: on nearly separable data that is the best result.
    """
    failed = [outcome for outcome in outcomes if not outcome.converged]
    remedy = "use a network with a hidden layer: multilayer.MLPClassifier."
    if not arguments.fit_intercept:
        remedy = f"set fit_intercept=True, or {remedy}"
    message = ""
    if any(outcome.inseparable for outcome in failed):
        where = "" if arguments.fit_intercept else " by a hyperplane through the origin"
        message = (
            f"The classes are not linearly separable{where}: the weights came back to an earlier "
            "value, so the perceptron never converges, however many passes it makes (XOR is the "
            f"classical case). To separate the classes, {remedy}"
        )
    elif any(outcome.passes >= arguments.max_iter for outcome in failed):
        message = (
            f"max_iter={arguments.max_iter} passes were made, and the last one still had errors: "
            "the perceptron has not converged. Increase max_iter; or, if no hyperplane separates "
            f"the classes (as in XOR), {remedy}"
        )
    if message:
        warnings.warn(message, ConvergenceWarning, stacklevel=level_of_caller())


# The layer of threshold units of a perceptron: from labels to what each unit learns, and how -----


SPARSE_BIAS_SHARE = 0.01  # scikit-learn's, for columns that are 0 mostly
LARGEST = np.iinfo(np.int32).max  # scikit-learn draws seeds below it


def train_layer(
    arguments: PerceptronArguments,
    X: Matrix,
    y: np.ndarray,
    weight: np.ndarray,
    target: tuple[Classes, str],
    units: list[Unit],
    max_iter: int,
) -> list[Outcome]:
    """Train the unit of each output in place; ``y`` are checked labels."""
    positive = positive_rows(y, *target)  # (outputs, n)
    sizes = arguments.eta0 * (row_factors(arguments, y, positive, *target) * weight)
    if not sizes.any():
        refuse("class_weight", "above 0 for a class that has samples", arguments.class_weight)
    seeds, held_out = draw(arguments, y, target[1], len(units))
    if held_out is not None and not (weight[held_out].any() and weight[~held_out].any()):
        raise DataError(
            "sample_weight must not be zero for all of the rows that early_stopping sets aside, or "
            "for all of the others. Use another random_state or validation_fraction."
        )
    rows = RowBlocks(X)
    rule = rule_of(arguments, rows)
    passes = passes_of if native_problem() else NativeRule(rows).passes_of
    return [
        train(
            unit,
            Lesson(rows, np.where(yes, 1.0, -1.0), np.ascontiguousarray(steps)),
            orders(arguments, len(rows), seed, held_out),
            rule,
            Stopping(max_iter, arguments.tol, arguments.n_iter_no_change),
            passes=passes,
            score=None if held_out is None else accuracy_on(X, yes, weight, held_out),
            watch=PrintLoss().on_epoch_end if arguments.verbose else None,
        )
        for unit, yes, steps, seed in zip(units, positive, sizes, seeds, strict=True)
    ]


# What each unit learns --------------------------------------------------------------------------


def positive_rows(y: np.ndarray, classes: Classes, kind: str) -> np.ndarray:
    """Whether each row is to switch each unit on ``(outputs, n)``.

    Two classes have one unit, for the second of them; more classes have one each.
    """
    numbers = class_labels.encode(y, classes, kind, yes_no=False)
    if kind == MULTICLASS:
        return np.arange(len(classes))[:, None] == numbers
    return np.atleast_2d(numbers.T) == 1


def row_factors(
    arguments: PerceptronArguments,
    y: np.ndarray,
    positive: np.ndarray,
    classes: Classes,
    kind: str,
) -> np.ndarray:
    """What each row weighs for each unit by its class ``(outputs, n)``.

    Of more than two classes, each has its weight in its own unit alone, where the rest weighs 1.
    """
    if arguments.class_weight is None:
        return np.ones(positive.shape)
    tables = class_labels.weights_of_classes(arguments.class_weight, y, classes, kind)
    if kind == MULTICLASS:
        return np.where(positive, tables[0][:, None], 1.0)
    no, yes = np.transpose(tables)  # each (outputs,)
    return np.where(positive, yes[:, None], no[:, None])


def rule_of(arguments: PerceptronArguments, rows: RowBlocks) -> Rule:
    """Return the numbers of the rule."""
    ratios = {None: 0.0, "l2": 0.0, "l1": 1.0, "elasticnet": arguments.l1_ratio}
    return Rule(
        eta=arguments.eta0,
        learns_bias=arguments.fit_intercept,
        bias_share=SPARSE_BIAS_SHARE if rows.sparse else 1.0,
        alpha=0.0 if arguments.penalty is None else arguments.alpha,
        l1_ratio=ratios[arguments.penalty],
    )


# The order of the rows, and when training ends --------------------------------------------------


def draw(
    arguments: PerceptronArguments, y: np.ndarray, kind: str, n_units: int
) -> tuple[list[int], np.ndarray | None]:
    """Draw the seed of each unit and the rows that are set aside.

    Number by number as scikit-learn draws them: a generator that is passed in gives the same.
    """
    rng = check_random_state(arguments.random_state)
    if kind == BINARY:
        rng.randint(1, LARGEST)  # there for the data set, which makes no use of it
        held_out = set_aside(arguments, y)
        return [rng.randint(LARGEST)], held_out
    held_out = set_aside(arguments, y)
    generators = [np.random.RandomState(seed) for seed in rng.randint(LARGEST, size=n_units)]
    return [own.randint((1, 0), LARGEST)[1] for own in generators], held_out


def set_aside(arguments: PerceptronArguments, y: np.ndarray) -> np.ndarray | None:
    """Whether each row is set aside for early stopping, stratified by class; None without it."""
    if not arguments.early_stopping:
        return None
    splitter = StratifiedShuffleSplit if y.ndim == 1 else ShuffleSplit
    split = splitter(
        test_size=arguments.validation_fraction, random_state=arguments.random_state
    ).split(np.zeros((len(y), 1)), y)
    try:
        _, numbers = next(split)
    except ValueError as error:
        raise DataError(
            f"validation_fraction={arguments.validation_fraction!r} cannot set a part of {len(y)} "
            f"samples aside: {error} Change validation_fraction, or set early_stopping=False."
        ) from error
    held_out = np.zeros(len(y), bool)
    held_out[numbers] = True
    return held_out


def orders(
    arguments: PerceptronArguments, n_rows: int, seed: int, held_out: np.ndarray | None
) -> Iterator[np.ndarray]:
    """Yield the order of the rows in each pass, without those set aside."""
    if arguments.shuffle:
        drawn = (drawn_permutation if native_problem() else permutation)(n_rows, seed)
        every: Iterator[np.ndarray] = shuffled_again(drawn)
    else:
        every = repeat(np.arange(n_rows))
    if held_out is None:
        return every
    return (order[~held_out[order]] for order in every)


def accuracy_on(
    X: Matrix, positive: np.ndarray, weight: np.ndarray, held_out: np.ndarray
) -> Callable[[Unit], float]:
    """Return the function that scores a unit on the rows set aside."""
    rows, expected, weights = X[held_out], positive[held_out], weight[held_out]

    def accuracy(unit: Unit) -> float:
        on = rows @ unit.weights + unit.bias > 0
        return float(np.average(on == expected, weights=weights))

    return accuracy


def first_units(
    n_units: int,
    n_features: int,
    coef_init: Matrix | None,
    intercept_init: npt.ArrayLike | None,
) -> list[Unit]:
    """Return new units with copies of given weights and biases, of 0 where none are given."""
    weights = started("coef_init", coef_init, (n_units, n_features))
    biases = started("intercept_init", intercept_init, (n_units,))
    return [Unit(each, float(bias)) for each, bias in zip(weights, biases, strict=True)]


def started(name: str, value: Matrix | None, shape: tuple[int, ...]) -> np.ndarray:
    """Return a copy in float64, in this shape."""
    if value is None:
        return np.zeros(shape)
    given = np.array(value.toarray() if sparse.issparse(value) else value, np.float64)
    if given.shape == shape:
        return given
    if shape[0] == 1 and given.shape == shape[1:]:  # of one unit, without its dimension
        return given.reshape(shape)
    return refuse(name, f"an array of shape {shape}", given.shape)
