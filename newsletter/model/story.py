"""Stories, their topics, and problems in the input."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from newsletter.model.digest import digest


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in the input. It is reported, and everything else goes on."""

    place: str
    """The file with its line ("stories/ai.md:3"), the feed's URL with its entry, the message's address."""
    found: str
    """The fault, with the value."""
    cure: str = ""
    """The fix: a sentence that starts with a verb, or a command."""

    def __str__(self) -> str:
        return f"{self.place}: {self.found}" + (f" → {self.cure}" if self.cure else "")


@dataclass(frozen=True, slots=True)
class Picture:
    """A story's picture; never embedded, always linked."""

    url: str
    """Absolute https address."""
    alt: str = ""
    """A description of what it shows; empty for decoration."""


@dataclass(frozen=True, slots=True)
class Story:
    """One item of news. All text is clean already: sources strip control characters and unclean HTML."""

    id: str
    """The same for every version of the story: its guid, else its canonical link, else a hash of title and day."""
    title: str
    """Plain text of one line, never empty."""
    date: datetime
    """When it was published; when first seen, if the source gives no date (`dated` is then false)."""
    source: str
    """The source's address as written in newsletter.toml ("stories/", a feed's URL), or "added" for pasted stories."""
    dated: bool = True
    """Whether the source gave the date."""
    link: str = ""
    """Absolute http(s) address of the story on the web; empty where it has none."""
    body: str = ""
    """Well-formed HTML with tags of the allow-list alone (`sources.clean`), every link absolute."""
    text: str = ""
    """The body as plain text; paragraphs separated by an empty line."""
    summary: str = ""
    """Plain text of one paragraph: the source's own summary, else the beginning of `text`."""
    tags: tuple[str, ...] = ()
    """As the source wrote them, in its order."""
    language: str = ""
    """BCP 47 ("en", "pt-BR"); empty means the newsletter's own."""
    picture: Picture | None = None
    weight: int = 0
    """Set by the editor: a higher weight comes earlier."""
    pinned: bool = False
    """Set by the editor: pinned stories come before all others."""

    @property
    def version(self) -> str:
        """A hash of everything that shows in a mail; an edit changes it, a new fetch does not."""
        seen = (self.title, self.link, self.body, self.summary, self.tags, self.language, self.weight, self.pinned,
                self.picture and (self.picture.url, self.picture.alt), self.date.isoformat() if self.dated else "")
        return digest(seen)


@dataclass(frozen=True, slots=True)
class Topic:
    """A subject that a subscriber can choose."""

    slug: str
    label: str
    description: str = ""
    parent: str = ""
    """The slug of the topic above: whoever chooses that one gets this one too. Empty at the top."""
    aliases: tuple[str, ...] = ()
    """Tags that mean this topic, in addition to its slug and label."""
    keywords: tuple[str, ...] = ()
    """Words and phrases by which an untagged story is recognised."""
    exclude: tuple[str, ...] = ()
    """Words and phrases; a story that contains one of them is not matched by keywords."""


@dataclass(frozen=True, slots=True)
class Match:
    """Why a story is in a topic."""

    topic: str
    """The topic's slug."""
    how: Literal["tag", "keyword"]
    evidence: str
    """The tag as written, or the keywords found and where: "IBM (title), quantum (text ×3)"."""
    score: int = 0
    """The strength of a match by keywords; 0 for tags."""
