"""Ensembles for tables in the native engine: gradients, XLA's curves, the same bits everywhere."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from multilayer._core.pytrees import leaves, map_leaves, named_leaves, with_leaves
from multilayer._data.encoding import TableLayout
from multilayer._engine import engines, loop
from multilayer._engine.native import coverage, threads
from multilayer._engine.native.table_networks import described, is_learnt
from multilayer._nn.activation_layers import activate
from multilayer._nn.members import Members, without_fixed
from multilayer._nn.tabular_layers import linear
from multilayer._objectives.objective import reported_share
from multilayer._sklearn.reference import reference_training
from multilayer._sklearn.reference.recipes import RealMLPNetwork, ReferenceRecipe, TabMNetwork
from multilayer._sklearn.tabular import ensemble_training
from multilayer._sklearn.tabular.ensemble import EncodedRows
from multilayer._sklearn.tabular.recipe import DROPPED, SCALED, EnsembleRecipe

if coverage.unavailable():
    pytest.skip(coverage.unavailable(), allow_module_level=True)

LAYOUT = TableLayout(3, 2, (4, 9))
N_ROWS = 150
STEP = 9  # whose gradient is compared: within an epoch of all cases, and where rates are annealed


def rows(*, classes, weighted=True):
    rng = np.random.default_rng(0)
    codes = [rng.integers(0, n, N_ROWS) for n in LAYOUT.cardinalities]
    flags = rng.integers(0, 2, (N_ROWS, LAYOUT.n_flags))
    X = np.column_stack([3 * rng.normal(size=(N_ROWS, 3)), flags, *codes]).astype(np.float32)
    weight = rng.uniform(0.5, 2, N_ROWS).astype(np.float32) if weighted else np.ones_like(X[:, 0])
    if classes:
        return EncodedRows(X, LAYOUT, rng.integers(0, 3, N_ROWS).astype(np.int32), weight, 3)
    y = np.stack([X[:, 0] * X[:, 1], X[:, 2] + X[:, 3]], axis=1)
    return EncodedRows(X, LAYOUT, y, weight, 2)


def tabular(given, dropout):
    views = (SCALED, replace(DROPPED, input_dropout=0.25 * (dropout > 0)))
    recipe = EnsembleRecipe(
        views, 2, width=19, depth=2, activation="mish", dropout=dropout, learns_activation=True
    )
    recipe = replace(recipe, batch_size=32, first_cycle=5)
    layers = ensemble_training.member_layers(recipe, given)

    def assemble(engine):
        return ensemble_training.assemble(recipe, given, layers, 0, np.inf, engine)[0]

    return assemble


def reference(given, network, **changes):
    recipe = ReferenceRecipe(
        network,
        learning_rate=0.04,
        weight_decay=0.1,
        batch_size=32,
        max_iter=4,
        beta_2=0.95,
        validation_fraction=0.2,
        cycles=True,
        **changes,
    )
    members = [np.arange(120, dtype=np.int32)] * recipe.n_members
    layers = Members(network.layers(given.layout, given.n_outputs), recipe.n_members)

    def assemble(engine):
        return reference_training.assemble(recipe, given, members, layers, 0, None, engine)

    return assemble


def realmlp(given, dropout):
    network = RealMLPNetwork((20, 17), "selu", True, True, dropout, on_data=True)
    changes = {"label_smoothing": 0.1 * given.classification, "annealed": True}
    return reference(given, network, n_members=2, **changes)


def tabm(given, dropout, *, mini=False, piecewise=True):
    quantiles = 10 if given.classification else None
    network = TabMNetwork((20, 17), mini, piecewise, 5, 6, dropout, quantiles)
    return reference(given, network, n_members=3, whole_batches=False)


CASES = {
    "tabular-classes": (tabular, True),
    "tabular-numbers": (tabular, False),
    "realmlp-classes": (realmlp, True),
    "realmlp-numbers": (realmlp, False),
    "tabm-classes": (tabm, True),
    "tabm-numbers": (lambda *given: tabm(*given, piecewise=False), False),
    "tabm-mini": (lambda *given: tabm(*given, mini=True), True),
}


def made(case, dropout, engine="native", *, weighted=True):
    """A training run of a case at its first step."""
    build, classes = CASES[case]
    given = rows(classes=classes, weighted=weighted)
    return build(given, dropout)(engines.load(engine))


# Gradients ----------------------------------------------------------------------------------------


def in_float64(training):
    """The same run in float64, whose rates are 0."""
    config = replace(training.config, dtype="float64")
    rng = np.random.default_rng(1)
    # Weights that are equal, or 0, would hide what is mixed up.
    params = map_leaves(lambda leaf: np.asarray(leaf, np.float64), training.network)
    learnt = {id(leaf) for leaf in leaves(without_fixed(params))}
    params = map_leaves(
        lambda leaf: leaf + 0.1 * rng.normal(size=leaf.shape) if id(leaf) in learnt else leaf,
        params,
    )
    state = training.maker.initial_state(config, training.hyper, params)
    training.config, training.state = config, state._replace(step=np.int32(STEP))
    training.validation, training.schedule = None, lambda steps: np.zeros(len(steps))
    return training


def loss_and_means(training, params):
    """The loss of a step at some parameters, and Adam's means of the gradient after it."""
    window = training.source.window(STEP)
    args = loop.arguments(training, window, STEP + 1)
    args = args._replace(state=args.state._replace(params=params))
    state, _ = training.maker.training_program(training.config, 1, args)(args)
    loss = float(state.loss_sum) / float(state.weight_sum)
    return loss / reported_share(training.config.objective), state.opt_state[0].mu


