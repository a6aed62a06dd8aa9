"""The transport that newsletter.toml names, opened with its secrets."""

import asyncio
import ssl
from functools import partial

from newsletter import address, config
from newsletter.app import App
from newsletter.delivering import loop as deliver
from newsletter.errors import UsageError
from newsletter.transports.file import FileTransport
from newsletter.transports.null import NullTransport
from newsletter.transports.smtp import SmtpTransport


def transport(app: App, name: str, newsletter: str) -> deliver.Transport:
    delivery = app.settings.delivery
    if name == "file":
        return FileTransport(app.root, delivery.outbox)
    if name == "null":
        return NullTransport()
    if not app.settings.relays:
        raise UsageError("there is no relay to send to", place="newsletter.toml", cure="add a [[relay]] with its host")
    relay = app.settings.relays[0]
    _, sender = address.mailbox(app.newsletter(newsletter).sender)
    token = partial(asyncio.to_thread, config.password, relay, root=app.root) if relay.login == "xoauth2" else None
    return SmtpTransport(
        relay.host, relay.port, security=relay.security, connections=relay.connections,
        local_hostname=relay.local_hostname or sender.email.rpartition("@")[2], username=relay.username,
        password="" if token else config.password(relay, root=app.root), token=token,
        dot_timeout=delivery.dot_timeout, tls=_trust(app, relay),
    )


def _trust(app: App, relay: config.Relay) -> ssl.SSLContext | None:
    """Which certificates are good: the system's, or those of `ca_file`; `verify = false` takes any."""
    if relay.verify:
        return ssl.create_default_context(cafile=app.root / relay.ca_file) if relay.ca_file else None
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
