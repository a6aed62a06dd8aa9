"""TOML with lines: every key is found where it stands, and an invalid text is reported in one way."""

import json
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter import toml
from newsletter.errors import ConfigError, DataError


def test_each_key_is_found_on_its_line_whatever_the_values_look_like() -> None:
    text = '''
# [not.a.table]
top = 1
[a.b]   # comment ] = [
"odd key" = """
[fake]
x = 1 ""\\""" " """
list = [
  "[fake]",  # x = 1
  { y = 2 },
]
dotted.key = 'x = 1'
[[many]]
k = 1
[[many]]
k = 2
[many.under."x y"]
z = 1
'''
    document = toml.parse(text, "f.toml")
    assert document.values == tomllib.loads(text)
    assert dict(document.lines) == {
        ("top",): 3, ("a",): 4, ("a", "b"): 4, ("a", "b", "odd key"): 5, ("a", "b", "list"): 8,
        ("a", "b", "dotted"): 12, ("a", "b", "dotted", "key"): 12, ("many",): 13, ("many", 0): 13,
        ("many", 0, "k"): 14, ("many", 1): 15, ("many", 1, "k"): 16, ("many", 1, "under"): 17,
        ("many", 1, "under", "x y"): 17, ("many", 1, "under", "x y", "z"): 18,
    }


def test_a_key_without_a_line_of_its_own_has_that_of_its_table() -> None:
    document = toml.parse("\n[a]\nb = [\n { c = 1 },\n { c = 2 },\n]\n", "f.toml", first=10)
    assert document.at("a", "b", 1, "c") == "f.toml:12"
    assert document.at("a", "nothing") == "f.toml:11"
    assert document.at("nothing") == "f.toml"


KEYS = st.text(st.sampled_from("ab.# \"'é\\]="), min_size=1, max_size=6)
VALUES = st.one_of(st.integers(0, 99), st.text(max_size=9), st.lists(st.text(max_size=4), max_size=3))


@given(st.lists(st.tuples(KEYS, st.dictionaries(KEYS, VALUES, max_size=4)), max_size=4))
def test_every_key_of_any_document_is_found(tables: list[tuple[str, dict[str, Any]]]) -> None:
    lines, expected, counts = list[str](), dict[toml.Path, int](), dict[str, int]()
    for name, keys in tables:
        lines.append(f"[[{_quoted(name)}]] # [x]")
        counts[name] = counts.get(name, -1) + 1
        expected[name, counts[name]] = len(lines)
        for key, value in keys.items():
            written = f"[\n{', '.join(map(_quoted, value))} # ]\n]" if isinstance(value, list) else (
                _quoted(value) if isinstance(value, str) else str(value))
            expected[name, counts[name], key] = len(lines) + 1
            lines += f"{_quoted(key)} = {written}".split("\n")
    found = toml.parse("\n".join(lines), "f.toml").lines
    assert {path: line for path, line in found.items() if len(path) > 1} == expected


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


@pytest.mark.parametrize(("text", "place", "reason"), [
    ("a = 1\nb = \n", "f.toml:2", "invalid TOML: Invalid value"),
    ("a = '''\nx", "f.toml:2", "invalid TOML"),
    ("a = [", "f.toml:1", "invalid TOML"),
    ("a = 1\na = 2", "f.toml:2", "invalid TOML: Cannot overwrite a value"),
    ("a = " + "[" * 5000, "f.toml", "nested too deeply"),
    ("a = " + "9" * 5000, "f.toml", "invalid TOML: Exceeds the limit"),
])
def test_an_invalid_text_is_reported_with_its_line_and_one_fix(text: str, place: str, reason: str) -> None:
    with pytest.raises(DataError) as refused:
        toml.parse(text, "f.toml")
    assert refused.value.place == place
    assert refused.value.found.startswith("invalid TOML")
    assert reason in refused.value.found
    assert refused.value.cure.startswith("Write texts in double quotes")


def test_the_caller_chooses_the_error_and_its_line_is_that_of_the_file() -> None:
    with pytest.raises(ConfigError) as refused:
        toml.parse("a", "f.toml", first=7, error=ConfigError)
    assert refused.value.place == "f.toml:7"


def test_a_byte_order_mark_is_ignored() -> None:
    assert toml.parse("\ufeffa = 1.50", "f.toml", floats=str).values == {"a": "1.50"}
