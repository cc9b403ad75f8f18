"""The contract tests under several scikit-learn releases: what ``make contract`` runs.

Each release has an environment of its own, ``.venv-contract-RELEASE``, which is made once.
Arguments are passed on to pytest: ``python tests/contract/matrix.py -k warm_start``. At the end
comes a table with one line per release; the exit status is 1 unless all of them passed.
"""

import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator
from glob import glob
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# The Pythons that each scikit-learn has wheels for, the one to take first in front: with all of
# them at hand, each release has another. constraints/ pins what else is installed; it works with
# all four, SciPy and pandas included.
RELEASES = {
    "1.6.1": ("3.11", "3.12", "3.13"),
    "1.7.2": ("3.12", "3.13", "3.11", "3.14"),
    "1.8.0": ("3.13", "3.12", "3.14", "3.11"),
    "1.9.1": ("3.14", "3.13", "3.12", "3.11"),
}
# Where version managers keep interpreters that are not on the PATH.
MANAGED = ("~/.pyenv/versions/*/bin", "~/.local/share/uv/python/*/bin")
# Compiling is most of the work, and much the same under each release.
COMPILED = ROOT / ".venv-contract-compiled"
SETTINGS = {
    "JAX_COMPILATION_CACHE_DIR": str(COMPILED),
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "SCIPY_ARRAY_API": "1",  # scikit-learn 1.9 skips a check without it
}
PROBE = "import ensurepip, sysconfig; print(sysconfig.get_config_var('SOABI'))"
VERSIONS = (
    "import platform; from importlib.metadata import version; "
    "print(platform.python_version(), *map(version, ('scikit-learn', 'jax', 'numpy')))"
)
COLUMNS = ("scikit-learn", "Python", "jax", "numpy", "passed", "expected failures", "failed")


def output(*command: str | Path) -> str:
    """Return what a command prints, nothing if it fails."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def is_python(path: Path, version: str) -> bool:
    """Whether a file is this CPython (with its global lock), and can make environments."""
    return output(path, "-c", PROBE).startswith(f"cpython-{version.replace('.', '')}-")


def find_python(versions: tuple[str, ...]) -> tuple[str, Path]:
    """Return the first of these Pythons that is there: this one, on the PATH, or managed."""
    folders = [Path(folder) for folder in os.environ["PATH"].split(os.pathsep)]
    for pattern in MANAGED:
        folders += map(Path, sorted(glob(os.path.expanduser(pattern)), reverse=True))
    for version in versions:
        candidates = [Path(sys.executable), *(folder / f"python{version}" for folder in folders)]
        for path in candidates:
            if is_python(path, version):
                return version, path
    sys.exit(f"None of Python {', '.join(versions)} was found; install one, or put it on the PATH.")


def environment(release: str) -> Path:
    """Return the folder of a release's environment, made if it is not finished."""
    folder = ROOT / f".venv-contract-{release}"
    version, interpreter = find_python(RELEASES[release])
    lines = (ROOT / f"constraints/py{version.replace('.', '')}.txt").read_text().splitlines()
    pins = [line for line in lines if not line.startswith("scikit-learn==")]
    pins.append(f"scikit-learn=={release}")
    recipe = "\n".join([str(folder), *pins, (ROOT / "pyproject.toml").read_text()])
    finished = folder / ".installed"
    if finished.exists() and finished.read_text() == recipe:
        return folder
    print(f"scikit-learn {release}: installing into {folder.name} for {interpreter}", flush=True)
    finished.unlink(missing_ok=True)
    python = folder / "bin" / "python"
    if not is_python(python, version):
        subprocess.run([interpreter, "-m", "venv", "--clear", folder], check=True)
    constraints = folder / "constraints.txt"
    constraints.write_text("\n".join(pins))
    # Older pips apply the first to the build backend too, newer ones read the second for it.
    pinned = {"PIP_CONSTRAINT": str(constraints), "PIP_BUILD_CONSTRAINT": str(constraints)}
    install = [python, "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
    subprocess.run(
        [*install, "--editable", f"{ROOT}[tables]", "pytest"],
        check=True,
        env=os.environ | pinned,
    )
    finished.write_text(recipe)
    return folder


def outcomes(report: Path) -> Iterator[str]:
    """Yield how each check ended, by pytest's report; other tests count if they failed."""
    cases = ET.parse(report).iter("testcase") if report.exists() else ()
    for case in cases:
        kinds = {child.get("type") if child.tag == "skipped" else child.tag for child in case}
        if kinds & {"failure", "error"}:
            yield "failed"
        elif "pytest.xfail" in kinds:
            yield "expected failures"
        elif "[" in case.get("name", ""):  # a parameter: an estimator and a check
            yield "skipped" if "pytest.skip" in kinds else "passed"


def run(folder: Path, arguments: list[str]) -> dict[str, object]:
    """Run the contract tests in an environment; return a line of the table."""
    python, report = folder / "bin" / "python", folder / "report.xml"
    report.unlink(missing_ok=True)
    command = [python, "-m", "pytest", "tests/contract", "-m", "slow or not slow", "-q"]
    command += ["-p", "no:cacheprovider", f"--junitxml={report}", *arguments]
    print(f"\n{folder.name}: scikit-learn's checks", flush=True)
    status = subprocess.run(command, check=False, cwd=ROOT, env=os.environ | SETTINGS).returncode
    counts = Counter(outcomes(report))
    if counts["skipped"]:
        print(f"{counts['skipped']} skipped")
    python_version, sklearn_version, *others = output(python, "-c", VERSIONS).split()
    line = dict(zip(COLUMNS, (sklearn_version, python_version, *others), strict=False))
    return line | {name: counts[name] for name in COLUMNS[4:]} | {"status": status}


def main(arguments: list[str]) -> int:
    """Make the environments, run the tests in each, and print the table."""
    folders = [environment(release) for release in RELEASES]
    lines = [run(folder, arguments) for folder in folders]
    print("\n" + "  ".join(COLUMNS))
    for line in lines:
        print("  ".join(str(line[name]).rjust(len(name)) for name in COLUMNS))
    totals = (f"{sum(line[name] for line in lines)} {name}" for name in COLUMNS[4:])
    print("In all: " + ", ".join(totals))
    return int(any(line["status"] for line in lines))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
