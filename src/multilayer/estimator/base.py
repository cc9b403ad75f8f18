"""What the estimators have in common: training, evaluation and prediction through a folder."""

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Self

import numpy as np

from multilayer._core.checks import check_bool, check_integer, refuse
from multilayer._persist.checkpoints import newest_checkpoint, temporary_folder
from multilayer.estimator import session
from multilayer.estimator.design import MEAN, Design
from multilayer.estimator.evaluation import Forward
from multilayer.estimator.feature_reading import check_ends, read_input
from multilayer.estimator.logging import LOGGER
from multilayer.estimator.run_config import RunConfig, check_model_dir


class Estimator(ABC):
    """An estimator whose model is in its folder: the newest checkpoint there."""

    _design: Design

    @abstractmethod
    def __init__(self) -> None: ...

    def _set_up(
        self, design: Design, model_dir: str | os.PathLike[str] | None, config: RunConfig | None
    ) -> None:
        """Set the design, and find the folder."""
        if config is None:
            config = RunConfig()
            LOGGER.info("Using default config.")
        if not isinstance(config, RunConfig):
            refuse("config", "a RunConfig or None", config)
        check_model_dir(model_dir)
        named = [os.fspath(name) for name in (model_dir, config.model_dir) if name is not None]
        if len(set(named)) > 1:
            refuse("model_dir", f"{named[1]!r} as in config, or left out there", named[0])
        folder = named[0] if named else temporary_folder()
        if not named:
            LOGGER.info("Using temporary folder as model directory: %s", folder)
        self._design, self._config = design, replace(config, model_dir=folder)
        LOGGER.info("Using config: %s", self._config)

    @property
    def model_dir(self) -> str:
        """Folder of the checkpoints."""
        return str(self._config.model_dir)

    @property
    def config(self) -> RunConfig:
        """How the estimator runs, its folder included."""
        return self._config

    def __repr__(self) -> str:
        hidden = list(self._design.hidden_units)
        return f"{type(self).__name__}(hidden_units={hidden}, model_dir={self.model_dir!r})"

    def latest_checkpoint(self) -> str | None:
        """Return the path of the newest checkpoint, None before training.

        Returns
        -------
        path : str or None

        Raises
        ------
        ModelFileError
            The folder contains checkpoints of another program (a ValueError).
        """
        newest = newest_checkpoint(self.model_dir)
        return None if newest is None else str(newest)

    def train(
        self,
        input_fn: Callable[[], object],
        hooks: None = None,
        steps: int | None = None,
        max_steps: int | None = None,
        saving_listeners: None = None,
    ) -> Self:
        """Train, resuming from the newest checkpoint in the folder if there is one.

        Training ends after `steps`, at the global step `max_steps`, or with the input. A checkpoint
        is written then, after the first step, and as the configuration says in between. Ctrl-C
        ends it with a checkpoint too.

        Parameters
        ----------
        input_fn : callable
            What :func:`numpy_input_fn` or :func:`pandas_input_fn` returned, or a function without
            arguments that returns features and labels: ``(features, labels)``, one batch that every
            step sees, or an iterator of such batches. Features are a dictionary of arrays, or one
            array for the only feature column.
        hooks : None
            Nothing else: session hooks belong to TensorFlow.
        steps : int, default=None
            Steps to do.
        max_steps : int, default=None
            Global step to stop at; with a later checkpoint there is nothing to do.
        saving_listeners : None
            Nothing else.

        Returns
        -------
        self : estimator

        Raises
        ------
        InvalidArgumentError
            An argument breaks its rule, or training would not end (a ValueError).
        DataError
            The input cannot be used (a ValueError).
        ModelFileError
            A checkpoint cannot be read or written, or is of another model (a ValueError).
        DivergenceError
            The loss became infinite or NaN (a ValueError).

        Notes ----- Where `steps`, `max_steps` or an interruption stop in the middle of arrays, the
        next call with the same input continues there: training in several calls equals training in
        one, bit for bit. After the end of an input the next call restarts it.
        """
        _refuse_given("hooks", hooks)
        _refuse_given("saving_listeners", saving_listeners)
        for name, value in (("steps", steps), ("max_steps", max_steps)):
            if value is not None:
                check_integer(name, value, 1)
        if steps is not None and max_steps is not None:
            refuse("max_steps", "None beside steps", max_steps)
        given = read_input(input_fn, labelled=True, endless=True)
        session.train(
            self._design, self._config, self.model_dir, given, steps=steps, max_steps=max_steps
        )
        return self

    def evaluate(
        self,
        input_fn: Callable[[], object],
        steps: int | None = None,
        hooks: None = None,
        checkpoint_path: str | os.PathLike[str] | None = None,
    ) -> dict[str, float]:
        """Evaluate the newest checkpoint.

        Parameters
        ----------
        input_fn : callable
            As in :meth:`train`.
        steps : int, default=None
            Batches to look at; None for all.
        hooks : None
            Nothing else: session hooks belong to TensorFlow.
        checkpoint_path : str or path-like, default=None
            Another checkpoint.

        Returns
        -------
        results : dict of str to float
            ``average_loss``, the mean over rows (by weight); ``loss``, the mean over batches of
            what training calls the loss of a batch; ``global_step``; and the figures in the notes
            of the class.

        Raises
        ------
        InvalidArgumentError
            An argument breaks its rule (a ValueError).
        DataError
            The input cannot be used (a ValueError).
        ModelFileError
            There is no checkpoint, or it cannot be read (a ValueError).
        """
        _refuse_given("hooks", hooks)
        if steps is not None:
            check_integer("steps", steps, 1)
        given = read_input(input_fn, labelled=True, endless=False)
        check_ends(given, steps)
        return self._forward(checkpoint_path).evaluate(given, steps)

    def predict(
        self,
        input_fn: Callable[[], object],
        predict_keys: Sequence[str] | None = None,
        hooks: None = None,
        checkpoint_path: str | os.PathLike[str] | None = None,
        yield_single_examples: bool = True,
    ) -> Iterator[dict[str, np.ndarray]]:
        """Predict with the newest checkpoint.

        Parameters
        ----------
        input_fn : callable
            As in :meth:`train`; labels are not needed.
        predict_keys : sequence of str, default=None
            What to predict; None for everything.
        hooks : None
            Nothing else: session hooks belong to TensorFlow.
        checkpoint_path : str or path-like, default=None
            Another checkpoint.
        yield_single_examples : bool, default=True
            Whether each row is one item; False for one item per batch.

        Returns
        -------
        predictions : iterator of dict
            The arrays named in the notes of the class; computed lazily, while it is iterated.

        Raises
        ------
        InvalidArgumentError
            An argument breaks its rule (a ValueError).
        DataError
            The input cannot be used (a ValueError).
        ModelFileError
            There is no checkpoint, or it cannot be read (a ValueError).
        """
        _refuse_given("hooks", hooks)
        check_bool("yield_single_examples", yield_single_examples)
        known = self._design.head.predictions(np.zeros((1, self._design.head.n_units), np.float32))
        keys = None if predict_keys is None else list(predict_keys)
        if keys is not None and (not keys or set(keys) - set(known)):
            refuse("predict_keys", f"some of {list(known)}", predict_keys)
        given = read_input(input_fn, labelled=False, endless=False)
        check_ends(given, None)
        forward = self._forward(checkpoint_path)
        return forward.predict(given, keys, single=bool(yield_single_examples))

    def _forward(self, checkpoint_path: str | os.PathLike[str] | None) -> Forward:
        """Return the network of a checkpoint, the newest one where none is named."""
        return Forward(self._design, checkpoint_path or self.model_dir)

    def _by_mean_loss(self) -> Self:
        """Return the estimator with the mean loss, unless another one was requested."""
        if self._design.reduction is not None:
            return self
        copy = object.__new__(type(self))
        copy._design, copy._config = replace(self._design, reduction=MEAN), self._config
        return copy


def _refuse_given(name: str, value: object) -> None:
    if value is not None:
        refuse(name, "None", value, "Hooks of sessions belong to TensorFlow.")
