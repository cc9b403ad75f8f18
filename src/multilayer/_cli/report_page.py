"""The page of ``multilayer report``: facts as tables and pictures."""

from collections.abc import Iterator, Sequence

import numpy as np

from multilayer._cli import page, report
from multilayer._cli.page import (
    Cell,
    Html,
    element,
    note,
    picture,
    pictures,
    section,
    table,
    together,
)
from multilayer._cli.report_facts import (
    ClassResults,
    Figure,
    NumberResults,
    ReportFacts,
)
from multilayer._cli.report_subject import MOST_COLUMNS, TrainingFacts
from multilayer._cli.resampling import COVERAGE, RESAMPLES
from multilayer._core.checks import count
from multilayer._sklearn.network.importances import FeatureImportances
from multilayer.plots import _page_pictures
from multilayer.plots._axes import shortened
from multilayer.plots._page_pictures import MOST_ROWS

MOST_IN_MATRIX = 20  # classes
MOST_CLASSES = 40  # with a line each
WORST_CLASSES = 20  # of more
MOST_PAIRS = 20  # of classes that were confused
LONGEST_LABEL = 14  # characters beside and above the matrix
LONGEST_NAME = 40  # characters of a name elsewhere


def written(
    facts: ReportFacts, more: Sequence[Html] = (), made_by: str = "multilayer report"
) -> bytes:
    """Return the page, with more sections behind those about training."""
    title = f"{facts.model} on {facts.data}"
    what = "Classification" if isinstance(facts.results, ClassResults) else "Regression"
    target = "" if facts.target is None else f" of {facts.target!r}"
    warning = None
    if facts.seen:
        remark = "The model was trained on some of these rows: new ones are harder."
        warning = element("p", remark, class_="warning", role="note")
    return page.document(
        title,
        element("h1", title),
        note(f"{what}{target}: {count(facts.results.figures.rows, 'row')}"),
        warning,
        _figures(facts),
        *_results(facts),
        _importances(facts.importances, facts),
        _training(facts.training),
        *more,
        section("Model", page.pairs(facts.about.items())),
        _data(facts),
        element("footer", f"Made by {made_by}, with --seed {facts.choices.seed}."),
    )


# Figures with their intervals ---------------------------------------------------------------------


def _figures(facts: ReportFacts) -> Html:
    found = facts.results.figures
    rows = [_figure(each) for each in facts.figures]
    if isinstance(facts.results, ClassResults):
        base = shortened(str(facts.results.figures.commonest), LONGEST_NAME)
        share = report.percent(facts.results.figures.base_rate)
        rows.insert(1, (f"base rate: always {base}", share, ""))
    else:
        error = report.number(facts.results.figures.base_rmse)
        rows.insert(2, ("the same for the mean of these rows", error, ""))
    return section(
        "How good the predictions are",
        table(("figure", "value", f"{COVERAGE:.0%} interval"), rows, numbers=(1, 2)),
        note(
            f"Intervals are the middle {COVERAGE:.0%} of {RESAMPLES:,} bootstrap resamples of the "
            f"{count(found.rows, 'row')}: how much the figures vary from sample to sample."
        ),
    )


def _figure(figure: Figure) -> tuple[str, str, str]:
    value = "undefined" if figure.value is None else figure.shown(figure.value)
    if figure.interval is None:
        return figure.name, value, "undefined"
    low, high = figure.shown(figure.interval.low), figure.shown(figure.interval.high)
    return figure.name, value, f"{low} to {high}"


def _results(facts: ReportFacts) -> Iterator[Html]:
    if isinstance(facts.results, ClassResults):
        yield _confusion(facts.results)
        yield _calibration(facts.results)
    else:
        yield _errors(facts.results)
        yield _coverage(facts.results)


# Classes -----------------------------------------------------------------------------------------


