"""Training that goes on: pieces, crashes, interruptions and other inputs."""

import shutil
from pathlib import Path

import numpy as np
import optax
import pytest

from multilayer import DivergenceError, InvalidArgumentError, ModelFileError, estimator
from multilayer._engine import checkpointer, engines, loop
from multilayer._persist.checkpoints import checkpoint_path, read_checkpoint

RELEASED = Path(__file__).parent / "fixtures" / "0.2.0.dev0"
"""What ``make_classifier(**DROPPING).train(endless, steps=7)`` of that version left behind."""

DROPPING = {"dropout": 0.3}  # what is drawn in a step must be the same again, too


def config(**arguments):
    return estimator.RunConfig(tf_random_seed=3, **arguments)


@pytest.fixture
def engine_of_newest():
    """A function that returns which engine wrote an estimator's newest checkpoint."""
    return lambda model: read_checkpoint(model.latest_checkpoint()).facts["engine"]


@pytest.fixture
def endless(iris):
    """Batches that run on across passes: 150 rows are no multiple of 40."""
    X, y = iris
    return estimator.numpy_input_fn({"X": X}, y, 40, None, shuffle=True)


def test_pieces_equal_one_go(make_classifier, endless, assert_same_bits):
    whole = make_classifier(**DROPPING).train(endless, steps=30)
    pieces = make_classifier(**DROPPING)
    pieces.train(endless, steps=7).train(endless, max_steps=20)
    again = make_classifier(pieces.model_dir, **DROPPING)  # another process would do as much
    again.train(endless, steps=10)
    assert_same_bits(whole, again)


def test_a_crash_loses_nothing_but_time(make_classifier, iris, assert_same_bits, tmp_path):
    X, y = iris
    input_fn = estimator.numpy_input_fn({"X": X}, y, 40, 10, shuffle=True)  # 38 steps
    whole = make_classifier(config=config(save_checkpoints_steps=10), **DROPPING).train(input_fn)
    crashed = tmp_path / "crashed"
    crashed.mkdir()
    shutil.copy(checkpoint_path(whole.model_dir, 20), crashed)
    (crashed / ".multilayer-half-written.tmp").write_bytes(b"...")
    again = make_classifier(crashed, config=estimator.RunConfig(), **DROPPING)  # seed from file
    again.train(input_fn)
    assert again.evaluate(input_fn)["global_step"] == 38
    assert_same_bits(whole, again)


def test_how_often_the_log_speaks_changes_nothing(make_classifier, endless, assert_same_bits):
    silent = make_classifier(**DROPPING).train(endless, steps=30)
    estimator.set_verbosity(estimator.INFO)
    told = make_classifier(config=config(log_step_count_steps=4), **DROPPING)
    assert_same_bits(silent, told.train(endless, steps=30))


def test_an_input_at_its_end_begins_anew(make_classifier, iris, trained):
    X, y = iris
    input_fn = estimator.numpy_input_fn({"X": X}, y, 40, 1, shuffle=True)
    model = make_classifier()
    steps = [model.train(input_fn).evaluate(input_fn)["global_step"] for _ in range(3)]
    assert steps == [4, 8, 12]


def test_a_half_read_input_is_read_to_its_end(make_classifier, iris, assert_same_bits):
    X, y = iris
    input_fn = estimator.numpy_input_fn({"X": X}, y, 40, 2, shuffle=True)
    whole = make_classifier().train(input_fn)
    halves = make_classifier().train(input_fn, steps=3).train(input_fn)
    assert halves.evaluate(input_fn)["global_step"] == 8
    assert_same_bits(whole, halves)


def test_another_input_begins_at_its_beginning(make_classifier, iris):
    X, y = iris
    long = estimator.numpy_input_fn({"X": X}, y, 40, None, shuffle=True)
    short = estimator.numpy_input_fn({"X": X[:60]}, y[:60], 40, 1, shuffle=True)
    model = make_classifier().train(long, steps=3).train(short)
    assert model.evaluate(short)["global_step"] == 5


def test_another_input_with_the_same_geometry_begins_at_its_beginning(make_classifier, iris):
    X, y = iris
    one = estimator.numpy_input_fn({"X": X}, y, 40, 1, shuffle=False)
    other = estimator.numpy_input_fn({"X": X[::-1]}, y[::-1], 40, 1, shuffle=False)
    model = make_classifier().train(one, steps=3).train(other)
    assert model.evaluate(one)["global_step"] == 7


