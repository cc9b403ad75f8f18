"""The layers at hand against NumPy float64 and by their distributions."""

import copy
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from multilayer import InvalidArgumentError, nn
from multilayer._nn.model import Moments

ROWS, UNITS = 24, 7
LAYERS = [
    nn.dense(3),
    nn.dropout(0.5),
    nn.gaussian_noise(0.1),
    nn.batch_norm(),
    nn.layer_norm(),
    nn.residual(nn.relu),
    nn.sequential(nn.dense(3), nn.relu),
    nn.scaling(),
    nn.ntk_dense(3),
    nn.linear(3),
    nn.parametric("relu"),
    nn.robust_scaling(2),
    nn.quantile_scaling(2),
    nn.category_embedding((3,)),
    nn.periodic_embedding(2),
    nn.piecewise_linear_embedding(2),
    nn.batch_ensemble(3),
    nn.shared(nn.linear(3)),
    nn.members(nn.linear(2), nn.relu, n_members=2),
]


@pytest.fixture
def x():
    return np.random.default_rng(0).normal(3, 2, (ROWS, UNITS)).astype(np.float32)


@pytest.fixture
def weight():
    """Weights of rows, a third of them 0."""
    drawn = np.random.default_rng(1).uniform(0.5, 3, ROWS).astype(np.float32)
    drawn[::3] = 0
    return drawn


def in_training(layer, params, x, weight=None, seed=0):
    weight = np.ones(len(x), np.float32) if weight is None else weight
    return layer.apply_in_training(params, x, key=nn.key(seed), weight=weight)


# dense ------------------------------------------------------------------------------------------


def test_dense(x):
    layer = nn.dense(4)
    params = layer.init(0, UNITS)
    params = params._replace(bias=np.arange(4, dtype=np.float32))
    expected = x.astype(np.float64) @ params.kernel + params.bias
    assert_allclose(layer.apply(params, x), expected, rtol=1e-5, atol=1e-5)


def test_dense_takes_images_as_bytes():
    layer, pixels = nn.dense(4), np.arange(12, dtype=np.uint8).reshape(2, 6)
    params = layer.init(0, 6)
    assert_array_equal(layer.apply(params, pixels), layer.apply(params, pixels.astype(np.float32)))


@pytest.mark.parametrize(
    ("weight_init", "distribution"),
    [
        ("glorot_uniform", stats.uniform(-0.1, 0.2)),  # sqrt(6 / (n + m)) is 0.1
        ("he_normal", stats.norm(0, np.sqrt(2 / 400))),
        ("truncated_normal", stats.truncnorm(-2, 2, scale=2 / np.sqrt(400))),
    ],
)
def test_first_weights_by_their_distribution(weight_init, distribution):
    params = nn.dense(200, weight_init).init(3, 400)
    assert params.kernel.dtype == params.bias.dtype == np.float32
    assert stats.kstest(params.kernel.ravel(), distribution.cdf).pvalue > 0.01
    assert_array_equal(params.bias, np.zeros(200))


def test_first_biases_within_the_bound_of_the_weights():
    bias = nn.dense(200, bias_init="glorot_uniform").init(3, 400).bias
    assert stats.kstest(bias, stats.uniform(-0.1, 0.2).cdf).pvalue > 0.01


def test_first_weights_are_those_of_the_key():
    one, same, other = (nn.dense(5).init(key, 4).kernel for key in (1, nn.key(1), 2))
    assert_array_equal(one, same)
    assert (one != other).all()


@pytest.fixture
def compiled():
    """What JAX compiles, as it happens."""
    events = []

    def listen(event, duration, **details):
        if event == "/jax/core/compile/backend_compile_duration":
            events.append(details)

    jax.monitoring.register_event_duration_secs_listener(listen)
    yield events
    jax.monitoring.unregister_event_duration_listener(listen)


