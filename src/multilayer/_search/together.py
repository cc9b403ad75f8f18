"""Lanes of one shape in one program: what an accelerator trains.

On an accelerator a small network leaves most of the chip idle, so lanes of the same fold, shape and
rule are trained in one vmapped program. A lane that diverges is frozen and reported; the others go
on. Results differ from those of single networks in the order of sums: by about 1e-5.
"""

from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache

from multilayer._core.environment import jax_accelerator
from multilayer._core.pytrees import leaves
from multilayer._engine.loop import Training
from multilayer._engine.population import VmappingMaker, train_population
from multilayer._search.lanes import Lane
from multilayer._sklearn.fit.paused import PausedFit

OUT_OF_MEMORY = "RESOURCE_EXHAUSTED"  # in what JAX raises


@lru_cache(maxsize=1)
def accelerated() -> bool:
    """Whether JAX has an accelerator, so that lanes may train in one program."""
    return bool(jax_accelerator())


def advance_together(lanes: Sequence[Lane], share: float) -> None:
    """Train those lanes that can share a program until a share of all epochs is done.

    Their fits have begun. The others are left as they are.
    """
    groups: defaultdict[tuple[object, int], list[Training]] = defaultdict(list)
    for lane in lanes:
        fit = lane.fit
        if not isinstance(fit, PausedFit) or lane.over or lane.has_passed(share):
            continue
        maker = fit.training.maker
        if isinstance(maker, VmappingMaker) and maker.prefers_vmap():
            stop = lane.epochs_at(share) * fit.training.source.steps_per_epoch
            groups[_alike(lane, fit.training), stop].append(fit.training)
    for (_, stop), members in groups.items():
        _train(members, stop)


def _alike(lane: Lane, training: Training) -> object:
    """Return what lanes must share to be trained in one program."""
    shapes = tuple(leaf.shape for leaf in leaves(training.state.params))
    source = training.source
    sizes = source.n_rows, source.batch_size, source.steps_per_epoch
    return lane.number[1], training.config, training.step, sizes, shapes


def _train(members: list[Training], stop: int) -> None:
    """Train as many members at a time as the device has memory for: it says when there is none."""
    try:
        train_population(members, stop)
    except RuntimeError as error:
        if OUT_OF_MEMORY not in str(error) or len(members) == 1:
            raise
        half = len(members) // 2
        _train(members[:half], stop)
        _train(members[half:], stop)
