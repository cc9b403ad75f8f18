"""SIGTERM and SIGINT wait for a checkpoint, wherever in training they come."""

import os
import signal
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.metrics import f1_score

from multilayer import Checkpoint, MLPClassifier
from multilayer._engine import checkpointer, loop
from multilayer._engine.native.maker import NativeMaker
from multilayer._persist.checkpoints import read_checkpoint
from multilayer.callbacks import Callback

from .crashes import SETTINGS, X, assert_same_result, checkpoints, y

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.skipif(os.name == "nt", reason="signals of POSIX"),
]

SIGNALS = [signal.SIGTERM, signal.SIGINT]
MANY = sparse.csr_matrix(np.tile(X, (11, 1)))  # validation rows of several blocks
SCRIPT = Path(__file__).parent / "scripts" / "train.py"


@pytest.fixture(autouse=True)
def in_the_main_thread():
    """Only there signals have handlers of Python's; those there are now are put back."""
    if threading.current_thread() is not threading.main_thread():
        pytest.skip("tests do not run in the main thread")
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


class Sends(Callback):
    """Sends a signal, once: when training begins, ends, or has come to a step."""

    only_watches = True

    def __init__(self, number, *, at):
        self.number, self.at = number, at

    def send(self, at):
        if self.at == at:
            self.at = None
            signal.raise_signal(self.number)

    def on_train_begin(self, run):
        self.send("begin")

    def on_progress(self, progress):
        if isinstance(self.at, int) and progress.step >= self.at:
            self.send(self.at)

    def on_train_end(self, run):
        self.send("end")


def estimator(folder, number=None, at=None, **changes):
    callbacks = [] if at is None else [Sends(number, at=at)]
    kept = Checkpoint(folder, every=10_000)  # never but at the end, and when a signal comes
    return MLPClassifier(**SETTINGS | changes, checkpoint=kept, callbacks=callbacks)


def on_call(module, name, number, nth, monkeypatch):
    """Send a signal at the nth call of a function."""
    function, calls = getattr(module, name), []

    def sends(*args, **more):
        calls.append(None)
        if len(calls) == nth:
            signal.raise_signal(number)
        return function(*args, **more)

    monkeypatch.setattr(module, name, sends)


def stopped(asked, number, *data, **more):
    """Fit until a signal stops it; return the warnings."""
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        if number == signal.SIGTERM:
            with pytest.raises(SystemExit) as ended:
                asked.fit(*data, **more)
            assert ended.value.code == 143
        else:
            asked.fit(*data, **more)
            assert asked.stop_reason_ == "interrupted"
    said = [str(warning.message) for warning in given]
    assert said[0].startswith(f"{signal.Signals(number).name} received: training stopped after")
    assert len(said[1:]) == (number == signal.SIGINT)
    assert all(text.startswith("Training interrupted by user.") for text in said[1:])
    assert {warning.filename for warning in given} == {__file__}
    return said[0]


def assert_stops_and_goes_on(asked, number, *data, **more):
    """A signal stops a fit; the next one ends as if there had been none."""
    handlers = [signal.getsignal(n) for n in SIGNALS]
    said = stopped(asked, number, *data, **more)
    assert [signal.getsignal(n) for n in SIGNALS] == handlers
    folder = Path(asked.checkpoint.folder)
    (kept,) = checkpoints(folder)
    assert f"is saved in {kept}. The same fit resumes from there." in said
    again = clone(asked).set_params(callbacks=None)
    whole = clone(again).set_params(checkpoint=None).fit(*data, **more)
    assert_same_result(whole, again.fit(*data, **more))
    assert len(checkpoints(folder)) == 2
    return read_checkpoint(kept).step


# When ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", SIGNALS)
def test_before_the_first_step(number, tmp_path):
    assert assert_stops_and_goes_on(estimator(tmp_path, number, "begin"), number, X, y) == 0


