"""Docstrings, checks and the command line list what the tables of options have, and no more."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import multilayer
from multilayer import InvalidArgumentError, MLPClassifier, MLPRegressor, nn
from multilayer._cli import settings, train
from multilayer._core.activations import HIDDEN
from multilayer._core.environment import DEVICES
from multilayer._nn.initializers import WEIGHT_INITIALIZERS, WEIGHT_INITS
from multilayer._optim.schedules import SCHEDULES, WARMUP
from multilayer._optim.solvers import SOLVERS
from multilayer._sklearn.targets.metric_table import METRICS

TABLES = {
    "activation": set(HIDDEN),
    "device": set(DEVICES),
    "learning_rate": set(SCHEDULES),
    "solver": set(SOLVERS),
    "weight_init": {"auto", *WEIGHT_INITIALIZERS},
}
X, y = np.zeros((6, 2), np.float32), np.arange(6) % 2
GUIDE = Path(__file__).parents[2] / "docs" / "estimators.md"


def paragraph(estimator, argument):
    """Return what a class docstring says of an argument."""
    found = re.search(
        rf"^    (?:\w+, )*{argument}(?:, \w+)* : .*?(?=^    \S)", estimator.__doc__, re.M | re.S
    )
    assert found, argument
    return found[0]


@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize("argument", TABLES)
def test_docstrings_list_the_table(estimator, argument):
    text = paragraph(estimator, argument)
    others = set(HIDDEN) if argument == "weight_init" else {"sgd"}
    assert TABLES[argument] <= set(re.findall(r'"(\w+)"', text)) <= TABLES[argument] | others
    assert not re.search(r"<\w+>", estimator.__doc__)  # a mark that was not replaced


@pytest.mark.parametrize("argument", TABLES)
def test_checks_list_the_table(argument):
    with pytest.raises(InvalidArgumentError) as caught:
        MLPClassifier(**{argument: "zzz"}).fit(X, y)
    listed = re.search(r"one of \[(.*?)\]", str(caught.value))[1]
    assert set(re.findall(r"'(\w+)'", listed)) == TABLES[argument]


def test_the_command_line_offers_the_tables():
    with_epochs = {name for name, solver in SOLVERS.items() if not solver.full_batch}
    expected = {
        "solver": with_epochs,
        "activation": set(HIDDEN),
        "weight_init": set(WEIGHT_INITS),
        "device": set(DEVICES),
    }
    assert {name: set(choices) for name, choices in settings.CHOICES.items()} == expected
    for name, choices in expected.items():
        option = train.train.__annotations__[name].__metadata__[0]
        assert choices <= set(re.findall(r"\w+", option.help))
    for name in sorted(TABLES["weight_init"] | set(HIDDEN)):
        key = "weight_init" if name in TABLES["weight_init"] else "activation"
        assert settings.overrides({key: name}) == {key: name}


def test_the_docstring_of_a_layer_lists_the_initialisers():
    assert re.findall(r'^    - "(\w+)": ', nn.dense.__doc__, re.M) == list(WEIGHT_INITIALIZERS)
    assert max(map(len, nn.dense.__doc__.splitlines())) <= 100


def numbers(option):
    own = option.numbers if hasattr(option, "numbers") else option.defaults
    return {f"``{key}={value:g}``" for key, value in own.items() if WARMUP.get(key) != value}


@pytest.mark.parametrize(
    ("argument", "table"), [("schedule_params", SCHEDULES), ("solver_params", SOLVERS)]
)
def test_docstrings_list_the_numbers(argument, table):
    text = " ".join(paragraph(MLPClassifier, argument).split())
    for name, option in table.items():
        own = re.search(rf'"{name}": ([^;.]*(?:\.\d[^;.]*)*)', text)
        assert set(re.findall("``.*?``", own[1] if own else "")) == numbers(option), name


@pytest.mark.parametrize("solver", SOLVERS.values(), ids=lambda solver: solver.name)
def test_docstrings_name_the_solvers_of_an_argument(solver):
    for argument in {name for each in SOLVERS.values() for name in each.arguments}:
        named = f'"{solver.name}"' in paragraph(MLPClassifier, argument)
        assert named == (argument in solver.arguments), argument


def test_the_guide_has_every_activation_schedule_solver_and_metric():
    text = GUIDE.read_text(encoding="utf-8")
    names = (*HIDDEN, *SCHEDULES, *SOLVERS, *METRICS)
    assert {name for name in names if f'"{name}"' not in text} == set()
    neurons = GUIDE.with_name("neurons.md").read_text(encoding="utf-8")
    assert {name for name in nn.ACTIVATIONS if f"\n| `{name}` |" not in neurons} == set()


NEW = """
import json
import numpy as np
from multilayer._cli import settings
from multilayer._core.activation_functions import ELEMENTWISE
from multilayer._nn.initializers import draw_layer
from multilayer._core.numpy_activations import ACTIVATIONS
from multilayer._sklearn.targets.metric_table import METRICS
from multilayer._sklearn.arguments.resolved import check_parameters
from multilayer._sklearn.arguments.constructors import ClassifierArguments
from multilayer._sklearn.arguments.documentation import tables

dummies = dict.fromkeys(("activation", "weight_init", "learning_rate"), "dummy")
arguments = ClassifierArguments(**dummies)
solver = check_parameters(arguments).solver
shown = [name for name, text in tables().items() if '"dummy"' in text]
option = settings.overrides({"activation": "dummy", "weight_init": "dummy"})
rates = solver.schedule.factors(np.ones(1), solver.schedule_numbers)
how = {"weights": arguments.weight_init, "bias": "zeros", "activation": "relu"}
kernel, _ = draw_layer(np.random.default_rng(0), 1, 2, **how)
values = [float(functions["dummy"](1.0)) for functions in (ELEMENTWISE, ACTIVATIONS)]
print(json.dumps([shown, option, rates.tolist(), kernel.tolist(), values]))
"""
RECORDS = {
    "_optim/schedules.py": (
        "        CONSTANT,\n",
        '        Schedule("dummy", lambda t, number: number * t, {"number": 2.0}),\n',
    ),
    "_nn/initializers.py": (
        "        # Equation 10 of the paper.\n",
        '        Initializer("dummy", lambda rng, n, m: rng.uniform(3, 3, (n, m)), "all 3"),\n',
    ),
    "_core/activations.py": ("HIDDEN = _table(\n", '    Activation("dummy"),\n'),
    "_core/activation_functions.py": ("def exp(", "def dummy(z):\n    return 4 * z\n\n\n"),
    "_core/numpy_activations.py": (
        '    "identity": lambda z: z,\n',
        '    "dummy": lambda z: 4 * z,\n',
    ),
}


def test_a_new_option_is_one_record_and_its_functions(tmp_path):
    package = tmp_path / "multilayer"
    shutil.copytree(
        Path(multilayer.__file__).parent, package, ignore=shutil.ignore_patterns("*.npz", "*.pyc")
    )
    for path, (place, record) in RECORDS.items():
        source = (package / path).read_text(encoding="utf-8")
        assert source.count(place) == 1
        both = record + place if place.startswith("def") else place + record
        (package / path).write_text(source.replace(place, both), encoding="utf-8")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{NEW}"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    shown = ["schedules", "schedule_params", "weight_inits", "activations"]
    options = {"activation": "dummy", "weight_init": "dummy"}
    assert json.loads(done.stdout) == [shown, options, [2.0], [[3.0, 3.0]], [4.0, 4.0]]
