"""Hostile files by what is wrong with the JSON of their description."""

import json
from collections.abc import Iterator
from dataclasses import replace

from .files import Parts, take_apart

Row = tuple[str, bytes, str]

BUDGET = "more memory"


def texts(parts: Parts) -> Iterator[Row]:
    """Yield files whose description is no JSON that is written, or takes too much memory."""
    text = parts.text

    def valued(value: str) -> str:
        return text.replace('"alpha": 0.0001', f'"alpha": {value}')

    for label, changed, word in (
        ("empty", "", "not JSON"),
        ("no JSON", "format: multilayer-model", "not JSON"),
        ("Python", repr(parts.description), "not JSON"),
        ("cut", text[:-1], "not JSON"),
        ("more behind", text + "{}", "not JSON"),
        ("comment", text[:-1] + "/**/}", "not JSON"),
        ("comma at the end", text[:-1] + ",}", "not JSON"),
        ("list", f"[{text}]", "not one of a model"),
        ("number", "1", "not one of a model"),
        ("null", "null", "not one of a model"),
        ("text in text", json.dumps(text), "not one of a model"),
        ("format twice", text.replace("{", '{"format": "multilayer-parameters", ', 1), "twice"),
        ("argument twice", valued('0.1, "alpha": 0.2'), "twice"),
        ("escaped key twice", valued('0.1, "\\u0061lpha": 0.2'), "twice"),
        ("NaN", valued("NaN"), "number NaN"),
        ("infinity", valued("Infinity"), "number Infinity"),
        ("minus infinity", valued("-Infinity"), "number -Infinity"),
        ("1e999", valued("1e999"), "too large"),
        ("-1e999", valued("-1e999"), "too large"),
        ("integer of 30 digits", valued("1" * 30), "64 bits"),
        ("integer of 5000 digits", valued("1" * 5000), "64 bits"),
        ("2**64", valued(str(2**64)), "64 bits"),
        ("-2**63-1", valued(str(-(2**63) - 1)), "64 bits"),
        ("number of 5000 digits", valued("0." + "1" * 5000), "too long"),
        ("exponent of 5000 digits", valued("1e" + "1" * 5000), "too long"),
        ("half a character", valued('"\\ud800"'), "not valid Unicode"),
        ("half a character as a key", valued('0.1, "\\udc00": 1'), "not valid Unicode"),
        ("halves in the wrong order", valued('"\\udc00\\ud800"'), "not valid Unicode"),
        ("30 lists deep", valued("[" * 30 + "]" * 30), "too deep"),
        ("30 objects deep", valued('{"a":' * 30 + "1" + "}" * 30), "too deep"),
        ("1500 lists deep", valued("[" * 1500 + "]" * 1500), "not JSON|too deep"),
        ("100,000 lists deep", valued("[" * 100_000 + "]" * 100_000), BUDGET),
        ("lists open", valued("[" * 2000), "not JSON"),
        ("objects open", valued('{"a":' * 50), "not JSON"),
        ("bomb of lists", valued("[" + "[]," * 100_000 + "[]]"), BUDGET),
        ("bomb of objects", valued("[" + "{}," * 100_000 + "{}]"), BUDGET),
        ("bomb of numbers", valued("[" + "0.5," * 100_000 + "1]"), BUDGET),
        ("bomb of integers", valued("[" + "1," * 100_000 + "1]"), BUDGET),
        ("bomb of strings", valued("[" + '"aa",' * 100_000 + '"a"]'), BUDGET),
        ("bomb of keys", valued("{" + ",".join(f'"{i}":1' for i in range(20_000)) + "}"), BUDGET),
        ("long string", valued('"' + "a" * 400_000 + '"'), "too long"),
        ("long key", valued('{"' + "a" * 20_000 + '":1}'), "too long"),
        ("40 strings", valued("[" + ",".join(['"' + "a" * 9999 + '"'] * 40) + "]"), "alpha must"),
        ("3 MB of letters", valued('"' + "a" * 3_000_000 + '"'), BUDGET),
        ("3 MB of lists", valued("[" + "[]," * 1_000_000 + "[]]"), BUDGET),
        ("3 MB of quotes", valued('"' * 1_500_000), "not JSON|more memory"),
        ("string without end", valued('"\\u0041' + '\\"' * 100_000), "not JSON|more memory"),
        ("wide string", valued('"' + "a" * 400_000 + '\\ud83d\\ude00"'), BUDGET),
    ):
        yield f"description: {label}", replace(parts, text=changed).packed(), word


def text_rows(seeds: dict[str, bytes]) -> Iterator[Row]:
    """Yield the hostile files made of a valid one."""
    yield from texts(take_apart(seeds["protocol-2/multiclass"]))
