"""The documentation site: every page is in it, every link leads somewhere, and a reader's browser asks nobody else."""

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from lxml import html

ROOT = Path(__file__).parent.parent
SETTINGS = "zensical.toml"


def build(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "zensical", "build", "--strict"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A folder with the site's sources, to build in or to spoil."""
    shutil.copy(ROOT / SETTINGS, tmp_path)
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    return tmp_path


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    shutil.copy(ROOT / SETTINGS, folder)
    shutil.copytree(ROOT / "docs", folder / "docs")
    done = build(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "site"


def test_every_page_is_in_the_navigation_once() -> None:
    pages = {str(page.relative_to(ROOT / "docs")) for page in (ROOT / "docs").rglob("*.md")}
    assert unlisted(pages, navigation()) == []


def navigation() -> list[str]:
    return list(named(tomllib.loads((ROOT / SETTINGS).read_text("utf-8"))["project"]["nav"]))


def named(entries: Iterable[dict[str, object]]) -> Iterator[str]:
    """The pages of a navigation, sections opened."""
    for entry in entries:
        for below in entry.values():
            if isinstance(below, list):
                yield from named(below)
            else:
                yield str(below)


def unlisted(pages: set[str], listed: list[str]) -> list[str]:
    return [
        *(f"docs/{page} is not in the navigation: add it to nav in {SETTINGS}" for page in sorted(pages - {*listed})),
        *(f"nav in {SETTINGS} names docs/{page}, which does not exist" for page in sorted({*listed} - pages)),
        *(f"nav in {SETTINGS} names docs/{page} twice" for page in sorted({*listed}) if listed.count(page) > 1),
    ]


@pytest.mark.parametrize(("pages", "listed", "message"), [
    ({"a.md", "b.md"}, ["a.md"], "docs/b.md is not in the navigation: add it to nav in zensical.toml"),
    ({"a.md"}, ["a.md", "b.md"], "nav in zensical.toml names docs/b.md, which does not exist"),
    ({"a.md"}, ["a.md", "a.md"], "nav in zensical.toml names docs/a.md twice"),
])
def test_a_page_missing_from_the_navigation_is_named(pages: set[str], listed: list[str], message: str) -> None:
    assert unlisted(pages, listed) == [message]


def test_every_page_is_built(site: Path) -> None:
    assert [page for page in navigation() if not built(site, page).is_file()] == []


def built(site: Path, page: str) -> Path:
    return (site / re.sub(r"README\.md$", "index.md", page)).with_suffix(".html")


@pytest.mark.parametrize("link", ["nowhere.md", "flow.md#nowhere", "#nowhere"])
def test_a_link_that_leads_nowhere_stops_the_build(copy: Path, link: str) -> None:
    with (copy / "docs" / "index.md").open("a", encoding="utf-8") as page:
        page.write(f"\n\n[A link]({link})\n")
    done = build(copy)
    assert done.returncode != 0
    assert "does not exist" in re.sub(r"\x1b\[[\d;]*m", "", done.stdout + done.stderr)


def test_links_of_the_built_pages_lead_somewhere(site: Path) -> None:
    assert [broken for page in site.rglob("*.html") if page.name != "404.html" for broken in dead_links(page)] == []


def dead_links(page: Path) -> Iterator[str]:
    """The links and pictures of a built page that lead to no file, or to no place in it."""
    for address in (each for _, attribute, each, _ in parsed(page).iterlinks() if attribute in ("href", "src")):
        parts = urlsplit(address)
        if parts.scheme or parts.netloc:
            continue
        aim = (page.parent / unquote(parts.path)).resolve() if parts.path else page
        if aim.is_dir():
            aim /= "index.html"
        if not aim.is_file() or (parts.fragment and unquote(parts.fragment) not in places(aim)):
            yield f"{page.name}: {address}"


@cache
def parsed(page: Path) -> html.HtmlElement:
    return html.fromstring(page.read_bytes())


def places(page: Path) -> set[str]:
    return {str(each) for each in parsed(page).xpath("//@id | //a/@name")}


def test_a_dead_link_of_a_built_page_is_seen(tmp_path: Path) -> None:
    page = tmp_path / "a.html"
    page.write_text('<p id="here"><a href="#here">1</a><a href="#there">2</a><img src="b.png"><a href="a.html#x">3</a>')
    assert [*dead_links(page)] == ["a.html: #there", "a.html: b.png", "a.html: a.html#x"]


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    assert [loaded for page in site.rglob("*.html") for loaded in loads_from_elsewhere(page)] == []


def loads_from_elsewhere(page: Path) -> list[str]:
    """Scripts, styles, fonts and pictures of other hosts. Links for a reader to follow are none of these."""
    loaded = parsed(page).xpath("//@src | //link[not(@rel='canonical')]/@href | //style/text()")
    return [str(each) for each in loaded if re.search(r"(?:^|url\(['\"]?)(?:https?:)?//", str(each))]


@pytest.mark.parametrize("part", [
    '<script src="https://cdn.example/a.js"></script>', '<img src="//cdn.example/a.png">',
    '<link rel="stylesheet" href="https://fonts.example/css">', "<style>@import url('//fonts.example/a');</style>",
])
def test_what_would_be_loaded_from_elsewhere_is_seen(tmp_path: Path, part: str) -> None:
    page = tmp_path / "a.html"
    page.write_text(f"<html><head>{part}</head><body></body></html>")
    assert len(loads_from_elsewhere(page)) == 1
