"""The words of a template in a reader's language, and dates as that language writes them."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_skeleton
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations


@dataclass(frozen=True)
class Words:
    """Words in one language. A message without a translation stays English."""

    language: str
    """BCP 47."""
    catalogues: Sequence[str] = ()
    """Sources of gettext catalogues (`.po`); a later one's message replaces an earlier one's."""

    @cached_property
    def translations(self) -> NullTranslations:
        """What gettext asks."""
        if not self.catalogues:
            return NullTranslations()
        first, *others = (read_po(io.StringIO(source), locale=_locale(self.language)) for source in self.catalogues)
        for message in (message for other in others for message in other if message.id and message.string):
            first.delete(message.id)  # a catalogue keeps what it has
            first[message.id] = message
        compiled = io.BytesIO()
        write_mo(compiled, first)
        compiled.seek(0)
        return Translations(compiled)

    def gettext(self, message: str, **values: object) -> str:
        """The message, with `%(name)s` replaced by the value of that name."""
        return str(self.translations.ugettext(message)) % values

    def ngettext(self, singular: str, plural: str, num: int, **values: object) -> str:
        """The message in the form for `num`, which it may show as `%(num)d`."""
        return str(self.translations.ungettext(singular, plural, num)) % {"num": num, **values}

    def greeting(self, name: str) -> str:
        """The value of the slot `greeting`; reads well without a name."""
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


def _locale(language: str) -> Locale:
    """Babel's; English means British, and what babel does not know is written as English."""
    try:
        known = Locale.parse(language.replace("-", "_"))
    except (ValueError, UnknownLocaleError):
        return Locale("en", "GB")
    return Locale("en", "GB") if str(known) == "en" else known
