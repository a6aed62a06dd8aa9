"""Every key of newsletter.toml: its type, its default, and what it means, each said once.

The sentence under a key is its meaning in docs/configuration.md.
"""

from dataclasses import field
from datetime import timedelta
from typing import Annotated, Any, Literal, Self, get_args, get_origin

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, SecretStr, model_validator
from pydantic.dataclasses import dataclass as table
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from newsletter.config import values
from newsletter.config.environment import DELIMITER, PREFIX, Environment, Path
from newsletter.config.values import Wrong
from newsletter.model import Newsletter, Quiet

PORTS = {"starttls": 587, "tls": 465, "none": 25}
LOOPBACK = ("localhost", "127.0.0.1", "::1")

CLOSED = ConfigDict(extra="forbid", use_attribute_docstrings=True)
"""Unknown keys are errors; the docstring of a key is its description."""

Name = Annotated[str, AfterValidator(values.name)]
Line = Annotated[str, AfterValidator(values.line)]
Mailbox = Annotated[Line, AfterValidator(values.mailbox)]
Duration = Annotated[timedelta, BeforeValidator(values.duration)]
Listed = Annotated[tuple[Line, ...], NoDecode, BeforeValidator(values.listed)]

_publication = Newsletter(name="", title="", sender="")
"""Where the defaults of a publication stand."""


@table(frozen=True, slots=True, kw_only=True, config=CLOSED)
class Site:
    """Where readers find us, on the web and on paper."""

    base_url: Annotated[str, AfterValidator(values.base_url), Field(examples=["https://news.example.org"])]
    """Address of the public pages, without a slash at the end; every link in a mail begins with it.
    https, unless the host is this machine."""
    postal_address: Annotated[str, AfterValidator(values.postal_address), Field(examples=["Desk, 1 Street, Town"])]
    """The sender's postal address, for the foot of every mail. Lines of a longer text are joined by commas."""


@table(frozen=True, slots=True, kw_only=True, config=CLOSED)
class Store:
    """Where stories, issues and the outbox are kept."""

    url: Annotated[str, AfterValidator(values.store_url)] = "sqlite:///newsletter.db"
    """`sqlite:///FILE`, relative to the project, or `postgresql://USER@HOST/NAME`. A password is refused in the file:
    it comes from the environment twin or from PostgreSQL's own password file."""


@table(frozen=True, slots=True, kw_only=True, config=CLOSED)
class DeliverySettings:
    """How messages leave."""

    transport: Literal["file", "smtp", "null"] = "file"
    """`file` writes each message into the outbox folder and mails nothing, `smtp` mails through the relays,
    `null` composes and throws away."""
    in_doubt: Literal["resend", "hold"] = "resend"
    """What becomes of a message of which nobody can say whether the relay took it: `resend` may send it twice,
    `hold` waits for a person."""
    window: Annotated[int, Field(ge=1, le=10_000)] = 100
    """How many deliveries a worker claims at a time; no more of its deliveries can be in doubt after a power cut."""
    dot_timeout: Annotated[int, Field(ge=1, le=3600)] = 600
    """Seconds to wait for the answer to the end of a message (RFC 5321, section 4.5.3.2.6 asks for ten minutes)."""
    give_up: Duration = timedelta(days=3)
    """How long a mail that the relay defers is tried again, with growing pauses; then it is refused."""
    suppress_after: Annotated[int, Field(ge=0, le=100)] = 3
    """After so many issues in a row that found no such mailbox, a subscriber is sent nothing more; 0 means never."""
    max_lateness: Duration = timedelta(hours=6)
    """An issue later than this is not sent by itself, and a send that was interrupted for longer does not go on by
    itself: a person decides."""
    outbox: Annotated[Line, Field(min_length=1)] = "outbox"
    """The file transport's folder, relative to the project."""


