"""The interface of callbacks: what may observe training, and end it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeAlias

from multilayer._core.types import Report
from multilayer._nn.model import Parameters

CallbackState: TypeAlias = dict[str, Any]
"""What a checkpoint has of a callback: numbers, text, None and networks, by name."""


class Progress(NamedTuple):
    """How far training has come, after each call of the compiled program."""

    step: int  # steps done
    total_steps: int  # steps of max_iter epochs
    steps_per_epoch: int
    seconds: float  # since the first step, compilation apart
    compile_seconds: float


@dataclass(frozen=True)
class Stop:
    """What a callback returns to end training after the present epoch.

    Parameters
    ----------
    reason : str, default="callback"
        Becomes the estimator's ``stop_reason_``.
    """

    reason: str = "callback"


class Run(Protocol):
    """A training run, as callbacks see it."""

    @property
    def name(self) -> str | None:
        """Name of this run, the same when it is resumed from a checkpoint; None without one."""

    @property
    def step(self) -> int:
        """Steps done, of the network's earlier training too."""

    @property
    def seconds(self) -> float:
        """Seconds of this run's steps, compilation apart."""

    @property
    def arguments(self) -> Mapping[str, object]:
        """What the estimator was constructed with, by name; empty where there is none."""

    @property
    def network(self) -> Parameters:
        """The parameters to predict with, as they are now; they may be stored but not changed."""

    def restore(self, network: Parameters) -> None:
        """Put parameters in place that :attr:`network` once gave."""

    def gradient(self) -> Parameters:
        """Compute the gradient of what the latest step lowered, where training stands now.

        A tree like the parameters in training, without running moments; it takes as long as a step.
        """


class Callback:
    """Observes training; to be subclassed.

    Every method is optional. ``on_epoch_end`` is called after each epoch, before the next one
    begins: the compiled program then does one epoch at a time.

    Attributes
    ----------
    only_watches : bool
        True for a callback that never stops training and reads only the reports: epochs
        may then be reported in groups, and small data train faster.
    """

    only_watches = False

    @property
    def acts(self) -> bool:
        """Whether it influences what is learnt; runs with other such callbacks are different runs.

        By default true for all that do not only watch; override it in a callback that only reads
        the network.
        """
        return not self.only_watches

    def on_train_begin(self, run: Run) -> None:
        """Look at the run before its first step.

        Parameters
        ----------
        run : Run
            ``run.network`` has the parameters to predict with, ``run.restore(network)`` restores
            earlier ones, ``run.gradient()`` is that of the latest batch; ``run.step``,
            ``run.seconds`` and ``run.arguments`` (the estimator's) describe it.
        """

    def on_epoch_end(self, report: Report) -> Stop | None:
        """Look at the figures of a finished epoch.

        Parameters
        ----------
        report : dict of str to float
            "epoch" (from 0), "loss", "validation_loss", "validation_score" (NaN where there are
            none), "learning_rate", "steps", "seconds".

        Returns
        -------
        stop : Stop or None
            A :class:`Stop` ends training.
        """
        return None

    def on_progress(self, progress: Progress) -> None:
        """Look at how far training has come, also within an epoch.

        Parameters
        ----------
        progress : Progress
            ``step``, ``total_steps``, ``steps_per_epoch``, ``seconds``, ``compile_seconds``.
        """

    def on_train_end(self, run: Run) -> None:
        """Look at the run after its last step, however it ended.

        Parameters
        ----------
        run : Run
            As in :meth:`on_train_begin`.
        """

    def state(self) -> CallbackState:
        """Return what a checkpoint stores of this callback, apart from its arguments.

        Returns
        -------
        state : dict of str
            Numbers, text, None, and networks such as ``run.network``. Empty by default.
        """
        return {}

    def set_state(self, state: CallbackState) -> None:
        """Continue from a state, in training that is resumed from a checkpoint.

        Called after :meth:`on_train_begin`, where :meth:`state` is overridden.

        Parameters
        ----------
        state : dict of str
            What :meth:`state` returned.
        """
