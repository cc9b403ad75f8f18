"""Which engine a fit gets: by the device, what JAX would compute on, and what is covered."""

import runpy
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from multilayer import InvalidArgumentError
from multilayer._core import environment
from multilayer._engine import engines
from multilayer._engine.engines import Choice
from multilayer._engine.state import FitConfig
from multilayer._nn.network import Network
from multilayer._objectives.objective import Objective

standing_in = runpy.run_path(str(Path(__file__).with_name("native_stand_in.py")))["standing_in"]

LINE = FitConfig(
    Network((3, 1), ()), Objective("squared_error", "identity", (1,)), solver="plain_sgd"
)
OTHER = FitConfig(
    Network((3, 2, 1), ("relu",)), Objective("squared_error", "identity", (1,)), solver="adam"
)
UNCOVERED = Choice("xla", "the stand-in computes lines alone")


@pytest.fixture
def native():
    with standing_in():
        yield


@pytest.fixture
def jax_on(monkeypatch):
    """Let JAX have platforms, or a plugin, that this machine lacks."""

    def set_to(platforms=None, plugins=(), x64=False):
        config = SimpleNamespace(jax_platforms=platforms, jax_enable_x64=x64)
        monkeypatch.setitem(sys.modules, "jax", SimpleNamespace(config=config))
        plugin = next(iter(plugins), "")
        monkeypatch.setattr(environment, "jax_plugin", lambda: plugin)

    return set_to


# Whether JAX would use an accelerator -------------------------------------------------------------


@pytest.mark.parametrize(
    ("platforms", "plugins", "reason"),
    [
        (None, (), ""),
        ("", (), ""),
        ("cpu", ("jax_plugins",), ""),
        ("cpu,cuda", ("jax_plugins",), ""),
        ("cuda,cpu", (), "JAX_PLATFORMS is 'cuda,cpu'"),
        (None, ("jax_plugins",), "JAX has the plugin of an accelerator (jax_plugins)"),
        ("", ("libtpu",), "JAX has the plugin of an accelerator (libtpu)"),
    ],
)
def test_accelerators_are_those_that_jax_would_use(jax_on, platforms, plugins, reason):
    jax_on(platforms, plugins)
    assert environment.jax_accelerator() == reason


def test_plugins_are_found_by_their_packages(monkeypatch):
    monkeypatch.setattr(environment, "find_spec", {"libtpu": object()}.get)
    assert environment.jax_plugin.__wrapped__() == "libtpu"
    monkeypatch.setattr(environment, "find_spec", {}.get)
    assert environment.jax_plugin.__wrapped__() == ""


def test_settings_come_from_variables_where_jax_is_not_imported(monkeypatch):
    monkeypatch.delitem(sys.modules, "jax", raising=False)
    monkeypatch.setenv("JAX_PLATFORMS", "cuda")
    assert environment.jax_accelerator() == "JAX_PLATFORMS is 'cuda'"
    for text, expected in (("True", True), ("1", True), ("0", False), ("", False)):
        monkeypatch.setenv("JAX_ENABLE_X64", text)
        assert environment.jax_computes_in_float64() is expected
    monkeypatch.delenv("JAX_ENABLE_X64")
    assert not environment.jax_computes_in_float64()


# The choice ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("device", ["auto", "cpu"])
def test_what_is_covered_is_computed_natively(native, jax_on, device):
    jax_on()
    assert engines.choose(device, LINE) == Choice("native")


def test_what_is_not_covered_is_computed_by_xla(native):
    assert engines.choose("auto", OTHER) == UNCOVERED
    assert engines.choose("cpu", OTHER) == UNCOVERED


def test_where_jax_has_an_accelerator_it_computes_unless_the_cpu_is_asked_for(native, jax_on):
    jax_on("cuda")
    assert engines.choose("auto", LINE) == Choice("xla", "JAX_PLATFORMS is 'cuda'")
    assert engines.choose("cpu", LINE) == Choice("native")


def on_platform(name):
    """The engine of XLA, were it on another platform."""
    found = engines.load("xla")
    return SimpleNamespace(**(vars(found) | {"platform": lambda: name}))


def test_xla_on_an_accelerator_is_no_cpu(native, monkeypatch):
    cuda = on_platform("gpu")
    with monkeypatch.context() as patch:
        patch.setattr(engines, "load", lambda name: cuda)
        assert engines.choose("gpu", LINE) == Choice("xla", "device='gpu'")
        with pytest.raises(InvalidArgumentError, match=r"lines alone\) where JAX uses the gpu"):
            engines.choose("cpu", OTHER)


def test_float64_is_native_unless_jax_computes_in_it(native, jax_on, monkeypatch):
    double, other = replace(LINE, dtype="float64"), replace(OTHER, dtype="float64")
    cuda = on_platform("cuda")
    with monkeypatch.context() as patch:
        patch.setattr(engines, "load", lambda name: cuda)
        jax_on("cuda")
        assert engines.choose("auto", double) == Choice("native")
        for device, config in (("auto", other), ("cpu", other), ("gpu", double)):
            rule = r"precision must be 'float32' for a fit that XLA computes \(.*JAX_ENABLE_X64=1"
            with pytest.raises(InvalidArgumentError, match=rule):
                engines.choose(device, config)
        jax_on("cuda", x64=True)
        assert engines.choose("auto", double).engine == "xla"
        assert engines.choose("gpu", other) == Choice("xla", "device='gpu'")


def test_without_an_accelerator_gpu_is_refused_with_the_remedy(native):
    with pytest.raises(InvalidArgumentError, match=r"device must be .* Install JAX for the acc"):
        engines.choose("gpu", LINE)


def test_without_the_library_xla_computes_and_says_why():
    with standing_in("the self-test failed"):
        choice = engines.choose("auto", LINE)
    assert choice == Choice("xla", "the self-test failed")
    assert choice.sentence == "Training by XLA, not natively: the self-test failed."
    assert Choice("native").sentence == "Training natively on the CPU."


# Prediction ---------------------------------------------------------------------------------------


def test_what_trained_predicts(native):
    assert engines.predictor("native", LINE.network).name == "native"
    assert engines.predictor("xla", LINE.network).name == "xla"


def test_xla_predicts_in_place_of_a_native_engine_that_is_not_there_and_warns_once():
    with standing_in("the self-test failed"):
        with pytest.warns(UserWarning, match=r"not available \(the self-test failed\)"):
            assert engines.predictor("native", LINE.network).name == "xla"
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert engines.predictor("native", LINE.network).name == "xla"
