"""Constructors: what they take, what they refuse, what they keep."""

import re

import jax
import numpy as np
import optax
import pytest

from multilayer import InvalidArgumentError, estimator, nn
from multilayer.estimator import replaced

COLUMNS = [estimator.numeric_column("X", shape=[4])]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"hidden_units": 5}, "hidden_units must be a list"),
        ({"hidden_units": [0]}, "hidden_units must be"),
        ({"hidden_units": [2.5]}, "hidden_units must be"),
        ({"feature_columns": [3]}, "feature_columns must be"),
        ({"model_dir": 3}, "model_dir must be"),
        ({"model_dir": ""}, "model_dir must be"),
        ({"n_classes": 1}, "n_classes must be"),
        ({"weight_column": 3}, "weight_column must be"),
        ({"weight_column": COLUMNS[0]}, "weight_column must be"),
        ({"label_vocabulary": "ab"}, "label_vocabulary must be a list of 3"),
        ({"label_vocabulary": ["a", "b"]}, "label_vocabulary must be a list of 3"),
        ({"label_vocabulary": ["a", "b", "b"]}, "label_vocabulary must be a list of 3"),
        ({"label_vocabulary": [1, 2, 3]}, "label_vocabulary must be a list of 3"),
        ({"optimizer": "adagrad"}, "optimizer must be one of"),
        ({"activation_fn": None}, "activation_fn must be one of"),
        ({"activation_fn": "step"}, "activation_fn must be one of"),
        ({"activation_fn": nn.heaviside}, "activation_fn must be"),
        ({"activation_fn": lambda z: z.sum()}, "activation_fn must be"),
        ({"dropout": 1}, "dropout must be"),
        ({"config": {"tf_random_seed": 1}}, "config must be"),
        ({"warm_start_from": 3}, "warm_start_from must be"),
        ({"loss_reduction": "SUM"}, "loss_reduction must be"),
    ],
)
def test_other_arguments_are_refused(arguments, said):
    given = {"hidden_units": [5], "feature_columns": COLUMNS, "n_classes": 3, **arguments}
    with pytest.raises(InvalidArgumentError, match=said):
        estimator.DNNClassifier(**given)


def test_a_regressor_refuses_too(tmp_path):
    with pytest.raises(InvalidArgumentError, match="label_dimension must be"):
        estimator.DNNRegressor([5], COLUMNS, tmp_path, label_dimension=0)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"model_dir": 3}, "model_dir must be"),
        ({"tf_random_seed": -1}, "tf_random_seed must be"),
        ({"save_summary_steps": 100}, "save_summary_steps must be None"),
        ({"save_checkpoints_steps": 0}, "save_checkpoints_steps must be"),
        ({"save_checkpoints_secs": 0}, "save_checkpoints_secs must be"),
        ({"save_checkpoints_steps": 5, "save_checkpoints_secs": 5}, "left out beside"),
        ({"keep_checkpoint_max": -1}, "keep_checkpoint_max must be"),
        ({"log_step_count_steps": 0}, "log_step_count_steps must be"),
    ],
)
def test_a_configuration_refuses(arguments, said):
    with pytest.raises(InvalidArgumentError, match=said):
        estimator.RunConfig(**arguments)


def test_calls_refuse(make_classifier):
    model = make_classifier()
    input_fn = estimator.numpy_input_fn({"X": np.zeros((2, 4))}, np.zeros(2, int), shuffle=False)
    for arguments, said in (
        ({"hooks": []}, "hooks must be None"),
        ({"saving_listeners": []}, "saving_listeners must be None"),
        ({"steps": 0}, "steps must be"),
        ({"max_steps": 1.5}, "max_steps must be"),
        ({"steps": 1, "max_steps": 1}, "max_steps must be None beside steps"),
    ):
        with pytest.raises(InvalidArgumentError, match=said):
            model.train(input_fn, **arguments)
    for call, arguments, said in (
        (model.evaluate, {"steps": 0}, "steps must be"),
        (model.evaluate, {"hooks": []}, "hooks must be None"),
        (model.predict, {"hooks": []}, "hooks must be None"),
        (model.predict, {"yield_single_examples": 1}, "yield_single_examples must be"),
    ):
        with pytest.raises(InvalidArgumentError, match=said):
            call(input_fn, **arguments)
    assert model.latest_checkpoint() is None


def test_activations_by_name_and_by_function(make_classifier, iris, assert_same_bits):
    X, y = iris
    input_fn = estimator.numpy_input_fn({"X": X}, y, 50, shuffle=False)
    models = [
        make_classifier(activation_fn=given).train(input_fn)
        for given in ("tanh", nn.tanh, jax.numpy.tanh)
    ]
    assert_same_bits(models[0], models[1])
    assert models[2].evaluate(input_fn)["loss"] == pytest.approx(
        models[0].evaluate(input_fn)["loss"], rel=1e-5
    )


