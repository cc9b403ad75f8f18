"""Functions and objects of the user's are known by what they do, in any process."""

import functools
import json
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from sklearn.metrics import f1_score, make_scorer

from multilayer import InvalidArgumentError, MLPClassifier, nn
from multilayer._sklearn.fit.fingerprint import parameters_of
from multilayer.callbacks import Callback


def described(estimator):
    """The text that is hashed."""
    return json.dumps(parameters_of(estimator), sort_keys=True)


# Functions -------------------------------------------------------------------------------------

FACTOR = 2.0


def scaled_by(factor):
    def scaled(x):
        return jnp.tanh(factor * x)

    return scaled


def decorated_by(factor):
    def decorator(function):
        @functools.wraps(function)
        def inner(x):
            return function(factor * x)

        return inner

    return decorator


class Scales:
    def __init__(self, factor):
        self.factor = factor

    def __call__(self, x):
        return jnp.tanh(self.factor * x)

    def method(self, x):
        return self(x)


def with_global(value, source="act = lambda x: tanh(FACTOR * x)"):
    """A function of a script, with a value for the script's FACTOR."""
    names = {"__name__": "__main__", "FACTOR": value, "tanh": jnp.tanh, "jax": jax}
    exec(source, names)
    return names["act"]


def nested(value):
    return with_global(
        value, "def act(x):\n    def inner():\n        return FACTOR\n    return inner()"
    )


def jitted(value):
    return with_global(value, "@jax.jit\ndef act(x):\n    return FACTOR * x")


def calling(value):
    return with_global(value, "def scale(x):\n    return FACTOR * x\nact = lambda x: scale(x)")


def with_default(factor):
    return lambda x, factor=factor: factor * x


def with_keyword(factor):
    return lambda x, *, factor=factor: factor * x


def with_constant(factor):
    return eval(f"lambda x: {factor} * x")


def with_a_set(factor):
    return eval(f"lambda x: x if x.ndim in {{1, {factor}}} else -x")


def with_array(factor):
    array = np.full(3, factor)
    return lambda x: x * array[0]


MAKERS = {
    "closure": scaled_by,
    "decorated": lambda factor: decorated_by(factor)(jnp.tanh),
    "partial": lambda factor: functools.partial(Scales(1.0).__call__, factor),
    "partial of a closure": lambda factor: functools.partial(scaled_by(factor)),
    "object": Scales,
    "method": lambda factor: Scales(factor).method,
    "global": with_global,
    "global of a nested function": nested,
    "global of a jitted function": jitted,
    "global of a function that is called": calling,
    "default": with_default,
    "keyword": with_keyword,
    "constant": with_constant,
    "set": with_a_set,
    "array": with_array,
    "jitted closure": lambda factor: jax.jit(scaled_by(factor)),
    "bytes": lambda factor: functools.partial(scaled_by(1.0), str(factor).encode()),
    "complex": lambda factor: functools.partial(scaled_by(1.0), complex(0, factor)),
}


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("argument", ["activation", "solver", "scoring"])
def test_functions_by_what_they_do(argument, kind):
    one, same, other = (
        described(MLPClassifier(**{argument: MAKERS[kind](value)})) for value in (2, 2, 3)
    )
    assert one == same
    assert one != other


@pytest.mark.parametrize(
    ("argument", "values"),
    [
        ("activation", [jnp.tanh, jnp.sin, jax.nn.relu, jax.nn.gelu, nn.relu, "relu", Scales(1)]),
        ("solver", [optax.sgd, optax.adam, "sgd", "adam", functools.partial(optax.sgd)]),
        (
            "scoring",
            [f1_score, make_scorer(f1_score), make_scorer(f1_score, average="micro"), "f1_micro"],
        ),
        (
            "network",
            [
                nn.sequential(nn.dense(2)),
                nn.sequential(nn.dense(3)),
                nn.sequential(nn.dense(3), nn.relu),
                nn.sequential(nn.dense(3), nn.batch_norm()),
                nn.sequential(nn.dropout(0.1), nn.dense(3)),
                nn.sequential(nn.dropout(0.2), nn.dense(3)),
            ],
        ),
    ],
)
def test_all_different(argument, values):
    texts = [described(MLPClassifier(**{argument: value})) for value in values]
    assert len(set(texts)) == len(values)


def test_names_of_a_library_do_not_change_with_its_code():
    for function in (jnp.tanh, jax.nn.relu, jax.nn.softplus, optax.adamw):
        ((_, text),) = parameters_of(MLPClassifier(activation=function))["arguments"][
            "activation"
        ].items()
        assert isinstance(text, str)


def test_functions_that_call_each_other():
    source = "def other(x):\n    return act(x)\ndef act(x):\n    return other(x) * FACTOR"
    one, same, another = (
        described(MLPClassifier(activation=with_global(value, source))) for value in (1, 1, 2)
    )
    assert one == same != another


# Classes ---------------------------------------------------------------------------------------

CLASSES = {
    "method": "class Net:\n def __call__(self, x):\n  return {} * x",
    "global": "class Net:\n def __call__(self, x):\n  return FACTOR * x",
    "value": "class Net:\n factor = {}\n def __call__(self, x):\n  return self.factor * x",
    "static": "class Net:\n @staticmethod\n def f(x):\n  return {} * x\n __call__ = f",
    "class method": "class Net:\n @classmethod\n def __call__(cls, x):\n  return {} * x",
    "property": "class Net:\n @property\n def factor(self):\n  return {}",
    "base": "class B:\n def f(self):\n  return {}\nclass Net(B):\n pass",
    "super": "class Net:\n def __init__(self):\n  super().__init__()\n  self.f = {}",
    "itself": "class Net:\n def f(self):\n  return Net, {}",
    "dataclass": "@dataclass(frozen=True)\nclass Net:\n f: int = {}\n def g(self):\n  return {}",
    "slots": "@dataclass(slots=True)\nclass Net:\n f: int = {}",
}


def written_in_a_script(source, factor, base=object):
    names = {"__name__": "__main__", "FACTOR": factor, "dataclass": dataclass, "Callback": Callback}
    code = compile(source.replace("{}", str(factor)), "script.py", "exec")
    exec(code, names)
    return names["Net"]


@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize("argument", ["network", "activation"])
def test_objects_of_a_scripts_classes_by_what_they_do(argument, kind):
    one, same, other = (
        described(MLPClassifier(**{argument: written_in_a_script(CLASSES[kind], factor)()}))
        for factor in (2, 2, 3)
    )
    assert one == same
    assert one != other


def test_callbacks_of_a_script():
    source = "class Net(Callback):\n def on_epoch_end(self, report):\n  return {}"
    one, same, other = (
        described(MLPClassifier(callbacks=[written_in_a_script(source, factor)()]))
        for factor in (2, 2, 3)
    )
    assert one == same != other


class Slotted:
    __slots__ = ("value",)


def test_what_cannot_be_told_from_others_is_refused():
    with pytest.raises(InvalidArgumentError, match="None where solver is an object that cannot"):
        described(MLPClassifier(solver=functools.partial(optax.sgd, Slotted())))