def _confusion(found: ClassResults) -> Html:
    few = len(found.classes) <= MOST_IN_MATRIX
    lines = found.lines
    parts: list[Html | None] = [_matrix(found) if few else _most_confused(found)]
    if len(lines) > MOST_CLASSES:
        parts.append(element("h3", f"The {WORST_CLASSES} classes of lowest F1"))
        parts.append(note(f"Of {len(lines)}; classes without rows are left out."))
        lines = sorted((line for line in lines if line.rows), key=lambda line: line.f1)
        lines = lines[:WORST_CLASSES]
    else:
        parts.append(element("h3", "Classes one by one"))
    rows = [
        (
            _label(str(line.label), LONGEST_NAME),
            f"{line.rows:,}",
            f"{line.precision:.1%}",
            f"{line.recall:.1%}",
            f"{line.f1:.3f}",
        )
        for line in lines
    ]
    header = ("class", "rows", "precision", "recall", "F1")
    return section("What is confused", *parts, table(header, rows, numbers=(1, 2, 3, 4)))


def _matrix(found: ClassResults) -> Html:
    """Return the confusion matrix, tinted by shares of each class."""
    totals = np.maximum(found.confusion.sum(axis=1), 1)
    names = [str(label) for label in found.classes]
    header = [Cell("true"), *(_label(name) for name in names)]
    rows = [
        [_label(name), *(Cell(f"{n:,}" if n else "·", n / total) for n in line.tolist())]
        for name, line, total in zip(names, found.confusion, totals, strict=True)
    ]
    numbers = range(1, len(names) + 1)
    return together(
        table(header, rows, numbers=numbers, matrix=True),
        note("Rows are the true classes, columns the predicted ones."),
    )


def _label(name: str, most: int = LONGEST_LABEL) -> Cell:
    """Return a cell with a name, the middle of a long one left out."""
    short = shortened(name, most)
    return Cell(short, title=None if short == name else name)


def _most_confused(found: ClassResults) -> Html:
    """Return the pairs of classes that are most often confused."""
    wrong = found.confusion.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:MOST_PAIRS]
    pairs = [np.unravel_index(place, wrong.shape) for place in order]
    rows = [
        [
            _label(str(found.classes[pair[0]]), LONGEST_NAME),
            _label(str(found.classes[pair[1]]), LONGEST_NAME),
            Cell(f"{wrong[pair]:,}"),
        ]
        for pair in pairs
        if wrong[pair]
    ]
    if not rows:
        return note("No row was taken for another class.")
    return together(
        note(f"The most frequent mistakes among {len(found.classes)} classes."),
        table(("true", "predicted", "rows"), rows, numbers=(2,), stacked=True),
    )


def _calibration(found: ClassResults) -> Html:
    if found.sure is None or found.happened is None:
        return section("Calibration", note("The model predicts no probabilities."))
    positive = found.figures.positive
    what = "the most probable class" if positive is None else repr(positive)
    drawn = picture(
        _page_pictures.calibration(found.happened, found.sure),
        f"Calibration curve of {what}",
        "Predicted probabilities against what happened, in ten groups of as many rows",
    )
    return section(
        "Calibration",
        note(f"Of {what}: on the diagonal, probabilities are what they say."),
        pictures(drawn),
    )


# Numbers -----------------------------------------------------------------------------------------


def _errors(found: NumberResults) -> Html:
    errors = np.abs(found.predicted - found.y)
    half, most = (report.number(each) for each in np.quantile(errors, [0.5, 0.9]))
    some = (
        ""
        if len(found.y) <= MOST_ROWS
        else f" {MOST_ROWS:,} of the {len(found.y):,} rows are drawn."
    )
    return section(
        "Errors",
        note(f"Half of the errors are below {half}, 90 % are below {most}.{some}"),
        pictures(
            picture(
                _page_pictures.errors(found.y, found.predicted, residuals=False),
                "True numbers against predicted ones",
                "True numbers against predicted ones",
            ),
            picture(
                _page_pictures.errors(found.y, found.predicted, residuals=True),
                "Residuals against predicted numbers",
                "Residuals, true less predicted, against predicted numbers",
            ),
        ),
    )


