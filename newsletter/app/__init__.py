"""The wiring: the one place that knows every concrete class. `cli` and `web` call its verbs.

`App` opens what a command needs and nothing else. The verbs stand next to it: `stories` (in), `subscribers` (in and
out), `preparing` (freeze an issue), `reasons` and `rendering` (explain and show it), `sending` (deliver it), `running`
(both by the clock, by the `rules` of newsletter.toml), `checking`, `previewing`, and `sample` (new folders, the demo).
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from newsletter import config
from newsletter.alarm import Clock, SystemClock
from newsletter.app.keys import open_keyring
from newsletter.app.lock import SendingLock
from newsletter.choosing import topicsfile
from newsletter.choosing.related import Overrides
from newsletter.choosing.topics import Topics
from newsletter.config import Settings
from newsletter.delivering import Pace
from newsletter.errors import ConfigError, DataError, UsageError
from newsletter.links import NEWEST, Keyring, Links
from newsletter.model import Newsletter, Source
from newsletter.render.template import Template
from newsletter.sources import Sources
from newsletter.sources.web import Web
from newsletter.store import Store, open_store
from newsletter.text import meant, nearest, quoted

STATE = ".newsletter"
"""The project's folder for files that nobody edits: the lock and the journals."""


@dataclass
class App:
    """An open project folder. Its parts are made when first used; `close` closes those that were."""

    settings: Settings
    clock: Clock = field(default_factory=SystemClock)
    jitter: Callable[[], float] = random.random
    pace: Pace = field(default_factory=Pace)

    @classmethod
    def open(cls, start: Path | None = None) -> "App":
        """The project around a folder, the working directory by default. Raises ConfigError if there is none."""
        return cls(config.read(config.find(start or Path.cwd())))

    def now(self) -> datetime:
        return self.clock.now().astimezone(UTC)

    @property
    def root(self) -> Path:
        return self.settings.root

    @cached_property
    def store(self) -> Store:
        return open_store(self.settings.store_url, root=self.root)

    @cached_property
    def keyring(self) -> Keyring:
        """Raises ConfigError if the key files are not those that the store knows."""
        return open_keyring(self.settings, self.store)

    def links(self, version: int = NEWEST) -> Links:
        """The links of a frozen issue (`Issue.link_version`), or of what would be frozen now."""
        return Links(self.settings.site.base_url, self.keyring, version=version)

    @cached_property
    def sources(self) -> Sources:
        web = Web(self.settings.site.base_url, allow_private=self.settings.fetch.allow_private)
        return Sources(self.root, web, declared=self._declared, password=self._password)

    @cached_property
    def sending_lock(self) -> SendingLock:
        return SendingLock(self.root / STATE / "lock")

    def topics(self) -> Topics:
        """The topics of topics.toml as it is now. Raises DataError with file and line."""
        return topicsfile.parse(self._text(self.settings.topics, "newsletter init"), place=self.settings.topics)

    def overrides(self) -> Overrides:
        """The editor's overrides of related stories, as they are now; none if the file is missing. Raises DataError."""
        if not (self.root / self.settings.related).exists():
            return Overrides()
        return Overrides.parse(self._text(self.settings.related, ""), place=self.settings.related)

    def template(self, newsletter: Newsletter) -> Template:
        return Template.load(newsletter.template, self.root)

    def source(self, name: str) -> Source:
        """A source by its address, or by the name of its `[[source]]`."""
        each = self.settings.sources.get(name)
        address = each.url if each else name
        return self._declared.get(address, Source(address))

    def newsletter(self, name: str) -> Newsletter:
        """A newsletter of newsletter.toml by its name. Raises UsageError that lists the names there are."""
        return self.settings.newsletters[self._known(name, self.settings.newsletters)]

    def take_up(self, settings: Settings) -> None:
        """Uses a changed newsletter.toml from now on. Raises ConfigError if the change needs a restart."""
        if settings.store_url != self.settings.store_url:
            raise ConfigError("store.url has changed", place=config.FILE, cure="Stop this process and start it again.")
        self.settings = settings
        for name, part in vars(type(self)).items():
            if isinstance(part, cached_property) and name not in ("store", "sending_lock"):
                self.__dict__.pop(name, None)

    def close(self) -> None:
        if "store" in self.__dict__:
            self.store.close()

    @cached_property
    def _declared(self) -> Mapping[str, Source]:
        """The sources that have a `[[source]]` table, by address."""
        return {
            each.url: Source(each.url, name=each.name, kind=each.kind, interval=each.interval, username=each.username,
                             options=each.options)
            for each in self.settings.sources.values()
        }

    def _password(self, source: Source) -> str:
        return config.password(self.settings.sources[source.name], root=self.root)

    def _known(self, name: str, newsletters: Mapping[str, Newsletter]) -> str:
        if name in newsletters:
            return name
        cure = meant(nearest(name, newsletters)) or f"Name one of newsletter.toml: {', '.join(newsletters) or 'none'}."
        raise UsageError(f"no newsletter is called {quoted(name)}", cure=cure)

    def _text(self, name: str, cure: str) -> str:
        try:
            return (self.root / name).read_text("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"cannot be read: {error}", place=name, cure=cure) from error
