"""What the native engine recognises of a user's own loop, and what it leaves to XLA."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from multilayer import nn
from multilayer._engine.xla.recognition import (
    recognised_loss,
    recognised_network,
    recognised_rule,
)

NETWORK = nn.sequential(nn.dense(4), nn.relu, nn.dense(2))
PARAMS = NETWORK.init(0, 3)


def rule_of(optimizer):
    return recognised_rule(optimizer, PARAMS, optimizer.init(PARAMS))


@pytest.mark.parametrize(
    ("optimizer", "name", "rate", "numbers"),
    [
        (optax.sgd(0.01), "plain_sgd", 0.01, {}),
        (optax.sgd(1), "plain_sgd", 1.0, {}),
        (optax.sgd(np.float32(0.3)), "plain_sgd", 0.3, {}),
        (optax.chain(optax.scale(-2.5)), "plain_sgd", 2.5, {}),  # the same under other names
        (optax.sgd(0.5, 0.5), "sgd", 0.5, {"momentum": 0.5}),
        (optax.sgd(0.1, 0.0), "sgd", 0.1, {"momentum": 0.0}),
        (optax.sgd(0.1, 0.9, nesterov=True), "sgd", 0.1, {"momentum": 0.9}),
        (optax.adagrad(0.2, 0.5), "adagrad", 0.2, {"epsilon": 1e-7}),
        (
            optax.adam(1 / 3, 0.8, 0.95, 1e-5),
            "corrected_adam",
            1 / 3,
            {"beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-5},
        ),
    ],
)
def test_rules_of_optax(optimizer, name, rate, numbers):
    found = rule_of(optimizer)
    assert found.rule.name == name
    assert found.rate == pytest.approx(rate, rel=1e-7)
    assert found.numbers == pytest.approx(numbers, rel=1e-7)


def test_nesterovs_momentum_is_told_from_the_other():
    assert rule_of(optax.sgd(0.1, 0.9, nesterov=True)).rule.nesterov
    assert not rule_of(optax.sgd(0.1, 0.9)).rule.nesterov


@pytest.mark.parametrize(
    "optimizer",
    [
        optax.chain(optax.clip(1e6), optax.sgd(0.1)),
        optax.chain(optax.clip_by_global_norm(1.0), optax.sgd(0.1)),
        optax.chain(optax.add_decayed_weights(1e-4), optax.sgd(0.1)),
        optax.sgd(optax.cosine_decay_schedule(0.1, 10)),
        optax.inject_hyperparams(optax.sgd)(learning_rate=0.1),
        optax.masked(optax.sgd(0.1), jax.tree.map(lambda leaf: leaf.ndim > 1, PARAMS)),
        optax.multi_transform({"a": optax.sgd(0.1), "b": optax.sgd(0.2)}, ("a", (), "b")),
        optax.sgd(jnp.linspace(0.1, 0.2, 2)[0]),
        optax.polyak_sgd(),
        optax.sign_sgd(0.1),
        optax.adam(0.1, eps_root=1e-8),
        optax.adam(0.1, nesterov=True),
        optax.adamw(0.1),
        optax.amsgrad(0.1),
        optax.rmsprop(0.1),
    ],
)
def test_other_rules_are_left_to_xla(optimizer):
    assert rule_of(optimizer) is None


def test_networks_of_dense_layers():
    found = recognised_network(
        nn.sequential(
            *(nn.dropout(0.1), nn.dense(5), nn.batch_norm(), nn.gelu, nn.dropout(0.2)),
            *(nn.dense(4), nn.batch_norm(), nn.dense(3)),
        )
    )
    assert (found.units, found.activations) == ((5, 4, 3), ("gelu", "identity"))
    assert (found.norm, found.input_dropout, found.dropout) == ("batch", 0.1, (0.2, 0.0))
    assert recognised_network(nn.dense(3)).network(2).layer_sizes == (2, 3)


class Doubled(nn.dense):
    """A layer that looks like another."""

    def apply(self, params, x):
        return 2 * super().apply(params, x)


@pytest.mark.parametrize(
    "network",
    [
        nn.sequential(nn.dense(4), nn.relu),  # outputs that are no sums
        nn.sequential(nn.dense(4), nn.dropout(0.5)),
        nn.sequential(nn.relu, nn.dense(4)),
        nn.sequential(nn.dense(4), nn.relu, nn.tanh, nn.dense(2)),
        nn.sequential(nn.dense(4), nn.relu, nn.batch_norm(), nn.dense(2)),
        nn.sequential(nn.dense(4), nn.batch_norm(), nn.relu, nn.dense(4), nn.relu, nn.dense(2)),
        nn.sequential(nn.dense(4), lambda z: jnp.maximum(z, 0), nn.dense(2)),
        nn.sequential(nn.residual(nn.dense(4)), nn.dense(2)),
        nn.sequential(nn.linear(4), nn.dense(2)),
        nn.sequential(Doubled(4), nn.relu, nn.dense(2)),
        nn.sequential(nn.gaussian_noise(0.1), nn.dense(2)),
        nn.from_functions(NETWORK.init, NETWORK.apply),
    ],
)
def test_other_networks_are_left_to_xla(network):
    assert recognised_network(network) is None


def test_parameters_must_be_those_of_the_layers():
    found = recognised_network(NETWORK)
    assert found.layers(PARAMS) is not None
    hidden, nothing, last = PARAMS
    for other in (
        list(PARAMS),
        (hidden, nothing),
        (tuple(hidden), nothing, last),
        (last, nothing, hidden),
        (hidden, nothing, last._replace(bias=last.bias[None])),
        (hidden, {"more": last.bias}, last),
        (hidden, last.bias, last),
    ):
        assert found.layers(other) is None


def test_losses():
    assert recognised_loss(nn.squared_error) == ("squared_error", 1.0)
    step = nn.train_step(NETWORK, partial(nn.huber, delta=2), optax.sgd(0.1))
    assert recognised_loss(step.loss) == ("huber", 2.0)
    for other in (
        nn.softmax_cross_entropy,
        partial(nn.squared_error),
        lambda outputs, y: nn.squared_error(outputs, y) / 2,
    ):
        step = nn.train_step(NETWORK, other, optax.sgd(0.1))
        assert recognised_loss(step.loss) is None
