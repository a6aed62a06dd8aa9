"""A mail in Chromium as mail programs show it: light, dark, inverted by force, without pictures, without styles."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, get_args

from playwright.sync_api import Browser, Page, Route, sync_playwright

from newsletter.web.preview.schemes import shown_in

Scheme = Literal["light", "dark", "inverted", "no-pictures", "no-style"]
"""`dark`: the program obeys `prefers-color-scheme`, as Apple Mail does. `inverted`: it knows no such query and turns
the colours round itself, as Outlook on the web does. `no-style`: it drops every `<style>`, as Gmail does for accounts
of other houses."""
SCHEMES: tuple[Scheme, ...] = get_args(Scheme)
WIDTHS = (320, 390, 640)
"""Pixels: the narrowest telephone, an ordinary one, a window on a desk."""

INVERT = (Path(__file__).parent / "inverted.js").read_text("utf-8")
ELSEWHERE = re.compile("^https?:")
PICTURES = Path(__file__).parents[1] / "sample" / "pictures"
_FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--font-render-hinting=none", "--force-color-profile=srgb",
]
_STYLE = re.compile(r"<style\b[^>]*>.*?</style\s*>", re.IGNORECASE | re.DOTALL)


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's Chromium. Raises FileNotFoundError if there is none."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        raise FileNotFoundError("there is no Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_FLAGS)
        yield browser
        browser.close()


@contextmanager
def window(browser: Browser, scheme: Scheme, width: int, height: int = 900) -> Iterator[Page]:
    """An empty page of a program with this scheme. Nothing in it reaches a network; pictures come from the sample."""
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="dark" if scheme == "dark" else "light",
    )
    context.route(ELSEWHERE, _hold_back if scheme == "no-pictures" else hang_picture)
    try:
        yield context.new_page()
    finally:
        context.close()


@contextmanager
def shown(browser: Browser, html: str, scheme: Scheme, width: int) -> Iterator[Page]:
    """A page that shows the mail."""
    with window(browser, scheme, width) as page:
        page.set_content(received(html, scheme))
        if scheme == "inverted":
            page.evaluate(INVERT)
        yield page


def received(html: str, scheme: Scheme) -> str:
    """The mail's HTML as a program with this scheme keeps it."""
    if scheme == "no-style":
        return _STYLE.sub("", html)
    return shown_in("light", html) if scheme == "inverted" else html


def hang_picture(route: Route) -> None:
    """Answers a request for a picture of the sample with its file."""
    file = PICTURES / Path(route.request.url.partition("?")[0]).name
    if file.is_file():
        route.fulfill(path=file)
    else:
        route.abort()


def _hold_back(route: Route) -> None:
    route.abort()
