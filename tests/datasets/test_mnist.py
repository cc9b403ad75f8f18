"""The embedded digits are the original ones, split and typed as documented."""

import hashlib
import struct

import numpy as np
import pytest

from multilayer.datasets import load_mnist

IMAGES_MAGIC, LABELS_MAGIC = 0x00000803, 0x00000801


@pytest.fixture(scope="module")
def raw():
    return load_mnist(scale=False, flatten=False)


@pytest.fixture(scope="module")
def scaled():
    return load_mnist()


def idx_sha256(magic, array):
    """Hash an array as its IDX file: magic number, dimensions, bytes (integers big-endian)."""
    header = struct.pack(f">{1 + array.ndim}I", magic, *array.shape)
    return hashlib.sha256(header + array.astype(np.uint8).tobytes()).hexdigest()


def whole_training_set(bunch, name):
    return np.concatenate([bunch[f"{name}_valid"], bunch[f"{name}_train"]])


def test_training_set_is_the_original(raw):
    assert idx_sha256(IMAGES_MAGIC, whole_training_set(raw, "X")) == (
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"
    )
    assert idx_sha256(LABELS_MAGIC, whole_training_set(raw, "y")) == (
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"
    )


def test_test_set_is_the_original(raw):
    assert idx_sha256(IMAGES_MAGIC, raw.X_test) == (
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"
    )
    assert idx_sha256(LABELS_MAGIC, raw.y_test) == (
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"
    )


@pytest.mark.parametrize(("part", "rows"), [("train", 55_000), ("valid", 5_000), ("test", 10_000)])
def test_shapes_and_dtypes(raw, scaled, part, rows):
    for bunch, shape, dtype in [(raw, (rows, 28, 28), np.uint8), (scaled, (rows, 784), np.float32)]:
        X, y = bunch[f"X_{part}"], bunch[f"y_{part}"]
        assert (X.shape, X.dtype) == (shape, dtype)
        assert (y.shape, y.dtype) == ((rows,), np.int64)
        assert X.flags.c_contiguous
        assert X.flags.writeable
        assert set(np.unique(y)) == set(range(10))


def test_scaled_pixels_are_pixels_over_255(raw, scaled):
    expected = (raw.X_valid.reshape(5_000, 784) / 255).astype(np.float32)
    np.testing.assert_array_equal(scaled.X_valid, expected)
    assert (scaled.X_train.min(), scaled.X_train.max()) == (0.0, 1.0)


def test_options_are_independent(raw, scaled):
    images = load_mnist(flatten=False)
    assert (images.X_test.shape, images.X_test.dtype) == ((10_000, 28, 28), np.float32)
    np.testing.assert_array_equal(images.X_test.reshape(10_000, 784), scaled.X_test)
    rows = load_mnist(scale=False)
    assert (rows.X_test.shape, rows.X_test.dtype) == ((10_000, 784), np.uint8)
    np.testing.assert_array_equal(rows.X_test, raw.X_test.reshape(10_000, 784))


def test_calls_share_no_memory(raw):
    again = load_mnist(scale=False, flatten=False)
    assert not np.shares_memory(again.X_train, raw.X_train)


def test_description_names_makers_and_licence(raw):
    assert "Yann LeCun and Corinna Cortes" in raw.DESCR
    assert "CC BY-SA 3.0" in raw.DESCR


@pytest.mark.parametrize("value", ["yes", 1, None])
@pytest.mark.parametrize("name", ["scale", "flatten"])
def test_flags_must_be_booleans(name, value):
    with pytest.raises(ValueError, match=rf"^{name} must be True or False, got {name}={value!r}\."):
        load_mnist(**{name: value})
