"""Every test draws without a screen, and leaves neither a figure nor a setting behind."""

import pytest

matplotlib = pytest.importorskip("matplotlib", reason="pictures are drawn with matplotlib")


@pytest.fixture(autouse=True)
def plt():
    matplotlib.use("Agg")
    from matplotlib import pyplot

    before = dict(matplotlib.rcParams)
    yield pyplot
    pyplot.close("all")
    assert dict(matplotlib.rcParams) == before


@pytest.fixture
def overlaps():
    """Count the pairs of texts that cover each other in a figure as it is drawn."""

    def count(texts):
        boxes = [text.get_window_extent() for text in texts if text.get_text()]
        return sum(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])

    return count
