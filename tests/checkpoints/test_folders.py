"""Folders that are damaged, another's, in use, full, or cannot be written to."""

import os
import threading
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone

from multilayer import Checkpoint, MLPClassifier, ModelFileError
from multilayer._persist.atomic import TEMPORARY_NAME, claimed
from multilayer._persist.checkpoints import read_checkpoint, write_checkpoint
from multilayer.callbacks import Callback

from .crashes import SETTINGS, CrashesAt, Watches, X, assert_same_result, checkpoints, crash, y

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SCRIPT = Path(__file__).parent / "scripts" / "train.py"


def classifier(folder, every=7, **more):
    return MLPClassifier(**SETTINGS, checkpoint=Checkpoint(folder, every=every, **more))


@pytest.fixture(scope="module")
def whole():
    """A fit that nothing interrupts."""
    return MLPClassifier(**SETTINGS).fit(X, y)


@pytest.fixture
def crashed(tmp_path):
    """An estimator whose fit has crashed: its folder has checkpoints of steps 21 and 28."""
    return crash(classifier(tmp_path), CrashesAt(31), X, y)


def again(crashed, **changes):
    """A new fit of the same, and the step at which it began."""
    watches = Watches()
    estimator = clone(crashed).set_params(callbacks=[watches], **changes).fit(X, y)
    return estimator, watches.first


# Damage ----------------------------------------------------------------------------------------


def damaged_files(data):
    """A file cut at every 64th byte, with bits turned at places all over it, and longer."""
    yield from (data[:length] for length in range(0, len(data), 64))
    rng = np.random.default_rng(0)
    for place in rng.integers(len(data), size=300):
        turned = bytearray(data)
        turned[place] ^= 1 << rng.integers(8)
        yield bytes(turned)
    yield data + b"\0"
    yield bytes(len(data))


def test_a_damaged_checkpoint_is_refused_by_name(crashed, tmp_path):
    newest = checkpoints(tmp_path)[-1]
    sound = newest.read_bytes()
    read_checkpoint(newest)
    for data in damaged_files(sound):
        newest.write_bytes(data)
        with pytest.raises(ModelFileError) as told:
            read_checkpoint(newest)
        assert str(newest) in str(told.value)


@pytest.mark.parametrize("how", ["cut", "turned"])
def test_without_the_damaged_one_the_one_before_is_taken(how, crashed, whole, tmp_path):
    _before, newest = checkpoints(tmp_path)
    data = bytearray(newest.read_bytes())
    data[-5] ^= 1
    newest.write_bytes(data if how == "turned" else data[:-100])
    network = [coefs.copy() for coefs in crashed.coefs_]
    with pytest.raises(ModelFileError, match=r"model\.ckpt-28\.safetensors .*Remove it to resume"):
        crashed.set_params(callbacks=None).fit(X, y)
    for mine, theirs in zip(crashed.coefs_, network, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert newest.exists()
    newest.unlink()
    resumed, first = again(crashed)
    assert first == 21
    assert_same_result(whole, resumed)


def test_afresh_if_asked_whatever_is_there(crashed, whole, tmp_path):
    before, newest = checkpoints(tmp_path)
    before.write_bytes(b"")
    newest.write_bytes(b"damaged")
    fresh = crash(classifier(tmp_path, resume=False), CrashesAt(10), X, y)
    assert [p.name for p in checkpoints(tmp_path)] == ["model.ckpt-7.safetensors"]
    resumed, first = again(crashed)
    assert first == 7
    assert_same_result(whole, resumed)
    anew, first = again(fresh)
    assert first == 0
    assert_same_result(whole, anew)


# Another's -------------------------------------------------------------------------------------


def test_a_file_in_place_of_a_folder(tmp_path):
    file = tmp_path / "file"
    file.write_text("mine")
    for folder in (file, file / "below"):
        with pytest.raises(ModelFileError, match=str(file)):
            classifier(folder).fit(X, y)
    assert file.read_text() == "mine"


def test_a_file_in_place_of_a_fits_folder(crashed, tmp_path):
    (folder,) = tmp_path.iterdir()
    folder.rename(tmp_path / "elsewhere")
    folder.write_text("mine")
    with pytest.raises(ModelFileError, match=str(folder)):
        again(crashed)


@pytest.mark.parametrize("below", [False, True])
def test_checkpoints_of_tensorflow(below, crashed, tmp_path):
    folder = checkpoints(tmp_path)[0].parent if below else tmp_path
    theirs = folder / "model.ckpt-100.index"
    theirs.write_bytes(b"")
    with pytest.raises(ModelFileError, match="another program"):
        again(crashed)
    with pytest.raises(ModelFileError, match="another program"):
        again(crashed, checkpoint=Checkpoint(tmp_path, resume=False))
    assert len(checkpoints(tmp_path)) == 2
    assert theirs.exists()


def test_the_folder_of_one_fit_is_not_for_all(crashed, tmp_path):
    folder = checkpoints(tmp_path)[0].parent
    with pytest.raises(ModelFileError, match="Name the folder above it, or a new one"):
        classifier(folder).fit(X, y)


def test_the_checkpoint_of_another_fit(crashed, tmp_path):
    mine = checkpoints(tmp_path)[-1]
    other = tmp_path / "other"
    crash(classifier(other).set_params(alpha=0.5), CrashesAt(40), X, y)
    checkpoints(other)[-1].rename(mine.with_name("model.ckpt-35.safetensors"))
    with pytest.raises(ModelFileError, match=r"ckpt-35\.safetensors is the checkpoint of another"):
        again(crashed)


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"callbacks": [{}]},
        {"seconds": "1"},
        {"stopped_by": 3},
        {"seed": 1.5},
        {"seed": -1},
        {"seed": 2**32},
        {"seconds": -1.0},
        {"callbacks": [3]},
        {"callbacks": None},
        {"compile_seconds": None},
    ],
)
def test_facts_that_are_none(facts, crashed, whole, tmp_path):
    """Files with a right checksum, from a program that does not know what goes into them."""
    newest = checkpoints(tmp_path)[-1]
    sound = read_checkpoint(newest)
    wrong = sound.facts | facts if facts else {"fingerprint": sound.facts["fingerprint"]}
    write_checkpoint(newest.parent, 28, sound.arrays, wrong, keep=None)
    with pytest.raises(ModelFileError, match=str(newest)):
        again(crashed)