@pytest.mark.usefixtures("by_xla")  # as then: dropout draws the same
def test_a_checkpoint_of_an_earlier_version(make_classifier, endless, trained, tmp_path):
    shutil.copytree(RELEASED, tmp_path / "released")
    again = make_classifier(tmp_path / "released", config=estimator.RunConfig(), **DROPPING)
    assert again.latest_checkpoint().endswith("model.ckpt-7.safetensors")
    whole = make_classifier(**DROPPING).train(endless, steps=12)
    again.train(endless, max_steps=12)
    mine, theirs = trained(whole), trained(again)
    assert mine.keys() == theirs.keys()
    for name, array in mine.items():  # written on another machine: not bit by bit
        np.testing.assert_allclose(array, theirs[name], rtol=1e-4, atol=1e-6, err_msg=name)


def test_one_engine_continues_what_the_other_began(
    make_classifier, endless, trained, monkeypatch, engine_of_newest
):
    """Each way, and with every state that the native engine has: sums, moments and their count."""
    by_xla = engines.Choice(engines.XLA, "a test asks for it")
    given = "Adagrad", "Adam", optax.adam(0.01), optax.sgd(0.1, 0.5), optax.adagrad(0.1, 0.3)
    for optimizer in given:
        whole = make_classifier(optimizer=optimizer).train(endless, steps=20)
        assert engine_of_newest(whole) == engines.NATIVE
        for first in (engines.NATIVE, engines.XLA):
            model = make_classifier(optimizer=optimizer)
            with monkeypatch.context() as patch:
                if first == engines.XLA:
                    patch.setattr(engines, "choose", lambda *given, **more: by_xla)
                model.train(endless, steps=8)
            assert engine_of_newest(model) == first
            with monkeypatch.context() as patch:
                if first == engines.NATIVE:
                    patch.setattr(engines, "choose", lambda *given, **more: by_xla)
                with pytest.warns(UserWarning, match="continues by"):
                    model.train(endless, max_steps=20)
            mine, theirs = trained(whole), trained(model)
            assert mine.keys() == theirs.keys()
            for name, array in mine.items():
                np.testing.assert_allclose(theirs[name], array, rtol=1e-4, atol=1e-6, err_msg=name)


def test_a_later_max_step_is_nothing_to_do(make_classifier, endless, trained):
    model = make_classifier().train(endless, steps=5)
    before = trained(model)
    model.train(endless, max_steps=5)
    assert model.latest_checkpoint().endswith("model.ckpt-5.safetensors")
    assert all((before[name] == array).all() for name, array in trained(model).items())


def test_ctrl_c_saves_and_is_not_swallowed(make_classifier, endless, monkeypatch, assert_same_bits):
    whole = make_classifier().train(endless, max_steps=12)
    model = make_classifier()
    advance = loop.advance

    def interrupted(training, window, until):
        if training.step >= 1:
            advance(training, window, 6)
            raise KeyboardInterrupt
        advance(training, window, until)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "advance", interrupted)
        with pytest.raises(KeyboardInterrupt):
            model.train(endless, max_steps=12)
    assert model.latest_checkpoint().endswith("model.ckpt-6.safetensors")
    assert_same_bits(whole, model.train(endless, max_steps=12))


def test_checkpoints_kept(make_classifier, endless):
    model = make_classifier(config=config(save_checkpoints_steps=2, keep_checkpoint_max=3))
    model.train(endless, steps=9)
    names = sorted(path.name for path in Path(model.model_dir).iterdir())
    assert names == [f"model.ckpt-{step}.safetensors" for step in (6, 8, 9)]


@pytest.mark.parametrize("nth", [1, 2, 4])  # after the first step, in between, the last one
def test_a_checkpoint_that_cannot_be_written(make_classifier, endless, monkeypatch, nth):
    write, calls = checkpointer.write_checkpoint, []

    def fails(*args, **more):
        calls.append(args)
        if len(calls) == nth:
            raise ModelFileError("cannot write: the disk is full.")
        return write(*args, **more)

    monkeypatch.setattr(checkpointer, "write_checkpoint", fails)
    model = make_classifier(config=config(save_checkpoints_steps=4))
    with pytest.raises(ModelFileError, match="the disk is full"):
        model.train(endless, steps=11)
    assert len(calls) == nth
    assert (model.latest_checkpoint() is None) == (nth == 1)


