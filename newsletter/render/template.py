"""A template: a folder of MJML, Jinja and text that an editor changes, read once into memory."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from newsletter import toml
from newsletter.errors import TemplateError
from newsletter.model import digest
from newsletter.render.words import Words
from newsletter.text import meant, nearest, quoted

KINDS = ("topic", "lead", "story", "more", "quiet")
"""The blocks that every template has, in addition to its frame."""
OPTIONAL = ("contents", "item", "rest")
"""The blocks that it may have: the contents of the edition, one line of them, and a divider between the lead and the
other stories. A file of that name in its folder is enough."""
FRAME = "frame.mjml"
"""The whole document, with `{{ body }}` where the blocks go."""

SHARED = "shared"
"""The folder of partials that all templates may include, as "shared/_foot.mjml"."""

_TEXT = {".mjml", ".txt", ".toml", ".html"}


@dataclass(frozen=True)
class Template:
    """A template's files as they were when it was loaded."""

    name: str
    folder: str
    """The folder of its files, as errors show it."""
    description: str
    blocks: Mapping[str, str]
    """The file of each kind of block: `{"story": "story.mjml", ...}`. Its plain-text twin is `text/story.txt`."""
    theme: Mapping[str, object]
    """The content of theme.toml; templates reach it as `theme.light.page`."""
    files: Mapping[str, str]
    """The source of each file, by its path in the folder, and of each shared one: those that come with the program,
    over them the project's in `templates/shared`, over them the template's own in its folder `shared`."""
    catalogues: Mapping[str, tuple[str, ...]]
    """The sources of the catalogues of each language, the shipped one before the project's."""
    places: Mapping[str, str] = field(default_factory=dict)
    """The paths of files outside the folder, as errors show them."""

    @classmethod
    def load(cls, name: str, root: Path) -> "Template":
        """The template from `root/templates/NAME`, else the shipped one of that name.

        Raises TemplateError if there is none, or if a file is missing or cannot be read.
        """
        folder = _folder(name, root)
        shared = _shared([shipped() / SHARED, root / "templates" / SHARED])
        own = _files(folder)
        files = {**{file: source for file, (_, source) in shared.items()}, **own}
        settings = _toml(folder, files, "template.toml")
        return cls(
            name=name, folder=_shown(folder, root), description=str(settings.values.get("description", "")),
            blocks=_blocks(folder, files, settings), theme=_toml(folder, files, "theme.toml").values, files=files,
            catalogues=_catalogues([shipped() / "locale", root / "templates" / "locale"]),
            places={file: _shown(path, root) for file, (path, _) in shared.items() if file not in own},
        )

    @property
    def hash(self) -> str:
        """Names the content of its files and catalogues."""
        return digest({"name": self.name, "files": self.files, "catalogues": self.catalogues})

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages it has words for."""
        return ("en", *(language.replace("_", "-") for language in self.catalogues if language != "en"))

    def words(self, language: str) -> Words:
        """Its words in a language: that one's, else those of the language without its region, else English."""
        wanted = language.replace("-", "_")
        sources = self.catalogues.get(wanted) or self.catalogues.get(wanted.partition("_")[0], ())
        return Words(language, sources)

    def place(self, file: str, line: int = 0) -> str:
        """A file of the template as errors show it: "templates/weekly/story.mjml:3"."""
        return self.places.get(file, f"{self.folder}/{file}") + (f":{line}" if line else "")


def text_twin(file: str) -> str:
    """The plain-text file beside an MJML file: "text/story.txt" for "story.mjml"; none beside none."""
    return f"text/{Path(file).stem}.txt" if file else ""


def shipped() -> Path:
    """The folder of the templates that come with the program: in a wheel in the package, in a checkout beside it."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "_shipped" / "templates"
    return inside if inside.is_dir() else package.parent / "templates"


def _folder(name: str, root: Path) -> Path:
    parents = [root / "templates", shipped()]
    if re.fullmatch(r"[a-z0-9][a-z0-9_-]*", name):
        for folder in (parent / name for parent in parents):
            if (folder / FRAME).is_file():
                return folder
    known = sorted({file.parent.name for parent in parents for file in parent.glob(f"*/{FRAME}")})
    cure = meant(nearest(name, known)) or f"Choose one of: {', '.join(known)}; or make templates/NAME/{FRAME}."
    raise TemplateError(f"there is no template {quoted(name)}", place=str(root / "templates"), cure=cure)


def _shown(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()


def _shared(folders: list[Path]) -> dict[str, tuple[Path, str]]:
    """Each shared file by its name, from the last of the folders that has it: where it is, and its source."""
    return {
        f"{SHARED}/{file}": (folder / file, source)
        for folder in dict.fromkeys(folders) for file, source in _files(folder).items()
    }


def _files(folder: Path) -> dict[str, str]:
    """Every text file in the folder; a link that leads out of it is refused."""
    home = folder.resolve()
    paths = sorted(path for path in folder.rglob("*") if path.suffix in _TEXT and path.is_file())
    for path in paths:
        if not path.resolve().is_relative_to(home):
            raise TemplateError("the link leads out of the folder", place=str(path), cure="Copy the file here.")
    return {path.relative_to(folder).as_posix(): _read(path) for path in paths}


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise TemplateError("not UTF-8", place=f"{path}:{line}", cure="Save the file as UTF-8.") from error


def _toml(folder: Path, files: Mapping[str, str], name: str) -> toml.Document:
    return toml.parse(files.get(name, ""), str(folder / name), error=TemplateError)


def _blocks(folder: Path, files: Mapping[str, str], settings: toml.Document) -> dict[str, str]:
    given = settings.values.get("blocks", {})
    if not isinstance(given, dict):
        cure = "Write [blocks] and a line for each below it."
        raise TemplateError("blocks is no table", place=settings.at("blocks"), cure=cure)
    _known(settings, ("blocks",), given, KINDS + OPTIONAL)
    _known(settings, (), settings.values, ("description", "blocks"))
    there = [kind for kind in OPTIONAL if kind in given or f"{kind}.mjml" in files]
    if "contents" in there or "item" in there:
        there = [*dict.fromkeys((*there, "contents", "item"))]
    blocks = {kind: str(given.get(kind, f"{kind}.mjml")) for kind in (*KINDS, *there)}
    for file in (FRAME, *blocks.values()):
        for needed in (file, text_twin(file)):
            if needed not in files:
                raise TemplateError("the file is missing", place=str(folder / needed), cure=_missing(needed))
    return blocks


def _missing(file: str) -> str:
    if file.endswith(".txt"):
        return "Write it: the same content as plain text, for readers and programs that show no HTML."
    return "Write it, or name another file under [blocks] in template.toml."


def _known(settings: toml.Document, path: toml.Path, table: Mapping[str, object], known: tuple[str, ...]) -> None:
    for key in table:
        if key not in known:
            cure = meant(nearest(key, known)) or f"Use only: {', '.join(known)}."
            raise TemplateError(f"unknown key {quoted(key)}", place=settings.at(*path, key), cure=cure)


def _catalogues(folders: list[Path]) -> dict[str, tuple[str, ...]]:
    found = dict[str, tuple[str, ...]]()
    for path in (path for folder in dict.fromkeys(folders) for path in sorted(folder.glob("*.po"))):
        found[path.stem] = (*found.get(path.stem, ()), _read(path))
    return found
