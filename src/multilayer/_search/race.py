"""Training of all lanes of a search, rung by rung."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from multilayer._search.lanes import Lane
from multilayer._search.progress import SearchProgress
from multilayer._search.rungs import Bracket, survivors
from multilayer._search.standings import Standing, mean_curve
from multilayer._search.visits import Rules
from multilayer._search.work import Workers


@dataclass
class Race:
    """A bracket under way: who is left, and how far they have come."""

    bracket: Bracket
    active: list[int]
    rung: int = 0

    @property
    def is_last(self) -> bool:
        """Whether what is left trains to its end."""
        return self.rung == len(self.bracket.shares) - 1


class LaneRecord(Protocol):
    """What remembers how lanes do."""

    def restore(self, lane: Lane) -> None:
        """Give a lane what is remembered of it."""

    def checked(self, lane: Lane) -> None:
        """A lane was scored, or failed; called from any thread."""

    def rung(self, lanes: Sequence[Lane], curve: Sequence[tuple[int, float]]) -> None:
        """A configuration has the means of this curve so far: epochs and scores."""

    def dropped(self, lanes: Sequence[Lane]) -> None:
        """A configuration is not trained any further."""

    def tell(self, number: int, standing: Standing) -> None:
        """A configuration has competed, and stands like this."""


class NoRecord:
    """Remembers nothing."""

    def restore(self, lane: Lane) -> None:
        """Do nothing."""

    def checked(self, lane: Lane) -> None:
        """Do nothing."""

    def rung(self, lanes: Sequence[Lane], curve: Sequence[tuple[int, float]]) -> None:
        """Do nothing."""

    def dropped(self, lanes: Sequence[Lane]) -> None:
        """Do nothing."""

    def tell(self, number: int, standing: Standing) -> None:
        """Do nothing."""


def run_races(
    brackets: Sequence[Bracket],
    lanes: Mapping[int, Sequence[Lane]],
    rules: Rules,
    workers: Workers,
    record: LaneRecord,
    progress: SearchProgress | None = None,
) -> None:
    """Train the lanes of all configurations as far as the rungs say; their curves grow.

    Lanes that have passed a rung already, in an earlier process, are not trained to it again.
    """
    races = [Race(bracket, list(bracket.candidates)) for bracket in brackets]
    if progress is not None:
        progress.begin(max(len(bracket.shares) for bracket in brackets))
    while races and not workers.over:
        todo: list[Lane] = []
        points: list[list[float]] = []
        for race in races:
            ahead = points_of(race, rules.n_checks)
            own = [lane for candidate in race.active for lane in lanes[candidate]]
            own = [lane for lane in own if not lane.over and not lane.has_passed(ahead[-1])]
            todo += own
            points += [ahead] * len(own)
        if todo:
            todo, points = slowest_first(todo, points)
            workers.visit(
                todo, points, rules, followed(record.checked, todo, points, rules, progress)
            )
        if workers.over:
            return
        for race in races:
            _end_rung(race, lanes, rules, record, progress)
        races = [race for race in races if race.rung < len(race.bracket.shares)]
        active = {c for race in races for c in race.active}
        for candidate in set(lanes) - active:
            record.dropped(lanes[candidate])
            for lane in lanes[candidate]:
                lane.fit = None  # its memory
                if not lane.ended:
                    lane.outcomes.clear()


def slowest_first(
    lanes: Sequence[Lane], points: Sequence[list[float]]
) -> tuple[list[Lane], list[list[float]]]:
    """Return lanes with their points, those first that took longest: no core is left with one."""
    order = sorted(range(len(lanes)), key=lambda i: -lanes[i].fit_seconds)
    return [lanes[i] for i in order], [points[i] for i in order]


def followed(
    checked: Callable[[Lane], None],
    lanes: Sequence[Lane],
    points: Sequence[Sequence[float]],
    rules: Rules,
    progress: SearchProgress | None,
) -> Callable[[Lane], None]:
    """Return what is called after each score of a lane; at the last one it is reported too."""
    if progress is None:
        return checked
    ends = {id(lane): ahead[-1] for lane, ahead in zip(lanes, points, strict=True)}

    def both(lane: Lane) -> None:
        checked(lane)
        if lane.over or lane.has_passed(ends[id(lane)]):
            failed = lane.error is not None or not lane.curve
            score = np.nan if failed else rules.decided(lane.curve[-1].scores)
            progress.network(lane.number[0], lane.curve[-1].epochs if lane.curve else 0, score)

    return both


def _end_rung(
    race: Race,
    lanes: Mapping[int, Sequence[Lane]],
    rules: Rules,
    record: LaneRecord,
    progress: SearchProgress | None,
) -> None:
    """Say which configurations of a race go on from its present rung."""
    share = race.bracket.shares[race.rung]
    means = []
    for candidate in race.active:
        curve = mean_curve(lanes[candidate], rules, share)
        failed = any(lane.error is not None for lane in lanes[candidate])
        means.append(np.nan if failed else curve[-1].mean)
        record.rung(lanes[candidate], [(check.epochs, check.mean) for check in curve])
    left = []
    if not race.is_last:
        left = [race.active[i] for i in survivors(means, rules.factor)]
    if progress is not None:
        done = [lane.curve[-1].epochs for i in race.active for lane in lanes[i] if lane.curve]
        progress.rung(race.rung + 1, race.active, means, max(done, default=0), left)
    race.active = left
    race.rung += 1


def points_of(race: Race, n_checks: int) -> list[float]:
    """Return the shares of all epochs at which lanes are scored in the present rung."""
    shares, rung = race.bracket.shares, race.rung
    if not race.is_last:
        return [shares[rung]]
    before = shares[rung - 1] if rung else 0.0
    steps = [before + (1.0 - before) * (i + 1) / n_checks for i in range(n_checks - 1)]
    return [*steps, 1.0]
