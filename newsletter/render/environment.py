"""Jinja for templates: sandboxed, strict about names, confined to the template's own files, bounded in its output."""

import re
import traceback
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from jinja2 import FunctionLoader, StrictUndefined, TemplateNotFound, UndefinedError
from jinja2 import TemplateError as JinjaError
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import missing
from markupsafe import Markup

from newsletter.errors import TemplateError
from newsletter.model import Manifest, Story
from newsletter.render import plain, prose
from newsletter.render.body import html, opening
from newsletter.render.template import Template
from newsletter.render.words import Words, direction
from newsletter.text import meant, nearest, quoted

EVERYWHERE = ("newsletter", "date", "language", "dir", "start", "end", "theme", "site", "slot")
"""Names that every file of a template may use. `start` and `end` are "left" and "right", or the other way round."""
IN_ONE = ("story", "tongue", "turned", "also", "topic", "position", "items", "body")
"""Names that only the blocks for stories and topics, the list of contents or the frame may use. `position` is the
topic's among those of the newsletter, from 0."""

LARGEST = 8_000_000
"""The most characters that one file may make."""
_LONGEST_RANGE = 1000
_METHODS_OF_STR = frozenset({"startswith", "endswith", "lower", "upper", "strip", "split", "join", "title", "replace"})
_REFUSED_GLOBALS = ("lipsum", "cycler", "joiner", "namespace", "dict")
_REFUSED_FILTERS = ("safe", "center", "format", "indent", "pprint", "xmlattr")


class Sandbox(ImmutableSandboxedEnvironment):
    """Jinja's sandbox, with arithmetic for numbers alone, and without ways to make long texts from short ones."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def call_binop(self, context: Context, operator: str, left: object, right: object) -> object:
        """Refuses to multiply or format text, and powers."""
        if operator == "**" or not all(isinstance(side, int | float) for side in (left, right)):
            raise SecurityError(f"{operator} works on numbers only, not on text")
        return super().call_binop(context, operator, left, right)

    def wrap_str_format(self, value: object) -> None:
        """Leaves `str.format` as it is, so that it is refused like the other methods."""

    def is_safe_attribute(self, obj: object, attr: str, value: object) -> bool:
        """Refuses the methods of text that can make a long one, in addition to everything that Jinja refuses."""
        if isinstance(obj, str) and callable(value) and attr not in _METHODS_OF_STR:
            return False
        return super().is_safe_attribute(obj, attr, value)


class _Unknown(StrictUndefined):
    """An undefined name; the second line of its message is the fix."""

    __slots__ = ()

    @property
    def _undefined_message(self) -> str:
        name, owner = str(self._undefined_name), self._undefined_obj
        if self._undefined_hint:
            return str(self._undefined_hint)
        if owner is missing:
            return f"{quoted(name)} is unknown\n{_instead(name, EVERYWHERE + IN_ONE)}"
        known = owner if isinstance(owner, Mapping) else [each for each in dir(owner) if not each.startswith("_")]
        kind = "no entry" if isinstance(owner, Mapping) else f"no attribute of {type(owner).__name__}"
        return f"{quoted(name)} is {kind}\n{_instead(name, [str(each) for each in known])}"


def _instead(name: str, known: Sequence[str]) -> str:
    """The fix for a name that has no value here."""
    if name in known:
        return "It only has a value in other files: see docs/templates.md. An import needs “with context”."
    if not known:
        return "Write it into theme.toml, which has nothing there."
    return meant(nearest(name, known)) or f"Use one of: {', '.join(known)}."


def environment(template: Template, words: Words, names: Mapping[str, object], zone: str) -> Sandbox:
    """Jinja with the template's files, the words of one language and `names`, one for each of `EVERYWHERE`."""
    made = Sandbox(
        loader=FunctionLoader(_loader(template)), undefined=_Unknown, extensions=["jinja2.ext.i18n"],
        autoescape=lambda name: not (name or "").endswith(".txt"), trim_blocks=True, lstrip_blocks=True,
    )
    for refused in _REFUSED_FILTERS:
        del made.filters[refused]
    for refused in _REFUSED_GLOBALS:
        del made.globals[refused]
    made.globals.update(names, range=_range)
    made.install_gettext_callables(  # type: ignore[attr-defined]  # the i18n extension adds it
        words.translations.ugettext, words.counted, newstyle=True,
    )
    made.filters.update(_filters(words, zone))
    return made


