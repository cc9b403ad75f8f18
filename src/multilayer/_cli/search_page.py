"""The part of a page about a search: its leaders, and its pictures."""

from collections.abc import Sequence

from multilayer._cli import page
from multilayer._cli.leaders import Leader
from multilayer._cli.page import Html, note, picture, pictures, section, table
from multilayer._core.checks import count
from multilayer._core.errors import InvalidArgumentError
from multilayer._search.progress import arguments_in_words
from multilayer._search.search_cv import MLPSearchCV
from multilayer.plots import _page_pictures

MOST_LEADERS = 20


def search_sections(
    search: MLPSearchCV, leaders: Sequence[Leader], known: Sequence[tuple[str, str]]
) -> list[Html]:
    """Return the sections about a search."""
    rows = [
        (
            f"{rank}",
            "failed" if leader.score != leader.score else f"{leader.score:.4f}",
            f"{leader.epochs:,}",
            leader.status,
            arguments_in_words(search.cv_results_["params"][leader.candidate]),
        )
        for rank, leader in enumerate(leaders[:MOST_LEADERS], 1)
    ]
    more = len(leaders) - len(rows)
    header = ("rank", "score", "epochs", "status", "arguments")
    return [
        section("Search", page.pairs(known), *_pictures(search)),
        section(
            "Configurations",
            note("Those that trained to their end come first, then those that came further."),
            table(header, rows, numbers=(0, 1, 2), stacked=True),
            note(f"{count(more, 'further configuration')}.") if more > 0 else None,
        ),
    ]


def _pictures(search: MLPSearchCV) -> list[Html]:
    """Return the pictures that a search has enough configurations for."""
    drawn = [
        picture(
            _page_pictures.search_curves(search),
            "Mean score of each configuration over the epochs",
            "Mean score over the folds; curves end where configurations were left out",
        )
    ]
    try:
        bars = _page_pictures.search_importances(search)
    except InvalidArgumentError:
        why = "There are too few configurations to say which arguments matter."
        return [pictures(*drawn), note(why), _parallel(search)]
    drawn.append(
        picture(
            bars,
            "How much the score depends on each argument",
            "How much R2 of scores predicted from the arguments falls when one is shuffled",
        )
    )
    return [pictures(*drawn), _parallel(search)]


def _parallel(search: MLPSearchCV) -> Html:
    return picture(
        _page_pictures.search_arguments(search),
        "Each configuration as a line over its arguments, to its score",
        "A line for each configuration; thin ones did not train to their end",
        wide=True,
    )
