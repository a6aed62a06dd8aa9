"""Every key of newsletter.toml, with its type, its default and its meaning.

The docstring of a key is its description in docs/configuration.md.
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
"""The defaults of a publication."""


@table(frozen=True, slots=True, kw_only=True, config=CLOSED)
class Site:
    """The publisher's addresses, on the web and on paper."""

    base_url: Annotated[str, AfterValidator(values.base_url), Field(examples=["https://news.example.org"])]
    """Address of the public pages, without a slash at the end; every link to them in a mail begins with it.
    It must be https, unless the host is this machine."""
    postal_address: Annotated[str, AfterValidator(values.postal_address), Field(examples=["Desk, 1 Street, Town"])]
    """The sender's postal address, for the foot of every mail. Lines of a longer text are joined by commas."""


@table(frozen=True, slots=True, kw_only=True, config=CLOSED)
class Store:
    """The database of stories, issues and the outbox."""

    url: Annotated[str, AfterValidator(values.store_url)] = "sqlite:///newsletter.db"
    """`sqlite:///FILE`, relative to the project, or `postgresql://USER@HOST/NAME`. A password in it is refused: set
    the environment twin, or use PostgreSQL's own password file."""


@table(frozen=True, slots=True, kw_only=True, config=CLOSED)
class DeliverySettings:
    """The delivery of messages."""

    transport: Literal["file", "smtp", "null"] = "file"
    """`file` writes each message into the outbox folder and mails nothing, `smtp` mails through the relays, `null`
    composes messages and discards them."""
    in_doubt: Literal["resend", "hold"] = "resend"
    """Handling of a message that the relay may or may not have accepted: `resend` sends it again, so that it may arrive
    twice, `hold` waits for a person to decide."""
    window: Annotated[int, Field(ge=1, le=10_000)] = 100
    """Number of deliveries that a worker claims at a time; no more of them can be in doubt after a power cut."""
    dot_timeout: Annotated[int, Field(ge=1, le=3600)] = 600
    """Seconds to wait for the relay's reply to the end of a message (RFC 5321, section 4.5.3.2.6 asks for ten
    minutes)."""
    give_up: Duration = timedelta(days=3)
    """Time for which a mail that the relay defers is retried, with growing pauses; after that it counts as refused."""
    suppress_after: Annotated[int, Field(ge=0, le=100)] = 3
    """Number of issues in a row refused for a missing mailbox after which a subscriber is sent nothing more; 0 means
    never."""
    max_lateness: Duration = timedelta(hours=6)
    """An issue that is later than this is not sent automatically, and a send that was interrupted for longer is not
    continued automatically: a person decides."""
    outbox: Annotated[Line, Field(min_length=1)] = "outbox"
    """Folder of the file transport, relative to the project."""


@table(frozen=True, slots=True, kw_only=True, config=CLOSED)
class Relay:
    """An SMTP server through which mail is sent."""

    name: Annotated[Name, Field(examples=["main"])]
    """Name of the relay in reports and in the environment: lower-case letters, digits and hyphens."""
    host: Annotated[Line, Field(min_length=1, examples=["smtp.example.org"])]
    """Host name or IP address of the relay."""
    port: Annotated[int, Field(ge=0, le=65535)] = 0
    """Port of the relay; 0 means 587 for `starttls`, 465 for `tls` and 25 for `none`."""
    security: Literal["starttls", "tls", "none"] = "starttls"
    """`starttls` encrypts after the greeting and sends nothing if that fails, `tls` encrypts from the first byte,
    `none` is for a relay on this machine or on a network of your own."""
    verify: bool = True
    """Whether the certificate must be valid and match the host. Turn it off for a test relay only."""
    ca_file: Line = ""
    """File of certificates (PEM) to trust, relative to the project; empty means the system's certificates."""
    connections: Annotated[int, Field(ge=1, le=1000)] = 10
    """Maximum number of connections open at a time."""
    local_hostname: Line = ""
    """Host name for the greeting (EHLO); empty means the domain of the sender."""
    username: Line = ""
    """User name for the login; empty means that the relay needs no login."""
    login: Literal["password", "xoauth2"] = "password"
    """Method of the login: `password` uses PLAIN, LOGIN or CRAM-MD5, `xoauth2` an OAuth 2.0 access token in place of
    the password. A `password_command` is then run for a new token at each connection."""
    password_file: Line = ""
    """File with the password on its first line, relative to the project and readable only by its owner. Under /run any
    mode is accepted, since secrets are mounted there with modes of their own."""
    password_command: Line = ""
    """Command that prints the password on its first line; it is run without a shell in the project's folder."""
    password: SecretStr = SecretStr("")
    """Set by the environment only; refused in the file."""

    @model_validator(mode="after")
    def _credentials(self) -> Self:
        secret = _login(self)
        if self.login == "xoauth2" and not self.username:
            raise Wrong("xoauth2 needs a username and a token", "Write username and password_command, or remove login.")
        if secret and self.security == "none" and self.host not in LOOPBACK:
            raise Wrong("the password would be sent unencrypted", 'Write security = "starttls" or "tls".')
        return self


