"""A mail's HTML fixed to its light or its dark style. A frame's own color scheme cannot be set, so the style is
changed."""

import re
from typing import Literal

_STYLED = re.compile(r"<style\b[^>]*>.*?</style\s*>|<(?:source|link|meta)\b[^>]*>", re.IGNORECASE | re.DOTALL)
_FEATURE = re.compile(r"\(\s*prefers-color-scheme\s*:\s*(light|dark)\s*\)", re.IGNORECASE)
_DECLARED = re.compile(
    r"""(<meta\b[^>]*\bname\s*=\s*["']?(?:supported-)?color-schemes?["']?[^>]*\bcontent\s*=\s*["'])[^"']*""",
    re.IGNORECASE,
)
_HEAD = re.compile(r"<head\b[^>]*>", re.IGNORECASE)

_TRUE, _FALSE = "(min-width:0)", "(max-width:0)"


def shown_in(scheme: Literal["light", "dark"], html: str) -> str:
    """The HTML as a mail program set to that scheme shows it, whatever the browser around it prefers.

    Each `prefers-color-scheme` in a media query becomes a feature that is always true or always false (Media Queries 5,
    section 12.5), which works in every query that contains it. The scheme that the document declares is replaced.
    """
    def fixed(styled: re.Match[str]) -> str:
        text = _DECLARED.sub(rf"\g<1>{scheme}", styled[0])
        return _FEATURE.sub(lambda feature: _TRUE if feature[1].lower() == scheme else _FALSE, text)

    return _STYLED.sub(fixed, html)


def opening_outside(html: str) -> str:
    """The HTML with links that open in a new window, since a frame without an origin cannot follow them."""
    return _HEAD.sub(lambda head: head[0] + '<base target="_blank">', html, count=1)