@pytest.mark.parametrize(
    "name", ["state/step", "state/params/0/kernel", "history/loss", "ragged", "more"]
)
def test_arrays_that_are_none(name, crashed, tmp_path):
    newest = checkpoints(tmp_path)[-1]
    sound = read_checkpoint(newest)
    arrays = dict(sound.arrays)
    if name == "more":
        arrays["state/more"] = np.zeros(3)
    elif name == "ragged":
        arrays["history/loss"] = np.zeros(3)
    else:
        assert name in arrays
        del arrays[name]
    write_checkpoint(newest.parent, 28, arrays, sound.facts, keep=None)
    with pytest.raises(ModelFileError, match=str(newest)):
        again(crashed)


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"releases": {"numpy": "0.1.2"}}, r"python None .*numpy 0\.1\.2 \(now "),
        ({"threads": 999}, r"threads 999 \(now \d+\)\. Training resumes"),
        ({"device": "abacus"}, r"device abacus \(now "),
        ({"releases": None, "threads": None}, "numpy None"),
    ],
)
def test_written_with_something_else(facts, said, crashed, whole, tmp_path):
    newest = checkpoints(tmp_path)[-1]
    sound = read_checkpoint(newest)
    write_checkpoint(newest.parent, 28, sound.arrays, sound.facts | facts, keep=None)
    with pytest.warns(UserWarning, match=said) as given:
        resumed, first = again(crashed)
    (warning,) = [w for w in given if "was written with" in str(w.message)]
    assert warning.filename == __file__
    assert first == 28
    assert_same_result(whole, resumed)


# In use ----------------------------------------------------------------------------------------


class Waits(Callback):
    """Stops at a step until it may go on."""

    only_watches = True

    def __init__(self):
        self.there, self.go = threading.Event(), threading.Event()

    def on_progress(self, progress):
        self.there.set()
        assert self.go.wait(60)


def in_thread(function, *args):
    thread = threading.Thread(target=function, args=args)
    thread.start()
    return thread


def test_two_at_once(whole, tmp_path):
    waits = Waits()
    first = classifier(tmp_path, every=2).set_params(callbacks=[waits])
    thread = in_thread(first.fit, X, y)
    assert waits.there.wait(60)
    for resume in (True, False):
        with pytest.raises(ModelFileError, match="is training this fit"):
            classifier(tmp_path, every=2, resume=resume).fit(X, y)
    other = classifier(tmp_path, every=2).set_params(random_state=5).fit(X, y)
    waits.go.set()
    thread.join()
    assert_same_result(whole, first)
    alone = MLPClassifier(**SETTINGS | {"random_state": 5}).fit(X, y)
    assert_same_result(alone, other)
    last, began_at = again(classifier(tmp_path, every=2))
    assert began_at == 50
    assert_same_result(whole, last)


def test_another_process(server, tmp_path):
    result, more = tmp_path / "result.npz", tmp_path / "more.npz"
    fits = tmp_path / "fits"
    first = server.start(SCRIPT, fits, result, output=tmp_path / "first")
    first.wait_until(lambda: checkpoints(fits))
    (folder,) = fits.iterdir()
    refused = []
    try:  # held by that process: by this one only if it has ended
        with claimed(folder):
            refused.append(False)
    except ModelFileError as error:
        refused.append("is training this fit" in str(error))
    second = server.start(SCRIPT, fits, more, output=tmp_path / "second")
    ended = second.wait(), first.wait()
    assert ended[1] == 0, first.said()
    assert refused == [True] or result.exists()
    assert ended[0] == 0 or "ModelFileError: another process is training" in second.said()


def test_what_a_crash_left_is_swept(crashed, whole, tmp_path):
    (folder,) = tmp_path.iterdir()
    orphan = folder / TEMPORARY_NAME.format("0123456789abcdef")
    orphan.write_bytes(b"half a checkpo")
    mine = folder / "notes.txt"
    mine.write_text("mine")
    resumed, _ = again(crashed)
    assert_same_result(whole, resumed)
    assert not orphan.exists()
    assert mine.read_text() == "mine"
    names = {"lock", "notes.txt", "model.ckpt-49.safetensors", "model.ckpt-50.safetensors"}
    assert set(os.listdir(folder)) == names