def test_drawing_first_weights_compiles_nothing(compiled):
    key = nn.key(0)
    compiled.clear()
    nn.sequential(nn.dense(11), nn.batch_norm(), nn.relu, nn.dense(13)).init(key, 17)
    assert not compiled
    jax.jit(lambda x: x + 17)(1.0)  # which shows that the events arrive
    assert compiled


# dropout and noise ------------------------------------------------------------------------------


def test_dropout_keeps_the_mean():
    x = np.full((400, 500), 3.0, np.float32)
    dropped, params = in_training(nn.dropout(0.2), (), x)
    assert params == ()
    assert_allclose(np.unique(dropped), [0, 3 / 0.8], rtol=1e-6)
    # 200,000 values: the share of zeros has a standard deviation of 0.0009.
    assert abs(float((dropped == 0).mean()) - 0.2) < 0.004
    assert abs(float(dropped.mean()) - 3) < 0.015


def test_noise_by_its_distribution():
    x = np.full((100, 100), 3.0, np.float32)
    noisy, params = in_training(nn.gaussian_noise(0.5), (), x)
    assert params == ()
    assert stats.kstest(np.asarray(noisy).ravel(), stats.norm(3, 0.5).cdf).pvalue > 0.01


@pytest.mark.parametrize("layer", [nn.dropout(0.5), nn.gaussian_noise(1.0)])
def test_what_is_random_is_a_matter_of_training(layer, x):
    assert layer.init(0, UNITS) == ()
    assert_array_equal(layer.apply((), x), x)
    one, same, other = (in_training(layer, (), x, seed=seed)[0] for seed in (0, 0, 1))
    assert_array_equal(one, same)
    assert (one != other).any()
    with pytest.raises(InvalidArgumentError, match=r"random numbers in training.*key=None"):
        layer.apply_in_training((), x, key=None, weight=np.ones(ROWS))


@pytest.mark.parametrize("layer", [nn.dropout(0.0), nn.gaussian_noise(0.0)])
def test_nothing_random_at_zero(layer, x):
    assert_array_equal(in_training(layer, (), x)[0], x)


def test_bytes_become_floats():
    pixels = np.full((100, 100), 200, np.uint8)
    assert set(np.unique(in_training(nn.dropout(0.5), (), pixels)[0])) == {0, 400}
    noisy = in_training(nn.gaussian_noise(0.5), (), pixels)[0]
    assert abs(float(noisy.mean()) - 200) < 0.1


# normalisation ----------------------------------------------------------------------------------


def batch_norm_parameters():
    params = nn.batch_norm().init(0, UNITS)
    scale, shift = np.random.default_rng(2).normal(1, 0.5, (2, UNITS)).astype(np.float32)
    return params._replace(scale=scale, shift=shift)


def reference(x, mean, variance, params):
    return (x - mean) / np.sqrt(variance + 1e-5) * params.scale + params.shift


def test_batch_norm_in_training(x, weight):
    params = batch_norm_parameters()
    z, moved = in_training(nn.batch_norm(), params, x, weight)
    mean = np.average(x.astype(np.float64), axis=0, weights=weight)
    variance = np.average((x - mean) ** 2, axis=0, weights=weight)
    assert_allclose(z, reference(x, mean, variance, params), rtol=1e-4, atol=1e-5)
    assert_allclose(moved.moments.mean, 0.1 * mean, rtol=1e-5)
    assert_allclose(moved.moments.variance, 0.9 + 0.1 * variance, rtol=1e-5)


def test_batch_norm_at_prediction(x):
    params = batch_norm_parameters()
    rng = np.random.default_rng(3)
    mean, variance = rng.normal(size=UNITS), rng.uniform(0.5, 2, UNITS)
    params = params._replace(moments=Moments(np.float32(mean), np.float32(variance)))
    found = nn.batch_norm().apply(params, x)
    assert_allclose(found, reference(x, mean, variance, params), rtol=1e-4, atol=1e-5)


