"""Specimens: what a reader of the sample project gets from each template in each language."""

import email
import email.policy
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Literal

from bench.project import Project, SetClock
from newsletter import config
from newsletter.app import App, preparing, sample, stories
from newsletter.choosing.edition import Chooser
from newsletter.composing.message import Composer
from newsletter.model import BlockSet, Edition, Interests, Manifest, Subscriber
from newsletter.render.compile import Site, compile
from newsletter.render.expand import expand
from newsletter.render.layout import layout
from newsletter.render.template import FRAME, shipped
from newsletter.render.weights import weigh

LANGUAGES = ("en", "fr", "de", "es", "ar")
"""Those that the templates have words for."""
TODAY = date(2026, 11, 23)
"""The Monday on which the sample's issue goes out."""
MORNING = datetime(TODAY.year, TODAY.month, TODAY.day, 6, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Specimen:
    """One mail, whole, and what it was made of."""

    template: str
    language: str
    manifest: Manifest
    edition: Edition
    blocks: BlockSet
    personal: Mapping[str, str]
    """The reader's own slots."""
    mjml: str
    """The edition as the MJML that its template stands for."""
    wire: bytes
    """The message as it goes to a relay."""

    @property
    def name(self) -> str:
        """As files and tests call it: "weekly-en"."""
        return f"{self.template}-{self.language}"

    @property
    def html(self) -> str:
        return self._part("html")

    @property
    def text(self) -> str:
        return self._part("plain")

    def _part(self, kind: Literal["html", "plain"]) -> str:
        message = email.message_from_bytes(self.wire, policy=email.policy.SMTP)
        part = message.get_body((kind,))
        assert part is not None
        content: str = part.get_content()
        return content


def templates() -> list[str]:
    """The templates for mails that come with the program."""
    return sorted(file.parent.name for file in shipped().glob(f"*/{FRAME}"))


def specimens(
    folder: Path, names: Iterable[str], languages: Iterable[str] = LANGUAGES, topics: tuple[str, ...] = ("*",),
) -> list[Specimen]:
    """A specimen of each template in each language, for a reader of these topics of the sample project.

    The project is made in `folder`, which is empty or not there. The same files make the same bytes, secrets included.
    """
    with project(folder) as app:
        readers = [_reader(topics, language) for language in languages]
        return [specimen for name in names for specimen in _of_template(app, name, readers)]


@contextmanager
def project(folder: Path) -> Iterator[App]:
    """The sample project in a folder that is empty or not there, on the morning of `TODAY`, its stories read."""
    sample.create(folder, today=TODAY)
    settings = config.read(folder / config.FILE)
    for key in (folder / settings.key, folder / settings.handle_key):
        key.touch(mode=0o600)
        key.write_bytes(b"specimens are no secret, any key")
    with Project(folder, SetClock(MORNING)).app() as app:
        stories.fetch(app, progress=lambda source: None)
        yield app


def _reader(topics: tuple[str, ...], language: str) -> Subscriber:
    return Subscriber("zoe@example.com", "zoe@example.com", "Zoë Marchetti", Interests(topics, language=language), id=7)


def _of_template(app: App, name: str, readers: Iterable[Subscriber]) -> Iterable[Specimen]:
    """By the newsletter of the sample that has this template, else by its first one."""
    newsletters = list(app.settings.newsletters.values())
    chosen = next((each for each in newsletters if each.template == name), newsletters[0])
    newsletter = replace(chosen, template=name)
    manifest, _ = preparing.draft(app, newsletter, preparing.next_slot(app, newsletter))
    for reader in readers:
        yield _specimen(app, manifest, reader)


def _specimen(app: App, manifest: Manifest, reader: Subscriber) -> Specimen:
    """Composed as it is for sending."""
    newsletter, language = manifest.newsletter, reader.interests.language
    template = app.template(newsletter)
    site = Site(app.settings.site.postal_address, app.links().web(manifest.issue_id))
    blocks = compile(template, manifest, language=language, site=site)
    edition = Chooser(manifest, lambda language: weigh(blocks)).choose(reader.interests, frozenset()).edition
    composer = Composer(manifest, {language: blocks}, app.links(), date=manifest.slot.instant, boundary="0" * 20)
    message = composer.compose(reader, edition)
    words = template.words(language)
    personal = {
        "greeting": words.greeting(reader.name),
        "unsubscribe_url": app.links().unsubscribe(newsletter.name, reader),
        "preferences_url": app.links().preferences(newsletter.name, reader),
    }
    mjml = expand(template, manifest, layout(edition, manifest, words), personal, language=language, site=site)
    return Specimen(template.name, language, manifest, edition, blocks, personal, mjml, message.wire)
