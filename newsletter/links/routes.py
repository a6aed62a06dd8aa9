"""The paths of the public pages: links in mails are made from this table, and the pages are served at the same paths.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

Page = Literal["unsubscribe", "preferences", "issue"]

ROUTES: Mapping[Page, str] = MappingProxyType({
    "unsubscribe": "/unsubscribe/{newsletter}/{token}",  # GET shows a button, POST ends the subscription
    "preferences": "/preferences/{newsletter}/{token}",  # topics and frequency
    "issue": "/issues/{issue}",  # permanent and the same for everybody (RFC 5064, section 2)
})
"""The path of each page. The names in braces are its parameters, one path segment each; a token comes last."""