@pytest.mark.parametrize("number", SIGNALS)
def test_while_the_program_is_made(number, tmp_path, monkeypatch):
    on_call(NativeMaker, "training_program", number, 1, monkeypatch)
    monkeypatch.setattr(loop.Pace, "__call__", lambda pace, step: 3)
    assert assert_stops_and_goes_on(estimator(tmp_path), number, X, y) == 3


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("at", [4, 10, 36])
def test_in_an_epoch_or_at_its_end(number, at, tmp_path, monkeypatch):
    monkeypatch.setattr(loop.Pace, "__call__", lambda pace, step: 2)
    assert assert_stops_and_goes_on(estimator(tmp_path, number, at), number, X, y) == at


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize(("block", "step"), [(1, 0), (2, 0), (5, 10)])  # three blocks an epoch
def test_while_streamed_rows_are_judged(number, block, step, tmp_path, monkeypatch):
    on_call(NativeMaker, "sums_program", number, block, monkeypatch)
    data = {"X_val": MANY, "y_val": np.tile(y, 11)}
    # With noise the native engine makes sparse rows dense, some at a time.
    asked = estimator(tmp_path, early_stopping=True, input_noise=0.01)
    assert assert_stops_and_goes_on(asked, number, sparse.csr_matrix(X), y, **data) == step


class ScoresAndSends:
    """A scorer that sends a signal after the second epoch; it is tried once before the first."""

    n_calls = 0

    def __init__(self, number):
        self.number = int(number)

    def __call__(self, estimator, X, y):
        ScoresAndSends.n_calls += 1
        if ScoresAndSends.n_calls == 3:
            signal.raise_signal(self.number)
        return f1_score(y, estimator.predict(X), average="macro")


@pytest.mark.parametrize("number", SIGNALS)
def test_while_a_function_scores(number, tmp_path, monkeypatch):
    monkeypatch.setattr(ScoresAndSends, "n_calls", 0)
    asked = estimator(tmp_path, scoring=ScoresAndSends(number), early_stopping=True)
    assert assert_stops_and_goes_on(asked, number, X, y) == 18  # epochs of 9 steps


@pytest.mark.parametrize("number", SIGNALS)
def test_while_a_checkpoint_is_written(number, tmp_path, monkeypatch):
    main = threading.main_thread().ident
    write, sent = checkpointer.write_checkpoint, []

    def sends(*args, **more):
        path = write(*args, **more)
        if not sent:
            sent.append(path)
            signal.pthread_kill(main, number)
        return path

    monkeypatch.setattr(checkpointer, "write_checkpoint", sends)
    monkeypatch.setattr(loop.Pace, "__call__", lambda pace, step: 3)
    asked = estimator(tmp_path).set_params(checkpoint=Checkpoint(tmp_path, every=9, keep=1))
    stopped(asked, number, X, y)
    (kept,) = checkpoints(tmp_path)
    assert read_checkpoint(kept).step < 50
    whole = clone(asked).set_params(checkpoint=None).fit(X, y)
    assert_same_result(whole, clone(asked).fit(X, y))


@pytest.mark.parametrize("at", [50, "end"])
def test_after_the_last_step_it_is_handed_on(at, tmp_path):
    whole = estimator(tmp_path / "whole").fit(X, y)
    for number, end in ((signal.SIGTERM, SystemExit), (signal.SIGINT, KeyboardInterrupt)):
        asked = estimator(tmp_path / str(int(number)), number, at)
        with pytest.raises(end):
            asked.fit(X, y)
        assert_same_result(whole, asked)
        (kept,) = checkpoints(tmp_path / str(int(number)))
        assert read_checkpoint(kept).step == 50


# Whose handler -------------------------------------------------------------------------------


