"""Renew the pictures of docs/plots.md, by running the examples there.

``python docs/images/make.py`` writes them beside this file. It takes matplotlib.
"""

import re
from io import BytesIO
from pathlib import Path

import matplotlib
from PIL import Image

HERE = Path(__file__).parent
PICTURES = {
    "activations": "activations",
    "boundary": "boundary",
    "curves": "curves",
    "errors": "errors",
    "xor": "xor",
}
"""Name of each file, and of the variable on the page that holds its display."""


def main() -> None:
    """Run the page, save the pictures."""
    matplotlib.use("Agg")
    page = (HERE.parent / "plots.md").read_text(encoding="utf-8")
    names: dict = {}
    for code in re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE):
        exec(code, names)
    for file, display in PICTURES.items():
        figure = names[display].figure_
        drawn = BytesIO()
        figure.savefig(drawn, dpi=80)
        # 256 colours: half the size, and nothing in the file but the picture.
        Image.open(drawn).convert("RGB").quantize(256).save(HERE / f"{file}.png", optimize=True)


if __name__ == "__main__":
    main()
