"""Where a fit starts: from a network drawn at random, from trained layers, or where it stopped."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, NoReturn, Protocol

import numpy as np

from multilayer._core.checks import refuse
from multilayer._core.pytrees import Tree, leaves, outline, with_leaves
from multilayer._core.types import Array
from multilayer._engine.history import History
from multilayer._engine.state import CONVERGED, RUNNING, TrainState
from multilayer._nn.model import Model, Parameters
from multilayer._nn.network import initialize
from multilayer._objectives.objective import Objective
from multilayer._sklearn.arguments.resolved import Resolved
from multilayer._sklearn.fit import reuse
from multilayer._sklearn.fit.samples import Samples, Seen
from multilayer._sklearn.network.parameters import parameters_of

if TYPE_CHECKING:
    from multilayer._sklearn.base import BaseMLP

NOTHING_SEEN = Seen()


class Continuation(Protocol):
    """What is known of earlier training besides the parameters."""

    def onto(self, fresh: TrainState, step: int) -> TrainState:
        """Continue from a fresh state of the same solver, at the given step."""


@dataclass(frozen=True)
class Start:
    """A network and its parameters as training finds them, and the earlier training if any."""

    network: Model  # at prediction
    in_training: Model
    params: Parameters
    seed: int
    n_reused_layers: int = 0
    history: History = field(default_factory=History)
    continuation: Continuation | None = None
    seen: Seen = NOTHING_SEEN  # the weights of the rows of partial_fit so far
    n_rows_trained: int = 0  # counted anew in each epoch
    engine: str = ""  # of the earlier training


def start_of(
    estimator: "BaseMLP",
    resolved: Resolved,
    samples: Samples,
    objective: Objective,
    *,
    again: bool,
) -> Start:
    """Return first parameters, or with ``again`` those of before if they fit what is asked now."""
    if not again:
        # Late: the command line trains on the digits without scikit-learn.
        from sklearn.utils import check_random_state

        return fresh(
            resolved,
            check_random_state(estimator.random_state),
            samples.X.shape[1],
            sum(objective.heads),
            getattr(estimator, "feature_names_in_", None),
            samples.dtype,
        )
    network = network_to_continue(estimator, resolved, objective)
    return Start(
        network=network.at_prediction(),
        in_training=network,
        params=parameters_of(estimator, samples.dtype),
        seed=estimator._seed,
        n_reused_layers=estimator.n_reused_layers_,
        history=estimator._history,
        continuation=estimator._resumable,
        seen=estimator._seen,
        n_rows_trained=estimator.t_,
        engine=estimator.engine_,
    )


def fresh(
    resolved: Resolved,
    rng: np.random.RandomState,
    n_features: int,
    n_outputs: int,
    names: Sequence[str] | None,
    dtype: str,
) -> Start:
    """Return the network that the arguments ask for, random or begun with trained layers.

    ``names`` are those of the features, None where they have none. The order of the draws is part
    of what a `random_state` means: the parameters first, then the seed of the training.
    """
    arguments = resolved.arguments
    if resolved.own is not None:
        model, params = resolved.own.start(draw_seed(rng), n_features, n_outputs, dtype)
        return Start(model, model, params, draw_seed(rng))
    architecture = resolved.architecture
    network = resolved.network((n_features, *architecture.hidden_sizes, n_outputs))
    layers = initialize(
        network,
        rng,
        weights=arguments.weight_init,
        bias=arguments.bias_init,
        output_like=architecture.output_like,
        dtype=dtype,
    )
    n_reused = 0
    if arguments.reuse_from is not None:
        layers, n_reused = reuse.start(arguments, network, layers, names)
    elif arguments.n_reused_layers is not None or arguments.freeze_reused:
        reuse.refuse_without_source(arguments)
    if arguments.freeze_reused:
        network = resolved.network(network.layer_sizes, n_frozen=n_reused)
    return Start(network.at_prediction(), network, layers, draw_seed(rng), n_reused)


def draw_seed(rng: np.random.RandomState) -> int:
    """Draw a seed that fits into int32."""
    return int(rng.randint(np.iinfo(np.int32).max))


# Continued training ---------------------------------------------------------------------------


def network_to_continue(estimator: "BaseMLP", resolved: Resolved, objective: Objective) -> Model:
    """Return the network of before with its functions of now; refuse another shape."""
    before = estimator._network
    if estimator.network is not None or "params_" in vars(estimator):
        layer = getattr(before, "layer", None)
        if resolved.own is None or resolved.own.layer != layer:
            refuse_other(estimator, "network", layer)
    if sum(objective.heads) != estimator.n_outputs_:
        refuse_other(estimator, *estimator._other_objective())
    if resolved.own is not None:
        return before
    if resolved.architecture.hidden_sizes != before.layer_sizes[1:-1]:
        refuse_other(estimator, "hidden_layer_sizes", before.layer_sizes[1:-1])
    if estimator.norm != before.norm:
        refuse_other(estimator, "norm", before.norm)
    n_frozen = estimator.n_reused_layers_ if estimator.freeze_reused else 0
    return resolved.network(before.layer_sizes, n_frozen)


def refuse_other(estimator: "BaseMLP", name: str, before: object) -> NoReturn:
    """Refuse an argument that differs from that of the network which is continued."""
    refuse(
        name,
        f"{before!r}, as in the network that is continued",
        getattr(estimator, name),
        "Set warm_start=False to start a new one, or clone the estimator.",
    )


class Raw(NamedTuple):
    """Parameters behind an average: training continues from these, prediction uses the average."""

    params: Parameters
    shown: Parameters  # what the estimator's attributes had when these were stored


class Resumable(NamedTuple):
    """A training state on the host, without the parameters that are the estimator's attributes."""

    opt_state: Tree
    raw: Raw | None
    best_kept: Array
    best_value: Array
    no_improvement: Array
    divisor: Array
    best_loss: Array = np.float32(np.inf)  # estimators pickled by earlier releases lack it

    @classmethod
    def of(cls, state: TrainState, shown: Parameters) -> "Resumable":
        """Take the content of a state; patience starts anew after a run that ended by itself."""
        patience = 0 if state.status == CONVERGED else state.no_improvement
        return cls(
            opt_state=state.opt_state,
            raw=None if state.average is None else Raw(state.params, shown),
            best_kept=state.best_kept,
            best_value=state.best_value,
            no_improvement=np.int32(patience),
            divisor=state.divisor,
            best_loss=state.best_loss,
        )

    def onto(self, fresh: TrainState, step: int) -> TrainState:
        """Continue from a fresh state of the same solver, at the given step.

        A solver that has changed since starts with an optimizer state of its own; another engine
        has the same arrays, in containers of its own, another precision the same numbers rounded.
        """
        params = fresh.params
        if self.raw is not None and fresh.average is not None and alike(self.raw.shown, params):
            params = in_types_of(params, self.raw.params)
        real = fresh.best_loss.dtype.type
        return fresh._replace(
            params=params,
            opt_state=continued(self.opt_state, fresh.opt_state),
            best_kept=real(self.best_kept),
            best_value=real(self.best_value),
            no_improvement=self.no_improvement,
            divisor=real(self.divisor),
            best_loss=real(self.best_loss),
            step=np.int32(step),
            status=np.int32(RUNNING),
        )


def continued(before: Tree, fresh: Tree) -> Tree:
    """Return an optimizer state's arrays in the containers of a fresh one.

    Where the two differ in names, nesting or shapes it is another solver's, and has no use.
    """
    return in_types_of(fresh, before) if outline(before) == outline(fresh) else fresh


def in_types_of(like: Tree, tree: Tree) -> Tree:
    """Return a tree's arrays in the types and the containers of another one."""
    pairs = zip(leaves(tree), leaves(like), strict=True)
    return with_leaves(like, [np.asarray(leaf, np.asarray(own).dtype) for leaf, own in pairs])


def alike(before: Parameters, now: Parameters) -> bool:
    """Whether parameters are still the same: users may have changed the attributes."""
    pairs = zip(leaves(in_types_of(now, before)), leaves(now), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)
