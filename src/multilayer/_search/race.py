"""Training of all lanes of a search, rung by rung."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from multilayer._core.errors import DivergenceError
from multilayer._search.lanes import Lane, Scorer, Scores
from multilayer._search.progress import SearchProgress
from multilayer._search.rungs import Bracket, survivors
from multilayer._search.work import StoppedError, Work


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


@dataclass(frozen=True)
class Rules:
    """What all lanes of a search are subject to.

    Attributes
    ----------
    scorer : callable
        Returns scores by name, of a fitted estimator and rows.
    decides : str
        The score by which configurations are compared.
    factor : int
        One in so many goes on from a rung.
    n_checks : int
        How often those that train to their end are scored on the way, the end included.
    error_score : float or "raise"
        The score of a network that diverges or cannot be trained.
    on_train : bool
        Whether rows of the training are scored too.
    """

    scorer: Scorer
    decides: str
    factor: int
    n_checks: int
    error_score: float | str
    on_train: bool


def run_races(
    brackets: Sequence[Bracket],
    lanes: Mapping[int, Sequence[Lane]],
    rules: Rules,
    work: Work,
    progress: SearchProgress | None = None,
) -> None:
    """Train the lanes of all configurations as far as the rungs say; their curves grow."""
    races = [Race(bracket, list(bracket.candidates)) for bracket in brackets]
    if progress is not None:
        progress.begin(max(len(bracket.shares) for bracket in brackets))
    while races and not work.over:
        tasks = []
        for race in races:
            points = points_of(race, rules.n_checks)
            for candidate in race.active:
                for lane in lanes[candidate]:
                    task = partial(visit, lane, points, rules, work)
                    tasks.append(followed(task, candidate, lane, rules, work, progress))
        work.run(tasks)
        if work.over:
            return
        for race in races:
            means = [mean_score(lanes[candidate], rules) for candidate in race.active]
            left = []
            if not race.is_last:
                left = [race.active[i] for i in survivors(means, rules.factor)]
            if progress is not None:
                done = [lane.curve[-1][0] for i in race.active for lane in lanes[i] if lane.curve]
                progress.rung(race.rung + 1, race.active, means, max(done, default=0), left)
            race.active = left
        for race in races:
            race.rung += 1
        races = [race for race in races if race.rung < len(race.bracket.shares)]
        dropped = set(lanes) - {c for race in races for c in race.active}
        for candidate in dropped:
            for lane in lanes[candidate]:
                lane.fit = None  # its memory


def followed(
    task: Callable[[], None],
    candidate: int,
    lane: Lane,
    rules: Rules,
    work: Work,
    progress: SearchProgress | None,
) -> Callable[[], None]:
    """Return a visit of a lane that is reported once it is done; not one that time has ended."""
    if progress is None:
        return task

    def run() -> None:
        task()
        if not work.over:
            progress.network(
                candidate, lane.curve[-1][0] if lane.curve else 0, mean_score([lane], rules)
            )

    return run


def points_of(race: Race, n_checks: int) -> list[float]:
    """Return the shares of all epochs at which lanes are scored in the present rung."""
    shares, rung = race.bracket.shares, race.rung
    if not race.is_last:
        return [shares[rung]]
    before = shares[rung - 1] if rung else 0.0
    return [before + (1.0 - before) * (i + 1) / n_checks for i in range(n_checks)]


def visit(lane: Lane, points: Sequence[float], rules: Rules, work: Work) -> None:
    """Train a lane through some points, and score it at each."""
    for share in points:
        if lane.error is not None or (lane.fit is not None and lane.fit.ended):
            return
        try:
            lane.train(share, work.within)
            assert lane.fit is not None
            if lane.fit.diverged:
                raise DivergenceError("the loss became infinite or NaN")
            lane.score(rules.scorer, on_train=rules.on_train)
        except StoppedError:
            return
        except Exception as error:
            if rules.error_score == "raise":
                raise
            lane.error, lane.fit = error, None


def mean_score(lanes: Sequence[Lane], rules: Rules) -> float:
    """Return the mean over folds and seeds of the score that decides, at the last rung."""
    last = [lane.curve[-1][1][rules.decides] if lane.curve else np.nan for lane in lanes]
    failed = any(lane.error is not None for lane in lanes)
    return np.nan if failed else float(np.mean(last))


@dataclass(frozen=True)
class Standing:
    """What a search knows of a configuration at its end.

    Attributes
    ----------
    scores : list of dict
        Of each lane, at the check with the best mean.
    best_epochs : int
        Epochs done by then: what is trained on all rows ends there.
    n_epochs : int
        Epochs done at the last check.
    curve : list of tuple
        Epochs done, and the mean score, at each check.
    status : {"finished", "halved", "stopped", "failed"}
        Whether it trained to its end, and if not, what ended it.
    """

    scores: list[Scores]
    best_epochs: int
    n_epochs: int
    curve: list[tuple[int, float]]
    status: str

    def columns(self) -> dict[str, list[float]]:
        """Return the curve by columns."""
        epochs, means = zip(*self.curve, strict=True) if self.curve else ((), ())
        return {"epochs": list(epochs), "score": list(means)}


def standing_of(lanes: Sequence[Lane], rules: Rules, *, stopped: bool) -> Standing | None:
    """Return how a configuration did; None where it was not scored on each fold."""
    if any(lane.error is not None for lane in lanes):
        value = np.nan if rules.error_score == "raise" else float(rules.error_score)
        return Standing([{rules.decides: value} for _ in lanes], 0, 0, [], "failed")
    if not all(lane.curve for lane in lanes):
        return None
    # A lane that its own stopping rule ended earlier stays as it was.
    longest = max(len(lane.curve) for lane in lanes)
    checks = [[lane.curve[min(i, len(lane.curve) - 1)] for lane in lanes] for i in range(longest)]
    curve = [
        (max(done for done, _ in check), float(np.mean([s[rules.decides] for _, s in check])))
        for check in checks
    ]
    best = int(np.argmax([mean for _, mean in curve]))
    ended = all(lane.ended for lane in lanes)
    status = "finished" if ended else "stopped" if stopped else "halved"
    scores = [scores for _, scores in checks[best]]
    return Standing(scores, curve[best][0], curve[-1][0], curve, status)


def standings_of(
    lanes: Sequence[Sequence[Lane]], rules: Rules, *, stopped: bool
) -> dict[int, Standing]:
    """Return how each configuration did, by its number; without those that were not scored."""
    every = ((i, standing_of(own, rules, stopped=stopped)) for i, own in enumerate(lanes))
    return {i: standing for i, standing in every if standing is not None}