@table(frozen=True, slots=True, kw_only=True, config=CLOSED)
class Relay:
    """An SMTP server that takes our mail."""

    name: Annotated[Name, Field(examples=["main"])]
    """Lower-case letters, digits and hyphens; it stands for the relay in reports and in the environment."""
    host: Annotated[Line, Field(min_length=1, examples=["smtp.example.org"])]
    """Its name or address."""
    port: Annotated[int, Field(ge=0, le=65535)] = 0
    """0 means 587 for starttls, 465 for tls and 25 for none."""
    security: Literal["starttls", "tls", "none"] = "starttls"
    """`starttls` encrypts after greeting and refuses to go on without, `tls` encrypts from the first byte,
    `none` is for a relay on this machine or on a network of your own."""
    verify: bool = True
    """Whether the certificate must be valid and in the host's name. Turn it off for a test relay only."""
    ca_file: Line = ""
    """Certificates (PEM) to trust instead of the system's, relative to the project; empty means the system's."""
    connections: Annotated[int, Field(ge=1, le=1000)] = 10
    """How many connections are open at a time."""
    local_hostname: Line = ""
    """The name we greet with (EHLO); empty means the domain of the sender."""
    username: Line = ""
    """Empty means that the relay asks for none."""
    login: Literal["password", "xoauth2"] = "password"
    """How the user logs in: with a `password`, by PLAIN, LOGIN or CRAM-MD5, or by `xoauth2` with an OAuth 2.0 access
    token, which then stands in the place of the password; a `password_command` is asked for it at each connection."""
    password_file: Line = ""
    """File with the password on its first line, relative to the project, and readable by its owner alone.
    Under /run the mode is left to whoever mounts secrets there."""
    password_command: Line = ""
    """Command that prints the password on its first line, run without a shell in the project's folder."""
    password: SecretStr = SecretStr("")
    """From the environment only; refused in the file."""

    @model_validator(mode="after")
    def _credentials(self) -> Self:
        secret = _login(self)
        if self.login == "xoauth2" and not self.username:
            raise Wrong("xoauth2 needs a username and a token", "Write username and password_command, or drop login.")
        if secret and self.security == "none" and self.host not in LOOPBACK:
            raise Wrong("the password would travel unencrypted", 'Write security = "starttls" or "tls".')
        return self


@table(frozen=True, slots=True, kw_only=True, config=CLOSED)
class SourceSettings:
    """A source of which more is to be said than where it is. A newsletter's `sources` name it."""

    name: Annotated[Name, Field(examples=["agency"])]
    """Lower-case letters, digits and hyphens; it stands for the source in `sources` and in the environment."""
    url: Annotated[Line, Field(min_length=1, examples=["https://example.org/feed.xml"]), AfterValidator(values.source)]
    """Address of a feed, without a login, or a folder or file relative to the project. The store knows the source's
    stories by it, so a new name changes nothing."""
    kind: Line = ""
    """How its documents are read: `markdown`, `feed`, `json-feed`, `text`, or a kind of your own; empty means that
    each document shows it by its content."""
    interval: Duration = timedelta()
    """It is not asked again before so much time has passed, except by `newsletter stories fetch`. Unset: it is asked
    for each issue."""
    username: Line = ""
    """Who logs in at its address (HTTP basic authentication); empty means nobody. The login is sent encrypted, or to
    this machine, and never to where a redirect leads."""
    password_file: Line = ""
    """As for a relay."""
    password_command: Line = ""
    """As for a relay."""
    password: SecretStr = SecretStr("")
    """From the environment only; refused in the file."""
    options: dict[Line, Line] = field(default_factory=dict)
    """Settings of its reader, each a text; the kinds listed above have none."""

    @model_validator(mode="after")
    def _credentials(self) -> Self:
        if _login(self) and "://" not in self.url:
            raise Wrong("there is a login for a file or folder", "Take it out, or write a web address as url.")
        return self


def _login(keys: Relay | SourceSettings) -> bool:
    """Whether there is a login. Raises Wrong for half of one."""
    secret = bool(keys.password_file or keys.password_command or keys.password.get_secret_value())
    if keys.username and not secret:
        raise Wrong("there is a username and no password", "Write password_file or password_command beside it.")
    if secret and not keys.username:
        raise Wrong("there is a password and no username", "Write username = \"…\" beside it.")
    return secret


