"""The chapter's notebooks: their sources, the shortened form run, the committed ones."""

import ast
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest

FOLDER = Path(__file__).parents[2] / "docs" / "chapter10"
LANGUAGES = ("en", "ko")

TENSORFLOW_CALLS = (
    "tf.reset_default_graph",
    "tf.set_random_seed",
    "tf.keras.datasets.mnist.load_data",
    "tf.feature_column.numeric_column",
    "tf.estimator.DNNClassifier",
    ".train",
    ".evaluate",
    ".predict",
    "tf.estimator.inputs.numpy_input_fn",
    "tf.contrib.learn.RunConfig",
    "tf.contrib.learn.infer_real_valued_columns_from_input",
    "tf.contrib.learn.DNNClassifier",
    "tf.contrib.learn.SKCompat",
    "tf.logging.set_verbosity",
    "tf.logging.INFO",
    "tf.placeholder",
    "tf.float32",
    "tf.int32",
    "tf.name_scope",
    "X.get_shape",
    "tf.truncated_normal",
    "tf.Variable",
    "tf.zeros",
    "tf.matmul",
    "tf.nn.relu",
    "tf.layers.dense",
    "tf.nn.sparse_softmax_cross_entropy_with_logits",
    "tf.reduce_mean",
    "tf.train.GradientDescentOptimizer",
    "optimizer.minimize",
    "tf.nn.in_top_k",
    "tf.cast",
    "tf.global_variables_initializer",
    "init.run",
    "tf.train.Saver",
    "saver.save",
    "saver.restore",
    "tf.Session",
    "sess.run",
    "feed_dict",
    "accuracy.eval",
    "logits.eval",
)
"""Every call of TensorFlow 1 in the chapter."""


