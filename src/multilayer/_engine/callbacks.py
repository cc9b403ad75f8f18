"""What may look on while a network trains."""

from typing import NamedTuple, Protocol

from multilayer._engine.history import Report


class Progress(NamedTuple):
    """How far training has come, after each call of the compiled program."""

    step: int  # steps done
    total_steps: int  # steps of max_iter epochs
    steps_per_epoch: int
    seconds: float  # since the first step, compilation apart
    compile_seconds: float


class Callback(Protocol):
    """Told of progress after each compiled call and of each finished epoch, in order."""

    def on_progress(self, progress: Progress) -> None:
        """Look at how far training has come."""

    def on_epoch_end(self, report: Report) -> None:
        """Look at the figures of a finished epoch."""


class PrintLoss:
    """Print scikit-learn's lines, one per epoch."""

    def on_progress(self, progress: Progress) -> None:
        """Print nothing within an epoch."""

    def on_epoch_end(self, report: Report) -> None:
        """Print the loss, and the validation score where there is one."""
        print(f"Iteration {report['epoch'] + 1:.0f}, loss = {report['loss']:.8f}")
        score = report["validation_score"]
        if score == score:  # not NaN
            print(f"Validation score: {score:f}")


def print_iteration(number: int, loss: float) -> None:
    """Print one line per iteration of a full-batch minimiser."""
    print(f"Iteration {number}, loss = {loss:.8f}")
