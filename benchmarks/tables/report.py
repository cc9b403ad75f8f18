"""The report in Markdown, from results alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import mean, median

from benchmarks.markdown_table import markdown

from . import ranks
from .contenders import PACKAGES, TITLES
from .results import Key, Result, by_contender

OURS, YARDSTICK = "multilayer", "catboost"
NONE = "–"
TEXT = """# Tables with default settings

Written by `python -m benchmarks.tables`; [how it is measured](README.md).

- Machine: {machine}
- Versions: {versions}
- {tables} tables, seeds {seeds}; {rows} training rows

![mean rank against fit time]({picture})

## Mean rank

Over the n splits (table and seed) with this score that all contenders finished; equal scores share
a rank, 1 is best.{missing}

{ranks}
{duels}
## Scores

Error and log loss of classifications, nRMSE (RMSE over the standard deviation of the test targets)
of regressions: means over the seeds of a table. The lowest error or nRMSE of a row is bold.

{scores}

## Seconds

Processor seconds of `fit`, all threads, preparation of the frame and compilation included: means
over the seeds of a table.

{fit_seconds}

Sums and medians over the tables that all contenders finished, of the means over their seeds. The
ratio is the median over tables of a contender's processor seconds to CatBoost's. Predictions are
of the test rows: labels, and probabilities too in classification.

{seconds}
"""
DUELS = """
## multilayer against each

Splits that multilayer won, tied and lost, over those that both finished; the median over tables of
the relative difference (to the mean of both; negative: multilayer is lower); p of Wilcoxon's
signed-rank test over tables, two-sided, and p after Holm's correction within a column of metrics.

{table}
"""


@dataclass(frozen=True)
class Metric:
    """A score that lower values improve, of the results that have it."""

    title: str
    value: Callable[[Result], float | None]


METRICS = (
    Metric("error or nRMSE", lambda result: result.first_metric),
    Metric("log loss", lambda result: result.log_loss),
    Metric("nRMSE", lambda result: result.nrmse),
)


class Results:
    """The results of a report, by contender in the order of `TITLES`."""

    def __init__(self, results: Iterable[Result]) -> None:
        found = by_contender(results)
        self.by_contender = {name: found[name] for name in TITLES if name in found}
        self.all = [result for own in self.by_contender.values() for result in own.values()]
        self.tables = sorted(
            {result.table: result.task for result in self.all}.items(),
            key=lambda item: (item[1], item[0]),
        )
        keys = [set(own) for own in self.by_contender.values()]
        self.common: set[Key] = set.intersection(*keys)
        self.every: set[Key] = set.union(*keys)

    def scores(self, metric: Metric) -> dict[str, dict[Key, float]]:
        """The scores of each contender that has this metric at all."""
        found = {}
        for name, own in self.by_contender.items():
            values = {key: metric.value(result) for key, result in own.items()}
            present = {key: value for key, value in values.items() if value is not None}
            if present:
                found[name] = present
        return found

    def common_scores(self, metric: Metric) -> dict[str, dict[Key, float]]:
        """The scores on the splits that all contenders finished; nothing where none has one."""
        return {
            name: common
            for name, own in self.scores(metric).items()
            if (common := {key: own[key] for key in self.common & own.keys()})
        }

    def mean(self, name: str, table: str, value: Callable[[Result], float | None]) -> float | None:
        """The mean over the seeds of a table; None where the contender has no such value."""
        own = self.by_contender[name].values()
        found = [value(result) for result in own if result.table == table]
        present = [each for each in found if each is not None]
        return mean(present) if present else None

    def seconds(self, name: str, value: Callable[[Result], float]) -> dict[str, float]:
        """Means over seeds by table, over the splits that all contenders finished."""
        own = self.by_contender[name]
        return ranks.table_means({key: value(own[key]) for key in self.common}, sorted(self.common))


def rank_table(results: Results) -> str:
    """Mean ranks by each metric, sorted by the first."""
    columns = {}
    for metric in METRICS:
        scores = results.common_scores(metric)
        keys = ranks.common_keys(scores) if scores else []
        columns[f"{metric.title} (n={len(keys)})"] = ranks.mean_ranks(scores) if keys else {}
    first = next(iter(columns.values()))
    body = [
        [TITLES[name], *(f"{own[name]:.2f}" if name in own else NONE for own in columns.values())]
        for name in sorted(results.by_contender, key=lambda name: first.get(name, 0.0))
    ]
    return markdown(["", *columns], body)


def duels(results: Results) -> str:
    """multilayer against each rival by each metric; nothing without multilayer or rivals."""
    body = []
    for metric in METRICS:
        scores = results.scores(metric)
        ours = scores.pop(OURS, None)
        rivals = {n: s for n, s in scores.items() if ours is not None and set(s) & set(ours)}
        if ours is None or not rivals:
            continue
        found = [ranks.compare(ours, theirs) for theirs in rivals.values()]
        adjusted = ranks.holm([duel.p_value for duel in found])
        for name, duel, p_value in zip(rivals, found, adjusted, strict=True):
            row = [f"{metric.title}: {TITLES[name]}", f"{duel.wins}-{duel.ties}-{duel.losses}"]
            row += [f"{duel.n_tables}", f"{duel.difference:+.1%}"]
            body.append([*row, f"{duel.p_value:.2g}", f"{p_value:.2g}"])
    if not body:
        return ""
    header = ["", "won-tied-lost", "tables", "median difference", "p", "p, Holm"]
    return DUELS.format(table=markdown(header, body))


def score_cell(results: Results, name: str, table: str, best: float) -> str:
    """Error and log loss, or nRMSE; bold where the first is the lowest of the row."""
    first = results.mean(name, table, lambda result: result.first_metric)
    if first is None:
        return NONE
    text = f"**{first:.4f}**" if first == best else f"{first:.4f}"
    log_loss = results.mean(name, table, lambda result: result.log_loss)
    return text if log_loss is None else f"{text} / {log_loss:.4f}"


def score_table(results: Results) -> str:
    body = []
    for table, _ in results.tables:
        firsts = [results.mean(n, table, lambda r: r.first_metric) for n in results.by_contender]
        best = min(value for value in firsts if value is not None)
        body.append(
            [table, *(score_cell(results, name, table, best) for name in results.by_contender)]
        )
    return markdown(["", *(TITLES[name] for name in results.by_contender)], body)


def fit_table(results: Results) -> str:
    """Processor seconds of every contender's fit on every table."""
    body = []
    for table, _ in results.tables:
        found = [results.mean(n, table, lambda r: r.fit_cpu) for n in results.by_contender]
        body.append([table, *(NONE if value is None else f"{value:.1f}" for value in found)])
    return markdown(["", *(TITLES[name] for name in results.by_contender)], body)