def _coverage(found: NumberResults) -> Html:
    title = "Coverage of the intervals"
    if found.covered is None:
        return section(title, note(f"There are no intervals to judge. {found.why_no_intervals}"))
    covered = found.covered
    drawn = picture(
        _page_pictures.coverage(found.coverages, covered, len(found.y)),
        "Promised against actual coverage of prediction intervals",
        "Grey: where 95 % of right intervals are by chance, with so many rows",
    )
    rows = [
        (f"{promised:.0%}", report.percent(share))
        for promised, share in zip(found.coverages, covered, strict=True)
    ]
    shares = table(("promised", "in the interval"), rows, numbers=(0, 1))
    return section(title, pictures(drawn, shares))


# Importances -------------------------------------------------------------------------------------


def _importances(found: FeatureImportances | None, facts: ReportFacts) -> Html:
    title = "What the predictions depend on"
    if found is None:
        return section(title, note("Importances were left out by --repeats 0."))
    score = facts.choices.scoring or ("accuracy" if facts.results_are_classes else "R2")
    drawn = picture(
        _page_pictures.importances(found, score),
        "Importances of the columns",
        "Means, and standard deviations over the repeats",
    )
    places = found.order[:MOST_COLUMNS]
    names = [_label(found.names[place], LONGEST_NAME) for place in places]
    spread = zip(names, found.mean[places], found.std[places], strict=True)
    rows = [(name, f"{mean:.4f}", f"{std:.4f}") for name, mean, std in spread]
    some = "all rows" if found.n_rows == facts.results.figures.rows else f"{found.n_rows:,} rows"
    more = len(found.names) - len(rows)
    repeats = count(facts.choices.repeats, "repeat")
    return section(
        title,
        note(
            f"How much {score} falls from {found.score:.4f} when the values of a column are "
            f"shuffled among {some}; {repeats}. Columns that say the same share their importance."
        ),
        pictures(drawn, table(("column", "fall", "deviation"), rows, numbers=(1, 2))),
        note(f"{count(more, 'less important column')} left out.") if more > 0 else None,
    )


# Training ----------------------------------------------------------------------------------------


def _training(found: TrainingFacts) -> Html:
    if not found.n_epochs:
        return section("Training", note("The model file has no curves of training."))
    shown = _page_pictures.curves(found.history, found.chosen, out_of_fold=found.out_of_fold)
    drawn = [
        picture(svg, f"{name} over the epochs", f"{name.capitalize()} by epoch")
        for name, svg in shown.items()
    ]
    return section("Training", note(_chosen(found)), pictures(*drawn))


def _chosen(found: TrainingFacts) -> str:
    epochs = count(found.n_epochs, "epoch")
    if not found.chosen:
        return f"{epochs}; the last network is used."
    which = " and ".join(f"{epoch + 1}" for epoch in found.chosen)
    if not found.out_of_fold:
        return f"{epochs}; the network of epoch {which} is used."
    return f"{epochs}; the networks of epoch{'s' * (len(found.chosen) > 1)} {which} are used."


# Data --------------------------------------------------------------------------------------------


def _data(facts: ReportFacts) -> Html:
    data = facts.columns
    rows = [
        (
            _label(column.name, LONGEST_NAME),
            *((column.role,) if facts.has_roles else ()),
            f"{column.missing:,}" if column.missing else "",
            column.content,
        )
        for column in data.columns
    ]
    header = ("column", *(("role",) if facts.has_roles else ()), "missing", "content")
    more = data.n_columns - len(rows)
    cells = data.n_rows * data.n_columns
    missing = "no missing cells"
    if data.n_missing:
        share = report.percent(data.n_missing / cells)
        missing = f"{count(data.n_missing, 'missing cell')} ({share})"
    return section(
        "Data",
        note(f"{count(data.n_rows, 'row')}, {count(data.n_columns, 'column')}, {missing}."),
        table(header, rows, numbers=(2 if facts.has_roles else 1,), stacked=True),
        note(f"{count(more, 'further column')}.") if more > 0 else None,
    )
