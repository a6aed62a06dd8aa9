"""The subscriber behind a token, for the public pages."""

from newsletter import links
from newsletter.app import App
from newsletter.model import Subscriber

ROWS_UP_TO = "links by row up to"
"""The name of a value in the store: the highest row when the store left version 1; missing if it never had it."""


def subscriber(app: App, token: str, purpose: links.Purpose, newsletter: str) -> Subscriber | None:
    """The subscriber that a token names, whatever their status; an erased one has no address.

    None if the token is invalid for this purpose and newsletter, if another store issued it by row, or if its
    subscriber is not in this store.
    """
    rows_up_to = int(app.store.subscribers.remembered(ROWS_UP_TO) or 0)
    named = links.named(app.keyring, token, purpose, newsletter, rows_up_to=rows_up_to)
    if named is None:
        return None
    if isinstance(named, int):
        return app.store.subscribers.by_id(named)
    return app.store.subscribers.by_handle(named)
