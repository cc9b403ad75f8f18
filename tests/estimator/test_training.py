"""What a step does, against the formulas written out in JAX and NumPy."""

import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from multilayer import estimator
from multilayer.estimator.learnt import first_parameters
from multilayer.estimator.training_run import set_up


def batches(n_rows, batch_size, n_epochs):
    rows = np.tile(np.arange(n_rows), n_epochs)
    return [rows[i : i + batch_size] for i in range(0, len(rows), batch_size)]


def first_layers(model):
    design = model._design
    params = first_parameters(design, 3, "float32")
    return [[layer.kernel, layer.bias] for layer in params.layers]


def outputs(layers, X):
    for kernel, bias in layers[:-1]:
        X = jax.nn.relu(X @ kernel + bias[None, :])
    return X @ layers[-1][0] + layers[-1][1][None, :]


def adagrad(layers, loss, rows):
    """The rule of 2011 with squares from 0.1 and a rate of 0.05, in NumPy."""
    squares = jax.tree.map(lambda w: np.full_like(w, 0.1), layers)
    slope = jax.jit(jax.grad(loss))
    for some in rows:
        gradient = jax.device_get(slope(layers, some))
        squares = jax.tree.map(lambda n, g: n + np.square(g), squares, gradient)
        layers = jax.tree.map(
            lambda w, g, n: np.asarray(w - 0.05 * g / np.sqrt(n)), layers, gradient, squares
        )
    return layers


def assert_trained_to(model, layers, trained):
    arrays = trained(model)
    for i, (kernel, bias) in enumerate(layers):
        np.testing.assert_allclose(arrays[f"params/layers/{i}/kernel"], kernel, atol=2e-6)
        np.testing.assert_allclose(arrays[f"params/layers/{i}/bias"], bias, atol=2e-6)


# 150 rows twice in batches of 70: batches that cross from one pass to the next, a last one of 20.
ROWS = batches(150, 70, 2)


@pytest.mark.parametrize(
    ("n_classes", "reduction", "reduce"),
    [(3, "sum", jnp.sum), (3, "mean", jnp.mean), (2, "sum", jnp.sum), (2, None, jnp.mean)],
)
def test_a_classifier_follows_the_loss_of_each_batch(
    make_classifier, iris, trained, n_classes, reduction, reduce
):
    X, y = jnp.asarray(iris[0]), jnp.asarray(iris[1])
    y = jnp.minimum(y, n_classes - 1)
    model = make_classifier(n_classes=n_classes, loss_reduction=reduction)

    def loss(layers, some):
        raw = outputs(layers, X[some])
        if n_classes == 2:
            return reduce(optax.sigmoid_binary_cross_entropy(raw[:, 0], y[some]))
        return reduce(optax.softmax_cross_entropy_with_integer_labels(raw, y[some]))

    expected = adagrad(first_layers(model), loss, ROWS)
    X, y = np.asarray(X), np.asarray(y)
    model.train(estimator.numpy_input_fn({"X": X}, y, 70, 2, shuffle=False))
    assert_trained_to(model, expected, trained)


@pytest.mark.parametrize(("reduction", "reduce"), [("sum", jnp.sum), (None, jnp.mean)])
def test_a_regressor_follows_squared_errors(tmp_path, iris, trained, reduction, reduce):
    X, given = jnp.asarray(iris[0]), iris[0]
    model = estimator.DNNRegressor(
        [5],
        [estimator.numeric_column("X", shape=2)],
        label_dimension=2,
        loss_reduction=reduction,
        config=estimator.RunConfig(tmp_path, tf_random_seed=3),
    )

    def loss(layers, some):
        return reduce(jnp.square(outputs(layers, X[some, :2]) - X[some, 2:]))

    expected = adagrad(first_layers(model), loss, ROWS)
    features, labels = {"X": given[:, :2]}, given[:, 2:]
    model.train(estimator.numpy_input_fn(features, labels, 70, 2, shuffle=False))
    assert_trained_to(model, expected, trained)
    results = model.evaluate(estimator.numpy_input_fn(features, labels, 70, shuffle=False))
    predicted = np.asarray(outputs(expected, X[:, :2]), np.float64)
    errors = np.square(predicted - labels)
    per_batch = [np.sum(errors[some]) for some in batches(150, 70, 1)]
    assert results["average_loss"] == pytest.approx(errors.mean(), rel=1e-5)
    assert results["loss"] == pytest.approx(np.mean(per_batch), rel=1e-5)
    assert results["label/mean"] == pytest.approx(labels.mean(dtype=float), rel=1e-6)
    assert results["prediction/mean"] == pytest.approx(predicted.mean(), rel=1e-5)


