"""The plain way, for comparison: the same packages and templates, but everything is done for each subscriber.

A subscriber's edition goes through Jinja, mjml-python and premailer, and through the standard library's EmailMessage.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from functools import cached_property

from markupsafe import Markup

from newsletter.links import Links
from newsletter.model import Edition, Manifest, Subscriber
from newsletter.render import html as _  # noqa: F401  # sets up the caches and options of both packages
from newsletter.render.compile import Part, Site, body, names, parts_of
from newsletter.render.environment import Sandbox, environment, render
from newsletter.render.layout import Placed, layout
from newsletter.render.template import FRAME, Template, text_twin
from newsletter.render.words import Words

# isort: split
from mjml import mjml2html
from premailer import Premailer


@dataclass(frozen=True)
class Plain:
    """Makes messages of one issue in one language."""

    template: Template
    manifest: Manifest
    links: Links
    site: Site
    date: datetime

    def message(self, subscriber: Subscriber, edition: Edition) -> bytes:
        """The whole message, made without any cache."""
        placed = layout(edition, self.manifest, self._words)
        return self.mail(subscriber, placed[0].values["subject"], self.text(subscriber, placed),
                         self.html(subscriber, placed))

    def html(self, subscriber: Subscriber, placed: tuple[Placed, ...]) -> str:
        """The HTML part: Jinja, then MJML, then CSS inlining."""
        whole = "".join(self._rendered(subscriber, placed, twin=False))
        mjml = self._render(FRAME, {"body": Markup(whole)}, placed[0], subscriber)  # noqa: S704  # escaped as it was made
        made = str(mjml2html(mjml, fonts={})).replace("<!doctype html>", "<!DOCTYPE html>", 1)
        return str(Premailer(
            made.replace("<style", '<style data-premailer="ignore"', 1), strip_important=False, allow_network=False,
            keep_style_tags=True, disable_validation=True, align_floating_images=False,
            disable_basic_attributes=["width", "height", "align", "valign", "bgcolor"],
        ).transform(pretty_print=False))

    def text(self, subscriber: Subscriber, placed: tuple[Placed, ...]) -> str:
        """The plain-text part."""
        whole = "\n".join(self._rendered(subscriber, placed, twin=True))
        return self._render(text_twin(FRAME), {"body": whole}, placed[0], subscriber)

    def mail(self, subscriber: Subscriber, subject: str, text: str, html: str) -> bytes:
        """A message of both parts, in bytes for the wire."""
        name, sender = parseaddr(self.manifest.newsletter.sender)
        newsletter, unsubscribe = self.manifest.newsletter.name, self._slots(subscriber)["unsubscribe_url"]
        mail = EmailMessage()
        mail["From"] = Address(name, addr_spec=sender)
        mail["To"] = Address(subscriber.name, addr_spec=subscriber.email)
        mail["Subject"] = subject
        mail["Date"] = format_datetime(self.date)
        mail["Message-ID"] = f"<{self.links.message_id_local(self.manifest.issue_id, subscriber)}@example.org>"
        mail["List-ID"] = f"<{newsletter}.example.org>"
        mail["List-Unsubscribe"] = f"<{unsubscribe}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        mail.set_content(text)
        mail.add_alternative(html, subtype="html")
        return mail.as_bytes(policy=SMTP)

    def _rendered(self, subscriber: Subscriber, placed: tuple[Placed, ...], *, twin: bool) -> Iterator[str]:
        for each in placed[1:-1]:  # head and foot are the frame
            part = self._parts[each.key]
            file = self.template.blocks.get(part.kind, "")
            self._jinja.globals["slot"] = {**each.values, **self._slots(subscriber)}
            yield body(self._jinja, self.template, part, text_twin(file) if twin else file)

    def _render(self, file: str, values: Mapping[str, object], placed: Placed, subscriber: Subscriber) -> str:
        slots = {**placed.values, **self._slots(subscriber)}
        return render(self._jinja, self.template, file, {**values, "slot": slots})

    def _slots(self, subscriber: Subscriber) -> dict[str, str]:
        newsletter = self.manifest.newsletter.name
        return {
            "greeting": self._words.greeting(subscriber.name),
            "unsubscribe_url": self.links.unsubscribe(newsletter, subscriber),
            "preferences_url": self.links.preferences(newsletter, subscriber),
        }

    @cached_property
    def _words(self) -> Words:
        return self.template.words(self.manifest.newsletter.language)

    @cached_property
    def _parts(self) -> Mapping[str, Part]:
        return {part.key: part for part in parts_of(self.manifest, self.manifest.newsletter.language)}

    @cached_property
    def _jinja(self) -> Sandbox:
        everywhere = names(self.template, self.manifest, self._words, self.site, {})
        return environment(self.template, self._words, everywhere, self.manifest.slot.zone)
