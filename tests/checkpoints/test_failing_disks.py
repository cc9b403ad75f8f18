"""Disks that are full or cannot be written to: the network is kept, and the last checkpoint."""

import errno
import os
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone

from multilayer import Checkpoint, MLPClassifier, ModelFileError
from multilayer._engine import checkpointer
from multilayer._persist import atomic
from multilayer._persist import checkpoints as checkpoint_files
from multilayer._persist.atomic import TEMPORARY_NAME
from multilayer._persist.checkpoints import read_checkpoint
from multilayer.callbacks import Callback

from .crashes import SETTINGS, CrashesAt, Watches, X, assert_same_result, checkpoints, crash, y

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SCRIPT = Path(__file__).parent / "scripts" / "full_disk.py"


def classifier(folder, **changes):
    settings = SETTINGS | {"checkpoint": Checkpoint(folder, every=7)} | changes
    return MLPClassifier(**settings)


@pytest.fixture(scope="module")
def whole():
    """A fit that nothing interrupts."""
    return MLPClassifier(**SETTINGS).fit(X, y)


def assert_kept_and_goes_on(failed, folder, whole, steps):
    """The network is there, no half of a file is, and training ends as if nothing had been."""
    assert failed.stop_reason_ == "failed"
    assert failed.predict(X).shape == y.shape
    assert not list(folder.rglob(TEMPORARY_NAME.format("*")))
    assert [read_checkpoint(path).step for path in checkpoints(folder)] == steps
    watches = Watches()
    again = clone(failed).set_params(callbacks=[watches]).fit(X, y)
    assert watches.first == steps[-1]
    assert_same_result(whole, again)


# Played ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("failing", ["open", "write", "fsync", "replace"])
@pytest.mark.parametrize(("nth", "steps"), [(3, [7, 14]), (8, [42, 49])], ids=["third", "last"])
def test_a_disk_that_fails(failing, nth, steps, whole, tmp_path, monkeypatch):
    prepared = classifier(tmp_path, max_iter=1).fit(X, y)  # all is imported and compiled
    calls = []

    def fails(function):
        def failing(*args, **more):
            calls.append(None)
            if len(calls) == nth:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return function(*args, **more)

        return failing

    def failing_write(file, data):
        file.write(data[: len(data) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def write_through(file, data):
        if not data:  # only looking whether it could be written
            return original(file, data)
        calls.append(None)
        if failing == "open" and len(calls) == nth:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        if failing == "write" and len(calls) == nth:
            return failing_write(file, data)
        if failing == "fsync" and len(calls) == nth:
            original(file, data)
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return original(file, data)

    original = atomic._write_through
    if failing == "replace":
        monkeypatch.setattr(atomic.os, "replace", fails(os.replace))
    else:
        monkeypatch.setattr(atomic, "_write_through", write_through)
    folder = tmp_path / "mine"
    failed = clone(prepared).set_params(max_iter=5, checkpoint=Checkpoint(folder, every=7))
    with pytest.raises(ModelFileError, match=r"cannot write .*/model\.ckpt-\d+\.safetensors: "):
        failed.fit(X, y)
    monkeypatch.undo()
    assert_kept_and_goes_on(failed, folder, whole, steps)


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="a folder of Linux")
class Counts(Callback):
    """Has an array in its state, which it changes in place."""

    def __init__(self):
        self.total = np.zeros(1000, np.float32)

    def on_epoch_end(self, report):
        self.total += 1.0

    def state(self):
        return {"total": [self.total]}

    def set_state(self, state):
        self.total = np.array(state["total"][0])


def test_a_slow_disk_gets_the_state_as_it_was(tmp_path, monkeypatch):
    write = checkpoint_files.write_tensors

    def slow(path, kind, description, arrays):
        time.sleep(0.02)  # some epochs long
        write(path, kind, description, arrays)

    monkeypatch.setattr(checkpoint_files, "write_tensors", slow)
    every = Checkpoint(tmp_path, every="epoch", keep=100)
    MLPClassifier(**SETTINGS | {"checkpoint": every, "callbacks": [Counts()]}).fit(X, y)
    written = [read_checkpoint(path) for path in checkpoints(tmp_path)]
    totals = [stored.arrays["callbacks/0/total/0"][0] for stored in written]
    assert totals == list(range(1, len(written) + 1))
    assert len(written) > 3


def test_a_folder_that_cannot_be_made_is_told_before_training(tmp_path):
    fitted = MLPClassifier(**SETTINGS).fit(X, y)
    before = dict(vars(fitted))
    fitted.set_params(checkpoint="/proc/self/multilayer")
    with pytest.raises(ModelFileError, match="cannot make the folder /proc/self/multilayer"):
        fitted.fit(X, y)
    after = vars(fitted)
    assert after.keys() == before.keys()
    assert all(after[name] is before[name] for name in before if name != "checkpoint")


class Terminates(Watches):
    def on_train_begin(self, run):
        signal.raise_signal(signal.SIGTERM)


def test_a_signal_is_heard_although_nothing_can_be_written(tmp_path, monkeypatch):
    def fails(*args, **more):
        raise ModelFileError("cannot write: the disk is full.")

    monkeypatch.setattr(checkpointer, "write_checkpoint", fails)
    failed = classifier(tmp_path, callbacks=[Terminates()])
    with (
        pytest.warns(UserWarning, match="after step 0, and could not be saved: cannot write: the"),
        pytest.raises(SystemExit),
    ):
        failed.fit(X, y)


# True ones -------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 64 kB; a checkpoint of the network here takes 25 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder],
        check=False,
        capture_output=True,
    )
    if mounted.returncode:
        pytest.skip("file systems cannot be mounted here")
    yield folder
    subprocess.run(["umount", folder], check=True)


@pytest.mark.slow
def test_a_disk_that_is_full(small_disk, whole):
    failed = classifier(small_disk)
    (small_disk / "ballast").write_bytes(bytes(12_000))
    with pytest.raises(ModelFileError, match="No space left on device"):
        failed.fit(X, y)
    (small_disk / "ballast").unlink()
    subprocess.run(["mount", "-o", "remount,size=1m", small_disk], check=True)
    steps = [read_checkpoint(path).step for path in checkpoints(small_disk)]
    assert_kept_and_goes_on(failed, small_disk, whole, steps)


@pytest.mark.slow
def test_a_disk_that_is_read_only_now(small_disk, whole):
    subprocess.run(["mount", "-o", "remount,size=1m", small_disk], check=True)
    crashed = crash(classifier(small_disk), CrashesAt(31), X, y)
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(ModelFileError, match="Read-only file system"):
        crashed.fit(X, y)
    subprocess.run(["mount", "-o", "remount,rw", small_disk], check=True)
    assert_kept_and_goes_on(crashed, small_disk, whole, [21, 28])


def test_files_that_may_not_be_so_large(server, tmp_path):
    """What a quota does, without rights to mount a disk: files end at a number of bytes."""
    fits, said = tmp_path / "fits", tmp_path / "said"
    first = server.start(SCRIPT, fits, "limited", output=said)
    assert first.wait() == 0, first.said()
    assert "ModelFileError: cannot write" in first.said(), first.said()
    assert "File too large.; failed after" in first.said()
    assert not list(fits.rglob(TEMPORARY_NAME.format("*")))
    assert 0 < read_checkpoint(checkpoints(fits)[-1]).step < 180
    second = server.start(SCRIPT, fits, output=tmp_path / "second")
    assert second.wait() == 0, second.said()
    assert second.said() == "max_iter after 30 epochs\n"
