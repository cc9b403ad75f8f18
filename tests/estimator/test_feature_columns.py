"""From features by name to the numbers a network is fed with."""

import hashlib
import itertools

import numpy as np
import pytest

from multilayer import DataError, InvalidArgumentError, estimator
from multilayer.estimator import feature_column as fc
from multilayer.estimator.features import check_columns


def matrix(columns, features):
    return check_columns(columns).matrix(features, "float32")


def bucket(text, n):
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") % n


# Numbers ------------------------------------------------------------------------------------------


def test_numbers_stand_side_by_side():
    features = {"a": np.array([1, 2]), "b": np.array([[[3, 4], [5, 6]], [[7, 8], [9, 10]]])}
    columns = [fc.numeric_column("b", shape=(2, 2)), fc.numeric_column("a")]
    expected = [[3, 4, 5, 6, 1], [7, 8, 9, 10, 2]]
    assert matrix(columns, features).tolist() == expected
    assert matrix(columns[::-1], features).tolist() == [[row[-1], *row[:-1]] for row in expected]


def test_one_array_is_neither_copied_nor_converted():
    X = np.arange(6, dtype=np.uint8).reshape(2, 3)
    found = matrix([fc.numeric_column("X", shape=3)], {"X": X})
    assert found.dtype == np.uint8
    assert np.shares_memory(found, X)


def test_an_array_without_a_name_serves_a_single_feature():
    X = np.ones((2, 3))
    assert matrix([fc.numeric_column("any", 3)], X).shape == (2, 3)
    with pytest.raises(DataError, match=r"a dictionary with \['a', 'b'\]"):
        matrix([fc.numeric_column("a", 3), fc.numeric_column("b", 3)], X)


def test_types_normalizers_and_missing_numbers():
    features = {"x": np.array([1.7, np.nan])}
    column = fc.numeric_column(
        "x", default_value=4, normalizer_fn=lambda x: (x - 1) * 2, dtype=np.float32
    )
    np.testing.assert_allclose(matrix([column], features), [[1.4], [6]], rtol=1e-6)
    whole = fc.numeric_column("x", dtype="int16")
    assert matrix([whole], {"x": np.array([1.7, 2])}).tolist() == [[1], [2]]
    two = fc.numeric_column("x", shape=2, default_value=[7, 8])
    assert matrix([two], {"x": np.array([[np.nan, np.nan], [1, 2]])}).tolist() == [[7, 8], [1, 2]]
    numbers = np.array([1, 2.5], object)
    assert matrix([fc.numeric_column("x")], {"x": numbers}).tolist() == [[1], [2.5]]


@pytest.mark.parametrize(
    ("column", "values", "said"),
    [
        (fc.numeric_column("x", 2), np.zeros((3, 4)), r"Give shape=\(4,\)"),
        (fc.numeric_column("x"), np.array([1, np.nan, 2]), "default_value"),
        (fc.numeric_column("x"), np.array([1, np.inf, 2]), "finite"),
        (fc.numeric_column("x"), np.array(["1", "2", "3"]), "must contain numbers, got text"),
        (fc.numeric_column("x"), np.array([1, "a", 2], object), "must contain numbers, got text"),
        (fc.numeric_column("x", dtype="float32"), np.zeros(3, "M8[D]"), "numbers, got dates"),
        (fc.numeric_column("x"), np.array([np.timedelta64(1)] * 3, object), "got durations"),
        (fc.numeric_column("x"), np.array([1, 2j, 3]), "got complex numbers"),
        (fc.numeric_column("x", normalizer_fn=np.sum), np.zeros(3), "keep the shape"),
    ],
)
def test_other_numbers_are_refused(column, values, said):
    with pytest.raises(DataError, match=said):
        matrix([column], {"x": values})


def test_intervals_hold_their_lower_ends():
    x = np.array([-5, 0, 9.9, 10, 11])
    column = fc.bucketized_column(fc.numeric_column("x"), [0, 10])
    expected = np.eye(3)[[0, 1, 1, 2, 2]]
    assert matrix([column], {"x": x}).tolist() == expected.tolist()
    pairs = fc.bucketized_column(fc.numeric_column("x", 2), [0, 10])
    assert matrix([pairs], {"x": x[:4].reshape(2, 2)}).tolist() == [
        [1, 0, 0, 0, 1, 0],
        [0, 1, 0, 0, 0, 1],
    ]


# Categories ---------------------------------------------------------------------------------------

WORDS = ("fox", "owl", "bee")
KINDS = {
    "text": np.array(["owl", "bee", "", "elk"]),
    "objects": np.array(["owl", b"bee", None, "elk"], object),
    "missing": np.array(["owl", "bee", np.nan, "elk"], object),
    "bytes": np.array([b"owl", b"bee", b"", b"elk"]),
    "column": np.array([["owl"], ["bee"], [""], ["elk"]]),
}


