"""`newsletter.toml`: its place, its keys, and their environment twins.

1. `find` walks upward from a folder to the project's `newsletter.toml`.
2. `read` lays the environment over the file (`NEWSLETTER_DELIVERY__TRANSPORT=smtp`), checks every key against `keys`,
   and gives `Settings`. All mistakes are reported at once (`mistakes`), each with its line (`toml`).
3. `password` fetches the secret of a relay or a source when it is needed, and not before.
4. `reference` writes docs/configuration.md from the declarations in `keys`.

This package imports pydantic, which is slow: a command imports it when it runs, not when it is declared.
"""

from newsletter.config.keys import DeliverySettings, FetchSettings, Relay, Site, SourceSettings
from newsletter.config.password import password
from newsletter.config.reference import reference
from newsletter.config.settings import FILE, Settings, find, read

__all__ = [
    "FILE", "DeliverySettings", "FetchSettings", "Relay", "Settings", "Site", "SourceSettings", "find", "password",
    "read", "reference",
]
