"""Arguments and option values that do not exist: the error names what was probably meant."""

import inspect

import numpy as np
import pytest
from sklearn.base import clone

from multilayer import InvalidArgumentError, MLPClassifier, MLPRegressor, Perceptron
from multilayer._core.checks import SYNONYMS, suggestion

X, y = np.arange(8.0).reshape(4, 2), [0, 1, 0, 1]


class Named(MLPClassifier):
    """A user's own class."""


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: MLPClassifier(hidden_layer_size=(3,)),
            "MLPClassifier() got an unexpected argument 'hidden_layer_size'. "
            "Did you mean 'hidden_layer_sizes'?",
        ),
        (
            lambda: MLPRegressor(epochs=3),
            "MLPRegressor() got an unexpected argument 'epochs'. Did you mean 'max_iter'?",
        ),
        (lambda: Named(lr=1), "Named() got an unexpected argument 'lr'. Did you mean 'learning_"),
        (
            lambda: Perceptron(eta=1),
            "Perceptron() got an unexpected argument 'eta'. Did you mean 'e",
        ),
        (lambda: MLPClassifier(zzz=1), "MLPClassifier() got an unexpected argument 'zzz'."),
        (lambda: MLPClassifier(1, 2, 3), "MLPClassifier.__init__() takes from 1 to 3 positional"),
        (lambda: Perceptron(1), "Perceptron.__init__() takes 1 positional argument but 2 were"),
        (
            lambda: MLPClassifier().fit(X, y, epochs=3),
            "MLPClassifier.fit() got an unexpected argument 'epochs'. It is an argument of the "
            "constructor: MLPClassifier(max_iter=...).",
        ),
        (
            lambda: MLPRegressor().fit(X, y, batch_size=3),
            "constructor: MLPRegressor(batch_size=...).",
        ),
        (lambda: MLPClassifier().fit(X, y, eval_set=1), "Did you mean 'X_val' and 'y_val'?"),
        (lambda: MLPClassifier().partial_fit(X, y, class_=1), "Did you mean 'classes'?"),
        (lambda: MLPRegressor().partial_fit(X, y, sample_weights=1), "mean 'sample_weight'?"),
        (lambda: Perceptron().fit(X, y, max_iter=1), "constructor: Perceptron(max_iter=...)."),
        (lambda: Perceptron().partial_fit(X, y, zzz=1), "got an unexpected argument 'zzz'."),
    ],
)
def test_an_unknown_argument_names_the_public_class_and_the_nearest(make, message):
    with pytest.raises(TypeError) as caught:
        make()
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        ({"activation": "rellu"}, "relu"),
        ({"activation": ["swish"]}, "silu"),
        ({"activation": "Sigmoid"}, "logistic"),
        ({"solver": "SGD"}, "sgd"),
        ({"loss": "mse"}, "squared_error"),
        ({"loss": "quantiles"}, "quantile"),
        ({"scoring": "r_2"}, "r2"),
        ({"norm": "BatchNorm"}, "batch"),
        ({"weight_init": "xavier_uniform"}, "glorot_uniform"),
        ({"learning_rate": "onecycle"}, "one_cycle"),
    ],
)
def test_a_wrong_option_names_the_nearest(arguments, meant):
    with pytest.raises(InvalidArgumentError, match=f"Did you mean '{meant}'\\?"):
        MLPRegressor(**{"hidden_layer_sizes": (3,)} | arguments).fit(X, y)


def test_nothing_is_suggested_where_nothing_is_near():
    with pytest.raises(InvalidArgumentError) as caught:
        MLPClassifier(activation="zzz").fit(X, y)
    assert "Did you mean" not in str(caught.value)


def test_names_of_other_libraries_stand_for_names_that_exist():
    arguments = set(inspect.signature(MLPRegressor).parameters)
    arguments |= set(inspect.signature(MLPClassifier).parameters)
    arguments |= set(inspect.signature(MLPClassifier.fit).parameters)
    documented = f"{MLPClassifier.__doc__}{MLPRegressor.__doc__}"
    for other, ours in SYNONYMS.items():
        assert ours in arguments or f'"{ours}"' in documented, other
        assert suggestion(other.upper(), {ours}) == ours


def test_what_scikit_learn_reads_of_a_constructor_is_still_there():
    names = list(inspect.signature(MLPClassifier).parameters)
    assert names[:2] == ["hidden_layer_sizes", "activation"]
    assert next(iter(inspect.signature(MLPRegressor).parameters)) == "loss"
    assert clone(Named(alpha=3)).get_params()["alpha"] == 3