@pytest.mark.parametrize("values", KINDS.values(), ids=KINDS)
def test_a_list_of_words(values):
    plain = fc.categorical_column_with_vocabulary_list("x", WORDS)
    assert plain.ids({"x": values}).tolist() == [1, 2, -1, -1]
    known = fc.categorical_column_with_vocabulary_list("x", WORDS, default_value=0)
    assert known.ids({"x": values}).tolist() == [1, 2, -1, 0]
    more = fc.categorical_column_with_vocabulary_list("x", WORDS, num_oov_buckets=5)
    assert more.ids({"x": values}).tolist() == [1, 2, -1, 3 + bucket("elk", 5)]
    shown = matrix([fc.indicator_column(more)], {"x": values})
    assert shown.dtype == np.uint8
    assert shown.sum(axis=1).tolist() == [1, 1, 0, 1]


@pytest.mark.parametrize("dtype", [np.int8, np.int64, object])
def test_a_list_of_numbers(dtype):
    column = fc.categorical_column_with_vocabulary_list("x", [10, 5, 7])
    values = np.array([7, 10, 3, -1], dtype)
    assert column.ids({"x": values}).tolist() == [2, 0, -1, -1]
    with pytest.raises(DataError, match="like those of its vocabulary, 10, got values like '7'"):
        column.ids({"x": values.astype(str)})


def test_ids():
    column = fc.categorical_column_with_identity("x", 3)
    assert column.ids({"x": np.array([0, 2, -1])}).tolist() == [0, 2, -1]
    with pytest.raises(DataError, match=r"from 0 to 2, got \[3 9\]"):
        column.ids({"x": np.array([0, 9, 3])})
    other = fc.categorical_column_with_identity("x", 3, default_value=1)
    assert other.ids({"x": np.array([0, 9, -7, -1])}).tolist() == [0, 1, 1, -1]
    with pytest.raises(DataError, match="whole numbers, got text"):
        column.ids({"x": np.array(["a"])})


def test_buckets_are_the_digest_of_the_text():
    column = fc.categorical_column_with_hash_bucket("x", 50)
    words = ["fox", "owl", "fox", "서울"]
    assert column.ids({"x": np.array(words)}).tolist() == [bucket(word, 50) for word in words]
    assert column.ids({"x": np.array([12, -1])}).tolist() == [bucket("12", 50), -1]
    # Written down, so that another version has the same buckets.
    assert column.ids({"x": np.array(["fox"])}).tolist() == [41]


def test_crossed_features():
    x = fc.bucketized_column(fc.numeric_column("x"), [0])
    column = fc.crossed_column([x, "word"], 1000)
    numbers, words = zip(*itertools.product([-1.0, 1.0], ["fox", "owl", ""]), strict=True)
    ids = column.ids({"x": np.array(numbers), "word": np.array(words)})
    expected = [
        bucket(f"{int(n > 0)}\x1f{w}", 1000) if w else -1
        for n, w in zip(numbers, words, strict=True)
    ]
    assert ids.tolist() == expected
    assert len(set(ids.tolist())) == 5
    assert column.keys == ("x", "word")


def test_an_interval_can_be_embedded():
    column = fc.embedding_column(fc.bucketized_column(fc.numeric_column("x"), [0, 1]), 4)
    columns = check_columns([column, fc.numeric_column("x")])
    assert columns.n_inputs == 5
    assert columns.matrix({"x": np.array([0.5, 2])}, "float32").tolist() == [[0.5, 1], [2, 2]]
    pair = fc.bucketized_column(fc.numeric_column("x", 2), [0])
    with pytest.raises(DataError, match="one number in each row"):
        pair.ids({"x": np.zeros((3, 2))})


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.array([1.5, 2.0]), "Convert it"),
        (np.array([["a", "b"]]), "one category in each row"),
        (np.array([1, "a"], object), "text or whole numbers"),
        (np.array([1.5, "a"], object), "text or whole numbers"),
    ],
)
def test_other_categories_are_refused(values, said):
    column = fc.categorical_column_with_hash_bucket("x", 5)
    with pytest.raises(DataError, match=said):
        column.ids({"x": values})


# Together -----------------------------------------------------------------------------------------


