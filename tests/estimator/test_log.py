"""What training and evaluation tell, and when."""

import logging
import re

import numpy as np
import pytest

from multilayer import InvalidArgumentError, estimator

FIRST = r"loss = \d+\.\d+, step = 1"
SPEED = r"global_step/sec: [\d.e+]+"
LATER = r"loss = \d+\.\d+, step = {} \(\d+\.\d{{3}} sec\)"


@pytest.fixture
def model(make_classifier):
    return make_classifier(config=estimator.RunConfig(tf_random_seed=3, log_step_count_steps=10))


@pytest.fixture
def input_fn(iris):
    X, y = iris
    return estimator.numpy_input_fn({"X": X}, y, 50, None, shuffle=False)


def test_silence_by_default(model, input_fn, capfd):
    model.train(input_fn, steps=12)
    assert capfd.readouterr() == ("", "")


def test_lines_of_training(make_classifier, input_fn, capsys):
    estimator.set_verbosity(estimator.INFO)
    model = make_classifier(config=estimator.RunConfig(tf_random_seed=3, log_step_count_steps=10))
    model.train(input_fn, steps=25)
    out, err = capsys.readouterr()
    folder = re.escape(model.model_dir)
    expected = [
        r"Using config: RunConfig\(.*\)",
        rf"Saving checkpoints for 1 into {folder}/model\.ckpt-1\.safetensors\.",
        FIRST,
        SPEED,
        LATER.format(11),
        SPEED,
        LATER.format(21),
        rf"Saving checkpoints for 25 into {folder}/model\.ckpt-25\.safetensors\.",
        r"Loss for final step: \d+\.\d+\.",
    ]
    assert not out
    lines = err.splitlines()
    assert len(lines) == len(expected)
    for line, form in zip(lines, expected, strict=True):
        assert re.fullmatch(f"INFO:multilayer:{form}", line), line


def test_the_log_counts_from_where_training_begins(model, input_fn, caplog):
    caplog.set_level(logging.INFO, "multilayer")
    model.train(input_fn, steps=5).train(input_fn, steps=12)
    steps = [int(m[1]) for m in map(re.compile(r"loss.*step = (\d+)").match, caplog.messages) if m]
    assert steps == [1, 6, 16]
    assert any(line.startswith("Restoring parameters from") for line in caplog.messages)


@pytest.mark.parametrize("reduction", [None, "mean"])
def test_the_loss_told_is_that_of_its_batch(make_classifier, iris, caplog, reduction):
    """Before the update: what evaluation finds at the checkpoint of the step before."""
    caplog.set_level(logging.INFO, "multilayer")
    X, y = iris
    config = estimator.RunConfig(tf_random_seed=3, log_step_count_steps=4, save_checkpoints_steps=4)
    model = make_classifier(config=config, loss_reduction=reduction)
    model.train(estimator.numpy_input_fn({"X": X}, y, 50, None, shuffle=False), steps=6)
    told = [
        float(m[1]) for m in map(re.compile(r"loss = (.*), step = 5").match, caplog.messages) if m
    ]
    some = slice(50, 100)  # the second batch of the second pass
    batch_fn = estimator.numpy_input_fn({"X": X[some]}, y[some], 50, shuffle=False)
    path = f"{model.model_dir}/model.ckpt-4.safetensors"
    assert told == [pytest.approx(model.evaluate(batch_fn, checkpoint_path=path)["loss"], rel=1e-5)]


def test_lines_of_evaluation(model, iris, input_fn, caplog):
    caplog.set_level(logging.INFO, "multilayer")
    model.train(input_fn, steps=3)
    caplog.clear()
    X, y = iris
    results = model.evaluate(estimator.numpy_input_fn({"X": X}, y, shuffle=False))
    restoring, starting, finished, saving = caplog.messages
    assert restoring == f"Restoring parameters from {model.latest_checkpoint()}"
    assert re.fullmatch(r"Starting evaluation at \d{4}(-\d\d){3}(:\d\d){2}", starting)
    assert finished.startswith("Finished evaluation at ")
    assert saving == (
        f"Saving dict for global step 3: accuracy = {results['accuracy']:.8g}, average_loss = "
        f"{results['average_loss']:.8g}, global_step = 3, loss = {results['loss']:.8g}"
    )


def test_a_temporary_folder_is_told_of(caplog):
    caplog.set_level(logging.INFO, "multilayer")
    model = estimator.DNNClassifier([5], [estimator.numeric_column("X")])
    assert f"Using temporary folder as model directory: {model.model_dir}" in caplog.messages


def test_no_lines_of_steps(make_classifier, input_fn, caplog):
    caplog.set_level(logging.INFO, "multilayer")
    config = estimator.RunConfig(tf_random_seed=3, log_step_count_steps=None)
    make_classifier(config=config).train(input_fn, steps=120)
    assert not [line for line in caplog.messages if "step = " in line]


def test_verbosity_has_one_handler_and_touches_no_other_logger():
    logger, root = logging.getLogger("multilayer"), logging.getLogger()
    estimator.set_verbosity(estimator.WARN)
    before = list(root.handlers), root.level, len(logger.handlers)
    for level in (estimator.INFO, estimator.WARN, estimator.logging.INFO):
        estimator.logging.set_verbosity(level)
        assert estimator.get_verbosity() == level
    assert (list(root.handlers), root.level) == before[:2]
    assert len(logger.handlers) == before[2]
    assert sum(handler.__module__.startswith("multilayer") for handler in logger.handlers) == 1
    with pytest.raises(InvalidArgumentError, match="level must be"):
        estimator.set_verbosity("INFO")


def test_the_loss_is_told_in_float32(model, input_fn, caplog):
    caplog.set_level(logging.INFO, "multilayer")
    model.train(input_fn, steps=1)
    told = next(m[1] for m in map(re.compile(r"loss = (.*), step").match, caplog.messages) if m)
    assert str(np.float32(told)) == told
