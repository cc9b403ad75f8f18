"""``multilayer train --tensorboard``: curves beside the model."""

import contextlib
import sys
from pathlib import Path

from multilayer.callbacks import TensorBoard

QUICK = ["--target", "kind", "--recipe", "table"]
QUICK += ["--hidden", "8", "--epochs", "3", "--learning-rate", "0.05"]


def test_curves_are_written_and_named(run, table):
    shown = run("train", table, *QUICK, "--tensorboard", "runs")
    (folder,) = Path("runs").iterdir()
    (file,) = folder.iterdir()
    assert file.name.startswith("events.out.tfevents.")
    assert f"curves in            {folder}" in shown.out
    assert b"weights/0/kernel" in file.read_bytes()
    again = run("train", table, *QUICK, "--tensorboard", "runs", "--json").json
    assert sorted(Path("runs").iterdir()) == sorted([folder, Path(again["tensorboard"])])
    assert run("train", table, *QUICK, "--json").json["tensorboard"] is None


def test_a_folder_that_takes_no_files_is_refused_before_the_data_are_read(run):
    Path("file").touch()
    said = run("train", "nowhere.csv", *QUICK, "--tensorboard", "file").error
    assert said.startswith("--tensorboard must be a folder in which files can be written")


def test_without_tensorboardx(run, table, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    said = run("train", table, *QUICK, "--tensorboard", "runs").error
    assert "pip install tensorboardX" in said
    assert not Path("runs").exists()


def test_training_that_goes_on_goes_on_in_its_folder(run, table, monkeypatch):
    options = [*QUICK, "--tensorboard", "runs", "--checkpoint", "kept", "--json"]
    write = TensorBoard.on_progress

    def interrupted(self, progress):
        write(self, progress)
        if progress.step > progress.steps_per_epoch:  # the first epoch has been kept
            raise RuntimeError("the power is off")

    with monkeypatch.context() as broken:
        broken.setattr(TensorBoard, "on_progress", interrupted)
        with contextlib.suppress(RuntimeError):
            run("train", table, *options)
    (folder,) = Path("runs").iterdir()
    again = run("train", table, *options).json
    assert Path(again["tensorboard"]) == folder
    assert len(list(folder.iterdir())) == 2
