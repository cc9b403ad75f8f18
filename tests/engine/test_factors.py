"""Steps of an ensemble whose arrays learn by factors of their own, against NumPy in float64."""

from dataclasses import replace
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from multilayer._data.encoding import TableLayout
from multilayer._engine import engines, loop
from multilayer._engine.xla.step import factored
from multilayer._nn.members import Members, init_members, shared, without_fixed
from multilayer._nn.tabular_layers import linear, scaling
from multilayer._sklearn.tabular import ensemble_training, recipe
from multilayer._sklearn.tabular.ensemble import EncodedRows

LAYOUT = TableLayout(2, 1, (5,))


def rows(n=60, seed=0):
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.normal(size=(n, 2)), rng.choice([-1, 1], n), rng.integers(0, 5, n)])
    y = (X[:, 0] + X[:, 2] > 0).astype(np.int32)
    return EncodedRows(X.astype(np.float32), LAYOUT, y, np.ones(n, np.float32), 2)


@pytest.fixture(
    scope="module",
    params=[(engine, annealed) for engine in engines.NAMES for annealed in (False, True)],
    ids=lambda given: f"{given[0]}-{'annealed' if given[1] else 'constant'}",
)
def trained(request):
    """A run of a few steps, without dropout, and the state before it."""
    plan = recipe.EnsembleRecipe(
        (replace(recipe.PLAIN, weight_decay=0.5), replace(recipe.ENCODED, weight_decay=0.25)),
        n_folds=2,
        width=6,
        depth=1,
        activation="mish",
        learns_activation=True,
        first_cycle=4,
        batch_size=16,
    )
    engine, annealed = request.param
    layers = ensemble_training.member_layers(plan, rows())
    training, _ = ensemble_training.assemble(plan, rows(), layers, 0, np.inf, engines.load(engine))
    if annealed:
        training.config = replace(training.config, annealed=True)
        training.hyper = training.hyper._replace(total_steps=np.float32(3))
    training.validation = None
    training.config = replace(training.config, closed_outside=False, validate=False)
    before = training.state
    loop.train(training, 3)
    return training, before


def test_steps_are_adam_by_factors_with_decoupled_decay(trained):
    training, before = trained
    config = training.config
    window = training.source.window(0)
    network = config.network
    with jax.enable_x64(True):
        wide = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), before.params)
        X = jnp.asarray(np.asarray(window.rows.X), jnp.float64)
        y = np.asarray(window.rows.y)

        def loss(params, line):
            raw = network.apply_in_training(params, X[line], None, None, None)[0]
            return -jax.nn.log_softmax(raw)[jnp.arange(len(line)), y[line]].mean()

        first = second = jax.tree.map(jnp.zeros_like, without_fixed(wide))
        rates = training.schedule(np.arange(3))
        factors = network.factors(without_fixed(wide))
        for t in range(3):
            gradient = without_fixed(jax.grad(loss)(wide, np.asarray(window.order[t])))
            first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, gradient)
            second = jax.tree.map(lambda v, g: 0.95 * v + 0.05 * g * g, second, gradient)
            share = t / 3
            strength = 1.0
            if config.annealed and share > 0.5:
                strength = 0.5 * (1 + np.cos(np.pi * (2 * share - 1)))
            correction = np.sqrt(1 - 0.95 ** (t + 1)) / (1 - 0.9 ** (t + 1))

            def moved(p, f, m, v, rate=rates[t], strength=strength, c=correction):
                own = np.array([0.5, 0.5, 0.25, 0.25]).reshape(-1, *(1,) * (p.ndim - 1))
                decay = rate * f.rate * f.decay * own * strength
                return p * (1 - decay) - rate * f.rate * c * m / (jnp.sqrt(v) + 1e-8)

            learnt = jax.tree.map(
                moved,
                without_fixed(wide),
                factors,
                first,
                second,
            )
            wide = jax.tree.map(
                lambda old, new: new if new is not None else old,
                wide,
                learnt,
                is_leaf=lambda node: type(node).__name__ in ("Fixed", "Rate"),
            )
        expected = jax.tree.leaves(without_fixed(wide))
    found = jax.tree.leaves(without_fixed(training.state.params))
    for one, other in zip(found, expected, strict=True):
        assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_statistics_of_the_columns_stay_as_they_are(trained):
    training, before = trained
    columns = (state.params[0].statistics.value for state in (training.state, before))
    for one, other in zip(*columns, strict=True):
        assert_array_equal(one, other)
    assert jax.tree.structure(training.state.params) == jax.tree.structure(before.params)
    assert np.any(np.asarray(training.state.params[1].kernel) != before.params[1].kernel)


def test_what_members_share_decays_by_the_mean_of_their_decays():
    layers = (scaling(6.0), shared(linear(2)))
    params = init_members(layers, np.random.default_rng(0), np.ones((4, 3), np.float32), 2)
    params = without_fixed(params)
    config = SimpleNamespace(network=Members(layers, 2), annealed=False)
    hyper = SimpleNamespace(weight_decay=np.array([0.1, 0.3], np.float32))
    steps = jax.tree.map(lambda leaf: 0.01 * np.ones_like(leaf), params)
    scales, (kernel, bias) = factored(config, hyper, 0, params, steps, np.float32(0.5))
    expected = 6 * 0.01 - 0.5 * 36 * np.array([[0.1], [0.3]])  # the factor counts twice: RealMLP
    assert_allclose(scales.scale, expected * np.ones((2, 3)), rtol=1e-6)
    assert_allclose(kernel, 0.01 - 0.5 * 0.2 * params[1].kernel, rtol=1e-6)
    assert_allclose(bias, 0.01 * np.ones((1, 2)), rtol=1e-6)
