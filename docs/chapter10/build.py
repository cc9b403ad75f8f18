"""Build and run chapter10_en.ipynb and chapter10_ko.ipynb from sections/*.md.

A section is Markdown. These lines begin a cell, which goes on to the next of them:

    <!-- en -->, <!-- ko -->         prose of one language
    <!-- both -->                   prose of both
    ```python                       code of both, up to the closing fence
    ```python full, ```python short code of the full or of the shortened form

Where both languages share a cell, ``[[one|하나]]`` stands for the word of either.

    python docs/chapter10/build.py                            both notebooks, some minutes each
    python docs/chapter10/build.py --short --language en --output folder
"""

import argparse
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from traitlets.config import Config

HERE = Path(__file__).parent
LANGUAGES = ("en", "ko")
FORMS = ("full", "short")

START = re.compile(r"<!-- (?P<prose>en|ko|both) -->|```python(?: (?P<form>full|short))?")
WORDS = re.compile(r"\[\[([^\[\]|]+)\|([^\[\]|]+)\]\]")
CELL_SECONDS = 600


@dataclass(frozen=True)
class Cell:
    """A cell of a section; languages and forms are those it belongs to."""

    id: str
    kind: str  # "markdown" or "code"
    languages: tuple[str, ...]
    forms: tuple[str, ...]
    text: str

    def source(self, language: str) -> str:
        """Return the text with the words of a language."""
        return WORDS.sub(lambda words: words[1 + LANGUAGES.index(language)], self.text)


def read_section(path: Path) -> list[Cell]:
    """Return the cells of one section file."""
    cells: list[Cell] = []
    start, lines = None, []

    def close() -> None:
        text = "\n".join(lines).strip()
        if start is None:
            if text:
                raise ValueError(f"{path.name}: {text[:60]!r} stands outside a cell.")
            return
        prose, form = start["prose"], start["form"]
        cells.append(
            Cell(
                f"{path.stem}-{len(cells):02}",
                "markdown" if prose else "code",
                (prose,) if prose in LANGUAGES else LANGUAGES,
                (form,) if form else FORMS,
                text,
            )
        )

    for line in path.read_text(encoding="utf-8").splitlines():
        in_code = start is not None and start["prose"] is None
        match = None if in_code else START.fullmatch(line)
        ends = in_code and line == "```"
        if not match and not ends:
            lines.append(line)
            continue
        close()
        start, lines = match, []
    close()
    return cells


def read_cells() -> list[Cell]:
    """Return the cells of all sections, in the order of their files."""
    return [cell for path in sorted(HERE.glob("sections/*.md")) for cell in read_section(path)]


def build(language: str, form: str) -> nbformat.NotebookNode:
    """Return the notebook of a language, not yet run."""
    notebook = nbformat.v4.new_notebook()
    notebook.metadata.kernelspec = {
        "display_name": "Python 3",
        "language": "python",
        "name": "python3",
    }
    for cell in read_cells():
        if language in cell.languages and form in cell.forms:
            new = getattr(nbformat.v4, f"new_{cell.kind}_cell")
            notebook.cells.append(new(cell.source(language), id=cell.id))
    return notebook


def run(notebook: nbformat.NotebookNode) -> None:
    """Run a notebook in place, in a folder that is removed afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        # Sockets of the file system: the kernel listens on no port.
        config = Config({"KernelManager": {"transport": "ipc", "ip": f"{folder}/kernel"}})
        NotebookClient(
            notebook,
            config=config,
            timeout=CELL_SECONDS,
            record_timing=False,
            coalesce_streams=True,
            resources={"metadata": {"path": folder}},
        ).execute()
    # The version of Python would change with every machine.
    notebook.metadata.language_info = {"name": "python"}


def main() -> None:
    """Build, run and write."""
    parser = argparse.ArgumentParser(description="Build and run the chapter's notebooks.")
    parser.add_argument("--short", action="store_true", help="few images and steps: a minute")
    parser.add_argument("--language", choices=LANGUAGES, help="one of the two; default: both")
    parser.add_argument("--output", type=Path, default=HERE, help="folder; default: this one")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)  # before minutes of work
    for language in [arguments.language] if arguments.language else LANGUAGES:
        notebook = build(language, "short" if arguments.short else "full")
        run(notebook)
        nbformat.write(notebook, arguments.output / f"chapter10_{language}.ipynb")


if __name__ == "__main__":
    main()
