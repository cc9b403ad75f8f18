"""Valid model files, and files put together by hand: nothing here uses the code under test."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

FIXTURES = Path(__file__).parents[1] / "persist" / "fixtures"
SIZES = {"F16": 2, "F32": 4, "F64": 8, "I32": 4, "I64": 8, "U8": 1, "BOOL": 1}
DTYPES = {"F16": "<f2", "F32": "<f4", "F64": "<f8", "I32": "<i4", "I64": "<i8", "U8": "|u1"}


def seeds() -> dict[str, bytes]:
    """Return valid files by name."""
    files = sorted(FIXTURES.glob("protocol-?/*.safetensors"))
    return {f"{file.parent.name}/{file.stem}": file.read_bytes() for file in files}


def rows(name: str) -> Any:
    """Return rows that the model of a valid file takes."""
    with np.load(FIXTURES / "protocol-2" / "expected.npz") as expected:
        if not name.endswith("/columns"):
            return expected["X"]
        columns = {
            key.removeprefix("frame-"): expected[key]
            for key in expected
            if key.startswith("frame-")
        }
    return pd.DataFrame(
        {
            key: [None if each == "None" else each for each in values.tolist()]
            for key, values in columns.items()
        }
    )


@dataclass(frozen=True)
class Tensor:
    """A tensor of a file: its type and shape as they stand there, and its bytes."""

    name: str
    dtype: Any
    shape: Any
    data: bytes

    @classmethod
    def of(cls, name: str, array: np.ndarray) -> "Tensor":
        """Return a tensor of an array."""
        kinds = {np.dtype(code): kind for kind, code in DTYPES.items()} | {np.dtype(bool): "BOOL"}
        return cls(name, kinds[array.dtype], list(array.shape), array.tobytes())

    @property
    def array(self) -> np.ndarray:
        """The values."""
        return np.frombuffer(self.data, DTYPES[self.dtype]).reshape(self.shape)


@dataclass(frozen=True)
class Parts:
    """A model file, taken apart."""

    text: str  # the description
    tensors: tuple[Tensor, ...]

    @property
    def description(self) -> Any:
        """The description, a new object each time."""
        return json.loads(self.text)

    def describing(self, description: Any) -> "Parts":
        """Return the file with another description."""
        return replace(self, text=json.dumps(description))

    def entries(self) -> dict[str, Any]:
        """Return the entries of the header, one tensor after the other."""
        made, place = {}, 0
        for tensor in self.tensors:
            offsets = [place, place := place + len(tensor.data)]
            made[tensor.name] = {
                "dtype": tensor.dtype,
                "shape": tensor.shape,
                "data_offsets": offsets,
            }
        return made

    def header(self) -> str:
        """Return the header, as safetensors spells it."""
        head = {"__metadata__": {"multilayer": self.text}, **self.entries()}
        return json.dumps(head, separators=(",", ":"), ensure_ascii=False)

    def data(self) -> bytes:
        """Return what follows the header."""
        return b"".join(tensor.data for tensor in self.tensors)

    def packed(self) -> bytes:
        """Return the file."""
        return pack(self.header(), self.data())


def pack(header: str | bytes, data: bytes, padding: bytes = b" ") -> bytes:
    """Return a file of a header and what follows it."""
    raw = header.encode() if isinstance(header, str) else header
    raw += padding * (-len(raw) % 8)
    return len(raw).to_bytes(8, "little") + raw + data


def take_apart(content: bytes) -> Parts:
    """Return the parts of a valid file."""
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    text = header.pop("__metadata__")["multilayer"]
    tensors = []
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        tensors.append(Tensor(name, entry["dtype"], entry["shape"], content[begin:end]))
    return Parts(text, tuple(tensors))
