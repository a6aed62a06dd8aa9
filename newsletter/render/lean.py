"""Compiled HTML without what MJML repeats in every section and no mail program needs.

Each rule leaves the picture as it is, which a test shows with screenshots, and none looks beyond its own section, so
that blocks stay the same whatever stands next to them.
"""

import re

from newsletter.render import markup

_TURN = re.escape("<![endif]--><!--[if mso | IE]>")
_SOLE_COLUMN = re.compile(
    r'text-align:center;"><!--\[if mso \| IE\]>'
    r'<table border="0" cellpadding="0" cellspacing="0" role="presentation"><tr>'
    rf'{_TURN}<td style="vertical-align:top;width:\d+px;"><!\[endif\]-->'
    r'<div class="mj-outlook-group-fix mj-column-per-100" style="font-size:0px;text-align:(left|right);'
    r'direction:(?:ltr|rtl);display:inline-block;vertical-align:top;width:100%;">'
    r"([^<]*(?:<(?!(?:/div><)?!--\[if mso \| IE\]>)[^<]*)*)"
    rf"</div><!--\[if mso \| IE\]></td>{_TURN}</tr></table><!\[endif\]-->",
    re.DOTALL,
)
"""The only column of a section, as wide as that: a table in a box in a table, of which the inner table is enough."""
_INNER_TURN = re.compile(f"(?<=<tr>){_TURN}(?=<td)|(?<=</td>){_TURN}(?=<td|</tr>)")
"""A conditional comment that ends where the next begins, inside a section."""
_SAME_WIDTH = re.compile(r'( width="(\d+)")(?: class="[^"]*-outlook")? style="width:\2px;"')
"""A width that the attribute gives already, and a class for style sheets that name it."""
_SAME_BACKGROUND = re.compile(r"background:(#[0-9a-f]{6});(?=background-color:\1\b)", re.IGNORECASE)
"""A colour that is given twice."""
_BODY_OF_TABLE = re.compile("</?tbody>")
"""Implied by the rows (HTML, section 13.1.2.4)."""
_NO_HEIGHT = re.compile(r'(<img\b[^>]*?) height="auto"')
"""No value of the attribute (HTML, section 4.8.17); the style says it, and Outlook keeps the shape by the width."""
_STAYS = re.compile(r"[@*]|:[a-z-]+[^{};]*\{")
"""Rules that cannot be written into an element: media queries, pseudo-classes, rules for everything."""


def lean(html: str) -> str:
    """The HTML, shortened without a visible change. HTML that is lean already stays as it is."""
    head, body, rest = html.partition("<body")
    widths = "" if "-outlook" in head.replace("mj-outlook-group-fix", "") else r"\1"

    def piece(token: re.Match[str]) -> str:
        if token["comment"] is not None and widths:
            return _SAME_WIDTH.sub(widths, token[0])
        if token["tag"] is None:
            return token[0]
        tag = "" if _BODY_OF_TABLE.fullmatch(token[0]) else markup.ATTRIBUTE.sub(_attribute, token[0])
        return _NO_HEIGHT.sub(r"\1", tag)

    rest = _INNER_TURN.sub("", _SOLE_COLUMN.sub(r'text-align:\1;">\2', rest))
    return _head(head) + body + markup.TOKEN.sub(piece, rest)


def _attribute(found: re.Match[str]) -> str:
    if found[1] != "style" or set(found[2]) & set("\"'()&"):
        return found[0]
    style = re.sub(r"(?<=[;:,]) +", "", _SAME_BACKGROUND.sub("", found[2]))
    return f'style="{style.removesuffix(";")}"'


def _head(head: str) -> str:
    """The head without style sheets whose rules have all been inlined; MJML's own, which is the first, stays."""
    sheets = [token for token in markup.TOKEN.finditer(head) if token["style"] is not None]
    for sheet in reversed(sheets[1:]):
        if not _STAYS.search(sheet[0].partition(">")[2]):
            head = head[: sheet.start()] + head[sheet.end():]
    return head