@pytest.mark.parametrize("reduction", ["sum", None])
def test_weights_multiply_the_losses_of_rows(make_classifier, iris, trained, reduction):
    X, y = jnp.asarray(iris[0]), jnp.asarray(iris[1])
    weight = np.random.default_rng(1).integers(0, 3, 150).astype(np.float32)
    weight[:70] = 0  # a batch without weight changes nothing
    model = make_classifier(weight_column="w", loss_reduction=reduction)

    def loss(layers, some):
        raw = outputs(layers, X[some])
        losses = optax.softmax_cross_entropy_with_integer_labels(raw, y[some])
        total = jnp.sum(losses * jnp.asarray(weight)[some])
        return total if reduction == "sum" else total / len(raw)  # TensorFlow counts rows

    expected = adagrad(first_layers(model), loss, ROWS)
    features, y = {"X": iris[0], "w": weight}, iris[1]
    model.train(estimator.numpy_input_fn(features, y, 70, 2, shuffle=False))
    assert_trained_to(model, expected, trained)
    results = model.evaluate(estimator.numpy_input_fn(features, y, 70, shuffle=False))
    raw = np.asarray(outputs(expected, X))
    accuracy = np.average(raw.argmax(axis=1) == y, weights=weight)
    assert results["accuracy"] == pytest.approx(accuracy)


def test_an_embedding_is_a_table_whose_rows_learn(tmp_path, trained):
    ids = np.array([0, 2, 2, -1, 1, 0] * 5)
    x, y = np.linspace(-1, 1, 30, dtype=np.float32), np.arange(30) % 2
    column = estimator.categorical_column_with_identity("id", 3)
    model = estimator.DNNClassifier(
        [4],
        [estimator.embedding_column(column, 2), estimator.numeric_column("x")],
        loss_reduction="sum",
        config=estimator.RunConfig(tmp_path, tf_random_seed=3),
    )
    design = model._design
    params = first_parameters(design, 3, "float32")
    first = params.embeddings[0], [[layer.kernel, layer.bias] for layer in params.layers]

    def loss(params, some):
        table, layers = params
        indicators = jnp.asarray(ids[:, None] == np.arange(3)[None, :])[some]
        inputs = jnp.concatenate([jnp.asarray(x)[some, None], indicators @ table], axis=1)
        raw = outputs(layers, inputs)[:, 0]
        return jnp.sum(optax.sigmoid_binary_cross_entropy(raw, jnp.asarray(y)[some]))

    table, layers = adagrad(first, loss, batches(30, 10, 3))
    model.train(estimator.numpy_input_fn({"x": x, "id": ids}, y, 10, 3, shuffle=False))
    assert_trained_to(model, layers, trained)
    np.testing.assert_allclose(trained(model)["params/embeddings/0"], table, atol=2e-6)


def test_first_weights_of_an_embedding():
    column = estimator.categorical_column_with_hash_bucket("word", 4000)
    model = estimator.DNNClassifier([4], [estimator.embedding_column(column, 16)])
    table = first_parameters(model._design, 0, "float32").embeddings[0]
    assert table.shape == (4000, 16)
    assert np.abs(table).max() <= 2 / np.sqrt(16)
    # A normal distribution cut off at two standard deviations has 0.8796 of its own.
    assert table.std() == pytest.approx(0.8796 / np.sqrt(16), rel=0.01)


