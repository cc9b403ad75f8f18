"""From checkpoints back to training states and networks."""

import os

import numpy as np

from multilayer._core.errors import ModelFileError
from multilayer._core.types import computing_type
from multilayer._engine.state import TrainState
from multilayer._persist.checkpoints import (
    Checkpoint,
    newest_checkpoint,
    read_checkpoint,
    read_newest,
)
from multilayer._persist.trees import restored_tree
from multilayer.estimator.design import Design
from multilayer.estimator.network import CannedNetwork, Parameters, first_parameters, network_of
from multilayer.estimator.run_config import RunConfig


def resumed(state: TrainState, checkpoint: Checkpoint) -> TrainState:
    """Return the state of a checkpoint."""
    params = restored_tree("params", state.params, checkpoint.arrays, checkpoint.path)
    opt_state = restored_tree("opt_state", state.opt_state, checkpoint.arrays, checkpoint.path)
    return state._replace(
        params=params, opt_state=opt_state, best_params=params, step=np.int32(checkpoint.step)
    )


def warm_started(state: TrainState, design: Design) -> TrainState:
    """Return a first state, with the parameters of another model where the design names one."""
    if design.warm_start_from is None:
        return state
    checkpoint = find_checkpoint(design, design.warm_start_from)
    params = restored_tree("params", state.params, checkpoint.arrays, checkpoint.path)
    return state._replace(params=params, best_params=params)


def find_checkpoint(design: Design, place: str | os.PathLike[str]) -> Checkpoint:
    """Return a checkpoint, named itself or by its folder; there must be one."""
    path = str(place)
    newest = path if path.endswith(".safetensors") else newest_checkpoint(path)
    if newest is None:
        raise ModelFileError(f"there is no checkpoint in {path}. Call train first.")
    return checked(design, read_checkpoint(newest))


def last_checkpoint(design: Design, folder: str) -> Checkpoint | None:
    """Return the checkpoint that training goes on from, None where there is none."""
    newest = read_newest(folder)
    return None if newest is None else checked(design, newest)


def seed_of(config: RunConfig, checkpoint: Checkpoint | None) -> int:
    """Return the seed of a run: the one asked for, that of the checkpoint, or one drawn."""
    if config.tf_random_seed is not None:
        return int(config.tf_random_seed)
    if checkpoint is not None:
        return int(checkpoint.facts["seed"])
    return int(np.random.SeedSequence().generate_state(1)[0])


def checked(design: Design, checkpoint: Checkpoint) -> Checkpoint:
    """Return a checkpoint if it is one of such an estimator."""
    mine, theirs = design.description(), checkpoint.facts.get("design")
    if theirs != mine:
        raise ModelFileError(
            f"{checkpoint.path} is of another model: {theirs}, this estimator is {mine}. Choose "
            "another model_dir, or give the arguments it was made with."
        )
    return checkpoint


def trained_network(design: Design, checkpoint: Checkpoint) -> tuple[CannedNetwork, Parameters]:
    """Return the network of a checkpoint, at prediction."""
    network = network_of(design)
    like = first_parameters(design, network, 0, computing_type())
    params = restored_tree("params", like, checkpoint.arrays, checkpoint.path)
    return network.at_prediction(), params
