"""A visit to a lane: it is trained through some points, and scored at each."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from multilayer._core.errors import DivergenceError
from multilayer._search.lanes import Lane, Scorer, Scores, Within


class StoppedError(Exception):
    """The time is over, or Ctrl-C was pressed: what is under way ends between two calls."""


@dataclass(frozen=True)
class Rules:
    """What all lanes of a search are subject to.

    Attributes
    ----------
    scorer : callable
        Returns scores by name, of a fitted estimator and rows.
    decides : str or None
        The score by which configurations are compared; None for the first one.
    factor : int
        One in so many goes on from a rung.
    n_checks : int
        How often those that train to their end are scored on the way, the end included.
    error_score : float or "raise"
        The score of a network that diverges or cannot be trained.
    on_train : bool
        Whether rows of the training are scored too.
    copied : bool
        Whether the fitted networks are copied as they were at each check.
    last_counts : bool
        Whether the last check is what a configuration is reported by, not the one with the best
        mean: fits that choose their epoch themselves have the best networks so far at each.
    """

    scorer: Scorer
    decides: str | None
    factor: int
    n_checks: int
    error_score: float | str
    on_train: bool
    last_counts: bool = False
    copied: bool = False

    def decided(self, scores: Scores) -> float:
        """Return the score that decides."""
        return next(iter(scores.values())) if self.decides is None else scores[self.decides]


def visit(
    lane: Lane,
    points: Sequence[float],
    rules: Rules,
    within: Within,
    checked: Callable[[Lane], None],
) -> None:
    """Train a lane through shares of all epochs, and score it at each.

    ``checked`` is called after each score, and where the lane fails.
    """
    for share in points:
        if lane.over:
            return
        if lane.has_passed(share):
            continue
        try:
            with noted(lane, rules):
                lane.begin()
                lane.train(share, within)
                assert lane.fit is not None
                if lane.fit.diverged:
                    raise DivergenceError("the loss became infinite or NaN")
                lane.score(rules.scorer, share, on_train=rules.on_train, copied=rules.copied)
        except StoppedError:
            return
        checked(lane)


def begin(lane: Lane, rules: Rules, checked: Callable[[Lane], None]) -> None:
    """Make the fit of a lane, which others of its shape are then trained beside."""
    if lane.over or lane.fit is not None:
        return
    with noted(lane, rules):
        lane.begin()
    if lane.error is not None:
        checked(lane)


@contextmanager
def noted(lane: Lane, rules: Rules) -> Iterator[None]:
    """Note what a lane raises as its result, unless that is to be raised."""
    try:
        yield
    except StoppedError:
        raise
    except Exception as error:
        if rules.error_score == "raise":
            raise
        lane.error, lane.fit = error, None
