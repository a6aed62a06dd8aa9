"""Each block of a template by itself, as docs/templates.md shows it."""

import quopri
from collections.abc import Iterator
from io import BytesIO

from PIL import Image
from playwright.sync_api import Browser

from gallery.schemes import window
from gallery.specimen import Specimen
from newsletter.render.layout import Placed, layout
from newsletter.render.placeholders import fill
from newsletter.render.words import Words

WIDTH = 640
"""Pixels, as in a window on a desk."""
TALLEST = 640
"""Pixels of a block that are shown."""
CUT = '<div class="cut"></div>'
HEIGHTS = """() => [...document.querySelectorAll(".cut")].map((cut) => cut.getBoundingClientRect().top + scrollY)"""


def pictures(browser: Browser, specimen: Specimen) -> Iterator[tuple[str, Image.Image]]:
    """The kind and the picture of each block that the template has, and of the frame without any."""
    pieces = filled(specimen)
    head, foot = pieces.pop("head"), pieces.pop("foot")
    yield "frame", picture(browser, _around(head, foot))
    for kind, html in pieces.items():
        if html.strip():
            yield kind, picture(browser, f"{head}{CUT}{html}{CUT}{foot}")


def filled(specimen: Specimen) -> dict[str, str]:
    """The HTML of the first block of each kind in the edition, and of those kinds that it has none of."""
    words = Words(specimen.language, specimen.blocks.catalogues)
    placed = layout(specimen.edition, specimen.manifest, words)
    more = words.ngettext("%(num)d more story on the web", "%(num)d more stories on the web", 4)
    found: dict[str, str] = {}
    for kind, blocks in [*_kinds(placed), ("more", [Placed("more", {"more": more})]), ("quiet", [Placed("quiet", {})])]:
        wire = b"".join(
            piece for each in blocks
            for piece in fill(specimen.blocks.html[each.key], {**placed[0].values, **each.values, **specimen.personal})
        )
        found.setdefault(kind, quopri.decodestring(wire).decode())
    return found


def _kinds(placed: tuple[Placed, ...]) -> Iterator[tuple[str, list[Placed]]]:
    """Each block with its kind; the list of contents is one, whatever its lines are."""
    contents = list[Placed]()
    for each in placed:
        kind = each.key.partition(":")[0]
        if kind in ("contents", "item"):
            contents.append(each)
        elif kind == "contents-end":
            yield "contents", [*contents, each]
        else:
            yield kind, [each]


def _around(head: str, foot: str) -> str:
    """The frame alone, from the top of the body to its end."""
    start = head.index(">", head.index("<body")) + 1
    end = foot.rindex("</body")
    return f"{head[:start]}{CUT}{head[start:]}{foot[:end]}{CUT}{foot[end:]}"


def picture(browser: Browser, html: str) -> Image.Image:
    """The part between the two marks of a page."""
    with window(browser, "light", WIDTH) as page:
        page.set_content(html)
        top, end = page.evaluate(HEIGHTS)
        whole = Image.open(BytesIO(page.screenshot(full_page=True))).convert("RGB")
        return whole.crop((0, int(top), WIDTH, int(min(end, top + TALLEST))))
