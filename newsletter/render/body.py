"""A story's body as a mail shows it."""

import re

import nh3
from markupsafe import Markup

from newsletter.render import markup

# Pictures stay out: most are ornament, many are trackers.
_TAGS = nh3.ALLOWED_TAGS - {"img", "area", "map"}
_DEEPEST_BODY = 40
_HEADING = re.compile(r"<(/?)h([1-6])\b")
_LOWEST = 6
_STYLED = 120
"""Bytes that an element gains when its style is written into it, roughly."""


def html(body: str, level: int = 4) -> Markup:
    """A story's body for a mail: balanced whatever it was, clean again, its headings from `level` down with none
    skipped, without pictures; its plain text if it is nested too deep."""
    cleaned = nh3.clean(body, tags=_TAGS, link_rel=None, url_schemes={"https", "http", "mailto", "tel"})
    if markup.depth(cleaned) > _DEEPEST_BODY:
        cleaned = nh3.clean(cleaned, tags=set())
    return Markup(_levelled(cleaned, level))  # noqa: S704  # nh3 has just cleaned it


def _levelled(body: str, level: int) -> str:
    """The body with its headings' levels counted from `level` on, each at most one below the heading before it."""
    used = sorted({int(found[2]) for found in _HEADING.finditer(body)})
    last, levels = level - 1, list[int]()

    def levelled(found: re.Match[str]) -> str:
        nonlocal last
        if found[1]:
            return f"</h{levels.pop() if levels else last}"
        last = min(level + used.index(int(found[2])), last + 1, _LOWEST)
        levels.append(last)
        return f"<h{last}"

    return _HEADING.sub(levelled, body)


def opening(body: Markup, size: int) -> Markup:
    """The paragraphs, lists and other blocks that a body begins with, as many as make a mail heavier by at most `size`
    bytes; at least the first."""
    weight = depth = end = 0
    for token in markup.TOKEN.finditer(body):
        weight += len(token[0].encode()) + _STYLED * (token["tag"] is not None and token[0][1] != "/")
        if weight > size and end:
            break
        if token["tag"] is not None and token[0][1:-1].split()[0].lower() not in markup.VOID:
            depth += -1 if token[0][1] == "/" else 1
        if depth == 0:
            end = token.end()
    return Markup(body[:end])  # noqa: S704  # whole elements of what was safe