@table(frozen=True, slots=True, kw_only=True, config=CLOSED)
class Publication:
    """A newsletter: `[newsletter.NAME]`, where NAME is lower-case letters, digits and hyphens."""

    title: Annotated[Line, Field(min_length=1, examples=["The Week in Digital Policy"])]
    """Its name as readers see it."""
    sender: Annotated[Mailbox, Field(alias="from", examples=["Digital Desk <desk@news.example.org>"])]
    """The From header: an address, with a name or without."""
    reply_to: Mailbox = _publication.reply_to
    """Where answers go; empty means to the sender."""
    description: Line = _publication.description
    """One sentence for the public pages."""
    template: Annotated[Line, Field(min_length=1)] = _publication.template
    """Folder below `templates/`, the project's own or a shipped one."""
    sources: Annotated[tuple[Annotated[Line, AfterValidator(values.source)], ...], NoDecode,
                       BeforeValidator(values.listed)] = _publication.sources
    """Folders and files relative to the project, addresses of feeds, and names of `[[source]]`."""
    schedule: Line = _publication.schedule
    """Words ("every monday at 08:00") or a cron expression with day names; empty means that nothing goes by itself."""
    timezone: Annotated[Line, AfterValidator(values.timezone)] = _publication.timezone
    """Zone of the schedule, by its IANA name."""
    language: Annotated[Line, AfterValidator(values.language)] = _publication.language
    """Language of its words and dates, as in BCP 47."""
    topics: Listed = _publication.topics
    """The topics it offers, in order; empty means all of the topics file."""
    per_topic: Annotated[int, Field(ge=1)] = _publication.per_topic
    """At most so many stories under a topic."""
    max_stories: Annotated[int, Field(ge=1)] = _publication.max_stories
    """At most so many stories in a mail."""
    max_age: Duration = _publication.max_age
    """Stories that became available earlier are too old; weekly, fortnightly and monthly readers get that much more."""
    min_stories: Annotated[int, Field(ge=0)] = _publication.min_stories
    """A mail with fewer stories is a quiet one."""
    quiet: Quiet = _publication.quiet
    """What becomes of a quiet mail: `skip` sends nothing, `roll-over` keeps its stories for the next issue,
    `note` sends a short note."""
    repeats: bool = _publication.repeats
    """Whether it may bring a story that another newsletter of the project has already brought to the same subscriber.
    Without it, a story comes to a subscriber once."""
    everybody: bool = _publication.everybody
    """Whether a newsletter that is added later goes to everybody whose row names no newsletters. Without it, it goes to
    those who name it, to those who want all (`*`), and to those who come after it."""


@table(frozen=True, slots=True, kw_only=True, config=CLOSED)
class FetchSettings:
    """How feeds are fetched."""

    allow_private: bool = False
    """Whether a feed may stand on this machine or on a private network."""


@table(frozen=True, slots=True, kw_only=True, config=CLOSED)
class Files:
    """The other files of the project, relative to it."""

    preferences: Annotated[Line, Field(min_length=1)] = "subscribers/subscribers.csv"
    """Who gets what: CSV, YAML, TOML, JSON or JSON Lines."""
    topics: Annotated[Line, Field(min_length=1)] = "topics.toml"
    """What a subscriber can choose."""
    related: Annotated[Line, Field(min_length=1)] = "related.toml"
    """The editor's word on which stories tell the same news; it need not exist."""
    key: Annotated[Line, Field(min_length=1)] = "newsletter.key"
    """The secret that signs the links in mails, made on first use. Keep a backup: links in old mails need it."""
    handle_key: Annotated[Line, Field(min_length=1)] = "handle.key"
    """The secret under which an address becomes what the links name, made on first use; it never changes. Keep a
    backup."""


class Keys(BaseSettings):
    """The whole file, with `[[relay]]` and `[[source]]` by name."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_nested_delimiter=DELIMITER, extra="forbid")

    site: Site
    store: Store = Store()
    delivery: DeliverySettings = DeliverySettings()
    relay: dict[Name, Relay] = {}
    source: dict[Name, SourceSettings] = {}
    newsletter: dict[Name, Publication] = {}
    fetch: FetchSettings = FetchSettings()
    files: Files = Files()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment over what the caller gives, which is the file."""
        return Environment(settings_cls), init_settings


def classes() -> dict[str, type[Any]]:
    """The class of each table, by the table's name."""
    annotations = {name: declared.annotation for name, declared in Keys.model_fields.items()}
    return {name: (get_args(annotation) or (annotation,))[-1] for name, annotation in annotations.items()}


def tables() -> dict[str, dict[str, FieldInfo]]:
    """The keys of each table as written in the file, by the table's name."""
    return {
        name: {declared.alias or key: declared for key, declared in table_class.__pydantic_fields__.items()}
        for name, table_class in classes().items()
    }


def header(path: Path) -> str:
    """A table's header as written in the file: "[site]", "[[relay]]", "[newsletter.weekly]"."""
    match path:
        case ("relay" | "source" as listed, *_):
            return f"[[{listed}]]"
        case ("newsletter", str() as name, *_):
            return f"[newsletter.{name}]"
        case ("newsletter",):
            return "[newsletter.NAME]"
        case _:
            return f"[{path[0]}]"


def literals(declared: FieldInfo) -> tuple[str, ...]:
    """The words a key may be; none if it is not one of a few words."""
    return get_args(declared.annotation) if get_origin(declared.annotation) is Literal else ()