def _loader(template: Template) -> Callable[[str], tuple[str, str, None] | None]:
    """Gives sources of MJML without their indentation, which would be in every mail; line numbers stay."""
    def load(name: str) -> tuple[str, str, None] | None:
        source = template.files.get(name)
        if source is None:
            return None
        if name.endswith(".mjml"):
            source = re.sub(r"(?m)^[ \t]+", "", source)
        elif name.endswith(".txt"):
            source += "\n"  # Jinja takes the last line's end away, and an included file is whole lines
        return source, template.place(name), None

    return load


def _range(*bounds: int) -> range:
    numbers = range(*bounds)
    if len(numbers) > _LONGEST_RANGE:
        raise SecurityError(f"the range has {len(numbers)} numbers; at most {_LONGEST_RANGE} are allowed")
    return numbers


def _filters(words: Words, zone: str) -> dict[str, Callable[..., object]]:
    def local(time: datetime) -> datetime:
        return time if time.tzinfo is None else time.astimezone(ZoneInfo(zone))

    return {
        "brief": prose.brief,
        "minutes": prose.minutes,
        "wrap": prose.wrap,
        "heading": prose.heading,
        "number": words.number,
        "day": lambda time: words.day(local(time)),
        "long_day": lambda time: words.long_day(local(time)),
        "host": lambda url: (urlsplit(url).hostname or "").removeprefix("www."),
        "html": html,
        "opening": opening,
        "plain": lambda body, number, link="": plain.lay_out(html(body), number, link),
    }


def tongue(story: Story, manifest: Manifest, language: str) -> Markup:
    """The attributes `lang` and `dir` for a story in another language than the page's, and its side of the page if that
    runs the other way; empty for a story in the same language."""
    spoken = story.language or manifest.newsletter.language
    if spoken.partition("-")[0].lower() == language.partition("-")[0].lower():
        return Markup("")
    return Markup(' lang="{}" dir="{}"').format(spoken, direction(spoken)) + turned(story, manifest, language)


def turned(story: Story, manifest: Manifest, language: str) -> Markup:
    """The attribute `style` for words in the page's language that stand on the story's side of the page; empty if that
    is the page's side too."""
    runs = direction(story.language or manifest.newsletter.language)
    side = {"rtl": "right", "ltr": "left"}[runs] if runs != direction(language) else ""
    return Markup(' style="text-align:{}"').format(side) if side else Markup("")


def render(environment: Sandbox, template: Template, file: str, values: Mapping[str, object]) -> str:
    """The text that a file makes of the values. Raises TemplateError with the file and line where it cannot."""
    made, length = list[str](), 0
    try:
        for piece in environment.get_template(file).generate(values):
            made.append(piece)
            length += len(piece)
            if length > LARGEST:
                raise SecurityError(f"the file makes more than {LARGEST:,} characters")
    except TemplateNotFound as error:
        found, cure = f"there is no file {quoted(str(error.name))} in the template", "Name a file of the template."
        raise TemplateError(found, place=_line(error, template, file),
                            cure=meant(nearest(str(error.name), template.files)) or cure) from error
    except RecursionError as error:
        found = "the file includes or calls itself without end"
        raise TemplateError(found, place=template.place(file), cure="Break the circle.") from error
    except UndefinedError as error:
        found, _, cure = str(error.message).partition("\n")
        raise TemplateError(found, place=_line(error, template, file), cure=cure) from error
    except (SecurityError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
        raise TemplateError(str(error), place=_line(error, template, file), cure="Change this expression.") from error
    except JinjaError as error:  # a filter that is not there, in a condition; a file that does not parse
        cure = "Correct the Jinja here or a line above."
        raise TemplateError(str(error.message), place=_line(error, template, file), cure=cure) from error
    return "".join(made)


def _line(error: Exception, template: Template, file: str) -> str:
    """The template's file and line where the error was raised: the innermost in the traceback that Jinja rewrote."""
    own = {template.place(name) for name in template.files}
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in own]
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else template.place(file)
