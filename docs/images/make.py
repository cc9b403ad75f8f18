"""Renew the pictures of docs/plots.md and docs/inspection.md, by running the examples there.

``python docs/images/make.py`` writes them beside this file. It takes matplotlib.
"""

import re
from io import BytesIO
from pathlib import Path

import matplotlib
from PIL import Image

HERE = Path(__file__).parent
PICTURES = {
    "plots.md": ("activations", "boundary", "competition", "curves", "errors", "tried", "xor"),
    "inspection.md": ("importances", "dependence", "coverage"),
}
"""Names of the files, which are those of the variables on each page that hold their displays."""


def main() -> None:
    """Run the pages, save the pictures."""
    matplotlib.use("Agg")
    for page, displays in PICTURES.items():
        text = (HERE.parent / page).read_text(encoding="utf-8")
        names: dict = {}
        for code in re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
            exec(code, names)
        for name in displays:
            drawn = BytesIO()
            names[name].figure_.savefig(drawn, dpi=80)
            # 256 colours: half the size, and nothing in the file but the picture.
            picture = Image.open(drawn).convert("RGB").quantize(256)
            picture.save(HERE / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
