"""Sources as a desk declares them: a reader added from outside, a name, a login and an interval, by real commands."""

import json
import re
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from newsletter.app import stories
from newsletter.app.previewing import Previewing
from newsletter.cli import cli
from newsletter.sources import readers
from newsletter.sources.document import Document
from newsletter.sources.harvest import gather
from newsletter.sources.readers import Reader
from tests.flow.desk import Desk
from tests.website import FEED, Site, page, status

ADDING = (Path(__file__).parents[2] / "docs" / "adding.md").read_text("utf-8")
NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
LOGIN = f"Basic {b64encode(b'desk:geheim').decode()}"


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.close()


@dataclass(frozen=True)
class Newsroom:
    """A desk whose newsletter has these sources, and its commands."""

    desk: Desk
    configure: Callable[[str, str], None]

    def run(self, *words: str) -> str:
        """All that a command prints."""
        done = CliRunner().invoke(cli, words, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    def listed(self) -> dict[str, Any]:
        """What `stories list` knows of each story, by title."""
        done = CliRunner().invoke(cli, ["stories", "list", "--json"], catch_exceptions=False)
        return {each["title"]: each for each in json.loads(done.stdout)["data"]}


@pytest.fixture
def newsroom(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Newsroom:
    monkeypatch.chdir(desk.root)
    desk.configure()
    plain = (desk.root / "newsletter.toml").read_text("utf-8")

    def configure(sources: str, tables: str = "") -> None:
        text = plain.replace('sources = ["stories/"]', f"sources = {sources}")
        (desk.root / "newsletter.toml").write_text(f"{text}\n[fetch]\nallow_private = true\n{tables}", "utf-8")

    secret = desk.root / "secret"
    secret.write_text("geheim\n", "utf-8")
    secret.chmod(0o600)
    return Newsroom(desk, configure)


def source(url: str, more: str = "") -> str:
    return f'[[source]]\nname = "wire"\nurl = "{url}"\n{more}\n'


# --- A reader added from outside ---------------------------------------------------------------------------------


@cache
def wordpress() -> dict[str, Reader]:
    """The module and the line that docs/adding.md shows."""
    (text,) = re.findall(r'```python\n(""".*?)```', ADDING, re.DOTALL)
    (line,) = re.findall(r'```python\n("wordpress": .*)\n```', ADDING)
    module = ModuleType("wordpress")
    exec(text, module.__dict__)
    added: dict[str, Reader] = eval(f"{{{line}}}", {"wordpress": module, "Reader": Reader})
    return added


@pytest.fixture
def enlisted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The new line in the table of readers, above the others."""
    added = wordpress()
    monkeypatch.setattr(readers, "READERS", added | readers.READERS)


POSTS: list[dict[str, Any]] = [
    {
        "id": number, "date_gmt": "2024-11-23T07:00:00", "guid": {"rendered": f"https://blog.example.org/?p={number}"},
        "link": f"https://blog.example.org/{number}", "title": {"rendered": title},
        "content": {"rendered": "<p>It rained.</p><script>x</script>"},
        "_embedded": {"wp:term": [[{"taxonomy": "category", "name": "trade"}, {"taxonomy": "post_tag", "name": "ai"}]]},
    }
    for number, title in enumerate(["Rain &amp; wind", "Snow"], 1)
]


def posts(*more: object) -> bytes:
    return json.dumps([*POSTS, *more], separators=(",", ":")).encode()


@pytest.mark.usefixtures("enlisted")
def test_one_module_and_one_line_make_a_source(newsroom: Newsroom, site: Site) -> None:
    site.pages["/posts"] = page(posts({"id": 3}), Content_Type="application/json; charset=UTF-8")
    newsroom.configure('["wire"]', source(f"{site.root}/posts", 'options = { taxonomy = "category" }'))
    said = newsroom.run("stories", "fetch")
    assert "2 new" in said
    assert f"{site.root}/posts post 3: not a post: KeyError('title')" in said
    assert {title: each["topics"] for title, each in newsroom.listed().items()} == {
        "Rain & wind": ["trade (tag trade)"], "Snow": ["trade (tag trade)"],
    }


@pytest.mark.usefixtures("enlisted")
def test_its_options_have_defaults_and_misspelt_ones_are_reported(newsroom: Newsroom, site: Site) -> None:
    site.pages["/posts"] = page(posts())
    newsroom.configure('["wire"]', source(f"{site.root}/posts", 'options = { taxonomie = "category" }'))
    assert "unknown option “taxonomie” → Did you mean “taxonomy”?" in newsroom.run("stories", "fetch")
    assert newsroom.listed()["Snow"]["topics"] == ["ai (tag ai)"]


def test_without_the_line_nobody_recognises_it(newsroom: Newsroom, site: Site) -> None:
    site.pages["/posts"] = page(posts(), Content_Type="application/json")
    newsroom.configure('["wire"]', source(f"{site.root}/posts"))
    assert "JSON, but not a JSON Feed" in newsroom.run("stories", "fetch")


FIELDS = st.dictionaries(
    st.sampled_from([*POSTS[0], "rendered", "wp:term"]),
    st.recursive(st.none() | st.integers() | st.text(max_size=9), lambda inner: st.lists(inner, max_size=2)
                 | st.dictionaries(st.sampled_from(["rendered", "wp:term", "name", "taxonomy"]), inner)),
)


@given(st.lists(FIELDS.map(lambda fields: POSTS[0] | fields) | st.integers(), max_size=3) | FIELDS)
def test_every_post_of_any_json_is_a_story_or_a_problem(given_posts: object) -> None:
    document = Document(json.dumps(given_posts).encode(), "posts")
    harvest = gather(wordpress()["wordpress"].read(document, NOW), source="posts", now=NOW)
    expected = len(given_posts) if isinstance(given_posts, list) else 1
    assert len(harvest.stories) + len(harvest.problems) == expected


# --- What a [[source]] says --------------------------------------------------------------------------------------


def test_a_source_can_name_its_reader(newsroom: Newsroom) -> None:
    (newsroom.desk.root / "note.html").write_text("<html>\n\nIt rained.", "utf-8")
    newsroom.configure('["wire"]', source("note.html", 'kind = "text"'))
    assert "1 new" in newsroom.run("stories", "fetch")
    newsroom.configure('["wire"]', source("note.html", 'kind = "fed"'))
    said = newsroom.run("stories", "fetch")
    assert "note.html: unknown kind of source “fed” → Did you mean “feed”? The kinds are markdown, " in said


def test_a_name_that_no_source_has_is_reported_with_the_nearest_one(newsroom: Newsroom) -> None:
    newsroom.configure('["wier"]', source("stories/"))
    said = newsroom.run("stories", "fetch")
    assert 'wier: there is no such folder, file or [[source]] → Did you mean “wire”?' in said


def test_a_feed_that_gets_a_source_of_its_own_keeps_its_stories(newsroom: Newsroom, site: Site) -> None:
    site.pages["/feed"] = page(FEED)
    newsroom.configure(f'["{site.root}/feed"]', "")
    assert "1 new" in newsroom.run("stories", "fetch")
    for tables in (source(f"{site.root}/feed"), source(f"{site.root}/feed").replace("wire", "agency")):
        newsroom.configure('["wire"]' if "wire" in tables else '["agency"]', tables)
        assert "1 unchanged" in newsroom.run("stories", "fetch")
        assert newsroom.listed()["Rain"]["source"] == f"{site.root}/feed"


def test_held_stories_are_released_by_the_name_of_their_source(newsroom: Newsroom, site: Site) -> None:
    site.pages["/feed"] = page(b"<rss><channel/></rss>")
    newsroom.configure('["wire"]', source(f"{site.root}/feed"))
    newsroom.run("stories", "fetch")
    many = b"".join(b"<item><title>Old %d</title></item>" % number for number in range(30))
    site.pages["/feed"] = page(b"<rss><channel>" + many + b"</channel></rss>")
    assert "30 held" in newsroom.run("stories", "fetch")
    assert "30 stories released" in newsroom.run("stories", "release", "wire")


# --- Logins ------------------------------------------------------------------------------------------------------


def test_a_source_logs_in_and_its_password_is_printed_and_kept_nowhere(newsroom: Newsroom, site: Site) -> None:
    site.pages["/feed"] = page(FEED, ETag='"1"')
    login = 'username = "desk"\npassword_file = "secret"'
    newsroom.configure('["wire"]', source(f"{site.root}/feed", login))
    said = newsroom.run("stories", "fetch")
    assert site.asked[0][1]["authorization"] == LOGIN
    site.pages["/feed"] = status(401)
    said += newsroom.run("stories", "fetch", "--json") + newsroom.run("stories", "list", "--json")
    kept = b"".join(file.read_bytes() for file in newsroom.desk.root.glob("newsletter.db*"))
    assert "answered 401" in said
    assert [secret for secret in ("geheim", LOGIN[6:]) if secret in said or secret.encode() in kept] == []


def test_a_password_that_cannot_be_had_keeps_back_no_other_source(newsroom: Newsroom, site: Site) -> None:
    newsroom.configure('["wire", "stories/"]', source(f"{site.root}/feed", 'username = "a"\npassword_file = "absent"'))
    said = newsroom.run("stories", "fetch")
    assert "absent: the password file cannot be read" in said
    assert "3 new" in said
    assert site.asked == []


# --- Intervals ---------------------------------------------------------------------------------------------------


def test_an_issue_asks_a_source_once_in_its_interval_and_a_person_whenever_they_like(
    newsroom: Newsroom, site: Site
) -> None:
    site.pages["/feed"] = page(FEED)
    newsroom.configure('["stories/", "wire"]', source(f"{site.root}/feed", 'interval = "2h"'))
    desk, start = newsroom.desk, newsroom.desk.clock.now()

    def asked(minutes: int, read: Callable[..., object]) -> int:
        desk.clock.set(start + timedelta(minutes=minutes))
        with desk.app() as app:
            read(app, ["weekly"], progress=lambda address: None)
        return len(site.asked)

    assert asked(0, stories.fetch_due) == 1
    assert asked(119, stories.fetch_due) == 1
    assert asked(120, stories.fetch_due) == 2
    assert asked(121, stories.fetch) == 3
    for minutes, slot, times in ((240, "2026-11-30T08:00", 3), (241, "2026-12-07T08:00", 4)):
        desk.clock.set(start + timedelta(minutes=minutes))
        desk.prepare(slot)
        assert len(site.asked) == times


def test_a_preview_that_is_opened_again_and_again_asks_a_source_once_in_its_interval(
    newsroom: Newsroom, site: Site
) -> None:
    site.pages["/feed"] = page(FEED)
    newsroom.configure('["wire"]', source(f"{site.root}/feed", 'interval = "2h"'))
    for _ in range(3):
        with newsroom.desk.app() as app:
            previewing = Previewing(app)
            assert previewing.read_feeds()
            previewing.close()
    assert len(site.asked) == 1
