"""Folders import only lower lines, and each effect has one home.

The source is read, not imported: an import inside a function counts like one at the top.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "multilayer"

LEVELS = {
    "_core": 0,
    "_nn": 1,
    "_objectives": 1,
    "_optim": 1,
    "_data": 1,
    "_persist": 1,
    "datasets": 1,
    "_engine": 2,
    "_onnx": 2,
    "_sklearn": 3,
    "_portable": 4,
    "_search": 4,
    "estimator": 4,
    "plots": 5,
    "_cli": 6,
}

# Modules allowed to touch the environment, each with its reason.
ENVIRONMENT_HOMES: tuple[str, ...] = (
    "_core/environment.py",  # what JAX would be set to, where it has not been imported
)


@dataclass(frozen=True)
class Effect:
    """What only some modules may do."""

    what: str
    homes: tuple[str, ...]  # folders, or files with ".py"
    # Dotted names, each with all below it: "sklearn" covers "sklearn.utils.Bunch". A leading dot
    # means a method of any object, whose type is unknown here.
    names: tuple[str, ...]

    def covers(self, name: str) -> bool:
        return any(f"{name}.".startswith(f"{known}.") for known in self.names)


OS_FILES = ("open", "replace", "rename", "remove", "unlink", "rmdir", "mkdir", "makedirs")
NUMPY_FILES = ("load", "save", "savez", "savez_compressed")

EFFECTS = (
    Effect("jax.jit", ("_engine/xla/cache.py",), ("jax.jit",)),
    Effect(
        "access to files",
        ("_persist", "_cli", "datasets"),
        (
            *("builtins.open", "io.open", ".open", ".write_text", ".write_bytes"),
            *(f"os.{name}" for name in OS_FILES),
            *(f"numpy.{name}" for name in NUMPY_FILES),
        ),
    ),
    Effect(
        "printing",
        ("_engine/callbacks/printing.py", "_search/progress.py", "_cli"),
        ("builtins.print", "jax.debug.print", "rich", "sys.stdout", "sys.stderr"),
    ),
    Effect(
        "scikit-learn",
        ("_sklearn", "_search", "plots", "datasets", "_cli", "_onnx"),
        ("sklearn",),
    ),
    Effect("ONNX", ("_onnx", "onnx.py", "_cli/export.py"), ("onnx", "skl2onnx")),
    Effect("matplotlib", ("plots",), ("matplotlib",)),
    Effect("the environment", ENVIRONMENT_HOMES, ("os.environ", "os.getenv", "os.putenv")),
)


@dataclass(frozen=True)
class Module:
    """One source file: its path below the package, and its tree."""

    path: PurePosixPath
    tree: ast.Module

    @property
    def folder(self) -> str:
        """Return the folder below the package, or "" for a module beside `__init__.py`."""
        return self.path.parts[0] if len(self.path.parts) > 1 else ""


def read_modules(package: Path) -> list[Module]:
    return [
        Module(
            PurePosixPath(file.relative_to(package).as_posix()),
            ast.parse(file.read_text(encoding="utf-8"), str(file)),
        )
        for file in sorted(package.rglob("*.py"))
    ]


@lru_cache
def package_modules() -> list[Module]:
    """Read the package once for all tests."""
    return read_modules(PACKAGE)


def imported_names(module: Module, node: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield (full dotted name, name it is bound to) for an import statement, relative ones too."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield alias.name, alias.asname or alias.name.partition(".")[0]
    elif isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            package = ("multilayer", *module.path.parent.parts)
            above = package[: len(package) - node.level + 1]
            base = ".".join((*above, base) if base else above)
        for alias in node.names:
            yield f"{base}.{alias.name}", alias.asname or alias.name


def arrow_violations(modules: list[Module]) -> Iterator[str]:
    """Report imports that do not go down, and folders without a level."""
    for folder in sorted({m.folder for m in modules} - {"", *LEVELS}):
        yield f"{folder}/ has no level: add it to LEVELS, or move its modules to a folder there."
    for module in modules:
        if module.folder not in LEVELS:
            continue
        for node in ast.walk(module.tree):
            for name, _ in imported_names(module, node):
                root, _, rest = name.partition(".")
                target = rest.partition(".")[0]
                if root != "multilayer" or target == module.folder:
                    continue
                if LEVELS.get(target, 99) >= LEVELS[module.folder]:
                    yield (
                        f"{module.path}:{node.lineno} imports {name}, which is not below "
                        f"{module.folder}/ (level {LEVELS[module.folder]}). Move what is shared to "
                        "a lower folder, or hand it down as an argument."
                    )


def used_names(module: Module) -> Iterator[tuple[int, str]]:
    """Yield (line, full dotted name) for what is imported or used, ".name" for a method call."""
    bound = {}
    for node in ast.walk(module.tree):
        for name, alias in imported_names(module, node):
            yield node.lineno, name
            # "import jax.numpy" binds jax; "import jax.numpy as jnp" binds all of it.
            bound[alias] = alias if name.startswith(f"{alias}.") else name
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Name):
            yield node.lineno, bound.get(node.id, f"builtins.{node.id}")
        elif isinstance(node, ast.Attribute):
            first, _, rest = ast.unparse(node).partition(".")
            yield node.lineno, f"{bound.get(first, first)}.{rest}"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node.lineno, f".{node.func.attr}"


def effect_violations(modules: list[Module]) -> Iterator[str]:
    """Report effects outside their homes."""
    for module in modules:
        used = list(used_names(module))
        for effect in EFFECTS:
            if any(module.path.is_relative_to(home) for home in effect.homes):
                continue
            home = f"Move it to {' or '.join(effect.homes)}." if effect.homes else "It has no home."
            for line in sorted({line for line, name in used if effect.covers(name)}):
                yield f"{module.path}:{line} uses {effect.what}. {home}"


def imported_modules(modules: list[Module]) -> dict[str, set[str]]:
    """Return what each module imports of the others when it runs, inside functions too."""
    by_name = {dotted_name(module): module for module in modules}
    found: dict[str, set[str]] = {}
    for name, module in by_name.items():
        targets = found.setdefault(name, set())
        for node in run_time_nodes(module.tree):
            for full, _ in imported_names(module, node):
                # "from a.b import c" imports the module a.b.c where there is one, else a.b.
                target = full if full in by_name else full.rpartition(".")[0]
                if target in by_name and target != name:
                    targets.add(target)
    return found


def dotted_name(module: Module) -> str:
    parts = module.path.with_suffix("").parts
    return ".".join(("multilayer", *(parts[:-1] if parts[-1] == "__init__" else parts)))


def run_time_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield all nodes below a tree but those for type checkers."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        yield from run_time_nodes(node)


def circles(imports: dict[str, set[str]]) -> list[list[str]]:
    """Return groups of modules each of which imports all others of its group, at some remove."""
    reached: dict[str, set[str]] = {}
    for name in imports:
        seen, ahead = set(), [name]
        while ahead:
            for target in imports[ahead.pop()] - seen:
                seen.add(target)
                ahead.append(target)
        reached[name] = seen
    groups = {
        tuple(sorted(other for other in reached[name] if name in reached[other]))
        for name in imports
        if name in reached[name]
    }
    return [list(group) for group in sorted(groups)]


def test_imports_go_down():
    modules = package_modules()
    assert modules, f"no modules under {PACKAGE}"
    violations = list(arrow_violations(modules))
    assert not violations, "\n".join(violations)


def test_no_module_imports_itself_by_way_of_others():
    found = circles(imported_modules(package_modules()))
    assert not found, "\n".join(" <-> ".join(group) for group in found)


def test_every_folder_of_the_table_exists():
    assert {folder for folder in LEVELS if not (PACKAGE / folder).is_dir()} == set()
    homes = [home for effect in EFFECTS for home in effect.homes]
    assert {home for home in homes if not (PACKAGE / home).exists()} == set()


def test_each_effect_has_one_home():
    violations = list(effect_violations(package_modules()))
    assert not violations, "\n".join(violations)


# The seam: what orchestrates training starts no JAX, whoever makes the programs.


def imports_at_the_top(module: Module) -> Iterator[str]:
    """Yield the full names that importing a module imports; not those for type checkers."""
    blocks = [module.tree.body]
    while blocks:
        for node in blocks.pop():
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
                blocks.append(node.orelse)
            elif isinstance(node, ast.Import | ast.ImportFrom):
                yield from (name for name, _ in imported_names(module, node))
            elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                blocks.extend(getattr(node, part, []) for part in ("body", "orelse", "finalbody"))


def routes_to_jax(modules: list[Module]) -> Iterator[str]:
    """Report how modules of the engine outside `_engine/xla/` come to import JAX."""
    by_name = {".".join(("multilayer", *m.path.with_suffix("").parts)): m for m in modules}
    for name, module in by_name.items():
        if module.folder != "_engine" or module.path.is_relative_to("_engine/xla"):
            continue
        routes, seen = [(name,)], {name}
        while routes:
            route = routes.pop()
            for target in imports_at_the_top(by_name[route[-1]]):
                if target.partition(".")[0] in ("jax", "jaxlib", "optax"):
                    yield f"{' imports '.join((*route, target))}. Move it to _engine/xla/."
                for found in {target, target.rpartition(".")[0]} & by_name.keys() - seen:
                    seen.add(found)
                    routes.append((*route, found))


def test_what_orchestrates_training_imports_no_jax():
    violations = list(routes_to_jax(package_modules()))
    assert not violations, "\n".join(violations)


# The checker itself, on small trees.


def modules_of(package, **sources):
    """Write sources, named folder__module, below package; return them as modules."""
    for name, source in sources.items():
        file = package.joinpath(*name.split("__")).with_suffix(".py")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(source)
    return read_modules(package)


@pytest.mark.parametrize(
    "source",
    [
        "from multilayer._core import checks",
        "from multilayer import _core",
        "import multilayer._nn.layers as layers",
        "from . import loop",
        "from .._optim.table import SOLVERS",
        "import numpy, multilayer_other",
    ],
)
def test_checker_accepts_imports_that_go_down(tmp_path, source):
    assert not list(arrow_violations(modules_of(tmp_path, _engine__step=source)))


@pytest.mark.parametrize(
    "source",
    [
        "from multilayer.plots import runner",  # up
        "import multilayer._sklearn",
        "from multilayer import MLPClassifier",  # the facade
        "import multilayer",
        "from .. import plots",
        "from ..plots.data import curve",
        "def f():\n    from multilayer.plots import runner",
    ],
)
def test_checker_finds_imports_that_go_up(tmp_path, source):
    (message,) = arrow_violations(modules_of(tmp_path, _engine__step=source))
    assert message.startswith("_engine/step.py:")
    assert "Move what is shared to a lower folder" in message


def test_checker_finds_siblings(tmp_path):
    modules = modules_of(tmp_path, _nn__layers="from multilayer._optim import table")
    assert len(list(arrow_violations(modules))) == 1


def test_checker_leaves_facades_alone(tmp_path):
    (tmp_path / "__init__.py").write_text("from multilayer.plots import runner")
    assert not list(arrow_violations(read_modules(tmp_path)))


def test_checker_finds_folders_without_a_level(tmp_path):
    (message,) = arrow_violations(modules_of(tmp_path, utils__misc=""))
    assert message.startswith("utils/ has no level")


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("import jax\nf = jax.jit(g)", "jax.jit"),
        ("import jax as j\n@j.jit\ndef f(): ...", "jax.jit"),
        ("from jax import jit", "jax.jit"),
        ("with open(p) as f: ...", "access to files"),
        ("p.write_text(s)", "access to files"),
        ("import os\nos.replace(a, b)", "access to files"),
        ("import numpy as np\nnp.savez(p, x)", "access to files"),
        ("print(1)", "printing"),
        ("import sys\nsys.stdout.write(s)", "printing"),
        ("def f():\n    from sklearn.utils import Bunch", "scikit-learn"),
        ("import matplotlib.pyplot as plt", "matplotlib"),
        ("import os\nos.environ['A'] = '1'", "the environment"),
        ("from os import getenv", "the environment"),
    ],
)
def test_checker_finds_effects_away_from_home(tmp_path, source, what):
    messages = list(effect_violations(modules_of(tmp_path, _nn__layers=source)))
    assert messages
    assert all(m.startswith("_nn/layers.py:") and f"uses {what}. " in m for m in messages)


def test_checker_accepts_effects_at_home(tmp_path):
    modules = modules_of(
        tmp_path,
        _engine__xla__cache="import jax\nf = jax.jit(g)",
        _engine__callbacks__printing="print(1)",
        _persist__write="import os\nopen(p)\nos.replace(a, b)",
        _sklearn__mlp="from sklearn.base import BaseEstimator",
        plots__figures="def f():\n    import matplotlib.pyplot",
        _nn__layers="text.replace(a, b)\nopened = 1\nrich = opened\nx.print()",
    )
    assert not list(effect_violations(modules))


def test_checker_names_one_file_as_home_not_its_folder(tmp_path):
    modules = modules_of(tmp_path, _engine__step="import jax\nf = jax.jit(g)")
    (message,) = effect_violations(modules)
    assert message.endswith("Move it to _engine/xla/cache.py.")


@pytest.mark.parametrize(
    ("source", "n_routes"),
    [
        ("import jax.numpy as jnp", 1),
        ("from multilayer._nn import layers", 1),
        ("from multilayer._nn.layers import dense", 1),
        ("try:\n    import optax\nexcept ImportError:\n    pass", 1),
        ("if TYPE_CHECKING:\n    import jax\nelse:\n    import jaxlib", 1),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import jax", 0),
        ("def f():\n    import jax", 0),
        ("from multilayer._nn.names import NAMES", 0),
    ],
)
def test_checker_finds_routes_to_jax(tmp_path, source, n_routes):
    modules = modules_of(
        tmp_path,
        _engine__loop=source,
        _engine__xla__step="import jax",
        _nn__layers="from jax import lax",
        _nn__names="NAMES = ()",
    )
    routes = list(routes_to_jax(modules))
    assert len(routes) == n_routes
    assert all(route.startswith("multilayer._engine.loop imports ") for route in routes)


def test_checker_finds_circles_of_late_imports(tmp_path):
    modules = modules_of(
        tmp_path,
        _nn__one="def f():\n    from multilayer._nn import two",
        _nn__two="from multilayer._nn.three import name",
        _nn__three="import multilayer._nn.one\nfrom multilayer._nn.apart import name",
        _nn__apart="",
    )
    (group,) = circles(imported_modules(modules))
    assert group == [f"multilayer._nn.{name}" for name in ("one", "three", "two")]


def test_checker_lets_types_refer_to_each_other(tmp_path):
    modules = modules_of(
        tmp_path,
        _nn__one="from multilayer._nn import two",
        _nn__two="if TYPE_CHECKING:\n    from multilayer._nn import one",
    )
    assert not circles(imported_modules(modules))
