"""docs/configuration.md, from the declarations of the keys."""

import json
from datetime import timedelta
from typing import Any, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from newsletter.config.environment import NAMED, variable
from newsletter.config.keys import classes, header, literals, tables

HEAD = """# Configuration

The program looks for `newsletter.toml` in the working folder and in every folder above it. Its folder is the project:
every path in the file is relative to that folder. Unknown keys are errors. Lengths of time are whole numbers with a
unit: `14d`, `6h`, `90m`, `1d 12h`.

Each key has a twin in the environment, which takes precedence over the file: `NEWSLETTER_DELIVERY__TRANSPORT=smtp`. Two
underscores separate table, name and key; a hyphen in a name becomes an underscore; the items of a list are separated by
semicolons. A whole table has no twin.

Passwords are never written in this file. A password comes from a file that only its owner may read, from a command, or
from the environment.

This page is written by `scripts/docs` from the program; change it there.
"""


def reference() -> str:
    """The whole page, as Markdown."""
    return HEAD + "".join(_table(name, table_class.__doc__ or "") for name, table_class in classes().items())


def _table(name: str, meaning: str) -> str:
    rows = "".join(_row(name, key, declared) for key, declared in tables()[name].items())
    return f"""
## `{header((name,))}`

{meaning}

| key | value | default | meaning |
|---|---|---|---|
{rows}
The twins are called `{variable((name, "NAME", "KEY") if name in NAMED else (name, "KEY"))}`.
"""


def _row(table: str, key: str, declared: FieldInfo) -> str:
    if declared.annotation is SecretStr:
        value, default = f"`{variable((table, 'NAME', key))}`", ""
    else:
        value, default = _kind(declared), _default(declared)
    meaning = " ".join((declared.description or "").split())
    return f"| `{key}` | {value} | {default} | {meaning} |\n"


def _kind(declared: FieldInfo) -> str:
    if words := literals(declared):
        return " or ".join(f'`"{word}"`' for word in words)
    kinds: dict[Any, str] = {str: "text", int: "whole number", bool: "`true` or `false`", timedelta: "length of time"}
    if get_origin(declared.annotation) is dict:
        return "table of texts"
    return kinds.get(declared.annotation, "list of texts")


def _default(declared: FieldInfo) -> str:
    if declared.is_required():
        return f"needed: `{json.dumps(declared.examples[0], ensure_ascii=False)}`" if declared.examples else "needed"
    match declared.get_default(call_default_factory=True, validated_data={}):
        case timedelta() as time if not time:
            return ""
        case timedelta() as time:
            hours = time // timedelta(hours=1)
            return f'`"{hours // 24}d"`' if hours % 24 == 0 else f'`"{hours}h"`'
        case tuple() as words:
            return f"`{json.dumps(words)}`"
        case value:
            return f"`{json.dumps(value)}`"
