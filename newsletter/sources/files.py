"""Documents from the project's own files: one file, or a folder of Markdown files."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath

from newsletter.model import Problem
from newsletter.sources import markdown
from newsletter.sources.document import Document

MAX_FILE = 10_000_000
"""Maximum bytes of one file, the same as of one answer from the web."""

_ASIDE = frozenset({"readme", "_index", "license", "changelog", "contributing"})  # about the folder, not stories


@dataclass(frozen=True, slots=True)
class Files:
    """The files below the project's folder."""

    root: Path

    def documents(self, name: str, options: Mapping[str, str]) -> Iterator[Document | Problem]:
        """The document of a file, or the documents of a folder in order, with a problem for each unreadable one.

        Raises FileNotFoundError if there is neither a file nor a folder of this name, and OSError or ValueError if the
        name itself cannot be used.
        """
        path = self.root / name
        if path.is_dir():
            for file in sorted(path.rglob("*")):
                below = file.relative_to(path)
                if _is_story(below):
                    yield _document(file, (PurePath(name) / below).as_posix(), options)
        elif path.is_file():
            yield _document(path, PurePath(name).as_posix(), options)
        else:
            raise FileNotFoundError(name)

    def is_folder(self, name: str) -> bool:
        return (self.root / name).is_dir()

    def neighbours(self, name: str) -> list[str]:
        """The names of all files and folders in the folder of `name`."""
        try:
            return [each.name for each in (self.root / name).parent.iterdir()]
        except (OSError, ValueError):
            return []


def _is_story(below: PurePath) -> bool:
    """Whether a file in a folder is a story: hidden files and Jekyll's `_drafts` are skipped."""
    hidden = any(part.startswith(".") or part == "_drafts" for part in below.parts)
    return below.suffix.lower() in markdown.SUFFIXES and not hidden and below.stem.lower() not in _ASIDE


def _document(path: Path, name: str, options: Mapping[str, str]) -> Document | Problem:
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= MAX_FILE else b""
    except OSError as error:
        return Problem(name, f"cannot be read: {error.strerror}", "Check its permissions.")
    if size > MAX_FILE:
        return Problem(name, f"has {size:,} bytes, more than the {MAX_FILE:,} that are read", "Split it.")
    return Document(data, name, path=name, options=options)