def second_table(results: Results) -> str:
    """Totals, medians and ratios of every contender."""
    yardstick = {}
    if YARDSTICK in results.by_contender:
        yardstick = results.seconds(YARDSTICK, lambda result: result.fit_cpu)
    body = []
    for name in results.by_contender:
        cpu = results.seconds(name, lambda result: result.fit_cpu)
        wall = results.seconds(name, lambda result: result.fit_wall)
        predict_cpu = results.seconds(name, lambda result: result.predict_cpu)
        predict_wall = results.seconds(name, lambda result: result.predict_wall)
        ratios = [cpu[table] / seconds for table, seconds in yardstick.items()]
        row = [sum(cpu.values()), sum(wall.values()), median(cpu.values()), median(wall.values())]
        cells = [f"{value:.1f}" for value in row]
        cells.append(f"{median(ratios):.2f}" if ratios else NONE)
        cells += [f"{sum(own.values()):.2f}" for own in (predict_cpu, predict_wall)]
        body.append([TITLES[name], *cells])
    header = ["", "fit, total cpu s", "fit, total wall s", "fit, median cpu s"]
    header += ["fit, median wall s", "ratio to CatBoost", "predict, cpu s", "predict, wall s"]
    return markdown(header, body)


def missing(results: Results) -> str:
    """Say which contenders did not finish every split."""
    lines = [
        f"{TITLES[name]} finished {len(own)} of {len(results.every)} splits"
        for name, own in results.by_contender.items()
        if len(own) < len(results.every)
    ]
    return f" Not all are complete: {'; '.join(lines)}." if lines else ""


def compose(found: list[Result], picture: str) -> str:
    """Write the report; `ValueError` where the contenders have no split in common."""
    results = Results(found)
    if not results.common:
        raise ValueError("the contenders have no split in common: choose fewer with --contenders")
    versions = sorted({f"{PACKAGES[r.contender]} {r.version}" for r in results.all})
    rows = sorted(result.n_train for result in results.all)
    return TEXT.format(
        machine="; ".join(sorted({result.machine for result in results.all})),
        versions=", ".join(versions),
        tables=len(results.tables),
        seeds=", ".join(map(str, sorted({seed for _, seed in results.every}))),
        rows=f"{rows[0]:,} to {rows[-1]:,}",
        picture=picture,
        missing=missing(results),
        ranks=rank_table(results),
        duels=duels(results),
        scores=score_table(results),
        fit_seconds=fit_table(results),
        seconds=second_table(results),
    )
