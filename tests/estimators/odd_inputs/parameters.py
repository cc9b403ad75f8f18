"""Arguments of the constructor, the same for both estimators."""

import numpy as np

from .harness import LABELS, N, classify, regress
from .rows import OursAccepts, OursRefuses, Refused, Row, Same, slow

NUMBERS_OF_UNITS = r"hidden_layer_sizes must be > 0: an integer or a sequence of them, got "
CHANCE = "each library draws its own rows"


def same(**params):
    return Same(lambda: classify(params=params))


def some(why=CHANCE, **params):
    return Same(lambda: classify(params=params), None, why)


def refused(_text="", **params):
    ((name, _),) = params.items()
    return Refused(lambda: classify(params=params), _text or f"^{name} must be .* got {name}=")


SIZES: dict[str, Row] = {
    "hidden_layer_sizes ()": same(hidden_layer_sizes=()),
    "hidden_layer_sizes []": same(hidden_layer_sizes=[]),
    "hidden_layer_sizes 5": same(hidden_layer_sizes=5),
    "hidden_layer_sizes np.int64": same(hidden_layer_sizes=np.int64(5)),
    "hidden_layer_sizes a list": same(hidden_layer_sizes=[5]),
    "hidden_layer_sizes an array": same(hidden_layer_sizes=np.array([5])),
    "hidden_layer_sizes a range": same(hidden_layer_sizes=range(5, 6)),
    "hidden_layer_sizes an array without dimension": refused(
        NUMBERS_OF_UNITS, hidden_layer_sizes=np.array(5)
    ),
    "hidden_layer_sizes an array of two dimensions": refused(
        NUMBERS_OF_UNITS, hidden_layer_sizes=np.array([[5, 5]])
    ),
    **{
        f"hidden_layer_sizes {value!r}": refused(NUMBERS_OF_UNITS, hidden_layer_sizes=value)
        for value in (0, -1, 2.5, 5.0, True, "10", None, (5, None), (5, 0), (5.0,), ("5",))
    },
}

NUMBERS: dict[str, Row] = {
    **{
        f"{name} {value!r}": refused(**{name: value})
        for name, values in {
            "alpha": (-1.0, np.nan, np.inf, "0.1", None),
            "batch_size": (0, -1, 2.5, "all", None),
            "learning_rate_init": (0, -0.1, np.nan, "fast"),
            "max_iter": (-1, 2.5, None, np.inf),
            "max_fun": (0, 2.5),
            "tol": (-1e-4, np.nan, np.inf, None),
            "momentum": (-0.1, 1.5, np.nan),
            "power_t": (-0.5,),
            "validation_fraction": (1, 1.0, -0.1, "tenth"),
            "n_iter_no_change": (0, -1, 2.5, None),
            "beta_1": (1.0, -0.1),
            "beta_2": (1.0,),
            "epsilon": (0.0,),
            "random_state": (-1, "seed", 0.5, 2**32),
        }.items()
        for value in values
    },
    "alpha 0 as an integer": same(alpha=0),
    "alpha of float32": same(alpha=np.float32(0.1)),
    "alpha True": OursRefuses(
        lambda: classify(params={"alpha": True}), "^alpha must be", "True is no number"
    ),
    "batch_size beyond the rows": Same(
        lambda: classify(params={"batch_size": 1000}),
        warns=False,
        why="a batch of all rows is what was asked for: nothing to warn of",
    ),
    "batch_size np.int64": same(batch_size=np.int64(N)),
    "batch_size of one row": slow(some(batch_size=1, learning_rate_init=0.01)),
    "max_iter 0": OursAccepts(
        lambda: classify(params={"max_iter": 0}),
        "no epochs give the initial network, as steps of no length do",
        lambda: classify(params={"max_iter": 1, "learning_rate_init": 1e-30}),
    ),
    "tol huge": same(tol=1e9, n_iter_no_change=1),
    "tol 0": same(tol=0),
    "momentum 0": same(momentum=0),
    "momentum 1": same(momentum=1),
    "validation_fraction 0 under early stopping": Refused(
        lambda: classify(params={"validation_fraction": 0, "early_stopping": True}),
        "^validation_fraction must be",
    ),
    "validation_fraction 0": OursRefuses(
        lambda: classify(params={"validation_fraction": 0}),
        "^validation_fraction must be",
        "no fraction at all is said by early_stopping=False",
    ),
    "validation_fraction that leaves one row": Refused(
        lambda: classify(
            y=LABELS > 0, params={"validation_fraction": 0.01, "early_stopping": True}
        ),
        "validation_fraction",
    ),
    "n_iter_no_change infinite": same(n_iter_no_change=np.inf),
    "learning_rate_init so large that training fails": Refused(
        lambda: classify(params={"learning_rate_init": 1e38, "max_iter": 20}),
        "non-finite.*weights.*lower learning_rate_init",
    ),
}

OPTIONS: dict[str, Row] = {
    **{
        f"{name} {value!r}": refused(**{name: value})
        for name, values in {
            "solver": ("SGD", "newton", None, 1),
            "activation": ("swish", "ReLU", None, 1),
            "learning_rate": ("cyclic", None, 0.1),
            "shuffle": ("yes", None),
            "warm_start": ("yes",),
            "early_stopping": ("yes", None),
            "nesterovs_momentum": ("yes",),
            "verbose": ("loud",),
        }.items()
        for value in values
    },
    "shuffle of NumPy": same(shuffle=np.bool_(True)),
    "shuffle 1": refused(shuffle=1),
    "solver lbfgs": Same(lambda: classify(params={"solver": "lbfgs", "max_iter": 3}), 1e-2),
    "learning_rate adaptive": slow(same(learning_rate="adaptive")),
    "learning_rate invscaling": same(learning_rate="invscaling", momentum=0),
    "learning_rate invscaling with momentum": some(
        "scikit-learn's momentum keeps the rates that its steps had", learning_rate="invscaling"
    ),
}

SEEDS: dict[str, Row] = {
    "random_state None": some("without a seed nothing repeats", random_state=None),
    "random_state np.int64": same(random_state=np.int64(7)),
    "random_state 2**32 - 1": same(random_state=2**32 - 1),
    "random_state RandomState": Same(
        lambda: classify(params={"random_state": np.random.RandomState(3)})
    ),
    "random_state the module np.random": OursAccepts(
        lambda: classify(params={"random_state": np.random, "max_iter": 0}),
        "scikit-learn's check_random_state takes it: test_the_global_state_of_numpy",
    ),
    "random_state Generator": Refused(
        lambda: classify(params={"random_state": np.random.default_rng(0)}), "^random_state must be"
    ),
    "random_state True": OursRefuses(
        lambda: classify(params={"random_state": True}), "^random_state must be", "True is no seed"
    ),
}

REGRESSION: dict[str, Row] = {
    "hidden_layer_sizes () in a regression": slow(
        Same(lambda: regress(params={"hidden_layer_sizes": ()}))
    ),
    **{
        f"{name} {value!r} in a regression": Refused(
            lambda name=name, value=value: regress(params={name: value}),
            f"^{name} must be .* got {name}=",
        )
        for name, value in {
            "hidden_layer_sizes": 0,
            "activation": "swish",
            "solver": "newton",
            "alpha": -1,
            "batch_size": 0,
            "random_state": -1,
        }.items()
    },
    "solver lbfgs in a regression": Same(
        lambda: regress(params={"solver": "lbfgs", "max_iter": 3}), 1e-2
    ),
}

ROWS = SIZES | NUMBERS | OPTIONS | SEEDS | REGRESSION
