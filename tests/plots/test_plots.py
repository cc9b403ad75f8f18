"""What holds for all pictures."""

import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from multilayer import nn, plots
from multilayer.plots import _activation

KOREAN = {"input": "입력층", "hidden": "은닉층 {}", "output": "출력층", "bias": "편향"}


def test_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match="pip install matplotlib"):
        plots.NetworkDisplay.from_logic(nn.logic.AND)


def test_data_need_no_matplotlib(monkeypatch):
    for name in [name for name in sys.modules if name.startswith("matplotlib")]:
        monkeypatch.setitem(sys.modules, name, None)
    data = _activation.compute(["tanh"], (-5, 5))
    plots.ActivationDisplay(*data)
    plots.LearningCurvesDisplay({"run": {"loss": [2, 1]}})
    plots.NetworkDisplay([np.eye(2)])
    for file in Path(plots.__file__).parent.glob("*.py"):
        assert "\nimport matplotlib" not in file.read_text()
        assert "\nfrom matplotlib" not in file.read_text()


def test_the_public_names():
    guide = Path(__file__).parents[2] / "docs" / "plots.md"
    assert [name for name in plots.__all__ if name not in guide.read_text(encoding="utf-8")] == []
    assert sorted(plots.__all__) == plots.__all__
    for name in plots.__all__:
        display = getattr(plots, name)
        assert any(method.startswith("from_") for method in vars(display) | vars(display.__base__))
        assert callable(display.plot)


@pytest.mark.skipif(find_spec("koreanize_matplotlib") is None, reason="brings the font")
def test_korean_words_are_drawn(plt):
    """A missing glyph would be a warning, which is an error here."""
    from matplotlib import font_manager

    fonts = Path(find_spec("koreanize_matplotlib").origin).parent / "fonts"
    font_manager.fontManager.addfont(fonts / "NanumGothic.ttf")
    with plt.rc_context({"font.family": ["NanumGothic", "DejaVu Sans"]}):
        network = plots.NetworkDisplay.from_logic(nn.logic.XOR, texts=KOREAN)
        network.ax_.set_title("배타적 논리합")
        images = plots.WeightImagesDisplay(np.eye(3)[np.newaxis]).plot(texts={"unit": "뉴런 {}"})
        for display in (network, images):
            display.figure_.canvas.draw()
    words = [text.get_text() for text in network.ax_.texts]
    assert "편향" in words
    assert "−2" in words  # the minus sign is the other font's