@pytest.mark.parametrize("case", CASES)
def test_gradients_are_differences_of_the_loss(case):
    training = in_float64(made(case, 0.3))
    params, rng = training.state.params, np.random.default_rng(2)
    _, mu = loss_and_means(training, params)
    window = training.source.window(STEP)
    at_once = training.maker.batch_gradient(training.config, training.hyper, params, window, STEP)
    if isinstance(mu, np.ndarray):  # one vector of all arrays
        shapes = [leaf.shape for leaf in leaves(without_fixed(params))]
        ends = np.cumsum([np.prod(shape, dtype=int) for shape in shapes])[:-1]
        parts = [p.reshape(s) for p, s in zip(np.split(mu, ends), shapes, strict=True)]
        mu = with_leaves(without_fixed(params), parts)
    learnt = dict(named_leaves(without_fixed(params)))
    means = dict(named_leaves(mu))
    for path, slope in named_leaves(at_once):  # what callbacks look at
        expected = 10.0 * means[path] if path in learnt else 0.0
        assert_allclose(slope, expected, rtol=1e-6, atol=1e-12, err_msg=path)
    for path, array in learnt.items():
        direction = rng.normal(size=array.shape)
        ends = []
        for sign in (1, -1):
            moved = [
                leaf + sign * 1e-6 * direction if name == path else leaf
                for name, leaf in named_leaves(params)
            ]
            ends.append(loss_and_means(training, with_leaves(params, moved))[0])
        expected = (ends[0] - ends[1]) / 2e-6
        found = 10.0 * (means[path] * direction).sum()  # Adam's mean is a tenth of it
        assert_allclose(found, expected, rtol=1e-5, atol=1e-8, err_msg=path)


# Against XLA --------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", ["tabular-classes", "realmlp-numbers", "tabm-classes"])
def test_training_is_that_of_xla_without_dropout(case):
    ends = {}
    for engine in engines.NAMES:
        training = ends[engine] = made(case, 0.0, engine)
        training.validation = None
        training.config = replace(training.config, closed_outside=False, validate=False)
        loop.train(training, 10)
    ours, theirs = ends.values()
    assert_allclose(ours.history["loss"], theirs.history["loss"], rtol=1e-5)
    for (path, one), other in zip(named_leaves(ours.network), leaves(theirs.network), strict=True):
        assert_allclose(one, other, rtol=1e-3, atol=2e-4, err_msg=path)
    assert [path for path, _ in named_leaves(ours.state.opt_state)] == [
        path for path, _ in named_leaves(theirs.state.opt_state)
    ]


# The same bits ------------------------------------------------------------------------------------


def trained(case, n_threads, steps_of_a_call):
    training = made(case, 0.2)
    training.validation = None
    training.config = replace(training.config, closed_outside=False, validate=False)
    with threads.limited(n_threads):
        loop.train(training, 11, budget=lambda step: steps_of_a_call)
    return training


@pytest.mark.parametrize("case", CASES)
def test_bits_depend_on_neither_threads_nor_calls(case, monkeypatch):
    monkeypatch.setattr(threads, "usable_cores", lambda: 3)
    monkeypatch.setattr(threads, "SMALL", 0)
    first = trained(case, 1, 100)
    for n_threads, steps in ((3, 100), (1, 1), (2, 4)):
        again = trained(case, n_threads, steps)
        assert_array_equal(again.history["loss"], first.history["loss"])
        for one, other in zip(leaves(again.state), leaves(first.state), strict=True):
            assert_array_equal(one, other)


def test_a_member_does_not_depend_on_the_others():
    both = made("realmlp-numbers", 0.2, weighted=False)
    only = without_second(made("realmlp-numbers", 0.2, weighted=False))
    for training in (both, only):
        loop.train(training, 5)
    for one, other in zip(leaves(both.network), leaves(only.network), strict=True):
        assert_allclose(one[:1], other, rtol=1e-5, atol=1e-5)  # what losses are divided by differs


def without_second(training):
    """A run of the first member alone."""
    network = replace(training.config.network, n_members=1)
    config = replace(training.config, network=network)
    params = map_leaves(lambda leaf: leaf[:1], training.network)
    source = training.source
    source._members, source._orders = source._members[:1], source._orders[:1]
    source.batch_size = source.width = source.width // 2
    training.config, training.source = config, source
    training.state = training.maker.initial_state(config, training.hyper, params)
    return training


# Coverage -----------------------------------------------------------------------------------------


def test_layers_that_are_not_native_have_a_reason():
    class Own(activate):
        pass

    training = made("tabm-classes", 0.1)
    network = training.config.network
    assert coverage.uncovered(training.config) == ""
    for layers, reason in (
        ((Own("relu"), *network.layers), "its layer Own is not native"),
        ((*network.layers, linear(2), *network.layers), "in an order of their own"),
        ((activate(np.tanh), linear(2)), "activation function is of your own"),
    ):
        config = replace(training.config, network=Members(layers, 3))
        assert reason in coverage.uncovered(config)
    apart = replace(made("realmlp-classes", 0.1).config, clipped=True)
    assert "clipped" in coverage.uncovered(apart)


def test_places_name_every_array_once():
    for case in CASES:
        training = made(case, 0.1)
        network = described(training.config.network, training.network)
        places = [place for place in network.places if place is not None]
        assert len(places) == len(set(places))
        assert len(network.places) == len(leaves(training.network))
        n_learnt = len(leaves(without_fixed(training.network)))
        assert sum(map(is_learnt, network.places)) == n_learnt
