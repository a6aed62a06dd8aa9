"""The project's keys: read, made on first use, and compared with those that the store knows.

Two things must never happen silently: a lost key file replaced by a new one, which kills the links in every mail that
was sent; and mail sent with keys that are not this store's.
"""

from pathlib import Path

from newsletter.config import Settings
from newsletter.errors import ConfigError
from newsletter.key import LENGTH, make_key, read_keys
from newsletter.links import Keyring, fingerprint
from newsletter.store import Store

KEY = "fingerprint of the key"
HANDLE_KEY = "fingerprint of the handle key"
"""The names under which the store remembers the fingerprints."""


def open_keyring(settings: Settings, store: Store) -> Keyring:
    """The keys of a project and its store; missing files are made if no mail can depend on them yet.

    Raises ConfigError, and makes nothing, if a file is missing although the store has issues or knows its fingerprint,
    if the store knows another key, and if a file cannot be used.
    """
    file, handle_file = settings.root / settings.key, settings.root / settings.handle_key
    known, handle_known = store.subscribers.remembered(KEY), store.subscribers.remembered(HANDLE_KEY)
    _check(file, known, is_needed=bool(known) or _has_issues(store))
    # A store of an older version has issues and no handles: its handle key is still to be made.
    _check(handle_file, handle_known, is_needed=bool(handle_known))
    handle_key, ring = _single(handle_file), _kept(file)
    for name, before, now in (KEY, known, ring[0]), (HANDLE_KEY, handle_known, handle_key):
        if before != fingerprint(now):
            store.subscribers.remember(name, fingerprint(now))
    return Keyring(ring[0], ring[1:], handle_key)


def _check(file: Path, known: str, *, is_needed: bool) -> None:
    """Refuses a key file that is missing or not the one that is `known` by its fingerprint."""
    keys = read_keys(file)
    if not keys and is_needed:
        raise ConfigError(
            "the key file is missing, and a new key would break the links in mails already sent", place=str(file),
            cure="Put the file back from a backup, or copy it from another machine that sends.")
    if keys and known and known not in map(fingerprint, keys):
        raise ConfigError(f"the key file does not hold the key that this store knows (fingerprint {known})",
                          place=str(file), cure="Put the right file back from a backup of this project.")


def _has_issues(store: Store) -> bool:
    """Whether any issue was ever frozen; a missed slot has no mail."""
    return any(issue.state != "missed" for issue in store.issues.all())


def _kept(file: Path) -> tuple[bytes, ...]:
    """The keys in the file, which is made first if it is missing."""
    keys = read_keys(file)
    if not keys:
        make_key(file)
        keys = read_keys(file)
    return keys


def _single(file: Path) -> bytes:
    keys = _kept(file)
    if len(keys) > 1:
        raise ConfigError(f"the handle key never rotates, and the file holds {len(keys)} keys of {LENGTH} bytes",
                          place=str(file), cure="Put the file back from a backup.")
    return keys[0]