def test_what_an_estimator_tells(tmp_path):
    config = estimator.RunConfig(tf_random_seed=7)
    model = estimator.DNNClassifier([5, 2], COLUMNS, tmp_path, 3, config=config)
    assert model.model_dir == str(tmp_path)
    assert model.config == config.replace(model_dir=str(tmp_path))
    assert repr(model) == f"DNNClassifier(hidden_units=[5, 2], model_dir={str(tmp_path)!r})"


# SKCompat -----------------------------------------------------------------------------------------


def test_skcompat_trains_by_the_mean(make_classifier, iris, assert_same_bits):
    X, y = iris
    by_mean = make_classifier(loss_reduction="mean")
    input_fn = estimator.numpy_input_fn({"": X}, y, 50, None, shuffle=True)
    inferred = {"feature_columns": estimator.infer_real_valued_columns_from_input(X)}
    by_mean = make_classifier(loss_reduction="mean", **inferred).train(input_fn, steps=9)
    wrapped = make_classifier(**inferred)
    compat = estimator.SKCompat(wrapped)
    assert compat.fit(X, y, batch_size=50, steps=4) is compat
    compat.fit(X.tolist(), y.tolist(), batch_size=50, max_steps=9)
    assert_same_bits(by_mean, wrapped)
    assert repr(compat) == "SKCompat()"

    one_batch = estimator.numpy_input_fn({"": X}, y, 150, shuffle=False)
    results = compat.score(X, y, batch_size=150)
    assert results == by_mean.evaluate(one_batch)
    assert results["loss"] == pytest.approx(results["average_loss"])
    predicted = compat.predict(X)
    assert list(predicted) == ["classes", "probabilities", "logits"]
    assert (predicted["classes"] == y).mean() == results["accuracy"]
    assert predicted["probabilities"].shape == predicted["logits"].shape == (150, 3)


def test_skcompat_keeps_a_reduction_that_was_asked_for(make_classifier, iris, assert_same_bits):
    X, y = iris
    summed = make_classifier(loss_reduction="sum")
    estimator.SKCompat(summed).fit({"X": X}, y, batch_size=50, steps=4)
    input_fn = estimator.numpy_input_fn({"X": X}, y, 50, None, shuffle=True)
    assert_same_bits(summed, make_classifier(loss_reduction="sum").train(input_fn, steps=4))


def test_skcompat_of_words_and_of_numbers(make_classifier, iris, tmp_path):
    X, y = iris
    words = np.array(["a", "b", "c"])
    named = estimator.SKCompat(make_classifier(label_vocabulary=words.tolist()))
    found = named.fit(X, words[y], batch_size=50, steps=1).predict(X)["classes"]
    assert set(found.tolist()) <= set(words.tolist())
    regressor = estimator.DNNRegressor([5], COLUMNS, tmp_path / "r")
    scores = estimator.SKCompat(regressor).fit(X, X[:, 0], steps=1).predict(X)
    assert list(scores) == ["scores"]
    assert scores["scores"].shape == (150,)
    with pytest.raises(InvalidArgumentError, match="estimator must be"):
        estimator.SKCompat("DNNClassifier")


# Names that are not here -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "name", "words"),
    [
        (estimator, "LinearClassifier", "DNNClassifier with hidden_units=[] is a linear model."),
        (estimator, "DNNLinearCombinedRegressor", "Give DNNRegressor all feature columns"),
        (estimator, "train_and_evaluate", "Call train, then evaluate"),
        (estimator, "BoostedTreesRegressor", "sklearn.ensemble.HistGradientBoostingRegressor."),
        (estimator, "DNNClasifier", "Did you mean 'DNNClassifier'?"),
        (estimator.learn, "LinearRegressor", "DNNRegressor with hidden_units=[]"),
        (estimator.feature_column, "real_valued_column", "It is called numeric_column."),
        (estimator.inputs, "pandas_inputs_fn", "Did you mean 'pandas_input_fn'?"),
    ],
)
def test_a_missing_name_says_what_takes_its_place(module, name, words):
    with pytest.raises(AttributeError, match=f"'{module.__name__}' has no attribute") as caught:
        getattr(module, name)
    assert words in str(caught.value)


def test_names_said_to_take_the_place_of_others_exist():
    for text in replaced.REPLACEMENTS.values():
        for name in re.findall(r"\b(?:DNN\w+|\w+_column\w*)\b", text):
            assert hasattr(estimator, name), name


def test_a_linear_model_as_the_message_says(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 2)).astype(np.float32)
    columns = [estimator.numeric_column("x", 2)]
    linear = estimator.DNNClassifier([], columns, tmp_path, optimizer=optax.sgd(0.5))
    data = {"x": x}, (x[:, 0] > 0).astype(int)
    linear.train(estimator.numpy_input_fn(*data, num_epochs=None, shuffle=True), steps=20)
    assert linear.evaluate(estimator.numpy_input_fn(*data, shuffle=False))["accuracy"] > 0.8
