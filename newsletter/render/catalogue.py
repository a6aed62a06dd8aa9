"""The messages of a template, and those that lack a translation into a language."""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract

from newsletter.model import Problem
from newsletter.render.template import Template

_NAMED = re.compile(r"%\((\w+)\)")


@dataclass(frozen=True, slots=True)
class Message:
    """A text to be translated."""

    id: str | tuple[str, str]
    """The English text, which is its key in a catalogue; with a plural, both forms."""
    place: str
    """The place of its first use: "templates/weekly/story.mjml:3"."""

    @property
    def words(self) -> str:
        """The English text, in the singular."""
        return self.id if isinstance(self.id, str) else self.id[0]


def messages(template: Template) -> list[Message]:
    """Every message that an edition of the template can contain: in its files, and in the values of placeholders."""
    found = dict[str, Message]()
    for message in (*_of_files(template), *_of_placeholders()):
        found.setdefault(message.words, message)
    return list(found.values())


def missing(template: Template, language: str) -> list[Problem]:
    """The problems with the translations of the template's messages; none for English, in which they are written.

    Raises TemplateError if its catalogue cannot be read.
    """
    if language.partition("-")[0] == "en":
        return []
    catalogue = template.words(language).catalogue
    file = f"templates/locale/{language.replace('-', '_')}.po"
    return [
        Problem(message.place, f"“{message.words}” {fault}",
                f'Add the translation to {file}, below: msgid "{message.words}"')
        for message in messages(template) if (fault := _fault(message, catalogue, language))
    ]


def _of_files(template: Template) -> Iterator[Message]:
    for file, source in template.files.items():
        if file.endswith((".mjml", ".txt")):
            for line, id in _extracted("jinja2.ext:babel_extract", source):
                yield Message(id, template.place(file, line))


def _of_placeholders() -> Iterator[Message]:
    """The messages in the modules of this package."""
    for file in sorted(Path(__file__).parent.glob("*.py")):
        for line, id in _extracted("python", file.read_text("utf-8")):
            yield Message(id, f"newsletter/render/{file.name}:{line}")


def _extracted(method: str, source: str) -> Iterator[tuple[int, str | tuple[str, str]]]:
    for line, message, _, _ in extract(method, io.BytesIO(source.encode()), options={"encoding": "utf-8"}):
        yield line, message if isinstance(message, str) else (str(message[0]), str(message[1]))


def _fault(message: Message, catalogue: Catalog, language: str) -> str:
    """The fault of the message's translation; empty if it has none."""
    kept = catalogue.get(message.id)
    string = (kept.string if kept else "") or ""
    forms = [string] if isinstance(string, str) else list(string)
    if kept is None or not any(forms):
        return f"is not translated ({language})"
    if kept.fuzzy:
        return f"has a translation that is marked as fuzzy ({language})"
    wanted = 1 if isinstance(message.id, str) else catalogue.num_plurals
    if len(forms) != wanted or not all(forms):
        return f"has {sum(map(bool, forms))} of {wanted} plural forms ({language})"
    return _fault_of_names(message, forms, language)


def _fault_of_names(message: Message, forms: list[str], language: str) -> str:
    """The fault of the translation's `%(name)s`, which must be those of the English text; `num` may be left out."""
    known = {*_NAMED.findall("".join(message.id))}
    for form in forms:
        named = {*_NAMED.findall(form)}
        if wrong := sorted(named - known):
            return f"has an unknown %({wrong[0]})s in its translation ({language})"
        if lost := sorted(known - named - {"num"}):
            return f"has no %({lost[0]})s in its translation ({language})"
    return ""
