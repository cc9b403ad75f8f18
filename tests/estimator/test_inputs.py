"""Where rows come from, and in which order they are read."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from multilayer import DataError, InvalidArgumentError, estimator
from multilayer.estimator.feature_reading import Passes


def batches(passes, n_steps):
    return [passes.rows(step, 1).tolist() for step in range(n_steps)]


# The order ----------------------------------------------------------------------------------------


def test_batches_run_on_across_passes_and_the_last_is_smaller():
    passes = Passes(5, 3, 2, shuffle=False)
    assert passes.n_steps == 4
    assert batches(passes, 4) == [[0, 1, 2], [3, 4, 0], [1, 2, 3], [4]]


def test_a_batch_may_hold_several_passes():
    passes = Passes(2, 5, 4, shuffle=False)
    assert batches(passes, 2) == [[0, 1, 0, 1, 0], [1, 0, 1]]


def test_no_end():
    passes = Passes(2, 3, None, shuffle=False)
    assert passes.n_steps is None
    assert passes.rows(10**6, 2).tolist() == [0, 1, 0, 1, 0, 1]


def test_shuffled_passes_hold_each_row_once_and_differ():
    passes = Passes(7, 3, 3, shuffle=True, seed=1)
    rows = passes.rows(0, 100).reshape(3, 7)
    assert (np.sort(rows, axis=1) == np.arange(7)).all()
    assert len({tuple(line) for line in rows.tolist()}) == 3
    assert (rows.ravel() != Passes(7, 3, 3, shuffle=True, seed=2).rows(0, 100)).any()


@pytest.mark.parametrize("shuffle", [True, False])
def test_rows_do_not_depend_on_how_they_are_asked_for(shuffle):
    passes = Passes(7, 3, 5, shuffle=shuffle, seed=1)
    whole = passes.rows(0, passes.n_steps).tolist()
    assert [row for batch in batches(passes, passes.n_steps) for row in batch] == whole
    assert passes.rows(4, 3).tolist() == whole[12:21]


# What is given ------------------------------------------------------------------------------------


def as_dictionary(X, y):
    return estimator.numpy_input_fn({"X": X}, y, 150, 4, shuffle=False)


def as_array(X, y):
    return estimator.numpy_input_fn(X, y, 150, 4, shuffle=False)


def as_float64_lists(X, y):
    return lambda: ({"X": X.tolist()}, y.tolist())


def as_pair(X, y):
    return lambda: (X, y)


def as_generator(X, y):
    def input_fn():
        for _ in range(4):
            yield {"X": X}, y

    return input_fn


def as_list(X, y):
    return lambda: [(X, y)] * 4


INPUTS = (as_dictionary, as_array, as_float64_lists, as_pair, as_generator, as_list)


@pytest.mark.parametrize("make", INPUTS)
def test_all_ways_train_alike(make_classifier, iris, trained, make):
    X, y = iris
    reference = make_classifier().train(as_dictionary(X, y))
    model = make_classifier().train(make(X, y), steps=4)
    for name, array in trained(reference).items():
        np.testing.assert_allclose(trained(model)[name], array, atol=1e-6, err_msg=name)
    results = model.evaluate(make(X, y))
    assert results["average_loss"] == pytest.approx(
        reference.evaluate(as_dictionary(X, y))["average_loss"], rel=1e-5
    )
    rows = list(model.predict(make(X, y)))
    np.testing.assert_allclose(
        [row["logits"] for row in rows[:150]],
        [row["logits"] for row in reference.predict(as_dictionary(X[:150], None))][:150],
        atol=1e-5,
    )


def test_small_types_stay_as_they_are(make_classifier, iris, trained):
    X, y = iris
    tenths = np.round(X * 10).astype(np.uint8)
    small = make_classifier().train(as_dictionary(tenths, y))
    large = make_classifier().train(as_dictionary(tenths.astype(np.float64), y))
    for name, array in trained(large).items():
        np.testing.assert_array_equal(trained(small)[name], array)


def test_a_stream_of_ragged_batches_ends_by_itself(make_classifier, iris, trained):
    X, y = iris
    cuts = [0, 40, 90, 130]  # the second batch is larger than the first

    def input_fn():
        for start, stop in pairwise(cuts):
            yield {"X": X[start:stop]}, y[start:stop]

    model = make_classifier().train(input_fn)
    pieces = make_classifier()
    for start, stop in pairwise(cuts):
        rows = estimator.numpy_input_fn({"X": X[start:stop]}, y[start:stop], 150, shuffle=False)
        pieces.train(rows)
    assert model.evaluate(input_fn)["global_step"] == 3
    for name, array in trained(pieces).items():
        np.testing.assert_allclose(trained(model)[name], array, atol=1e-6, err_msg=name)


def test_a_long_stream_passes_through_several_windows(
    make_classifier, iris, monkeypatch, assert_same_bits
):
    X, y = iris

    def input_fn():
        while True:
            yield X, y

    whole = make_classifier().train(input_fn, steps=8)
    monkeypatch.setattr("multilayer.estimator.endless_source.MOST_STEPS", 3)
    assert_same_bits(whole, make_classifier().train(input_fn, steps=8))


def test_an_interrupted_stream_goes_on_where_it_was(
    make_classifier, iris, monkeypatch, assert_same_bits
):
    X, y = iris
    monkeypatch.setattr("multilayer.estimator.endless_source.MOST_STEPS", 1)
    config = estimator.RunConfig(tf_random_seed=3, save_checkpoints_steps=2)

    def input_fn(broken=False):
        for i in range(6):
            if broken and i == 4:
                raise RuntimeError("the disk is gone")
            yield X[20 * i : 20 * i + 20], y[20 * i : 20 * i + 20]

    whole = make_classifier(config=config).train(input_fn)
    model = make_classifier(config=config)
    with pytest.raises(RuntimeError, match="the disk"):
        model.train(lambda: input_fn(broken=True))
    assert model.latest_checkpoint().endswith("model.ckpt-2.safetensors")
    assert_same_bits(whole, model.train(input_fn))


def test_an_interrupted_stream_that_has_no_more_batches_is_over(make_classifier, iris, monkeypatch):
    X, y = iris
    monkeypatch.setattr("multilayer.estimator.endless_source.MOST_STEPS", 1)

    def input_fn(broken=False):
        yield X, y
        yield X, y
        if broken:
            raise RuntimeError("the disk is gone")

    model = make_classifier(config=estimator.RunConfig(save_checkpoints_steps=1))
    with pytest.raises(RuntimeError, match="the disk"):
        model.train(lambda: input_fn(broken=True))
    steps = [model.train(input_fn).evaluate(input_fn)["global_step"] for _ in range(2)]
    assert steps == [2, 4]


def test_pandas(make_classifier, iris, assert_same_bits):
    X, y = iris
    names = ["a", "b", "c", "d"]
    table = pd.DataFrame(X, columns=names, index=np.arange(150) * 2)
    labels = pd.Series(y, index=table.index)
    columns = [estimator.numeric_column(name) for name in names]
    models = [make_classifier(feature_columns=columns) for _ in range(2)]
    models[0].train(estimator.pandas_input_fn(table, labels, 50, 2, shuffle=True))
    features = dict(zip(names, X.T, strict=True))
    models[1].train(estimator.numpy_input_fn(features, y, 50, 2, shuffle=True))
    assert_same_bits(*models)
    with pytest.raises(DataError, match="same index"):
        estimator.pandas_input_fn(table, labels.reset_index(drop=True), shuffle=True)
    with pytest.raises(InvalidArgumentError, match="x must be a pandas DataFrame"):
        estimator.pandas_input_fn(X, shuffle=True)
    with pytest.raises(InvalidArgumentError, match="y must be a pandas Series"):
        estimator.pandas_input_fn(table, y, shuffle=True)


# What is refused ----------------------------------------------------------------------------------

X5, Y5 = np.zeros((5, 4)), np.zeros(5, int)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "shuffle must be True or False"),
        ({"shuffle": 1}, "shuffle must be"),
        ({"shuffle": True, "batch_size": 0}, "batch_size must be"),
        ({"shuffle": True, "num_epochs": 0}, "num_epochs must be"),
        ({"shuffle": True, "queue_capacity": 0}, "queue_capacity must be"),
        ({"shuffle": True, "num_threads": 0}, "num_threads must be"),
        ({"shuffle": True, "x": [1, 2]}, "x must be a dictionary"),
    ],
)
def test_other_arguments_are_refused(arguments, said):
    with pytest.raises(InvalidArgumentError, match=said):
        estimator.numpy_input_fn(**{"x": {"X": X5}, "y": Y5, **arguments})


@pytest.mark.parametrize(
    ("x", "y", "said"),
    [
        ({}, None, "named by text"),
        ({1: X5}, None, "named by text"),
        ({"a": X5, "b": X5[1:]}, None, "as many rows"),
        ({"a": X5[:0]}, None, "at least one"),
        ({"a": np.float64(1)}, None, "as many rows"),
        ({"a": X5}, Y5[1:], "labels must have as many rows"),
        (X5, np.int64(1), "labels must have as many rows"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(x, y, said):
    with pytest.raises(DataError, match=said):
        estimator.numpy_input_fn(x, y, shuffle=False)


@pytest.mark.parametrize(
    ("input_fn", "said"),
    [
        ((X5, Y5), "input_fn must be a function"),
        (lambda: None, "input_fn must return"),
        (lambda: "rows", "input_fn must return"),
        (lambda: (X5, Y5, Y5), "input_fn must return"),
        (lambda: X5, "labels too"),
        (lambda: iter([X5]), "labels too"),
        (lambda: iter([(1, Y5)]), "features must be"),
        (lambda: iter([]), "at least one batch"),
        (estimator.numpy_input_fn({"X": X5}, shuffle=False), "give y to numpy_input_fn"),
    ],
)
def test_other_inputs_are_refused(make_classifier, input_fn, said):
    with pytest.raises(DataError, match=said):
        make_classifier().train(input_fn, steps=1)


def test_an_empty_evaluation_is_refused(make_classifier, iris):
    X, y = iris
    model = make_classifier().train(as_pair(X, y), steps=1)
    with pytest.raises(DataError, match="at least one batch"):
        model.evaluate(lambda: iter([]))
    assert list(model.predict(lambda: iter([]))) == []


def test_training_that_would_not_end_is_refused(make_classifier, iris):
    X, y = iris
    endless = estimator.numpy_input_fn({"X": X}, y, num_epochs=None, shuffle=True)
    for input_fn in (endless, as_pair(X, y)):
        with pytest.raises(InvalidArgumentError, match="steps must be a number"):
            make_classifier().train(input_fn)
