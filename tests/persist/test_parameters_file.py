"""Parameters in files: what comes back is what was saved, and nothing else is taken."""

import os
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from numpy.testing import assert_array_equal
from safetensors.numpy import load_file, save_file

import multilayer
from multilayer import InvalidArgumentError, MLPClassifier, ModelFileError, nn
from multilayer._persist import atomic

NETWORK = nn.sequential(nn.dense(5), nn.batch_norm(), nn.relu, nn.dropout(0.5), nn.dense(3))
OPTIMIZER = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(0.1))


def parameters(seed=0, n_inputs=4):
    return NETWORK.init(seed, n_inputs)


@pytest.fixture
def path(tmp_path):
    """A file of parameters."""
    nn.save(parameters(), tmp_path / "network.safetensors")
    return tmp_path / "network.safetensors"


def assert_same(one, other):
    assert jax.tree.structure(one) == jax.tree.structure(other)
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        assert a.dtype == b.dtype
        assert_array_equal(a, b)


def test_restored_is_what_was_saved(path):
    assert_same(nn.restore(path, like=parameters(seed=1)), parameters())
    shapes = jax.eval_shape(lambda params: params, parameters())
    assert_same(nn.restore(path, like=shapes), parameters())


def test_names_are_places_in_the_tree(path):
    arrays = load_file(path)
    assert {"tree/0/kernel", "tree/0/bias", "tree/1/moments/mean", "tree/4/bias"} < set(arrays)
    assert_array_equal(arrays["tree/4/kernel"], parameters()[4].kernel)


def test_a_loop_goes_on_from_its_state(tmp_path):
    step = nn.train_step(NETWORK, nn.sparse_softmax_cross_entropy, OPTIMIZER)
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(6, 20, 4)).astype(np.float32), rng.integers(3, size=(6, 20))
    first = state = step.init(parameters(), seed=5)
    for i in range(6):
        if i == 3:
            nn.save(state, tmp_path / "state")
        state, _ = step(state, X[i], y[i])
    again = nn.restore(tmp_path / "state", like=first)
    assert int(again.step) == 3
    for i in range(3, 6):
        again, _ = step(again, X[i], y[i])
    assert_same(again, state)


class Mixed(NamedTuple):
    half: object
    nothing: object
    layers: dict


def test_any_tree_of_arrays(tmp_path):
    tree = Mixed(
        half=jnp.arange(4, dtype=jnp.float16),
        nothing=None,
        layers={"b": [np.arange(6.0).reshape(2, 3).T, np.bool_(True)], "a": np.int64(-3)},
    )
    nn.save(tree, tmp_path / "tree")
    restored = nn.restore(tmp_path / "tree", like=tree)
    assert_same(restored, tree)
    nn.save(jnp.ones(3), tmp_path / "tree")  # a single array is a tree
    assert_array_equal(nn.restore(tmp_path / "tree", like=np.zeros(3, np.float32)), np.ones(3))


def test_failed_write_leaves_the_previous_file(path, monkeypatch):
    before = path.read_bytes()

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic.os, "replace", fail)
    with pytest.raises(ModelFileError, match="No space left"):
        nn.save(parameters(seed=3), path)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


# Refusals ---------------------------------------------------------------------------------------


def refused(path, like=None):
    """Return the message with which a file is refused."""
    with pytest.raises(ModelFileError) as caught:
        nn.restore(path, like=parameters() if like is None else like)
    message = str(caught.value)
    assert str(path) in message
    return message


@pytest.mark.parametrize(
    ("like", "words"),
    [
        (parameters(n_inputs=6), r"tree/0/kernel has shape \(4, 5\).*expected are \(6, 5\)"),
        (parameters()[:4], "has .*tree/4/kernel"),
        ((*parameters(), np.ones(3)), "lacks .*tree/5"),
        (jax.tree.map(lambda leaf: leaf.astype(np.float16), parameters()), "type float32"),
    ],
    ids=["shape", "too much", "too little", "type"],
)
def test_another_network_is_refused(path, like, words):
    with pytest.raises(ModelFileError, match=words):
        nn.restore(path, like=like)


def test_damaged_files_are_refused(path):
    content = path.read_bytes()
    for length in [*range(9, len(content), 211), len(content) - 1]:
        path.write_bytes(content[:length])
        assert "truncated" in refused(path)
    for other, words in (
        (b"", "is empty"),
        (content + b"more", "damaged"),
        (b"a,b\n1,2\n", r"nn.save() writes them"),
    ):
        path.write_bytes(other)
        assert words in refused(path)
    path.unlink()
    assert "not found" in refused(path)
    assert "is a folder" in refused(path.parent)


def test_foreign_files_are_refused(path):
    save_file({"weight": np.ones(3)}, path)
    assert "not one that multilayer wrote" in refused(path)
    save_file({"weight": np.ones(3)}, path, metadata={"multilayer": '{"format": "other"}'})
    assert "damaged" in refused(path)


def test_models_and_parameters_are_not_mistaken(path, tmp_path):
    with pytest.raises(ModelFileError, match=r"file of parameters, not a model file. Read it w"):
        multilayer.load(path)
    clf = MLPClassifier((3,), max_iter=0)
    multilayer.save(clf.fit(np.eye(4), [0, 1, 0, 1]), tmp_path / "model")
    assert "a model file, not a file of parameters. Read it with multilayer.load" in refused(
        tmp_path / "model"
    )


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ({"half": jnp.ones(2, jnp.bfloat16)}, "'tree/half' must be of one of NumPy's own types"),
        ({"z": np.ones(2, np.complex64)}, "got complex64"),
        ({"größe": np.ones(2)}, "must have a name of 1 to 256 printable"),
        ({'a"b': np.ones(2)}, "without quotes"),
        ({"n" * 300: np.ones(2)}, "1 to 256"),
    ],
    ids=["bfloat16", "complex", "not ASCII", "quote", "long name"],
)
def test_what_no_reader_would_take_is_not_written(tree, words, tmp_path):
    with pytest.raises(ModelFileError, match=words):
        nn.save(tree, tmp_path / "file")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("dtype", ["?", "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f8"])
def test_all_types_of_numbers(dtype, tmp_path):
    tree = {"a": np.arange(6).astype(dtype).reshape(3, 2), "none": np.zeros((0, 3), dtype)}
    nn.save(tree, tmp_path / "tree")
    assert_same(nn.restore(tmp_path / "tree", like=tree), tree)


def test_other_byte_orders_become_this_machines(tmp_path):
    tree = {"a": np.arange(6.0).astype(">f8")}
    nn.save(tree, tmp_path / "tree")
    assert_array_equal(nn.restore(tmp_path / "tree", like={"a": np.zeros(6)})["a"], tree["a"])


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ({"a": 1.0}, "params must be a pytree of arrays of numbers"),
        ({"a": np.array(["x"])}, "arrays of numbers"),
        ({"key": jax.random.key(0)}, "key_data"),
        ({"a/b": np.ones(1), "a": {"b": np.ones(1)}}, "one name for each"),
    ],
)
def test_what_cannot_be_saved_is_refused(tree, words, tmp_path):
    with pytest.raises(InvalidArgumentError, match=words):
        nn.save(tree, tmp_path / "file")
    assert not list(tmp_path.iterdir())
