"""Mistakes in the configuration as problems: pydantic's own errors have no file, no line and no fix."""

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from newsletter.config.environment import LISTED, NAMED, Path, twins, variable
from newsletter.config.keys import header, literals, tables
from newsletter.config.values import Wrong, has_password
from newsletter.model import Problem
from newsletter.text import meant, nearest, quoted, shown

Where = Callable[[Path], str]
"""Gives the place of a key: the environment variable that sets it, or its file and line."""

SECRET = ("password", "url")
"""Keys whose values are never repeated: the url of a store may contain a password."""


def misplaced(content: Mapping[str, Any], where: Where) -> Iterator[Problem]:
    """Tables and environment variables that no key belongs to, passwords in the file, and broken lists of tables."""
    for table in content:
        if table not in tables():
            yield Problem(where((table,)), *_no_table(table))
    for name, table in twins():
        if table not in tables():
            yield Problem(name, *_no_table(table))
    yield from _secrets(content, where)
    for table in LISTED:
        yield from _list(table, content.get(table, []), where)


def mistakes(errors: Iterable[ErrorDetails], where: Where) -> Iterator[Problem]:
    """Each of pydantic's errors as a problem."""
    for error in errors:
        path = tuple(part for part in error["loc"] if part != "[key]")
        yield Problem(where(path), *_found_and_cure(error, path))


def _no_table(table: str) -> tuple[str, str]:
    listed = ", ".join(header((each,)) for each in tables())
    return f"unknown table {quoted(table)}", _cure(table, tables(), f"The tables are {listed}.")


def _secrets(content: Mapping[str, Any], where: Where) -> Iterator[Problem]:
    """Passwords in the file, which many people read and copy, and which git keeps forever."""
    for table in LISTED:
        yield from _passwords(table, content.get(table), where)
    store = content.get("store")
    if isinstance(store, dict) and has_password(str(store.get("url", ""))):
        path: Path = ("store", "url")
        cure = f"Remove it and set {variable(path)}, or use PostgreSQL's password file."
        yield Problem(where(path), _REFUSED, cure)


_REFUSED = "passwords are not allowed in this file"


def _passwords(table: str, many: object, where: Where) -> Iterator[Problem]:
    for number, keys in enumerate(many if isinstance(many, list) else []):
        if isinstance(keys, dict) and "password" in keys:
            twin = variable((table, str(keys.get("name", "NAME")), "password"))
            cure = f"Write password_file or password_command instead, or set {twin}."
            yield Problem(where((table, number, "password")), _REFUSED, cure)


def _list(table: str, many: object, where: Where) -> Iterator[Problem]:
    """Mistakes in a list of tables as a whole; each of them needs a different name."""
    if not isinstance(many, list):
        yield Problem(where((table,)), f"{table} is not a list of tables", f"Write [[{table}]], with two brackets.")
        return
    names = Counter(keys["name"] for keys in many if isinstance(keys, dict) and isinstance(keys.get("name"), str))
    for name, count in names.items():
        if count > 1:
            cure = f"Give each {table} a name of its own."
            yield Problem(where((table, name, "name")), f"{count} {table}s are called {quoted(name)}", cure)


def _found_and_cure(error: ErrorDetails, path: Path) -> tuple[str, str]:
    """The mistake, and how to fix it."""
    kind = error["type"]
    if kind in ("unexpected_keyword_argument", "extra_forbidden"):
        known = tables()[str(path[0])]
        cure = _cure(str(path[-1]), known, f"The keys are {', '.join(known)}.")
        return f"unknown key {quoted(str(path[-1]))} in {header(path[:-1])}", cure
    if kind == "missing":
        return _missing(path)
    label = _label(path)
    wrong = error.get("ctx", {}).get("error")
    if isinstance(wrong, Wrong):
        return f"{label}: {wrong.found}", wrong.cure
    if kind == "literal_error":
        return _no_choice(path, label, error["input"])
    return f"{label} is {_value(path, error['input'])}", f"Write {_expected(error, path)}."


def _expected(error: ErrorDetails, path: Path) -> str:
    """The value that pydantic expects, as the object of "write"."""
    if not _key(path):
        return f"a table {header(path)}"
    expected = error["msg"].removeprefix("Input should be ").partition(",")[0]
    return f"a number {expected}" if expected.startswith(("greater", "less")) else expected


def _missing(path: Path) -> tuple[str, str]:
    if len(path) == 1:
        needed = [f"{key} = {_example(field)}" for key, field in tables()[str(path[0])].items() if field.is_required()]
        return f"the table {header(path)} is missing", f"Write {header(path)} with {' and '.join(needed)}."
    field = tables()[str(path[0])][str(path[-1])]
    return f"{path[-1]} is missing from {header(path)}", f"Write {path[-1]} = {_example(field)}"


def _no_choice(path: Path, label: str, value: object) -> tuple[str, str]:
    choices = literals(tables()[str(path[0])][_key(path)])
    written = ", ".join(f'"{choice}"' for choice in choices)
    return f"{label} is {_value(path, value)}", _cure(str(value), choices, f"Write one of {written}.")


def _cure(word: str, known: Collection[str], otherwise: str) -> str:
    """The known word that may be meant, if there is one, and the fix otherwise."""
    return f"{meant(nearest(word, known))} {otherwise}".strip()


def _label(path: Path) -> str:
    """ "window in [delivery]" for a key; for a table, its header."""
    key = _key(path)
    return f"{key} in {header(path)}" if key else header(path)


def _key(path: Path) -> str:
    """The key of a path, below its table; empty if the path is that of a table."""
    depth = 2 if path[0] in NAMED else 1
    return str(path[depth]) if len(path) > depth else ""


def _example(field: FieldInfo) -> str:
    return json.dumps(field.examples[0] if field.examples else "…", ensure_ascii=False)


def _value(path: Path, value: object) -> str:
    """The value as in TOML, shortened; for a secret, nothing of it."""
    if _key(path) in SECRET or isinstance(value, Mapping):
        return "not usable"
    return shown(json.dumps(value, ensure_ascii=False, default=str))
