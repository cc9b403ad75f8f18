"""How a run is made: its folder, its seed, its checkpoints, its log."""

import os
from dataclasses import dataclass, replace
from typing import Any

from multilayer._core.checks import check_integer, check_real, refuse
from multilayer._engine.checkpointer import Interval

SECONDS = 600  # between checkpoints


@dataclass(frozen=True)
class RunConfig:
    """How an estimator runs.

    Parameters
    ----------
    model_dir : str or path-like, default=None
        Folder of the checkpoints; None for a temporary one, unless the estimator names it.
    tf_random_seed : int, default=None
        Seed of the first weights, the order of rows and dropout, from 0 to 2**32 - 1. The same
        seed gives the same bits again; None draws one.
    save_summary_steps : None
        Must be None: no summaries for TensorBoard are written.
    save_checkpoints_steps : int, default=None
        A checkpoint whenever the global step is a multiple of this; it replaces
        `save_checkpoints_secs`.
    save_checkpoints_secs : float, default=600
        Seconds from one checkpoint to the next; None for none by the clock. In any case there is
        one after the first step of each training and one at its end.
    keep_checkpoint_max : int, default=5
        Number of newest checkpoints that are retained; None or 0 for all.
    log_step_count_steps : int, default=100
        Steps from one line of the log to the next; None for none.

    Raises
    ------
    InvalidArgumentError
        An argument breaks its rule (a ValueError).

    Examples
    --------
    >>> from multilayer import estimator
    >>> config = estimator.RunConfig(tf_random_seed=42, save_checkpoints_steps=1000)
    >>> config.replace(tf_random_seed=43).tf_random_seed
    43
    """

    model_dir: str | os.PathLike[str] | None = None
    tf_random_seed: int | None = None
    save_summary_steps: None = None
    save_checkpoints_steps: int | None = None
    save_checkpoints_secs: float | None = SECONDS
    keep_checkpoint_max: int | None = 5
    log_step_count_steps: int | None = 100

    def __post_init__(self) -> None:
        check_model_dir(self.model_dir)
        if self.tf_random_seed is not None:
            check_integer("tf_random_seed", self.tf_random_seed, 0, 2**32 - 1)
        if self.save_summary_steps is not None:
            remedy = "Leave it out: no summaries for TensorBoard are written."
            refuse("save_summary_steps", "None", self.save_summary_steps, remedy)
        if self.save_checkpoints_steps is not None:
            check_integer("save_checkpoints_steps", self.save_checkpoints_steps, 1)
        if self.save_checkpoints_secs is not None:
            check_real("save_checkpoints_secs", self.save_checkpoints_secs, "(0, inf]")
        if self.keep_checkpoint_max is not None:
            check_integer("keep_checkpoint_max", self.keep_checkpoint_max, 0)
        if self.log_step_count_steps is not None:
            check_integer("log_step_count_steps", self.log_step_count_steps, 1)
        if self.save_checkpoints_steps and self.save_checkpoints_secs not in (None, SECONDS):
            refuse(
                "save_checkpoints_secs",
                "left out beside save_checkpoints_steps",
                self.save_checkpoints_secs,
            )

    def replace(self, **changes: Any) -> "RunConfig":
        """Return a configuration with other values.

        Parameters
        ----------
        **changes
            Arguments of :class:`RunConfig` and their new values.

        Returns
        -------
        config : RunConfig

        Raises
        ------
        InvalidArgumentError
            A value breaks its rule (a ValueError).
        """
        return replace(self, **changes)

    @property
    def interval(self) -> Interval:
        """When checkpoints are due; the clock does not count where steps are given."""
        steps = self.save_checkpoints_steps
        return Interval(steps, None if steps else self.save_checkpoints_secs)


def check_model_dir(value: object) -> None:
    """Check the name of a folder."""
    if value is not None and not (isinstance(value, str | os.PathLike) and os.fspath(value)):
        refuse("model_dir", "the name of a folder, or None for a temporary one", value)
