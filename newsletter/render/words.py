"""The words of a template in a reader's language, and dates as that language writes them."""

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_skeleton
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po
from babel.numbers import format_decimal
from babel.support import NullTranslations, Translations

from newsletter.errors import TemplateError


@dataclass(frozen=True)
class Words:
    """Words in one language. A message without a translation stays English."""

    language: str
    """BCP 47."""
    catalogues: Sequence[str] = ()
    """Sources of gettext catalogues (`.po`); a later one's message replaces an earlier one's."""

    @cached_property
    def catalogue(self) -> Catalog:
        """The messages of all sources. Raises TemplateError for one that is no catalogue."""
        catalogues = [_read(source, self.language) for source in self.catalogues]
        merged = catalogues[0] if catalogues else Catalog(locale=_locale(self.language))
        for message in (message for other in catalogues[1:] for message in other if message.id and message.string):
            merged.delete(message.id)  # a catalogue keeps what it has
            merged[message.id] = message
        return merged

    @cached_property
    def translations(self) -> NullTranslations:
        """The functions that gettext asks for."""
        if not self.catalogues:
            return NullTranslations()
        compiled = io.BytesIO()
        write_mo(compiled, self.catalogue)
        compiled.seek(0)
        return Translations(compiled)

    def gettext(self, message: str, **values: object) -> str:
        """The message, with `%(name)s` replaced by the value of that name."""
        return str(self.translations.ugettext(message)) % values

    def ngettext(self, singular: str, plural: str, num: int, **values: object) -> str:
        """The message in the form for `num`, which it may show as `%(num)d`."""
        return self.counted(singular, plural, num) % values

    def counted(self, singular: str, plural: str, num: int) -> str:
        """The message in the form for `num`, each `%(num)d` already the number as the language writes it."""
        return str(self.translations.ungettext(singular, plural, num)).replace("%(num)d", self.number(num))

    def number(self, number: float) -> str:
        """A number with its separators: "1,234", in German "1.234"."""
        return str(format_decimal(number, locale=_locale(self.language)))

    def listed(self, items: Iterable[str]) -> str:
        """The items, parted as the language parts them."""
        return self.gettext(", ").join(items)

    def greeting(self, name: str) -> str:
        """The value of the placeholder `greeting`; reads well without a name."""
        name = " ".join(name.split())
        return self.gettext("Hello %(name)s,", name=name) if name else self.gettext("Hello,")

    def day(self, day: date) -> str:
        """A day without its year: "24 November"."""
        return str(format_skeleton("MMMMd", day, locale=_locale(self.language)))

    def long_day(self, day: date) -> str:
        """A day in full: "Tuesday, 24 November 2026"."""
        return str(format_date(day, "full", locale=_locale(self.language)))


def direction(language: str) -> str:
    """ "rtl" for languages written from right to left, else "ltr"."""
    return _locale(language).text_direction


def _read(source: str, language: str) -> Catalog:
    try:
        return read_po(io.StringIO(source), locale=_locale(language), abort_invalid=True)
    except (PoFileError, ValueError) as error:
        number = getattr(error, "lineno", None)
        place = f"templates/locale/{language}.po" + (f":{number + 1}" if number is not None else "")
        cure = 'Write msgid "…" and msgstr "…", each in double quotes and on lines of their own.'
        raise TemplateError(f"no gettext catalogue: {error}", place=place, cure=cure) from error


def _locale(language: str) -> Locale:
    """Babel's; English means British, and what babel does not know is written as English."""
    try:
        known = Locale.parse(language.replace("-", "_"))
    except (ValueError, UnknownLocaleError):
        return Locale("en", "GB")
    return Locale("en", "GB") if str(known) == "en" else known
