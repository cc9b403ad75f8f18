"""Hostile files by what is wrong with the file itself: its bytes, its header, its tensors."""

import gzip
import io
import json
import pickle
import zipfile
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from .files import Parts, Tensor, pack, take_apart

Row = tuple[str, bytes, str]
"""Name, content, and a word of the message that refuses it."""

NO_MODEL = "is not a model file"
HEADER = "header is not as multilayer writes it"
FOREIGN = "not one that multilayer wrote"


class Payload:
    """What an unpickler would run."""

    def __reduce__(self):
        return (exec, ("raise SystemExit('the file was executed')",))


def other_formats(seed: bytes) -> Iterator[Row]:
    """Yield files of other formats, some of them such as run code when they are opened."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("config.json", '{"module": "os", "class_name": "system"}')
    arrays = io.BytesIO()
    np.savez(arrays, payload=np.array([Payload()], object))
    for name, content in {
        "pickle": pickle.dumps(Payload()),
        "pickle, protocol 0": pickle.dumps(Payload(), protocol=0),
        "joblib": b"\x80\x04\x95" + bytes(40) + b"joblib.numpy_pickle",
        "npz with a pickle": arrays.getvalue(),
        "npy": b"\x93NUMPY\x01\x00v\x00{'descr': '|O', 'fortran_order': False, 'shape': (1,)}",
        "zip": archive.getvalue(),
        "gzip": gzip.compress(seed),
        "hdf5": b"\x89HDF\r\n\x1a\n" + bytes(88),
        "onnx": b"\x08\x08\x12\x07pytorch\x1a\x031.0:" + bytes(60),
        "elf": b"\x7fELF\x02\x01\x01" + bytes(60),
        "script": b"#!/bin/sh\nrm -rf /\n",
        "json": json.dumps(take_apart(seed).description).encode(),
        "csv": b"a,b,target\n" * 9,
        "yaml": b"!!python/object/apply:os.system ['true']\n",
        "utf-16": seed.decode("latin-1").encode("utf-16"),
    }.items():
        yield name, content, NO_MODEL


def lengths(seed: bytes) -> Iterator[Row]:
    """Yield files whose size or length of the header is wrong."""
    length = int.from_bytes(seed[:8], "little")

    def of(number: int) -> bytes:
        return number.to_bytes(8, "little") + seed[8:]

    yield "empty", b"", "is empty"
    yield "one byte", seed[:1], NO_MODEL
    yield "seven bytes", seed[:7], NO_MODEL
    yield "length alone", seed[:8], NO_MODEL
    yield "length and brace", seed[:9], "truncated"
    yield "zeros", bytes(4096), NO_MODEL
    yield "ones", b"\xff" * 4096, NO_MODEL
    yield "header of no bytes", of(0), NO_MODEL
    yield "header of one byte", of(1), "not one that multilayer wrote|damaged"
    yield "header a byte short", of(length - 8), "damaged"
    yield "header into the data", of(length + 8), "printable"
    yield "header of all the file", of(len(seed) - 8), "printable"
    yield "header longer than the file", of(len(seed) - 7), "truncated"
    for name, number in {
        "just over the limit": 100_000_001,
        "2**31": 2**31,
        "2**32": 2**32,
        "2**53": 2**53,
        "2**63": 2**63,
        "2**64-1": 2**64 - 1,
    }.items():
        yield f"header of {name} bytes", of(number), NO_MODEL
    yield "header of 100 MB", of(100_000_000), "truncated"
    yield "length in the other order", seed[7::-1] + seed[8:], NO_MODEL
    yield "byte before", b"\0" + seed, NO_MODEL
    yield "byte order mark before", b"\xef\xbb\xbf" + seed, NO_MODEL
    yield "byte behind", seed + b"\0", "1 bytes at its end"
    yield "zip behind", seed + b"PK\x03\x04" + bytes(60), "at its end"
    yield "twice", seed + seed, "at its end"
    yield "end missing", seed[:-1], "truncated"
    yield "data missing", seed[: 8 + length], "truncated"
    yield "half", seed[: len(seed) // 2], "truncated"


def spellings(parts: Parts) -> Iterator[Row]:
    """Yield files whose header is JSON, but not spelt as it is written."""
    header, data = parts.header(), parts.data()
    name = parts.tensors[0].name
    for label, text, word in (
        ("space before", " " + header, NO_MODEL),
        ("newline before", "\n" + header, NO_MODEL),
        ("byte order mark", "\ufeff" + header, NO_MODEL),
        ("space inside", header.replace("{", "{ ", 1), FOREIGN),
        ("space after a comma", header.replace(f',"{name}"', f', "{name}"'), HEADER),
        ("newline inside", header.replace(f',"{name}"', f',\n"{name}"'), "printable"),
        ("tab inside", header.replace(f',"{name}"', f',\t"{name}"'), "printable"),
        ("comma at the end", header[:-1] + ",}", HEADER),
        ("comment", header[:-1] + "/**/}", HEADER),
        ("more behind", header + "{}", HEADER),
        ("brace missing", header[:-1], HEADER),
        ("single quotes", header.replace(f'"{name}"', f"'{name}'"), HEADER),
        ("escaped name", header.replace(f'"{name}"', f'"\\u004d{name[1:]}"'), HEADER),
        ("wide name", header.replace(f'"{name}"', f'"Ｍ{name[1:]}"'), "printable"),
        ("nul in a name", header.replace(f'"{name}"', f'"{name}\0"'), "printable"),
        ("escape code in a name", header.replace(f'"{name}"', f'"\x1b[2J{name}"'), "printable"),
        (
            "escaped description",
            header.replace("multilayer-model", "multilayer-mod\\u0065l"),
            "no text",
        ),
        (
            "newline in the description",
            header.replace("multilayer-model", "multilayer\\nmodel"),
            "no text",
        ),
        ("list", "[" + header + "]", NO_MODEL),
        ("string", json.dumps(header), NO_MODEL),
        ("no object", "null", NO_MODEL),
        ("nothing in it", "{}", FOREIGN),
        ("deep", '{"a":' + "[" * 50_000, FOREIGN),
        ("deep behind", header[:-1] + ',"a":' + '{"a":' * 20_000, HEADER),
    ):
        yield f"header: {label}", pack(text, data), word
    for label, padding in (("nuls", b"\0"), ("newlines", b"\n")):
        odd = header if len(header) % 8 else header.replace('"', '" ', 1)
        yield f"header padded by {label}", pack(odd, data, padding), f"printable|{FOREIGN}"
    yield "header padded by 8 spaces", pack(header + " " * 8, data), HEADER
    yield "latin-1 in the header", pack(header.encode()[:-1] + b"\xe9}", data), "printable"
    yield "half a UTF-8 character", pack(header.encode()[:-1] + b"\xc3}", data), "printable"
    yield "delete character", pack(header.encode()[:-1] + b"\x7f}", data), "printable"


def metadata(parts: Parts) -> Iterator[Row]:
    """Yield files whose metadata is not the one key, or there twice."""
    header, data = parts.header(), parts.data()
    own = json.dumps({"multilayer": parts.text}, separators=(",", ":"))
    rest = header[len('{"__metadata__":') + len(own) :]
    other = json.dumps({"multilayer": parts.text.replace("adam", "sgd")}, separators=(",", ":"))
    for label, text, word in (
        ("missing", "{" + rest[1:], FOREIGN),
        ("at the end", "{" + rest[1:-1] + f',"__metadata__":{own}}}', FOREIGN),
        ("twice", header[:-1] + f',"__metadata__":{own}}}', HEADER),
        ("twice, another first", f'{{"__metadata__":{other},{header[1:]}', HEADER),
        ("null", '{"__metadata__":null' + rest, FOREIGN),
        ("list", '{"__metadata__":[]' + rest, FOREIGN),
        ("text", '{"__metadata__":"x"' + rest, FOREIGN),
        ("empty", '{"__metadata__":{}' + rest, FOREIGN),
        ("of PyTorch", '{"__metadata__":{"format":"pt"}' + rest, FOREIGN),
        ("with one more key", f'{{"__metadata__":{own[:-1]},"format":"pt"}}{rest}', "only one"),
        ("with a key before", f'{{"__metadata__":{{"format":"pt",{own[1:]}{rest}', FOREIGN),
        ("with the key twice", f'{{"__metadata__":{own[:-1]},{own[1:]}{rest}', "only one"),
        ("as an object", f'{{"__metadata__":{{"multilayer":{parts.text}}}{rest}', FOREIGN),
        ("as a number", '{"__metadata__":{"multilayer":1}' + rest, FOREIGN),
        ("as null", '{"__metadata__":{"multilayer":null}' + rest, FOREIGN),
        ("open", '{"__metadata__":{"multilayer":"' + "x" * 99, "no text"),
    ):
        yield f"metadata: {label}", pack(text, data), word


def entries(parts: Parts) -> Iterator[Row]:
    """Yield files in which the entry of a tensor is not as it is written."""
    header, data = parts.header(), parts.data()
    tensor = parts.tensors[-1]
    entry = json.dumps(parts.entries()[tensor.name], separators=(",", ":"))
    begin, end = parts.entries()[tensor.name]["data_offsets"]
    count = tensor.shape[0]
    shape, offsets = f'"shape":[{count}]', f'"data_offsets":[{begin},{end}]'
    kind = f'"dtype":"{tensor.dtype}"'

    def changed(label: str, old: str, new: str, word: str = HEADER) -> Row:
        assert old in entry
        text = header.replace(entry, entry.replace(old, new))
        return f"tensor: {label}", pack(text, data), word

    for label, new in {
        "negative": f"[-{count}]", "float": f"[{count}.0]", "exponent": f"[{count}e0]",
        "text": f'["{count}"]', "true": "[true]", "null": "[null]", "nested": f"[[{count}]]",
        "number": str(count), "object": "{}", "zero before": f"[0{count}]", "plus": f"[+{count}]",
        "of 30 digits": f"[{10**30}]", "of 5000 digits": f"[{'9' * 5000}]", "hex": "[0x4]",
        "2**63": f"[{2**63}]", "NaN": "[NaN]", "comma": f"[{count},]",
    }.items():  # fmt: skip
        yield changed(f"shape {label}", shape, f'"shape":{new}')
    for label, new in {
        "negative": f"[-{begin},{end}]", "float": f"[{begin}.0,{end}]", "one": f"[{begin}]",
        "three": f"[{begin},{begin},{end}]", "text": f'"{begin}"', "true": f"[{begin},true]",
        "of 30 digits": f"[{begin},{10**30}]", "null": "null", "none": "[]",
    }.items():  # fmt: skip
        yield changed(f"offsets {label}", offsets, f'"data_offsets":{new}')
    for label, new in {
        "other": f"[{count + 1}]", "product 0": f"[0,{count}]", "no axes": "[]",
        "product that overflows": f"[{2**32},{2**32}]", "large": f"[{2**50}]",
        "0 and large": f"[0,{2**50}]",
    }.items():  # fmt: skip
        yield changed(f"shape of {label}", shape, f'"shape":{new}', "another size|too large")
    yield changed("33 axes", shape, f'"shape":[{count}{",1" * 32}]', "33 axes")
    yield changed("10000 axes", shape, f'"shape":[{count}{",1" * 9999}]', "10000 axes|more memory")
    yield changed("offsets the wrong way round", offsets, f'"data_offsets":[{end},{begin}]', "size")
    yield changed("field that is unknown", kind, f'{kind},"path":"/etc/passwd"')
    yield changed("field twice", kind, f"{kind},{kind}")
    yield changed("no type", kind + ",", "")
    yield changed("no shape", shape + ",", "")
    yield changed("no offsets", "," + offsets, "")
    yield changed("fields in another order", f"{kind},{shape}", f"{shape},{kind}")
    for new in ("BF16", "F8", "C64", "I128", "O", "V8"):
        yield changed(f"type {new}", kind, f'"dtype":"{new}"', "type that is never written")
    for new in ("f32", "", "float32", "<f4", "object", "F32\\u0000"):
        yield changed(f"type {new!r}", kind, f'"dtype":"{new}"')
    for new in ("1", "null", "[]"):
        yield changed(f"type {new}", kind, f'"dtype":{new}')
    for label, new in {"number": "1", "null": "null", "list": "[]", "text": '"x"'}.items():
        text = header.replace(entry, new)
        yield f"tensor: {label}", pack(text, data), HEADER


def tensors(parts: Parts) -> Iterator[Row]:
    """Yield files whose tensors are there twice, overlap, leave holes or are too many."""
    header, data = parts.header(), parts.data()
    first, second, *_, last = parts.tensors
    listed = parts.entries()
    entry = {name: json.dumps(each, separators=(",", ":")) for name, each in listed.items()}
    again = f'"{last.name}":{entry[last.name]}'
    other = json.dumps({**listed[last.name], "dtype": "I32"}, separators=(",", ":"))
    moved = header.replace(entry[second.name], entry[first.name])
    for label, text, content, word in (
        ("same name", f"{header[:-1]},{again}}}", data, "same name"),
        ("same name, other type", f'{header[:-1]},"{last.name}":{other}}}', data, "same name"),
        ("same bytes", moved, data, "overlaps"),
        (
            "half the same bytes",
            header.replace('"data_offsets":[32,64]', '"data_offsets":[16,48]'),
            data,
            "overlaps",
        ),
        (
            "hole",
            header.replace(f",{json.dumps(second.name)}:{entry[second.name]}", ""),
            data,
            "unused",
        ),
        (
            "hole at the beginning",
            header.replace(f",{json.dumps(first.name)}:{entry[first.name]}", ""),
            data,
            "unused",
        ),
        ("beyond the file", header, data[:-4], "truncated"),
        ("name too long", header.replace(last.name, "n" * 300), data, HEADER),
        ("name empty", header.replace(f'"{last.name}"', '""'), data, HEADER),
        ("name with a quote", header.replace(last.name, 'a\\"b'), data, HEADER),
        ("name of the metadata", header.replace(last.name, "__metadata__"), data, "missing"),
        ("none", header[: header.index(f',"{first.name}"')] + "}", b"", "missing"),
    ):
        yield f"tensors: {label}", pack(text, content), word
    for label, name in {
        "path": "../../etc/passwd", "absolute path": "/etc/passwd", "link": "file:///etc/passwd",
        "attribute": "MLPClassifier.__class__", "step": "Pipeline.steps",
        "weights of a layer more": "MLPClassifier.coefs.2", "dots": "MLPClassifier..coefs.0",
    }.items():  # fmt: skip
        extra = Tensor(name, "F32", [1], bytes(4))
        content = replace(parts, tensors=(*parts.tensors, extra)).packed()
        yield f"tensors: one more, {label}", content, "belongs to nothing"
    many = tuple(Tensor(f"t{i}", "F32", [0], b"") for i in range(20_000))
    content = replace(parts, tensors=(*many, *parts.tensors)).packed()
    yield "tensors: 20,000 of no bytes", content, "more memory"


def file_rows(seed: bytes) -> Iterator[Row]:
    """Yield the hostile files that can be made of any valid one."""
    parts = take_apart(seed)
    yield from other_formats(seed)
    yield from lengths(seed)
    for rows in (spellings, metadata, entries, tensors):
        yield from rows(parts)
