"""Training in a model folder, resumed from its newest checkpoint."""

import math
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

import numpy as np

from multilayer._core.checks import refuse
from multilayer._core.errors import DivergenceError, ModelFileError
from multilayer._core.pytrees import Tree
from multilayer._engine import engines, loop
from multilayer._engine.callbacks.protocol import Callback, Progress
from multilayer._engine.checkpointer import CheckpointWriter
from multilayer._engine.engines import Engine
from multilayer._engine.loop import Pace, Training
from multilayer._engine.state import TrainState
from multilayer._nn.model import Model
from multilayer._persist.checkpoints import (
    StoredCheckpoint,
    checkpoint_path,
    newest_checkpoint,
    prepare_folder,
    read_checkpoint,
    read_newest,
)
from multilayer._persist.parameters_file import named_leaves, restored_tree
from multilayer._sklearn.fit.assembly import warn_of_change
from multilayer.estimator.design import Design
from multilayer.estimator.endless_source import EndlessSource
from multilayer.estimator.feature_reading import ArrayInput, Input
from multilayer.estimator.learnt import first_parameters
from multilayer.estimator.logging import INFO, LOGGER
from multilayer.estimator.run_config import RunConfig
from multilayer.estimator.training_run import (
    STREAM,
    Place,
    Setup,
    assemble,
    make_source,
    network_of,
    set_up,
)

# From checkpoints back to training states and networks -------------------------------------------


def resumed(setup: Setup, state: TrainState, checkpoint: StoredCheckpoint) -> TrainState:
    """Return the state of a checkpoint."""
    like, opt_like = setup.nested(state)
    params = restored_tree("params", like, checkpoint.arrays, checkpoint.path)
    opt_state = restored_tree("opt_state", opt_like, checkpoint.arrays, checkpoint.path)
    before = engine_of(checkpoint)
    if before != setup.choice.engine:
        warn_of_change(before, setup.choice.engine)
    state = setup.with_parameters(state, params, opt_state)
    return state._replace(step=np.int32(checkpoint.step))


def engine_of(checkpoint: StoredCheckpoint) -> str:
    """Return the name of the engine that wrote a checkpoint."""
    return str(checkpoint.facts.get("engine", engines.OLDER))


def warm_started(setup: Setup, state: TrainState) -> TrainState:
    """Return a first state, with the parameters of another model where the design names one."""
    design = setup.design
    if design.warm_start_from is None:
        return state
    checkpoint = find_checkpoint(design, design.warm_start_from)
    like, opt_state = setup.nested(state)
    params = restored_tree("params", like, checkpoint.arrays, checkpoint.path)
    return setup.with_parameters(state, params, opt_state)


def find_checkpoint(design: Design, place: str | os.PathLike[str]) -> StoredCheckpoint:
    """Return a checkpoint, named itself or by its folder; there must be one."""
    path = str(place)
    newest = path if path.endswith(".safetensors") else newest_checkpoint(path)
    if newest is None:
        raise ModelFileError(f"there is no checkpoint in {path}. Call train first.")
    return checked(design, read_checkpoint(newest))


def last_checkpoint(design: Design, folder: str) -> StoredCheckpoint | None:
    """Return the checkpoint that training resumes from, None where there is none."""
    newest = read_newest(folder)
    return None if newest is None else checked(design, newest)


def seed_of(config: RunConfig, checkpoint: StoredCheckpoint | None) -> int:
    """Return the seed of a run: the one given, that of the checkpoint, or one drawn."""
    if config.tf_random_seed is not None:
        return int(config.tf_random_seed)
    if checkpoint is not None:
        return int(checkpoint.facts["seed"])
    return int(np.random.SeedSequence().generate_state(1)[0])


def checked(design: Design, checkpoint: StoredCheckpoint) -> StoredCheckpoint:
    """Return a checkpoint if it is one of such an estimator."""
    mine, theirs = design.description(), checkpoint.facts.get("design")
    if theirs != mine:
        raise ModelFileError(
            f"{checkpoint.path} is of another model: {theirs}, this estimator is {mine}. Choose "
            "another model_dir, or give the arguments it was made with."
        )
    return checkpoint


def trained_network(
    design: Design, checkpoint: StoredCheckpoint, engine: Engine, dtype: str
) -> tuple[Model, Tree]:
    """Return the network of a checkpoint at prediction, and its parameters, for an engine."""
    like = first_parameters(design, 0, dtype)
    params = restored_tree("params", like, checkpoint.arrays, checkpoint.path)
    network = network_of(design, engine.name).at_prediction()
    return network, params.layers if engine.name == engines.NATIVE else params


# One call of ``train``: steps, lines of the log, checkpoints -------------------------------------


