"""Prints a fingerprint for each of some functions of a script, and for some data."""

import functools
import hashlib
import json

import jax
import jax.numpy as jnp
import numpy as np
import optax
from sklearn.metrics import f1_score, make_scorer

from multilayer import MLPClassifier, nn
from multilayer._sklearn.fit.fingerprint import of_arrays, parameters_of
from multilayer.callbacks import KeepBest

FACTOR = 2.0
WORDS = {"one", "two", "three", "four", "five"}


def script_function(x):
    return FACTOR * x if WORDS else x


def scaled_by(factor):
    def scaled(x):
        return jnp.tanh(factor * x)

    return scaled


class Scales:
    def __init__(self, factor):
        self.factor = factor

    def __call__(self, x):
        return self.factor * x


ESTIMATORS = [
    MLPClassifier(activation=script_function),
    MLPClassifier(activation=lambda x: jnp.tanh(x) if x.ndim in {1, 2, 3} else x),
    MLPClassifier(activation=lambda x: x if x.dtype.name in {"float32", "float64"} else -x),
    MLPClassifier(activation=scaled_by(3)),
    MLPClassifier(activation=jax.jit(scaled_by(3))),
    MLPClassifier(activation=functools.partial(Scales(1).__call__)),
    MLPClassifier(activation=Scales(4)),
    MLPClassifier(solver=functools.partial(optax.sgd, nesterov=True)),
    MLPClassifier(scoring=make_scorer(f1_score, average="macro")),
    MLPClassifier(class_weight={"a": 1.0, "b": 2.0}, callbacks=[KeepBest()]),
    MLPClassifier(network=nn.sequential(nn.dense(3), lambda x: x * FACTOR)),
]


def main():
    for estimator in ESTIMATORS:
        text = json.dumps(parameters_of(estimator), sort_keys=True)
        print(hashlib.sha256(text.encode()).hexdigest())
    print(of_arrays([np.arange(5.0), np.array(list("abc"), object)]))
    print(of_arrays([jnp.arange(5)]))


if __name__ == "__main__":
    main()