def test_a_model_of_all_columns(tmp_path):
    """Each column alone would not do: the label is about both features."""
    rng = np.random.default_rng(0)
    age, city = rng.integers(10, 80, 400), rng.choice(["Oslo", "Seoul", "Quito"], 400)
    label = (age > 40) ^ (city == "Seoul")
    ages = fc.bucketized_column(fc.numeric_column("age"), [25, 41, 60])
    cities = fc.categorical_column_with_vocabulary_list("city", ["Oslo", "Seoul", "Quito"])
    columns = [
        ages,
        fc.indicator_column(cities),
        fc.indicator_column(fc.crossed_column([ages, "city"], 50)),
        fc.embedding_column(fc.categorical_column_with_hash_bucket("city", 20), 3),
        fc.numeric_column("age", normalizer_fn=lambda x: (x - 45) / 20),
    ]
    config = estimator.RunConfig(tmp_path, tf_random_seed=1)
    model = estimator.DNNClassifier([16], columns, config=config)
    features = {"age": age, "city": city}
    model.train(estimator.numpy_input_fn(features, label, 40, None, shuffle=True), steps=300)
    test_fn = estimator.numpy_input_fn(features, label, shuffle=False)
    assert model.evaluate(test_fn)["accuracy"] > 0.99


def test_features_that_are_not_there():
    with pytest.raises(
        DataError, match=r"must have 'x', which a feature column names, got \['y'\]"
    ):
        matrix([fc.numeric_column("x")], {"y": np.zeros(3)})


CATEGORY = fc.categorical_column_with_identity("x", 3)
NUMBER = fc.numeric_column("x")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: fc.numeric_column(3), "key must be"),
        (lambda: fc.numeric_column("x", shape=0), "shape must be"),
        (lambda: fc.numeric_column("x", shape=[2.5]), "shape must be"),
        (lambda: fc.numeric_column("x", 3, default_value=[1, 2]), "default_value must be"),
        (lambda: fc.numeric_column("x", dtype=str), "dtype must be"),
        (lambda: fc.numeric_column("x", dtype="no"), "dtype must be"),
        (lambda: fc.numeric_column("x", normalizer_fn=2), "normalizer_fn must be"),
        (lambda: fc.bucketized_column("x", [1]), "source_column must be"),
        (lambda: fc.bucketized_column(NUMBER, []), "boundaries must be"),
        (lambda: fc.bucketized_column(NUMBER, [2, 1]), "boundaries must be"),
        (lambda: fc.categorical_column_with_vocabulary_list("x", []), "vocabulary_list must be"),
        (lambda: fc.categorical_column_with_vocabulary_list("x", [1.5]), "vocabulary_list must"),
        (lambda: fc.categorical_column_with_vocabulary_list("x", ["a", "a"]), "vocabulary_list"),
        (lambda: fc.categorical_column_with_vocabulary_list("x", ["a"], 1), "default_value must"),
        (lambda: fc.categorical_column_with_vocabulary_list("x", ["a"], 0, 1), "default_value"),
        (lambda: fc.categorical_column_with_identity("x", 0), "num_buckets must be"),
        (lambda: fc.categorical_column_with_identity("x", 3, 3), "default_value must be"),
        (lambda: fc.categorical_column_with_hash_bucket("x", 0), "hash_bucket_size must be"),
        (lambda: fc.crossed_column(["x"], 5), "keys must be"),
        (lambda: fc.crossed_column("xy", 5), "keys must be"),
        (lambda: fc.crossed_column(["x", NUMBER], 5), "keys must be"),
        (lambda: fc.crossed_column(["x", "y"], 0), "hash_bucket_size must be"),
        (lambda: fc.indicator_column("x"), "categorical_column must be"),
        (lambda: fc.embedding_column(NUMBER, 2), "categorical_column must be"),
        (lambda: fc.embedding_column(CATEGORY, 0), "dimension must be"),
        (
            lambda: fc.embedding_column(fc.categorical_column_with_identity("x", 2**25), 2),
            "n_buckets must be at most",
        ),
        (lambda: check_columns([]), "feature_columns must be"),
        (lambda: check_columns("X"), "feature_columns must be"),
        (lambda: check_columns(NUMBER), "feature_columns must be"),
        (lambda: check_columns([CATEGORY]), "Wrap it in indicator_column"),
        (lambda: check_columns([NUMBER, NUMBER]), "different names"),
    ],
)
def test_other_columns_are_refused(make, said):
    with pytest.raises(InvalidArgumentError, match=said):
        make()


def test_columns_of_features():
    X = np.zeros((5, 28, 28))
    (column,) = estimator.infer_real_valued_columns_from_input(X)
    assert (column.key, column.shape) == ("", (28, 28))
    named = estimator.infer_real_valued_columns_from_input({"a": X, "b": X[:, 0, 0]})
    assert [(column.key, column.shape) for column in named] == [("a", (28, 28)), ("b", (1,))]
    with pytest.raises(InvalidArgumentError, match="x must be arrays of rows"):
        estimator.infer_real_valued_columns_from_input(3)
