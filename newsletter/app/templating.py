"""A template of the project's own: a copy of another template, which an editor can change."""

import re
from pathlib import Path

from newsletter.errors import UsageError
from newsletter.render.template import Template
from newsletter.text import quoted

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_TAKEN = frozenset({"locale", "shared", "web"})
"""Folders of `templates` that hold no template."""


def copy(root: Path, name: str, source: str) -> list[Path]:
    """Copies the template `source` to `templates/NAME` of a project; returns the files, relative to the project.

    Raises UsageError if the name cannot be used or is used already, TemplateError if there is no such template.
    """
    folder = root / "templates" / name
    if not _NAME.fullmatch(name) or name in _TAKEN:
        raise UsageError(f"{quoted(name)} cannot be the name of a template",
                         cure="Use small letters, digits, - and _; not " + ", ".join(sorted(_TAKEN)) + ".")
    if folder.exists():
        raise UsageError(f"templates/{name} exists already", cure="Change that template, or choose another name.")
    home = root / Template.load(source, root).folder
    files = sorted(path for path in home.rglob("*") if path.is_file())
    for path in files:
        copied = folder / path.relative_to(home)
        copied.parent.mkdir(parents=True, exist_ok=True)
        copied.write_bytes(path.read_bytes())
    return [(folder / path.relative_to(home)).relative_to(root) for path in files]
