"""Pages for a browser: elements of HTML, in which text is always escaped, and how they look.

A page needs nothing but itself: pictures are in it, and its policy forbids the browser to load or
run anything.
"""

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import TypeAlias

from multilayer._cli.console import plain


@dataclass(frozen=True)
class Html:
    """HTML as it is, made by the functions here alone."""

    text: str


Child: TypeAlias = "Html | str | None"


def element(name: str, *children: Child, **attributes: str | None) -> Html:
    """Return an element; strings are escaped, control characters shown, and None left out.

    An underscore at the end of an attribute's name is for names that Python reserves.
    """
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(plain(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Html(f"<{name}{given}>{together(*children).text}</{name}>")


def together(*children: Child) -> Html:
    """Return elements and texts one after the other."""
    texts = [
        child.text if isinstance(child, Html) else escape(plain(child), quote=False)
        for child in children
        if child is not None
    ]
    return Html("".join(texts))


def section(title: str, *children: Child) -> Html:
    """Return a part of a page."""
    return element("section", element("h2", title), *children)


def note(text: str) -> Html:
    """Return a remark."""
    return element("p", text, class_="note")


def picture(svg: bytes, alt: str, caption: str, *, wide: bool = False) -> Html:
    """Return a picture, which a screen reader describes by ``alt``; a wide one fills the page."""
    data = base64.b64encode(svg).decode()
    image = f'<img src="data:image/svg+xml;base64,{data}" alt="{escape(plain(alt))}">'
    kind = "wide" if wide else None
    return element("figure", Html(image), element("figcaption", caption), class_=kind)


def pictures(*children: Child) -> Html:
    """Return pictures side by side where there is room."""
    return element("div", *children, class_="pictures")


@dataclass(frozen=True)
class Cell:
    """A cell of a table, with a tint for its share of the whole."""

    text: str
    tint: float = 0.0  # in [0, 1]
    title: str | None = None  # shown by a browser over the cell


def table(
    header: Sequence[str | Cell],
    rows: Iterable[Sequence[str | Cell]],
    *,
    numbers: Sequence[int] = (),
    matrix: bool = False,
    stacked: bool = False,
) -> Html:
    """Return a table; ``numbers`` are its columns of numbers.

    Where it is too wide it scrolls sideways; a ``stacked`` one has a line for each cell there.
    """
    titles = [cell.text if isinstance(cell, Cell) else cell for cell in header]

    def cells(row: Sequence[str | Cell], name: str) -> list[Html]:
        labels = titles if stacked and name == "td" else [None] * len(titles)
        return [
            _cell(name, cell, place in numbers, labels[place]) for place, cell in enumerate(row)
        ]

    head = element("thead", element("tr", *cells(header, "th")))
    body = element("tbody", *(element("tr", *cells(row, "td")) for row in rows))
    kind = "matrix" if matrix else "stacked" if stacked else None
    return element("div", element("table", head, body, class_=kind), class_="scroll", tabindex="0")


def _cell(name: str, cell: str | Cell, number: bool, label: str | None) -> Html:
    cell = Cell(cell) if isinstance(cell, str) else cell
    style = None
    if cell.tint > 0:
        color = "#fff" if cell.tint > 0.55 else "inherit"
        style = f"background:rgba(31,95,150,{cell.tint:.3f});color:{color}"
    kind = "number" if number else None
    label = label if cell.text else None
    return element(name, cell.text, class_=kind, style=style, title=cell.title, data_label=label)


def pairs(known: Iterable[tuple[str, str]]) -> Html:
    """Return names and values."""
    both = (together(element("dt", name), element("dd", value)) for name, value in known)
    return element("dl", *both)


STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0; background: #f4f5f7; color: #1d2430; line-height: 1.45;
  font: 16px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 24px 16px 48px; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 0 0 12px; }
h3 { font-size: 1rem; margin: 20px 0 8px; }
p { margin: 8px 0; overflow-wrap: anywhere; }
section { background: #fff; border: 1px solid #dde1e7; border-radius: 8px; padding: 18px 20px;
  margin-top: 16px; }
.note { color: #566072; font-size: 0.9rem; max-width: 75ch; }
.warning { background: #fff6dd; border: 1px solid #e6cf8b; border-radius: 8px;
  padding: 10px 14px; margin-top: 16px; }
.pictures { display: grid; gap: 16px; align-items: start;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 380px), 1fr)); }
figure { margin: 0; }
figure img { display: block; width: 100%; max-width: 520px; height: auto; }
dl + .pictures, figure.wide { margin-top: 16px; }
figure.wide img { max-width: 100%; }
figcaption { color: #566072; font-size: 0.85rem; margin-top: 4px; }
.scroll { overflow-x: auto; margin: 8px 0; }
table { border-collapse: collapse; font-size: 0.9rem; }
th, td { text-align: left; vertical-align: top; padding: 5px 14px 5px 0;
  border-bottom: 1px solid #e8ebef; }
th { color: #566072; font-weight: 600; vertical-align: bottom; }
td:first-child { overflow-wrap: anywhere; min-width: 12ch; max-width: 44ch; }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.stacked td:last-child { overflow-wrap: anywhere; }
.stacked td:last-child:not(.number) { min-width: 24ch; }
.stacked td:first-child { min-width: 20ch; }
.matrix td, .matrix th { padding: 5px 8px; min-width: 2.6em; max-width: none; }
.matrix th, .matrix td:first-child { white-space: nowrap; overflow-wrap: normal; }
.matrix td:first-child { position: sticky; left: 0; background: #fff; color: #566072;
  font-weight: 600; }
.matrix td { border: 1px solid #fff; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 18px; margin: 0;
  font-size: 0.95rem; }
dt { color: #566072; }
dd { margin: 0; overflow-wrap: anywhere; }
footer { color: #566072; font-size: 0.85rem; margin-top: 20px; }
@media (max-width: 520px) {
  main { padding: 16px 10px 32px; }
  section { padding: 14px 12px; }
  dl { grid-template-columns: 1fr; gap: 0; }
  dd { margin-bottom: 8px; }
  th, td { padding-right: 8px; }
  .matrix td, .matrix th { padding: 4px 5px; }
  .stacked thead { display: none; }
  .stacked tr { display: block; padding: 6px 0; border-bottom: 1px solid #e8ebef; }
  .stacked td { display: block; border: 0; padding: 0; text-align: left; max-width: none;
                overflow-wrap: anywhere; }
  .stacked td:first-child { font-weight: 600; }
  .stacked td:not(:first-child)[data-label]::before { content: attr(data-label) ": ";
    color: #566072; }
}
@media print {
  body { background: #fff; font-size: 11pt; }
  main { max-width: none; padding: 0; }
  section { border: 0; border-top: 1px solid #bbb; border-radius: 0; padding: 12px 0; }
  figure, tr, dt, dd { break-inside: avoid; }
  h2, h3, h2 + .note { break-after: avoid; }
  .pictures { grid-template-columns: 1fr 1fr; }
  .scroll { overflow: visible; }
  .matrix { font-size: 0.7rem; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def document(title: str, *children: Child) -> bytes:
    """Return a whole page."""
    head = together(
        Html('<meta charset="utf-8">'),
        Html(f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'),
        Html('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        element("title", title),
        Html(f"<style>{STYLE}</style>"),
    )
    body = element("body", element("main", *children))
    page = element("html", element("head", head), body, lang="en")
    return f"<!DOCTYPE html>\n{page.text}\n".encode()
