"""The environment twins of the keys: NEWSLETTER_DELIVERY__WINDOW, NEWSLETTER_RELAY__MAIN__PASSWORD."""

import os
from collections.abc import Iterator
from typing import Any

from pydantic_settings import EnvSettingsSource

PREFIX = "NEWSLETTER_"
DELIMITER = "__"
LISTED = ("relay", "source")
"""Tables that the file lists, as in `[[relay]]`; each has a key `name`."""
NAMED = (*LISTED, "newsletter")
"""Tables that have names, since there may be several; a hyphen in a name is an underscore in the environment."""

Path = tuple[str | int, ...]
"""The path to a key: ("delivery", "window"), ("relay", "main", "host")."""


def variable(path: Path) -> str:
    """The name of a key's twin."""
    return PREFIX + DELIMITER.join(str(part) for part in path).upper().replace("-", "_")


def sets(path: Path) -> bool:
    """Whether the environment sets this key."""
    return variable(path) in map(str.upper, os.environ)


def twins() -> Iterator[tuple[str, str]]:
    """Each environment variable that sets a key, with the table it names; other variables may share the prefix."""
    for name in os.environ:
        table, delimiter, _ = name.upper().removeprefix(PREFIX).partition(DELIMITER)
        if delimiter and name.upper().startswith(PREFIX):
            yield name, table.lower()


class Environment(EnvSettingsSource):
    """The environment as a source of single keys; a whole table has no twin."""

    def __call__(self) -> dict[str, Any]:
        self.env_vars = {name: value for name, value in self.env_vars.items() if DELIMITER in name}
        content = super().__call__()
        for table in NAMED:
            content[table] = {name.replace("_", "-"): keys for name, keys in content.get(table, {}).items()}
        for name, keys in ((name, keys) for table in LISTED for name, keys in content[table].items()):
            if isinstance(keys, dict):
                keys["name"] = name
        return content
