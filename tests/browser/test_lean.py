"""Lean HTML is the same picture, to the pixel."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from newsletter.model import Edition, Entry, Interests, Manifest, Section
from newsletter.render import html
from newsletter.render.compile import Site
from newsletter.render.expand import expand
from newsletter.render.layout import layout
from newsletter.render.template import Template

PERSONAL = {"greeting": "Hello Zoë,", "unsubscribe_url": "https://news.example.org/u",
            "preferences_url": "https://news.example.org/p"}
EDITION = Edition(Interests(topics=("*",)), frozenset(), (
    Section("ai", (Entry("https://harbour.example.org/ferries?a=1&b=2", ("trade",)), Entry("s4"), Entry("s7")), more=4),
    Section("cyber", (Entry("s2"), Entry("s6", ("privacy",)))), Section("privacy", (Entry("s3"),)),
))


def documents(name: str, language: str, manifest: Manifest, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """An edition as MJML and the inliner leave it, and lean."""
    template = Template.load(name, Path("/nowhere"))
    placed = layout(EDITION, manifest, template.words(language))
    mjml = expand(template, manifest, placed, PERSONAL, language=language, site=Site("1 Example Street", "https://n.example"))
    lean = html.to_html(mjml)
    with monkeypatch.context() as patch:
        patch.setattr(html, "lean", lambda text: text)
        return html.to_html(mjml), lean


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("edition", ["weekly-en", "weekly-ar", "briefing-en", "single-en"])
def test_the_picture_is_the_same(
    browser: Browser, manifest: Manifest, edition: str, scheme: str, monkeypatch: pytest.MonkeyPatch,
) -> None:
    name, language = edition.split("-")
    before, after = documents(name, language, manifest, monkeypatch)
    assert len(after) < 0.9 * len(before)
    context = browser.new_context(color_scheme="dark" if scheme == "dark" else "light", offline=True)
    page = context.new_page()
    try:
        for width in (320, 640):
            page.set_viewport_size({"width": width, "height": 800})
            pictures = []
            for document in (before, after):
                page.set_content(document)
                pictures.append(page.screenshot(full_page=True))
            assert pictures[0] == pictures[1]
    finally:
        context.close()
