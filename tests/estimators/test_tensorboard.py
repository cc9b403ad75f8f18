"""TensorBoard's callback: what its event files say, read back record by record."""

import errno
import logging
import os
import pickle
import struct
import sys
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import scale
from tensorboardX.proto.event_pb2 import Event, SessionLog
from tensorboardX.proto.plugin_hparams_pb2 import HParamsPluginData
from tensorboardX.record_writer import masked_crc32c

from multilayer import InvalidArgumentError, MLPClassifier, ModelFileError
from multilayer._engine.callbacks.protocol import Progress
from multilayer._persist.training_logs import EventFile
from multilayer.callbacks import Callback, TensorBoard

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y = load_iris(return_X_y=True)
X = scale(X).astype(np.float32)
SETTINGS = {"hidden_layer_sizes": (8,), "batch_size": 50, "max_iter": 4, "random_state": 0}
VALIDATION = {"X_val": X[::3], "y_val": y[::3]}
STEPS_PER_EPOCH = 3


def classifier(*callbacks, **changes):
    return MLPClassifier(**SETTINGS | changes, callbacks=list(callbacks))


# Reading event files ------------------------------------------------------------------------------


def records(path):
    """Yield the records of an event file; each has its checksums."""
    data = path.read_bytes()
    while data:
        (length,) = struct.unpack_from("<Q", data)
        (of_length,) = struct.unpack_from("<I", data, 8)
        record = data[12 : 12 + length]
        (of_record,) = struct.unpack_from("<I", data, 12 + length)
        assert of_length == masked_crc32c(data[:8])
        assert of_record == masked_crc32c(record)
        yield Event.FromString(record)
        data = data[16 + length :]


def values(folder):
    """(step, value) of each tag of a run, without what a later part of the run has made void."""
    found = {}
    for path in sorted(folder.iterdir()):
        for event in records(path):
            if event.session_log.status == SessionLog.START:
                for points in found.values():
                    points[:] = [point for point in points if point[0] < event.step]
            for value in event.summary.value:
                found.setdefault(value.tag, []).append((event.step, value))
    return found


def curve(folder, tag):
    """Steps and values of a curve."""
    steps, points = zip(*values(folder)[tag], strict=True)
    return list(steps), [point.simple_value for point in points]


def settings(folder):
    """Hyper-parameters of a run, as Python's values."""
    ((_, value),) = values(folder)["_hparams_/session_start_info"]
    content = HParamsPluginData.FromString(value.metadata.plugin_data.content)
    return {
        name: getattr(number, number.WhichOneof("kind"))
        for name, number in content.session_start_info.hparams.items()
    }


# Training without a network -----------------------------------------------------------------------


@dataclass
class FakeRun:
    step: int = 0
    name: str | None = None
    seconds: float = 0.0
    arguments: dict = field(default_factory=dict)
    network: tuple = (np.ones(3),)


def tell(board, epochs, loss):
    for epoch in epochs:
        steps = STEPS_PER_EPOCH * (epoch + 1)
        report = {"epoch": epoch, "loss": loss, "validation_loss": np.nan, "steps": steps}
        board.on_epoch_end(report | {"validation_score": np.nan, "learning_rate": 0.1})
        board.on_progress(Progress(steps, 99, STEPS_PER_EPOCH, 1.0 + epoch, 0.0))


# Curves -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    board = TensorBoard(tmp_path_factory.mktemp("runs") / "made", histograms=2, gradients=True)
    return classifier(board, alpha=np.float32(0.5)).fit(X, y, **VALIDATION), board


def test_curves_are_the_history_over_the_steps(trained):
    clf, board = trained
    for tag, column in {
        "loss/training": "loss",
        "loss/validation": "validation_loss",
        "score/validation": "validation_score",
        "learning_rate": "learning_rate",
    }.items():
        steps, points = curve(board.folder, tag)
        assert steps == list(clf.history_["steps"]) == [3, 6, 9, 12]
        assert_allclose(points, clf.history_[column], rtol=1e-6)
    steps, speeds = curve(board.folder, "steps_per_second")
    assert steps == [3, 6, 9, 12]
    assert min(speeds) > 0


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_figures_that_are_not_there_have_no_curve(tmp_path, solver):
    board = TensorBoard(tmp_path)
    clf = classifier(board, solver=solver).fit(X, y)
    tags = {"loss/training", "steps_per_second", "_hparams_/session_start_info"}
    tags |= {"learning_rate"} if solver == "adam" else set()
    assert set(values(board.folder)) - {""} == tags
    assert_allclose(curve(board.folder, "loss/training")[1], clf.history_["loss"], rtol=1e-6)