@table(frozen=True, slots=True, kw_only=True, config=CLOSED)
class SourceSettings:
    """A source with a name and settings of its own. A newsletter refers to it by name in `sources`."""

    name: Annotated[Name, Field(examples=["agency"])]
    """Name of the source in `sources` and in the environment: lower-case letters, digits and hyphens."""
    url: Annotated[Line, Field(min_length=1, examples=["https://example.org/feed.xml"]), AfterValidator(values.source)]
    """Address of a feed, without a login, or a folder or file relative to the project. The store identifies the source
    by it, so that the name can be changed freely."""
    kind: Line = ""
    """Format of its documents: `markdown`, `feed`, `json-feed`, `text`, or a kind of your own; empty means that the
    content of each document decides."""
    interval: Duration = timedelta()
    """Shortest time between two fetches, except by `newsletter stories fetch`. If unset, the source is fetched for each
    issue."""
    username: Line = ""
    """User name for HTTP basic authentication; empty means that the source needs no login. The login is sent only
    encrypted or to this machine, and never to another site after a redirect."""
    password_file: Line = ""
    """As for a relay."""
    password_command: Line = ""
    """As for a relay."""
    password: SecretStr = SecretStr("")
    """Set by the environment only; refused in the file."""
    options: dict[Line, Line] = field(default_factory=dict)
    """Settings for a kind of your own, each a text; the kinds listed above have none."""

    @model_validator(mode="after")
    def _credentials(self) -> Self:
        if _login(self) and "://" not in self.url:
            raise Wrong("it has a login for a file or folder", "Remove the login, or write a web address as url.")
        return self


def _login(keys: Relay | SourceSettings) -> bool:
    """Whether there is a login. Raises Wrong for a login with only one of username and password."""
    secret = bool(keys.password_file or keys.password_command or keys.password.get_secret_value())
    if keys.username and not secret:
        raise Wrong("it has a username but no password", "Add password_file or password_command.")
    if secret and not keys.username:
        raise Wrong("it has a password but no username", 'Add username = "…".')
    return secret


@table(frozen=True, slots=True, kw_only=True, config=CLOSED)
class Publication:
    """A newsletter, where NAME consists of lower-case letters, digits and hyphens."""

    title: Annotated[Line, Field(min_length=1, examples=["The Week in Digital Policy"])]
    """Name of the newsletter as subscribers see it."""
    sender: Annotated[Mailbox, Field(alias="from", examples=["Digital Desk <desk@news.example.org>"])]
    """The From header: an address, with or without a name."""
    reply_to: Mailbox = _publication.reply_to
    """Address for replies; empty means the sender's."""
    description: Line = _publication.description
    """One sentence for the public pages."""
    template: Annotated[Line, Field(min_length=1)] = _publication.template
    """Folder below `templates/`, in the project or among the templates that come with the program."""
    sources: Annotated[tuple[Annotated[Line, AfterValidator(values.source)], ...], NoDecode,
                       BeforeValidator(values.listed)] = _publication.sources
    """Folders and files relative to the project, addresses of feeds, and names of `[[source]]`."""
    schedule: Line = _publication.schedule
    """In words ("every monday at 08:00") or a cron expression with day names; empty means that no issue is sent
    automatically."""
    timezone: Annotated[Line, AfterValidator(values.timezone)] = _publication.timezone
    """Time zone of the schedule, by its IANA name."""
    language: Annotated[Line, AfterValidator(values.language)] = _publication.language
    """Language of the template's own texts and of dates, as a BCP 47 tag."""
    topics: Listed = _publication.topics
    """The topics that it offers, in order; empty means all topics of the topics file."""
    per_topic: Annotated[int, Field(ge=1)] = _publication.per_topic
    """Maximum number of stories under one topic."""
    max_stories: Annotated[int, Field(ge=1)] = _publication.max_stories
    """Maximum number of stories in a mail."""
    max_age: Duration = _publication.max_age
    """Maximum age of a story, counted from when it became available. Weekly, fortnightly and monthly subscribers also
    get stories that are older by as much as the time between their mails."""
    min_stories: Annotated[int, Field(ge=0)] = _publication.min_stories
    """A mail with fewer stories than this is a quiet mail."""
    quiet: Quiet = _publication.quiet
    """Handling of quiet mails: `skip` sends nothing, `roll-over` keeps the stories for the next issue, `note` sends a
    short note."""
    repeats: bool = _publication.repeats
    """Whether it may contain a story that the same subscriber already got in another newsletter of the project. If
    `false`, a subscriber gets each story once."""
    everybody: bool = _publication.everybody
    """Whether this newsletter, if added to a list that exists, goes to every subscriber whose row names no newsletters.
    If `false`, it goes to subscribers who name it, who want all (`*`), or who join after it."""


@table(frozen=True, slots=True, kw_only=True, config=CLOSED)
class FetchSettings:
    """The fetching of feeds."""

    allow_private: bool = False
    """Whether feeds may be fetched from this machine and from private networks."""


@table(frozen=True, slots=True, kw_only=True, config=CLOSED)
class Files:
    """The other files of the project, relative to it."""

    preferences: Annotated[Line, Field(min_length=1)] = "subscribers/subscribers.csv"
    """The preference file, with the subscribers and their choices: CSV, YAML, TOML, JSON or JSON Lines."""
    topics: Annotated[Line, Field(min_length=1)] = "topics.toml"
    """The topics that subscribers can choose."""
    related: Annotated[Line, Field(min_length=1)] = "related.toml"
    """The editor's decisions on which stories report the same news; the file may be missing."""
    key: Annotated[Line, Field(min_length=1)] = "newsletter.key"
    """The secret that signs the links in mails, created on first use. Keep a backup: links in old mails need it."""
    handle_key: Annotated[Line, Field(min_length=1)] = "handle.key"
    """The secret that turns addresses into the handles in links, created on first use. It never changes: keep a
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
        """The environment first, then the values that the caller gives, which are the file's."""
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
    """The allowed words of a key; none if its values are not limited to a few words."""
    return get_args(declared.annotation) if get_origin(declared.annotation) is Literal else ()