def test_rows_without_weight_are_not_there(x, weight):
    params, present = batch_norm_parameters(), weight > 0
    z, moved = in_training(nn.batch_norm(), params, x, weight)
    x = np.where(present[:, None], x, 99)  # whatever stands in padding
    padded, same = in_training(nn.batch_norm(), params, x, weight)
    alone, also = in_training(nn.batch_norm(), params, x[present], weight[present])
    assert_allclose(padded[present], z[present], rtol=1e-5)
    assert_allclose(alone, z[present], rtol=1e-5, atol=1e-6)
    for other in (same, also):
        assert_allclose(other.moments.variance, moved.moments.variance, rtol=1e-5)


def test_batch_without_weight_moves_nothing(x):
    params = batch_norm_parameters()
    _, moved = in_training(nn.batch_norm(), params, x, np.zeros(ROWS, np.float32))
    for new, old in zip(moved.moments, params.moments, strict=True):
        assert_array_equal(new, old)


def test_layer_norm(x):
    layer = nn.layer_norm()
    params = layer.init(0, UNITS)
    assert not hasattr(layer, "apply_in_training")
    exact = x.astype(np.float64)
    mean, variance = exact.mean(axis=1, keepdims=True), exact.var(axis=1, keepdims=True)
    assert_allclose(
        layer.apply(params, x), reference(exact, mean, variance, params), rtol=1e-4, atol=1e-5
    )


# All of them ------------------------------------------------------------------------------------


@pytest.mark.parametrize("layer", LAYERS, ids=repr)
def test_layers_are_values(layer):
    for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert twin == layer
        assert hash(twin) == hash(layer)
    assert len({*LAYERS, layer}) == len(LAYERS)
    with pytest.raises(AttributeError):
        layer.n_units = 4


@pytest.mark.parametrize("layer", LAYERS, ids=repr)
def test_parameters_are_float32_and_the_users_own(layer):
    one, other = layer.init(0, 4), layer.init(0, 4)
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        assert a.dtype == np.float32
        assert not np.shares_memory(a, b)
    leaves = jax.tree.leaves(one)
    assert not any(np.shares_memory(a, b) for i, a in enumerate(leaves) for b in leaves[i + 1 :])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: nn.dense(0), "n_units must be an integer of at least 1, got n_units=0"),
        (lambda: nn.dense(2.0), "n_units"),
        (lambda: nn.dense(3, "zeros"), "weight_init must be one of"),
        (lambda: nn.dense(3, bias_init="ones"), "bias_init must be one of"),
        (lambda: nn.dropout(1), r"rate must be a number in \[0, 1\), got rate=1"),
        (lambda: nn.dropout(-0.1), "rate"),
        (lambda: nn.gaussian_noise(-1), "std must be"),
        (lambda: nn.gaussian_noise(np.inf), "std must be"),
        (lambda: nn.dense(3).init(0, 0), "n_inputs must be"),
        (lambda: nn.batch_norm().init(0, 2.5), "n_inputs must be"),
        (lambda: nn.dense(3).init("a", 2), "key must be a JAX key or an integer"),
        (lambda: nn.dense(3).init(jnp.zeros(2), 2), r"nn\.key\(0\)"),
        (lambda: nn.dense(3).init(-1, 2), "seed must be an integer from 0"),
        (lambda: jax.jit(lambda key: nn.dense(3).init(key, 2))(nn.key(0)), "outside compiled"),
        (lambda: jax.eval_shape(lambda: nn.dense(3).init(0, 2)), "outside compiled"),
        (lambda: nn.dense(3).apply(nn.dense(3).init(0, 2), np.ones((4, 5))), r"\(rows, 2\)"),
        (lambda: nn.dense(3).apply(nn.dense(3).init(0, 2), np.ones(2)), r"\(rows, 2\)"),
    ],
)
def test_what_cannot_be_is_refused(make, words):
    with pytest.raises(InvalidArgumentError, match=words):
        make()