def test_figures_that_are_not_finite(tmp_path, caplog):
    """A loss is shown as it is; a histogram is that of the finite values, however close."""
    huge = np.float32(1e30)
    odd = np.array([np.nan, np.inf, huge, np.nextafter(huge, np.inf, dtype=np.float32)])
    board = TensorBoard(tmp_path, histograms=1)
    with caplog.at_level(logging.WARNING):
        board.on_train_begin(FakeRun(network=(odd, np.full(3, np.nan), np.zeros(3))))
        tell(board, range(1), np.inf)
        board.on_train_end(FakeRun())
    assert curve(board.folder, "loss/training") == ([3], [np.inf])
    found = values(board.folder)
    assert sum(found["weights/0"][0][1].histo.bucket) == 2
    assert "weights/1" not in found
    assert sum(found["weights/2"][0][1].histo.bucket) == 3
    assert not caplog.records


# Histograms ---------------------------------------------------------------------------------------


def test_histograms_of_weights(trained):
    clf, board = trained
    found = values(board.folder)
    arrays = {"0/kernel": clf.coefs_[0], "0/bias": clf.intercepts_[0]}
    arrays |= {"1/kernel": clf.coefs_[1], "1/bias": clf.intercepts_[1]}
    for name, array in arrays.items():
        for group in ("weights", "gradients"):
            assert [step for step, _ in found[f"{group}/{name}"]] == [6, 12]
        histogram = found[f"weights/{name}"][-1][1].histo
        assert sum(histogram.bucket) == histogram.num == array.size
        assert (histogram.min, histogram.max) == (array.min(), array.max())
        assert_allclose(histogram.sum, array.sum(dtype=float), rtol=1e-6, atol=1e-6)


def test_looking_on_changes_nothing(trained):
    clf, _ = trained
    alone = classifier(alpha=np.float32(0.5)).fit(X, y, **VALIDATION)
    assert_array_equal(alone.coefs_[0], clf.coefs_[0])


def test_epochs_are_told_in_groups_unless_weights_are_looked_at(tmp_path):
    assert TensorBoard(tmp_path).only_watches
    assert not TensorBoard(tmp_path, histograms=3).only_watches


def test_running_moments_have_no_gradient(tmp_path):
    board = TensorBoard(tmp_path, histograms=4, gradients=True)
    classifier(board, norm="batch").fit(X, y)
    tags = set(values(board.folder))
    assert "weights/0/moments/mean" in tags
    assert "gradients/0/scale" in tags
    assert "gradients/0/moments/mean" not in tags


# Hyper-parameters ---------------------------------------------------------------------------------


def test_hyper_parameters(trained):
    clf, board = trained
    shown = settings(board.folder)
    assert shown["alpha"] == 0.5
    assert shown["batch_size"] == 50
    assert shown["shuffle"] is True
    assert shown["hidden_layer_sizes"] == "(8,)"
    assert shown["solver"] == "adam"
    none = {name for name, value in clf.get_params().items() if value is None}
    assert set(clf.get_params()) - none - set(shown) == {"callbacks", "verbose", "warm_start"}


def test_arguments_of_any_kind_are_shown(tmp_path, caplog):
    board = TensorBoard(tmp_path)
    given = {
        "n_iter_no_change": np.inf,
        "tol": np.float32(0.25),
        "max_iter": np.int64(7),
        "early_stopping": np.bool_(True),
        "layer_learning_rates": [0.5] * 99,
        "solver": np.sin,
        "dropout": None,
    }
    with caplog.at_level(logging.WARNING):
        board.on_train_begin(FakeRun(arguments=given))
        tell(board, range(1), 1.0)
        board.on_train_end(FakeRun())
    shown = settings(board.folder)
    assert len(shown.pop("layer_learning_rates")) == 200
    assert shown == {
        "n_iter_no_change": "inf",
        "tol": 0.25,
        "max_iter": 7,
        "early_stopping": True,
        "solver": "sin",
    }
    assert not caplog.records


# Folders of runs ----------------------------------------------------------------------------------


def test_fits_of_a_search_have_a_folder_each(tmp_path):
    board = TensorBoard(tmp_path)
    search = GridSearchCV(classifier(board, max_iter=1), {"alpha": [0.5, 1.0]}, cv=2)
    search.fit(X, y)
    folders = sorted(tmp_path.iterdir())
    assert len(folders) == 2 * 2 + 1
    assert sorted(settings(folder)["alpha"] for folder in folders)[:2] == [0.5, 0.5]
    assert all(curve(folder, "loss/training")[0] in ([2], [3]) for folder in folders)
    assert board.folder is None  # it was copies that looked on


@pytest.mark.parametrize("copied", [deepcopy, lambda clf: pickle.loads(pickle.dumps(clf)), clone])
def test_copies_leave_the_run_behind(trained, copied):
    clf, board = trained
    (twin,) = copied(clf).callbacks
    assert twin.folder is None
    assert (twin.log_dir, twin.histograms, twin.gradients) == (board.log_dir, 2, True)
    assert not twin.only_watches


