"""RSS, Atom and JSON feeds: their stories, the problems of bad entries, and the limits for a hostile feed."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.model import Harvest, Picture
from newsletter.sources import Sources, Web

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
DATA = Path(__file__).parent.parent / "data" / "sources"
SOURCES = Sources(DATA, Web(""))


def read(text: str | bytes) -> Harvest:
    return SOURCES.harvest_bytes(text if isinstance(text, bytes) else text.encode(), name="feed", now=NOW)


def rss(*items: str) -> Harvest:
    return read(
        '<?xml version="1.0"?><rss version="2.0"><channel>'
        + "".join(f"<item>{each}</item>" for each in items)
        + "</channel></rss>"
    )


def test_an_rss_feed_becomes_stories_and_its_bad_entries_problems() -> None:
    harvest = SOURCES.harvest("rss.xml", now=NOW, state=None)
    assert [story.title for story in harvest.stories] == [
        "Fish & ships: the new quay opens",
        "Ferry & tide tables",
        "Regatta of the year 2031",
        "Lighthouse to be painted",
    ]
    assert [str(problem) for problem in harvest.problems] == [
        "rss.xml entry 3: the entry has no title or text → Ask the feed's publisher to give it one.",
        "rss.xml entry 4: is dated 2031-03-01 09:00 UTC, in the future → Ask the feed's publisher to correct the date.",
        "rss.xml entry 5: “some time in spring” is not a date; the story counts as undated → Ask the feed's publisher "
        "to write dates as in RFC 5322 (RSS) or RFC 3339 (Atom).",
    ]


def test_an_rss_story_has_its_text_link_picture_tags_and_language() -> None:
    harvest = SOURCES.harvest_bytes(
        (DATA / "rss.xml").read_bytes().replace(b"/quay?", b"https://harbour.example/quay?"), name="feed", now=NOW
    )
    quay, tides, _, light = harvest.stories
    assert (
        quay.body == '<p>The quay <em>opens</em> on <a href="https://harbour.example/dates.html">Monday</a>.</p>'
        "\n<p>Boats come first.</p>"
    )
    assert quay.text == "The quay opens on Monday.\n\nBoats come first."
    assert quay.summary == "The quay took nine years."
    assert (quay.id, quay.date) == ("feed#17", datetime(2026, 11, 20, 9, tzinfo=UTC))
    assert (quay.tags, quay.language) == (("Ports", "Fishing & trade"), "en-GB")
    assert quay.picture == Picture("https://harbour.example/quay.jpg")
    assert (tides.id, tides.link) == (
        "https://harbour.example/tides?day=1",
        "https://harbour.example/tides?utm_campaign=x&day=1",
    )
    assert tides.picture == Picture("https://pics.example/t.png", "A table")
    assert tides.body == "<p>Tables for all piers.</p>"
    third = NOW - timedelta(microseconds=3)  # stories without a date keep their order
    assert (light.dated, light.date, light.summary) == (False, third, "In red and white.")


def test_an_atom_feed_becomes_stories() -> None:
    harvest = SOURCES.harvest("atom.xml", now=NOW, state=None)
    assert harvest.problems == ()
    train, video = harvest.stories
    assert (train.title, train.id, train.link) == (
        "Seilbahn & Zahnrad",
        "tag:berg.example,2026:1",
        "https://berg.example/2026/seilbahn",
    )
    assert train.body == '<p>Erste Zeile<br />zweite Zeile, <a href="https://berg.example/2026/karte">Karte</a></p>'
    assert (train.summary, train.tags, train.language) == ("Wenn 3 < 4 ist, fährt sie.", ("Verkehr",), "de")
    assert train.date == datetime(2026, 11, 20, 17, tzinfo=UTC)
    assert (video.title, video.date) == ("Das <video> im Tal", datetime(2026, 11, 19, tzinfo=UTC))


def test_a_json_feed_becomes_stories_and_its_bad_items_problems() -> None:
    harvest = SOURCES.harvest("feed.json", now=NOW, state=None)
    beans, note, frost = harvest.stories
    assert (beans.id, beans.title, beans.date) == (
        "feed.json#7",
        "Beans & <peas>",
        datetime(2026, 11, 19, 20, tzinfo=UTC),
    )
    assert (beans.body, beans.summary, beans.language) == ("<p>Sow <strong>now</strong>.</p>", "When to sow.", "en-NZ")
    assert (beans.tags, beans.picture) == (("Beans", "Spring"), Picture("https://garden.example/beans.jpg"))
    assert note.title == "A note without title, which says its matter at once and then…"
    assert note.text.endswith("\n\nSecond paragraph.")
    assert (frost.link, frost.dated) == ("https://weather.example/frost", False)
    assert [problem.place for problem in harvest.problems] == [
        "feed.json item 3",
        "feed.json item 4",
        "feed.json item 5",
    ]


def test_an_entry_is_identified_by_its_guid_its_link_or_its_title_and_day() -> None:
    dated = "<title>Rain</title><pubDate>Fri, 20 Nov 2026 {}:00:00 GMT</pubDate>"
    ids = [
        rss(entry).stories[0].id
        for entry in (
            "<guid>urn:x:1</guid><title>a</title>",
            "<title>a</title><link>HTTPS://X.example/a?utm_medium=b#c</link>",
            dated.format("08"),
            dated.format("18"),
            dated.format("18").replace("20 Nov", "19 Nov"),
            "<title>Rain</title>",
        )
    ]
    assert ids[:2] == ["urn:x:1", "https://x.example/a"]
    assert ids[2] == ids[3]
    assert len(set(ids[2:])) == 3


def test_two_entries_with_one_guid_are_one_story_and_a_problem() -> None:
    harvest = rss("<guid>a:1</guid><title>One</title>", "<guid>a:1</guid><title>Two</title>")
    assert [story.title for story in harvest.stories] == ["One"]
    said = "feed entry 2: “Two” has the same id, “a:1”, as the story in feed entry 1"
    assert str(harvest.problems[0]).startswith(said)


def test_a_number_as_guid_identifies_an_entry_in_its_own_feed_only() -> None:
    one = SOURCES.harvest_bytes(
        b"<rss><channel><item><guid>1</guid><title>a</title></item></channel></rss>", name="https://a.example/", now=NOW
    )
    two = SOURCES.harvest_bytes(
        b"<rss><channel><item><guid>1</guid><title>a</title></item></channel></rss>", name="https://b.example/", now=NOW
    )
    assert one.stories[0].id != two.stories[0].id


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1", "windows-1252"])
def test_a_feed_is_read_in_the_encoding_it_declares(encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?><rss><channel><item><title>Café Zürich</title></item>'
    assert read(text.encode(encoding)).stories[0].title == "Café Zürich"


def test_a_broken_feed_gives_its_readable_stories() -> None:
    harvest = read(
        "<rss><channel><item><title>Good & old</title><description>Caf&eacute;\x0b</description></item><item><title>Cut"
    )
    assert harvest.stories[0].title == "Good & old"
    assert harvest.stories[0].text == "Café"


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'
    "<rss><channel><item><title>&b;</title></item></channel></rss>"
)


@pytest.mark.parametrize(
    "bomb",
    [
        BOMB.encode(),
        BOMB.replace("?><", "?>\n\n<!-- x -->\n<").encode(),
        BOMB.encode("utf-16"),
        BOMB.encode("utf-16-le"),
        BOMB.replace("!ENTITY b", '!ENTITY f SYSTEM "file:///etc/passwd"><!ENTITY b').encode(),
        BOMB.replace("DOCTYPE", "doctype").encode(),
        BOMB.replace('"1.0"', '"1.0" encoding="utf-7"').replace("<!", "+ADwAIQ-").encode(),
    ],
)
def test_a_feed_with_entities_of_its_own_is_refused(bomb: bytes) -> None:
    harvest = read(bomb)
    assert harvest.stories == ()
    assert "entities" in harvest.problems[0].found


def test_entities_cannot_hide_behind_a_comment_that_looks_like_the_root() -> None:
    assert "haha" not in str(read("<!-- <x -->" + BOMB.removeprefix('<?xml version="1.0"?>')))


def test_an_old_doctype_without_entities_is_accepted() -> None:
    harvest = read(
        '<!DOCTYPE rss PUBLIC "-//N//DTD RSS 0.91//EN" "http://n.example/rss-0.91.dtd"><rss version="0.91"><channel>'
        "<item><title>t&eacute;</title></item></channel></rss>"
    )
    assert harvest.stories[0].title == "té"


def test_of_a_million_entries_five_hundred_are_read() -> None:
    harvest = read("<rss version='2.0'><channel>" + "<item><title>x</title></item>" * 150_000 + "</channel></rss>")
    assert harvest.problems[0].found.startswith("has 150000 stories; only the first 500 are read")
    many = rss(*(f"<title>t{n}</title>" for n in range(600)))
    assert [story.title for story in many.stories] == [f"t{n}" for n in range(500)]
    jsons = read(json.dumps({"items": [{"id": str(n), "title": f"t{n}"} for n in range(600)]}))
    assert (len(jsons.stories), len(jsons.problems)) == (500, 1)


@pytest.mark.parametrize("hostile", ["<a>" * 400_000, "<a/>" * 250_000, "<title>" * 300_000])
def test_a_feed_made_to_be_slow_is_refused(hostile: str) -> None:
    harvest = read(f"<rss version='2.0'><channel><item>{hostile}")
    assert harvest.problems[0].found.endswith("it is not read")


def test_script_in_a_feed_never_reaches_a_story() -> None:
    story = rss(
        "<title>a&lt;script&gt;x&lt;/script&gt;\r\nBcc: x</title><link>javascript:x</link>"
        "<description>&lt;p onclick=x&gt;hi&lt;mj-raw&gt;&lt;/p&gt;"
        "&lt;a href='java&#9;script:x'&gt;b&lt;/a&gt;</description><enclosure url='javascript:x' type='image/png'/>"
    ).stories[0]
    assert (story.link, story.body, story.picture) == ("", "<p>hi</p>\n<p>b</p>", None)
    assert "\n" not in story.title


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<?xml version='1.0'?><opml/>", "is neither RSS nor Atom"),
        ('{"items": [', "invalid JSON"),
        ('{"items": 3}', "no list"),
        ("<!DOCTYPE html><html><body>Hi", "is a web page"),
        ('{"items":' + "[" * 100_000, "nested too deeply"),
    ],
)
def test_a_document_that_is_no_feed_is_a_problem(text: str, said: str) -> None:
    harvest = read(text)
    assert harvest.stories == ()
    assert said in harvest.problems[0].found


def test_an_empty_feed_has_no_stories_and_no_problem() -> None:
    assert rss() == Harvest()


TAGS = st.sampled_from(
    [
        "<rss version='2.0'>",
        "<channel>",
        "<item>",
        "</item>",
        "<feed xmlns='http://www.w3.org/2005/Atom'>",
        "<entry>",
        "</entry>",
        "<title>",
        "</title>",
        "<title type='html'>",
        "<link>",
        "<link href='https://x.example/'/>",
        "</link>",
        "<description>",
        "</description>",
        "<pubDate>Fri, 20 Nov 2026 10:00:00 GMT</pubDate>",
        "<pubDate>99</pubDate>",
        "<updated>0000-00-00</updated>",
        "<guid>",
        "</guid>",
        "<content type='xhtml'>",
        "</content>",
        "<category>",
        "<enclosure url='x' type='image/x'/>",
        "<![CDATA[",
        "]]>",
        "<media:content url='https://x.example/i' medium='image'/>",
        "&lt;p&gt;",
        "&amp;",
        "&#0;",
        "&#55296;",
        "\x00",
        "<dc:date>9999-12-31T23:59:59-10:00</dc:date>",
    ]
)


@given(
    st.lists(TAGS | st.text(max_size=8), max_size=25).map("".join),
    st.sampled_from(["<rss><channel><item>", "<?xml version='1.0'?>", "<feed><entry>", ""]),
)
@settings(max_examples=250)
def test_any_soup_of_feed_tags_gives_a_harvest(soup: str, start: str) -> None:
    harvest = read((start + soup).encode("utf-8", "surrogatepass"))
    assert all(story.title and story.id and story.date.tzinfo is UTC for story in harvest.stories)


@given(
    st.binary(max_size=200),
    st.sampled_from([b"", b"<rss>", b"<?xml version='1.0' encoding='utf-8'?>", b"\xff\xfe<\x00", b"\xef\xbb\xbf{"]),
)
@settings(max_examples=150)
def test_any_bytes_give_a_harvest(data: bytes, start: bytes) -> None:
    harvest = read(start + data)
    assert all(story.title and story.id for story in harvest.stories)


JSONS = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
FIELDS = st.sampled_from(
    [
        "id",
        "url",
        "title",
        "content_html",
        "content_text",
        "summary",
        "image",
        "date_published",
        "tags",
        "language",
        "attachments",
    ]
)


@given(st.lists(st.dictionaries(FIELDS, JSONS, max_size=6) | JSONS, max_size=4))
@settings(max_examples=150)
def test_every_item_of_any_json_feed_is_a_story_or_a_problem(items: list[object]) -> None:
    harvest = read(json.dumps({"version": "https://jsonfeed.org/version/1.1", "items": items}))
    assert len(harvest.stories) + len(harvest.problems) >= len(items)