def test_checkpoints_by_the_clock(make_classifier, endless):
    model = make_classifier(config=config(save_checkpoints_secs=1e-9, keep_checkpoint_max=None))
    model.train(endless, steps=9)
    steps = {int(path.name.split("-")[1].split(".")[0]) for path in Path(model.model_dir).iterdir()}
    assert {1, 9} < steps
    assert len(steps) > 2


def test_other_checkpoints_are_evaluated_by_name(make_classifier, endless, iris):
    X, y = iris
    test_fn = estimator.numpy_input_fn({"X": X}, y, shuffle=False)
    model = make_classifier(config=config(save_checkpoints_steps=5)).train(endless, steps=10)
    first = checkpoint_path(model.model_dir, 5)
    assert model.evaluate(test_fn, checkpoint_path=first)["global_step"] == 5
    early = next(model.predict(test_fn, checkpoint_path=str(first)))["logits"]
    assert (early != next(model.predict(test_fn))["logits"]).any()


def test_divergence_is_an_error_and_leaves_the_last_checkpoint(tmp_path, iris):
    X = iris[0]
    model = estimator.DNNRegressor(
        [5],
        [estimator.numeric_column("X", 4)],
        optimizer="SGD",
        loss_reduction="sum",
        config=config(model_dir=tmp_path),
    )
    input_fn = estimator.numpy_input_fn({"X": X}, X[:, 0] * 1e6, 40, None, shuffle=True)
    with pytest.raises(DivergenceError, match="learning rate"):
        model.train(input_fn, steps=1000)
    assert model.latest_checkpoint().endswith("model.ckpt-1.safetensors")


# Folders that are not what they should be ---------------------------------------------------------


def test_there_must_be_a_checkpoint(make_classifier, iris):
    X, y = iris
    model = make_classifier()
    assert model.latest_checkpoint() is None
    input_fn = estimator.numpy_input_fn({"X": X}, y, shuffle=False)
    for call in (model.evaluate, model.predict):
        with pytest.raises(ModelFileError, match="Call train first"):
            call(input_fn)


def test_a_damaged_checkpoint_is_an_error(make_classifier, endless):
    model = make_classifier().train(endless, steps=3)
    path = Path(model.model_dir) / "model.ckpt-3.safetensors"
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)
    for call in (model.train, model.evaluate):
        with pytest.raises(ModelFileError, match="checksum is wrong"):
            call(endless, steps=1)
    one_row = estimator.numpy_input_fn({"X": np.zeros((1, 4))}, shuffle=False)
    with pytest.raises(ModelFileError, match="checksum is wrong"):
        model.predict(one_row)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"hidden_units": [6]}, "has shape .4, 5."),
        ({"hidden_units": [5, 5]}, "it lacks"),
        ({"optimizer": "Adam"}, "opt_state"),
        ({"n_classes": 4}, "shape"),
        ({"feature_columns": [estimator.numeric_column("Z", 4)]}, "'Z'"),
    ],
)
def test_another_models_folder_is_an_error(make_classifier, endless, iris, arguments, said):
    model = make_classifier().train(endless, steps=3)
    X, y = iris
    other = make_classifier(model.model_dir, **arguments)
    input_fn = estimator.numpy_input_fn({"X": X, "Z": X}, y, 40, None, shuffle=True)
    with pytest.raises(ModelFileError, match=said):
        other.train(input_fn, steps=1)


def test_a_folder_of_tensorflow_is_an_error(make_classifier, endless, tmp_path):
    (tmp_path / "model.ckpt-44000.index").write_bytes(b"")
    with pytest.raises(ModelFileError, match="another program"):
        make_classifier(tmp_path).train(endless, steps=1)


def test_a_file_is_no_folder(make_classifier, endless, tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"")
    with pytest.raises(ModelFileError, match="Name a folder"):
        make_classifier(file).train(endless, steps=1)


def test_folders_are_named_once(make_classifier, tmp_path):
    with pytest.raises(InvalidArgumentError, match=r"model_dir must be .* as in config"):
        make_classifier(tmp_path, config=estimator.RunConfig(tmp_path / "other"))
    model = make_classifier(tmp_path, config=estimator.RunConfig(str(tmp_path)))
    assert model.model_dir == model.config.model_dir == str(tmp_path)