def test_a_new_fit_has_a_new_folder_and_more_training_goes_on(tmp_path):
    board = TensorBoard(tmp_path)
    clf = classifier(board, warm_start=True, max_iter=2).fit(X, y)
    first = board.folder
    clf.fit(X, y)
    clf.partial_fit(X, y)
    assert board.folder == first
    assert curve(first, "loss/training")[0] == [3, 6, 9, 12, 15]
    assert_allclose(curve(first, "loss/training")[1], clf.history_["loss"], rtol=1e-6)
    clf.set_params(warm_start=False).fit(X, y)
    assert board.folder != first
    assert board.folder.name > first.name or board.folder.name[:19] == first.name[:19]
    assert curve(first, "loss/training")[0] == [3, 6, 9, 12, 15]


@pytest.fixture(params=[0, 1])
def crashed(tmp_path, request):
    """A run that ended without a word after its fifth epoch, and was taken up after its second."""
    options = {"log_dir": tmp_path, "histograms": request.param}
    name = "0123456789abcdef"
    board = TensorBoard(**options)
    board.on_train_begin(FakeRun(name=name))
    tell(board, range(5), 1.0)
    assert curve(board.folder, "loss/training")[0] == [3, 6, 9, 12, 15]  # though it is open still
    other = TensorBoard(**options)
    other.on_train_begin(FakeRun(step=6, name="f" * 16))
    again = TensorBoard(**options)
    again.on_train_begin(FakeRun(step=6, seconds=2.0, name=name))
    tell(again, range(2, 4), 2.0)
    again.on_train_end(FakeRun())
    assert again.folder == board.folder != other.folder
    assert list(tmp_path.iterdir()) == [again.folder]
    yield again.folder
    board.on_train_end(FakeRun())


def test_after_a_crash_no_point_shows_twice(crashed):
    assert curve(crashed, "loss/training") == ([3, 6, 9, 12], [1, 1, 2, 2])
    assert curve(crashed, "steps_per_second") == ([3, 6, 9, 12], [3, 3, 3, 3])


def test_tensorboard_itself_reads_the_files(crashed, trained):
    reason = "tensorboard is not installed: nothing but this test needs it"
    reader = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator", reason=reason
    )
    run = reader.EventAccumulator(str(crashed))
    run.Reload()
    points = [(point.step, point.value) for point in run.Scalars("loss/training")]
    assert points == [(3, 1), (6, 1), (9, 2), (12, 2)]
    run = reader.EventAccumulator(str(trained[1].folder), {"histograms": 0})  # 0: all of them
    run.Reload()
    assert [point.step for point in run.Histograms("gradients/1/kernel")] == [6, 12]
    assert run.SummaryMetadata("_hparams_/session_start_info").plugin_data.plugin_name == "hparams"


# Refusals -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"log_dir": ""}, "log_dir"),
        ({"log_dir": None}, "log_dir"),
        ({"histograms": -1}, "histograms"),
        ({"histograms": True}, "histograms"),
        ({"histograms": 1, "gradients": "yes"}, "gradients"),
        ({"gradients": True}, "gradients"),
    ],
)
def test_bad_arguments(arguments, name):
    with pytest.raises(InvalidArgumentError, match=f"^{name} must be "):
        TensorBoard(**{"log_dir": "runs"} | arguments)


def test_a_folder_that_takes_no_files_is_refused_before_the_first_step(tmp_path):
    file = tmp_path / "file"
    file.touch()
    told = []
    diary = Callback()
    diary.on_epoch_end = told.append
    with pytest.raises(InvalidArgumentError, match=r"^log_dir must be a folder in which"):
        classifier(diary, TensorBoard(file / "below")).fit(X, y)
    assert told == []


def test_without_tensorboardx(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(ImportError, match="pip install tensorboardX"):
        TensorBoard("runs")


def test_nothing_is_written_before_training(tmp_path):
    TensorBoard(Path(tmp_path, "runs"))
    assert list(tmp_path.iterdir()) == []


def test_event_files_that_can_be_written_no_longer(tmp_path, monkeypatch):
    from tensorboardX.event_file_writer import EventsWriter

    file = EventFile(tmp_path / "run", 0)
    file.scalars({"loss": 0.5}, 1)

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for name, work in (
        ("write_event", lambda: file.scalars({"loss": 0.4}, 2)),
        ("flush", file.flush),
        ("close", file.close),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(EventsWriter, name, full)
            with pytest.raises(ModelFileError, match=r"cannot write .*/run: No space left"):
                work()
    file.close()
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ModelFileError, match="cannot write"):
        EventFile(tmp_path / "file", 0)