def load_builder():
    spec = importlib.util.spec_from_file_location("chapter10_build", FOLDER / "build.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where its dataclass looks itself up
    spec.loader.exec_module(module)
    return module


builder = load_builder()


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def text_of(cell):
    """What a cell printed and returned, as plain text."""
    return "\n".join(
        output["text"] if output.output_type == "stream" else output["data"]["text/plain"]
        for output in cell.outputs
    )


# Sources ----------------------------------------------------------------------------------------


def without_words(source):
    """Return the tree of a cell, its strings emptied: words are all that may differ."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = ""
    return ast.dump(tree)


@pytest.mark.parametrize("form", builder.FORMS)
def test_both_languages_run_the_same_code(form):
    pairs = zip(*(code_cells(builder.build(own, form)) for own in LANGUAGES), strict=True)
    for english, korean in pairs:
        assert english.id == korean.id
        assert without_words(english.source) == without_words(korean.source), english.id


def test_each_prose_has_both_languages():
    prose = [
        cell.languages[0]
        for cell in builder.read_cells()
        if cell.kind == "markdown" and len(cell.languages) == 1
    ]
    assert len(prose) > 80
    assert prose[::2] == ["en"] * (len(prose) // 2)
    assert prose[1::2] == ["ko"] * (len(prose) // 2)


def test_the_forms_differ_in_one_cell():
    full, short = (code_cells(builder.build("en", form)) for form in ("full", "short"))
    differing = [a for a, b in zip(full, short, strict=True) if a.source != b.source]
    assert len(differing) == 1
    assert differing[0].source.startswith("size = ")


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_mark_is_left(language):
    for cell in builder.build(language, "full").cells:
        assert not re.search(r"\[\[[^\]]*\||<!--|TODO", cell.source), cell.id


def test_text_outside_a_cell_is_refused(tmp_path):
    section = tmp_path / "00_x.md"
    section.write_text("lost\n\n<!-- en -->\ntext\n")
    with pytest.raises(ValueError, match="'lost' stands outside a cell"):
        builder.read_section(section)


@pytest.mark.parametrize("call", TENSORFLOW_CALLS)
def test_table_has_every_call(call):
    for language in LANGUAGES:
        table = builder.build(language, "full").cells[-1].source
        then = [line.split("|")[1] for line in table.splitlines()[2:]]
        assert any(call in cell for cell in then), language


# The shortened form -----------------------------------------------------------------------------


@pytest.mark.slow
def test_short_form_runs(tmp_path):
    command = [sys.executable, FOLDER / "build.py", "--short", "--language", "ko"]
    # Most of the time goes into compiling: LLVM without optimisation takes a third less.
    environment = os.environ | {"XLA_FLAGS": "--xla_backend_optimization_level=0"}
    done = subprocess.run(
        [*command, "--output", tmp_path],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    notebook = nbformat.read(tmp_path / "chapter10_ko.ipynb", as_version=4)
    assert_ran(notebook, "ko", "short")


def assert_ran(notebook, language, form):
    """Check that a notebook is that of the sources, run from its first cell to its last."""
    nbformat.validate(notebook)
    expected = builder.build(language, form)
    assert [cell.source for cell in notebook.cells] == [cell.source for cell in expected.cells]
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    for cell in cells:
        for output in cell.outputs:
            assert output.output_type != "error", cell.id
            if output.get("name") == "stderr":  # the log, and no warning
                lines = output["text"].splitlines()
                assert all(line.startswith("INFO:multilayer:") for line in lines), lines
        ends_in_expression = isinstance(ast.parse(cell.source).body[-1], ast.Expr)
        if ends_in_expression and not cell.id.startswith("00_start"):
            assert cell.outputs, cell.id


# The committed notebooks ------------------------------------------------------------------------


@pytest.fixture(params=LANGUAGES)
def committed(request):
    path = FOLDER / f"chapter10_{request.param}.ipynb"
    return request.param, path, nbformat.read(path, as_version=4)


def test_committed_notebook_is_that_of_the_sources(committed):
    language, _, notebook = committed
    assert_ran(notebook, language, "full")


def test_committed_notebook_is_small_and_of_no_machine(committed):
    _, path, notebook = committed
    assert path.stat().st_size < 1_500_000
    assert notebook.metadata.language_info == {"name": "python"}
    printed = "\n".join(map(text_of, code_cells(notebook)))
    assert not re.search(r"/(tmp|home|root|work|usr|var|private|Users)/|[A-Z]:\\", printed)
    assert not re.search(r"0x[0-9a-f]{6,}", printed)
    assert all("execution" not in cell.metadata for cell in notebook.cells)


def output_with(notebook, text):
    """Return the output of the cell whose source has a text."""
    (cell,) = (cell for cell in code_cells(notebook) if text in cell.source)
    return text_of(cell)


def test_figures_of_2019_are_met(committed):
    _, _, notebook = committed
    table = output_with(notebook, "summary = ")
    met = re.findall(r"(\d) / (\d)$", table, re.MULTILINE)
    assert met
    assert met[0][0] == met[0][1]


def test_hand_built_curve_is_that_of_2019(committed):
    _, _, notebook = committed
    log = output_with(notebook, "valid_2019 = [")
    rows = re.findall(r"^ ?(\d+) +\S+ [\d.]+ +\S+ (0\.\d{4}) +\S+ +(0\.\d+|–)$", log, re.MULTILINE)
    now = np.array([float(row[1]) for row in rows])
    then = np.array([float(row[2]) for row in rows if row[2] != "–"])
    assert len(now) == 40
    assert len(then) == 27
    assert abs(now[:27] - then).max() < 0.01
    assert now.max() >= then.max() == 0.9762


def test_digits_are_those_of_2019(committed):
    _, _, notebook = committed
    lines = output_with(notebook, "then = [7, 2, 1").splitlines()
    digits = [line.partition("[")[2] for line in lines]
    assert digits == ["7 2 1 0 4 1 4 9 5 9 0 6 9 0 1 5 9 7 3 4]"] * 3