def test_dropout_drops(make_classifier, iris, trained):
    X, y = iris
    input_fn = estimator.numpy_input_fn({"X": X}, y, shuffle=False)
    with_it, without = make_classifier(dropout=0.5), make_classifier()
    for model in (with_it, without):
        model.train(input_fn)
    assert (trained(with_it)["params/layers/1/kernel"] != 0).all()
    difference = (
        trained(with_it)["params/layers/0/kernel"] - trained(without)["params/layers/0/kernel"]
    )
    assert np.abs(difference).max() > 0


def test_seeds(make_classifier, iris, assert_same_bits, trained):
    X, y = iris
    input_fn = estimator.numpy_input_fn({"X": X}, y, 20, 3, shuffle=True)
    one, again = (make_classifier().train(input_fn) for _ in range(2))
    assert_same_bits(one, again)
    other = make_classifier(config=estimator.RunConfig(tf_random_seed=4)).train(input_fn)
    drawn = [make_classifier(config=estimator.RunConfig()).train(input_fn) for _ in range(2)]
    firsts = [trained(m)["params/layers/0/kernel"] for m in (one, other, *drawn)]
    assert len({array.tobytes() for array in firsts}) == 4


def test_a_warm_start_begins_with_another_models_parameters(make_classifier, iris, trained):
    X, y = iris
    input_fn = estimator.numpy_input_fn({"X": X}, y, 50, shuffle=False)
    source = make_classifier().train(input_fn)
    zero = optax.sgd(0.0)  # parameters stay as they begin
    target = make_classifier(optimizer=zero, warm_start_from=source.model_dir).train(input_fn)
    named = {name: array for name, array in trained(source).items() if name.startswith("params")}
    for name, array in named.items():
        np.testing.assert_array_equal(array, trained(target)[name])
    target.train(input_fn)  # the folder's own checkpoint counts now
    assert target.evaluate(input_fn)["global_step"] == 6


# Which engine trains ------------------------------------------------------------------------------


def chosen(model):
    return set_up(model._design, 0).choice


def test_dense_networks_train_natively(make_classifier):
    for given in ({}, {"dropout": 0.5}, {"n_classes": 2}, {"weight_column": "w"}):
        assert chosen(make_classifier(**given)).engine == "native"
    known = optax.adam(0.1), optax.sgd(0.1, 0.9), lambda: optax.adagrad(0.1), optax.sgd
    for optimizer in ("Adagrad", "Adam", "SGD", *known):
        assert chosen(make_classifier(optimizer=optimizer)).engine == "native"
    regressor = estimator.DNNRegressor([3], [estimator.numeric_column("x")], label_dimension=3)
    assert chosen(regressor).engine == "native"


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"loss_reduction": "sum"}, "loss_reduction is 'sum'"),
        ({"optimizer": "Ftrl"}, "solver is of your own"),
        ({"optimizer": optax.adamw(0.1)}, "solver is of your own"),
        ({"activation_fn": lambda z: jnp.clip(z, 0, 6)}, "activation is of your own"),
        (
            {
                "feature_columns": [
                    estimator.embedding_column(
                        estimator.categorical_column_with_identity("id", 3), 2
                    )
                ]
            },
            "there are columns with embeddings",
        ),
    ],
)
def test_other_networks_train_by_xla(make_classifier, given, reason):
    choice = chosen(make_classifier(**given))
    assert (choice.engine, choice.reason) == ("xla", reason)


def test_jax_is_not_started_for_what_trains_natively(tmp_path):
    code = f"""
import sys
import numpy as np
from multilayer import estimator
X = np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)
columns = [estimator.numeric_column("X", shape=4)]
model = estimator.DNNClassifier([5], columns, {str(tmp_path)!r}, n_classes=3)
input_fn = estimator.numpy_input_fn({{"X": X}}, np.arange(40) % 3, 10, shuffle=True)
results = model.train(input_fn).evaluate(input_fn)
assert len(list(model.predict(input_fn))) == 40
print(results["global_step"], sorted({{"jax", "optax"}} & sys.modules.keys()))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "4 []\n"), done.stderr