@pytest.mark.parametrize("number", SIGNALS)
def test_a_users_handler_is_called_after_the_checkpoint_and_may_return(
    number, tmp_path, monkeypatch
):
    found = []

    def handler(received, frame):
        found.append((received, [read_checkpoint(p).step for p in checkpoints(tmp_path)]))

    signal.signal(number, handler)
    monkeypatch.setattr(loop.Pace, "__call__", lambda pace, step: 2)
    asked = estimator(tmp_path, number, at=20)
    with pytest.warns(UserWarning, match="received: training stopped after step 20"):
        asked.fit(X, y)
    assert signal.getsignal(number) is handler
    assert found == [(number, [20])]
    assert_same_result(clone(asked).set_params(checkpoint=None, callbacks=None).fit(X, y), asked)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_users_handler_may_raise(number, tmp_path, monkeypatch):
    class Preempted(Exception):
        pass

    def handler(received, frame):
        raise Preempted

    signal.signal(number, handler)
    monkeypatch.setattr(loop.Pace, "__call__", lambda pace, step: 2)
    asked = estimator(tmp_path, number, at=4)
    with pytest.warns(UserWarning, match="received"), pytest.raises(Preempted):
        asked.fit(X, y)
    assert signal.getsignal(number) is handler
    assert asked.stop_reason_ == "failed"
    assert asked.predict(X).shape == y.shape
    again = clone(asked).set_params(callbacks=None).fit(X, y)
    assert_same_result(clone(again).set_params(checkpoint=None).fit(X, y), again)


@pytest.mark.parametrize("number", SIGNALS)
def test_an_ignored_signal_stays_ignored(number, tmp_path):
    signal.signal(number, signal.SIG_IGN)
    asked = estimator(tmp_path, number, at=4).fit(X, y)
    assert signal.getsignal(number) == signal.SIG_IGN
    assert asked.stop_reason_ == "max_iter"
    assert len(checkpoints(tmp_path)) == 1


def test_without_checkpoints_handlers_are_left_alone(tmp_path):
    seen = []

    class Looks(Callback):
        only_watches = True

        def on_train_begin(self, run):
            seen.append([signal.getsignal(number) for number in SIGNALS])

    for checkpoint in (None, tmp_path):
        MLPClassifier(**SETTINGS, callbacks=[Looks()], checkpoint=checkpoint).fit(X, y)
    assert seen[0] == [signal.getsignal(number) for number in SIGNALS]
    assert all(mine != theirs for mine, theirs in zip(*seen, strict=True))


def test_in_another_thread_handlers_are_left_alone(tmp_path):
    received = []
    signal.signal(signal.SIGTERM, lambda number, frame: received.append(number))
    mine, seen = signal.getsignal(signal.SIGTERM), []

    class Looks(Callback):
        only_watches = True

        def on_train_begin(self, run):
            seen.append(signal.getsignal(signal.SIGTERM))
            signal.pthread_kill(threading.main_thread().ident, signal.SIGTERM)

    asked = estimator(tmp_path).set_params(callbacks=[Looks()])
    thread = threading.Thread(target=asked.fit, args=(X, y))
    thread.start()
    thread.join()
    assert seen == [mine]
    assert received == [signal.SIGTERM]
    assert_same_result(clone(asked).set_params(checkpoint=None, callbacks=None).fit(X, y), asked)


# From outside ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 0)])
def test_a_process_that_is_asked_to_end(number, code, server, tmp_path):
    def start():
        return server.start(SCRIPT, tmp_path / "fits", result, output=tmp_path / "said")

    result = tmp_path / "result.npz"
    process = start()
    process.wait_until(lambda: checkpoints(tmp_path))
    process.send(number)
    assert process.wait() == code, process.said()
    assert f"{signal.Signals(number).name} received: training stopped" in process.said()
    stopped_at = read_checkpoint(checkpoints(tmp_path)[-1]).step
    assert 0 < stopped_at < 400
    assert f"after step {stopped_at}, " in process.said()
    result.unlink(missing_ok=True)
    again = start()
    assert again.wait() == 0, again.said()
    with np.load(result) as learnt:
        assert learnt["steps"][-1] == 400