@dataclass
class Session:
    """A training run between its checkpoints."""

    setup: Setup
    training: Training
    source: EndlessSource
    config: RunConfig
    folder: str
    place: Place
    first: int  # the global step it begins from
    logged: float = 0.0  # when the last loss was
    loss: float = math.nan  # of the last step that was looked at

    def __post_init__(self) -> None:
        keep = self.config.keep_checkpoint_max
        self.writer = CheckpointWriter(self.folder, self.config.interval, keep)

    def run(self, stop: float) -> None:
        """Train until a global step, or until the input ends."""
        watch, pace = Watch(self), Pace(self.training)
        with self.writer:
            with self._saved_on_interrupt():
                while (target := self.next_look(stop)) > self.training.step:
                    self.look_at(target, watch, pace)
                    if target < self._last(stop):
                        self.save_if_due(target)
                    self.log(target)
            self.save(completed=True)
        if self.training.step > self.first:
            LOGGER.info("Loss for final step: %s.", np.float32(self.loss))

    def _last(self, stop: float) -> float:
        end = self.source.end
        return stop if end is None else min(stop, end)

    def next_look(self, stop: float) -> int:
        """Return the next global step whose loss is looked at, or after which there is a save."""
        step = self.training.step
        reach = self.source.reach(step)
        ends = [self._last(stop), *([] if reach is None else [reach])]
        if step == self.first:
            ends.append(step + 1)
        every = self.config.log_step_count_steps
        if every and LOGGER.isEnabledFor(INFO):
            ends.append(self.first + 1 + (step - self.first - 1) // every * every + every)
        return int(min(*ends, self.writer.interval.limit(step)))

    def look_at(self, target: int, watch: "Watch", pace: Pace) -> None:
        """Train until a global step, the sums of losses those of its batch alone."""
        if target - 1 > self.training.step:
            loop.train(self.training, target - 1, callbacks=[watch], budget=pace)
        state = self.training.state
        zero = np.zeros_like(state.loss_sum)
        self.training.state = state._replace(loss_sum=zero, weight_sum=zero)
        loop.train(self.training, target, callbacks=[watch], budget=pace)
        state = self.training.state
        self.loss = self.setup.design.reported_loss(float(state.loss_sum), float(state.weight_sum))

    def log(self, step: int) -> None:
        """Log the loss of a step, and the speed since the last one logged."""
        every = self.config.log_step_count_steps
        if not every or (step - self.first - 1) % every:
            return
        now = time.perf_counter()
        loss, seconds, self.logged = np.float32(self.loss), now - self.logged, now
        if step == self.first + 1:
            LOGGER.info("loss = %s, step = %d", loss, step)
        else:
            LOGGER.info("global_step/sec: %g", every / seconds)
            LOGGER.info("loss = %s, step = %d (%.3f sec)", loss, step, seconds)

    def save_if_due(self, step: int) -> None:
        """Write a checkpoint after the first step, at multiples of steps, or by the clock."""
        if step == self.first + 1 or self.writer.is_due(step):
            self.save()

    def save(self, *, completed: bool = False) -> None:
        """Begin to write a checkpoint of the state after the last step.

        Parameters and the state of the update rule are all of it: the one endless epoch of an input
        has no history, no best network and no stopping rule. Their names are those that earlier
        releases gave them. A later call continues at this place of the input, unless that is its
        end. Once a call is completed, the user restarts an iterator.
        """
        state, step = self.training.state, self.training.step
        ended = self.source.end is not None and step >= self.source.end
        over = ended or (completed and self.place.mark == STREAM)
        facts = {
            "design": self.setup.design.description(),
            "seed": self.setup.seed,
            "place": None if over else asdict(self.place),
            "engine": self.setup.choice.engine,
        }
        params, opt_state = self.setup.nested(state)
        arrays = {**named_leaves("params", params), **named_leaves("opt_state", opt_state)}
        self.writer.write(step, arrays, facts)
        LOGGER.info("Saving checkpoints for %d into %s.", step, checkpoint_path(self.folder, step))

    @contextmanager
    def _saved_on_interrupt(self) -> Iterator[None]:
        """Save what is trained when Ctrl-C ends it."""
        try:
            yield
        except KeyboardInterrupt:
            self.save()
            raise


class Watch(Callback):
    """Looks on from call to call of the engine: the clock of checkpoints, and divergence."""

    only_watches = True

    def __init__(self, session: Session) -> None:
        self._session = session

    def on_progress(self, progress: Progress) -> None:
        """Refuse a loss that is no number; save when it is time."""
        session = self._session
        if not np.isfinite(session.training.state.loss_sum):
            raise DivergenceError(
                f"training diverged by step {progress.step}: the loss is not finite. The "
                f"checkpoints in {session.folder} are from before. Scale the features, or give "
                "the optimizer a lower learning rate."
            )
        # Multiples of steps are the session's own to look at: a call ends at each of them.
        if session.writer.interval.steps is None and session.writer.is_due(progress.step):
            session.save()


def train(
    design: Design,
    config: RunConfig,
    folder: str,
    given: Input,
    *,
    steps: int | None,
    max_steps: int | None,
) -> None:
    """Train from the newest checkpoint of a folder on, for some steps or up to a global step."""
    endless = isinstance(given, ArrayInput) and given.num_epochs is None
    if endless and steps is None and max_steps is None:
        refuse("steps", "a number for an input without end", None, "Or give max_steps.")
    checkpoint = last_checkpoint(design, folder)
    first = 0 if checkpoint is None else checkpoint.step
    if max_steps is not None and max_steps <= first:
        LOGGER.info("Skipping training since max_steps has already saved.")
        return
    setup = set_up(design, seed_of(config, checkpoint))
    LOGGER.debug(setup.choice.sentence)
    stored = None if checkpoint is None else checkpoint.facts.get("place")
    source, place = make_source(setup, given, first, stored)
    stop = max_steps if max_steps is not None else math.inf if steps is None else first + steps
    training = assemble(setup, source)
    if checkpoint is None:
        training.state = warm_started(setup, training.state)
    else:
        LOGGER.info("Restoring parameters from %s", checkpoint.path)
        training.state = resumed(setup, training.state, checkpoint)
    prepare_folder(folder)
    Session(setup, training, source, config, folder, place, first).run(stop)
