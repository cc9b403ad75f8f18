"""How large files, functions and classes may be, and how many of what there may be.

The limits are those of `docs/design/index.md`. Each is a number that was reached, so that code to
come is not less readable than what is there.
"""

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "multilayer"

LONGEST_FILE = 400  # where less than half of it is docstrings
LONGEST_FUNCTION = 60  # without its docstring
LONGEST_CLASS = 250  # where less than half of it is docstrings
SHORT_FILE, MOST_SHORT_FILES = 40, 10  # `__init__.py` apart
MOST_FILES = 6  # for 1,000 lines
MOST_ANY = 12  # for 1,000 lines
MOST_LATE_IMPORTS = 67
MOST_NAMES_TWICE = 7  # of files, and of classes: each engine has a maker and an inference

DOCUMENTS = ("CONTRIBUTING.md", "docs/design/index.md", "docs/design/history.md")

Function = ast.FunctionDef | ast.AsyncFunctionDef


def source_files(package: Path) -> dict[Path, str]:
    return {path: path.read_text(encoding="utf-8") for path in sorted(package.rglob("*.py"))}


@cache
def parsed(text: str) -> ast.Module:
    """Parse a file once for all tests."""
    return ast.parse(text)


def n_lines(node: ast.AST) -> int:
    return node.end_lineno - node.lineno + 1


def n_docstring_lines(node: ast.AST) -> int:
    """Lines of the docstrings of a function, or of a class and its methods."""
    return sum(
        n_lines(each.body[0])
        for each in ast.walk(node)
        if isinstance(each, Function | ast.ClassDef) and ast.get_docstring(each) is not None
    )


def oversized(text: str) -> list[str]:
    """Return the functions and classes of a file that are too long."""
    found = []
    for node in ast.walk(parsed(text)):
        if (
            isinstance(node, Function)
            and n_lines(node) - n_docstring_lines(node) > LONGEST_FUNCTION
        ):
            found.append(node.name)
        long_class = isinstance(node, ast.ClassDef) and n_lines(node) > LONGEST_CLASS
        if long_class and n_docstring_lines(node) * 2 <= n_lines(node):
            found.append(node.name)
    return found


def late_imports(text: str) -> set[int]:
    """Return the lines of a file with imports inside functions."""
    return {
        node.lineno
        for function in ast.walk(parsed(text))
        if isinstance(function, Function)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }


def n_any(text: str) -> int:
    """Return how often a file uses the type Any, in annotations written as text too."""
    count = 0
    for node in ast.walk(parsed(text)):
        if isinstance(node, ast.Name):
            count += node.id == "Any"
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            count += re.fullmatch(r"[^\n ]*\bAny\b[^\n ]*", node.value) is not None
    return count


def named_twice(names: list[str]) -> list[str]:
    return sorted(name for name, count in Counter(names).items() if count > 1)


FILES = source_files(PACKAGE)
LINES = sum(len(text.splitlines()) for text in FILES.values())
MODULES = {path: text for path, text in FILES.items() if path.name != "__init__.py"}


def test_no_file_function_or_class_is_too_long():
    long = {path: text for path, text in FILES.items() if len(text.splitlines()) > LONGEST_FILE}
    shares = {path: n_docstring_lines(parsed(text)) * 2 for path, text in long.items()}
    assert [path for path, text in long.items() if shares[path] <= len(text.splitlines())] == []
    found = {path.relative_to(PACKAGE): oversized(text) for path, text in FILES.items()}
    assert {path: names for path, names in found.items() if names} == {}


def test_files_are_few_and_full():
    assert len(FILES) / LINES * 1000 < MOST_FILES
    short = [path for path, text in MODULES.items() if len(text.splitlines()) < SHORT_FILE]
    assert len(short) <= MOST_SHORT_FILES, short


def test_types_are_said():
    assert sum(map(n_any, FILES.values())) / LINES * 1000 < MOST_ANY


def test_imports_are_at_the_top():
    found = {path.relative_to(PACKAGE): late_imports(text) for path, text in FILES.items()}
    assert sum(map(len, found.values())) < MOST_LATE_IMPORTS, found


def test_names_are_given_once():
    files = [path.name for path in MODULES]
    trees = [parsed(text) for text in FILES.values()]
    classes = [n.name for tree in trees for n in ast.walk(tree) if isinstance(n, ast.ClassDef)]
    for names in (files, classes):
        assert len(named_twice(names)) <= MOST_NAMES_TWICE, named_twice(names)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_documents_name_files_that_exist(document):
    """A path is what ends in ".py" or in "/"; it may leave out the folders before it."""
    text = (ROOT / document).read_text(encoding="utf-8")
    named = set(re.findall(r"`([\w./]+(?:\.py|/))`", text))
    assert named
    known = [path.relative_to(ROOT).as_posix() for path in ROOT.glob("tests/**/*")]
    known += [path.relative_to(ROOT).as_posix() for path in PACKAGE.rglob("*")]
    known += [path.name for path in ROOT.iterdir()]
    missing = [
        name
        for name in named
        if not any(f"/{path}".endswith(f"/{name.rstrip('/')}") for path in known)
        and not (ROOT / name).exists()
    ]
    assert missing == []


# The checkers themselves, on small sources.


def test_docstrings_do_not_count():
    body = "    x = 1\n" * LONGEST_FUNCTION
    docstring = '    """Text.\n' + "\n" * 50 + '    """\n'
    assert oversized(f"def f():\n{body}") == ["f"]
    assert oversized(f"def f():\n{docstring}{body[:-20]}") == []
    many = "    x = 1\n" * LONGEST_CLASS
    assert oversized(f"class A:\n{many}") == ["A"]
    assert oversized(f"class A:\n{docstring * 6}{many[:2500]}") == ["A"]
    assert oversized(f'class A:\n    """Text.{chr(10) * 300}"""\n{many[:2500]}') == []


def test_late_imports_and_any_are_counted():
    source = """
import a
def f(x: Any) -> 'list[Any]':
    if x:
        import b
    from c import d
TEXT = 'Any text'
"""
    assert late_imports(source) == {5, 6}
    assert n_any(source) == 2
