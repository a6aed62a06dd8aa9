"""Transports by name, opened with the settings of newsletter.toml."""

from functools import partial

from newsletter import address, config
from newsletter.app import App
from newsletter.delivering.ports import Transport
from newsletter.errors import UsageError
from newsletter.text import meant, nearest, quoted
from newsletter.transports import TRANSPORTS
from newsletter.transports.settings import RelaySettings, TransportSettings


def transport(app: App, name: str, newsletter: str) -> Transport:
    """The transport of that name, for the mails of a newsletter. Raises UsageError if there is none, or if it lacks
    settings, ConfigError if its secrets cannot be read."""
    check(name)
    opened: Transport = TRANSPORTS[name](settings(app, newsletter))
    return opened


def check(name: str) -> None:
    """Raises UsageError if there is no transport of that name."""
    if name not in TRANSPORTS:
        cure = meant(nearest(name, TRANSPORTS)) or f"Name one of: {', '.join(TRANSPORTS)}."
        raise UsageError(f"unknown transport {quoted(name)}", cure=cure)


def settings(app: App, newsletter: str) -> TransportSettings:
    """The project's settings as transports need them."""
    delivery = app.settings.delivery
    _, sender = address.mailbox(app.newsletter(newsletter).sender)
    domain = sender.email.rpartition("@")[2]
    return TransportSettings(
        root=app.root, outbox=delivery.outbox, dot_timeout=delivery.dot_timeout,
        relays=tuple(_relay(app, relay, domain) for relay in app.settings.relays),
    )


def _relay(app: App, relay: config.Relay, domain: str) -> RelaySettings:
    return RelaySettings(
        host=relay.host, port=relay.port, local_hostname=relay.local_hostname or domain, security=relay.security,
        connections=relay.connections, username=relay.username, login=relay.login,
        secret=partial(config.password, relay, root=app.root), verify=relay.verify,
        ca_file=app.root / relay.ca_file if relay.ca_file else None,
    )
