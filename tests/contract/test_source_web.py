"""Fetching from a real server: politeness, limits, redirects, and the stories and state that result."""

import gzip
import threading
import zlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from itertools import repeat
from pathlib import Path

import httpx2
import pytest

from newsletter.model import FeedState
from newsletter.sources import Sources, Web
from newsletter.sources.login import Login, shown
from tests.website import FEED, Site, page, status, stream

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.close()


@pytest.fixture
def elsewhere() -> Iterator[Site]:
    """Another site."""
    site = Site()
    yield site
    site.close()


WEB = Web("https://desk.example", allow_private=True)


def test_the_first_request_names_the_sender_and_brings_the_feed_with_its_state(site: Site) -> None:
    site.pages["/feed"] = page(
        FEED, ETag='W/"a b"', Last_Modified="Mon, 23 Nov 2026 07:00:00 GMT", Content_Type="text/xml"
    )
    answer = WEB.get(f"{site.root}/feed", state=None, now=NOW)
    assert (answer.data, answer.problem, answer.unchanged) == (FEED, None, False)
    assert answer.state == FeedState(f"{site.root}/feed", 'W/"a b"', "Mon, 23 Nov 2026 07:00:00 GMT")
    headers = site.asked[0][1]
    assert headers["user-agent"] == "newsletter-desk (+https://desk.example)"
    assert not {"cookie", "if-none-match", "if-modified-since", "authorization"} & set(headers)


def test_the_next_request_gives_both_validators_back_verbatim_and_304_changes_nothing(site: Site) -> None:
    site.pages["/feed"] = status(304)
    state = FeedState(f"{site.root}/feed", '"caf\xe9"', "whenever it was")
    answer = WEB.get(f"{site.root}/feed", state=state, now=NOW)
    assert (answer.unchanged, answer.state, answer.data, answer.problem) == (True, state, b"", None)
    assert site.asked[0][1]["if-none-match"] == '"caf\xe9"'
    assert site.asked[0][1]["if-modified-since"] == "whenever it was"


@pytest.mark.parametrize(
    ("codes", "moves"), [((301,), True), ((308, 301), True), ((302,), False), ((303,), False), ((307,), False)]
)
def test_only_permanent_redirects_are_remembered(site: Site, codes: tuple[int, ...], moves: bool) -> None:
    for step, code in enumerate(codes):
        site.pages[f"/{step}"] = status(code, Location=f"/{step + 1}")
    site.pages[f"/{len(codes)}"] = page(FEED)
    answer = WEB.get(f"{site.root}/0", state=None, now=NOW)
    assert answer.data == FEED
    assert answer.url == f"{site.root}/{len(codes)}"
    assert answer.state.url == (answer.url if moves else f"{site.root}/0")


def test_a_permanent_redirect_after_a_temporary_one_is_not_remembered(site: Site) -> None:
    site.pages |= {"/0": status(302, Location="/1"), "/1": status(301, Location="/2"), "/2": page(FEED)}
    assert WEB.get(f"{site.root}/0", state=None, now=NOW).state.url == f"{site.root}/0"


@pytest.mark.parametrize("code", [404, 410, 429, 500])
def test_a_permanent_redirect_to_a_place_without_a_feed_is_not_remembered(site: Site, code: int) -> None:
    site.pages |= {"/0": status(301, Location="/1"), "/1": status(code)}
    assert WEB.get(f"{site.root}/0", state=None, now=NOW).state.url == f"{site.root}/0"


def test_a_moved_feed_is_fetched_from_its_new_address(site: Site) -> None:
    site.pages["/new"] = page(FEED)
    WEB.get(f"{site.root}/old", state=FeedState(f"{site.root}/new"), now=NOW)
    assert [path for path, _ in site.asked] == ["/new"]


def test_cookies_set_on_the_way_are_not_sent(site: Site) -> None:
    site.pages |= {"/0": status(302, Location="/1", Set_Cookie="a=b"), "/1": page(FEED, Set_Cookie="c=d")}
    WEB.get(f"{site.root}/0", state=None, now=NOW)
    WEB.get(f"{site.root}/1", state=None, now=NOW)
    assert ["cookie" in headers for _, headers in site.asked] == [False] * 3


def test_redirects_end_after_five(site: Site) -> None:
    site.pages["/loop"] = status(302, Location="/loop")
    answer = WEB.get(f"{site.root}/loop", state=None, now=NOW)
    assert answer.problem is not None
    assert "more than 5 redirects" in answer.problem.found
    assert len(site.asked) == 6


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "ftp://x.example/", "gopher://127.0.0.1/", "javascript:x", "http://["]
)
def test_a_redirect_out_of_the_web_is_refused(site: Site, target: str) -> None:
    site.pages["/0"] = status(301, Location=target)
    answer = WEB.get(f"{site.root}/0", state=None, now=NOW)
    assert answer.problem is not None
    assert answer.state.url == f"{site.root}/0"


def test_410_pauses_the_feed_for_good(site: Site) -> None:
    site.pages["/feed"] = status(410)
    answer = WEB.get(f"{site.root}/feed", state=None, now=NOW)
    assert answer.state.paused == "it is gone for good (410, 2026-11-23)"
    again = WEB.get(f"{site.root}/feed", state=answer.state, now=NOW)
    assert again.problem is not None
    assert "no longer fetched" in again.problem.found
    assert len(site.asked) == 1


@pytest.mark.parametrize("code", [429, 503])
@pytest.mark.parametrize(
    ("said", "pause"),
    [
        ("120", timedelta(minutes=2)),
        ("Mon, 23 Nov 2026 10:00:00 GMT", timedelta(hours=2)),
        ("Mon, 23 Nov 2020 10:00:00 GMT", timedelta()),
        ("99999999999", timedelta(days=7)),
        ("soon", timedelta(hours=1)),
        ("", timedelta(hours=1)),
    ],
)
def test_a_server_that_asks_for_a_pause_is_left_alone_until_its_end(
    site: Site, code: int, said: str, pause: timedelta
) -> None:
    site.pages["/feed"] = status(code, Retry_After=said)
    state = FeedState(f"{site.root}/feed", '"e"')
    answer = WEB.get(f"{site.root}/feed", state=state, now=NOW)
    assert answer.unchanged
    assert answer.state == replace(state, not_before=NOW + pause)
    site.pages["/feed"] = page(FEED)
    early = WEB.get(f"{site.root}/feed", state=answer.state, now=NOW + pause - timedelta(seconds=1))
    assert (early.unchanged, early.problem, len(site.asked)) == (True, None, 1)
    later = WEB.get(f"{site.root}/feed", state=answer.state, now=NOW + pause)
    assert (later.data, later.state.not_before) == (FEED, None)


@pytest.mark.parametrize("code", [400, 401, 403, 404, 500, 206, 300, 301])
def test_any_other_answer_is_a_problem_and_keeps_the_state(site: Site, code: int) -> None:
    site.pages["/feed"] = status(code)
    state = FeedState(f"{site.root}/feed", '"e"')
    answer = WEB.get(f"{site.root}/feed", state=state, now=NOW)
    assert answer.state == state
    assert answer.problem is not None
    assert str(code) in answer.problem.found


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_compressed_feeds_are_unpacked(site: Site, coding: str) -> None:
    site.pages["/feed"] = page(
        gzip.compress(FEED) if coding == "gzip" else zlib.compress(FEED), Content_Encoding=coding
    )
    assert WEB.get(f"{site.root}/feed", state=None, now=NOW).data == FEED


def test_a_gzip_bomb_is_stopped_while_it_unpacks(site: Site) -> None:
    site.pages["/feed"] = page(gzip.compress(b"\0" * 50_000_000), Content_Encoding="gzip")
    answer = Web("", allow_private=True, max_bytes=100_000).get(f"{site.root}/feed", state=None, now=NOW)
    assert answer.problem is not None
    assert "more than 100,000 bytes" in answer.problem.found
    assert answer.data == b""


def test_bombs_inside_one_another_are_not_unpacked_at_all(site: Site) -> None:
    site.pages["/feed"] = page(gzip.compress(gzip.compress(FEED)), Content_Encoding="gzip, gzip")
    answer = WEB.get(f"{site.root}/feed", state=None, now=NOW)
    assert answer.problem is not None
    assert "content coding" in answer.problem.found


def test_an_endless_answer_is_cut(site: Site) -> None:
    site.pages["/feed"] = stream(repeat(b"x" * 10_000))
    answer = Web("", allow_private=True, max_bytes=100_000).get(f"{site.root}/feed", state=None, now=NOW)
    assert answer.problem is not None
    assert "more than 100,000 bytes" in answer.problem.found


def test_the_deadline_holds_for_the_whole_answer_however_slowly_it_drips(site: Site) -> None:
    stop = threading.Event()
    site.pages["/body"] = stream(repeat(b"x"), stop)

    def drip(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
        while not stop.wait(0.02):
            request.wfile.write(b"x")

    site.pages["/head"] = drip
    try:
        for path in ("/body", "/head"):
            answer = Web("", allow_private=True, deadline=0.3).get(site.root + path, state=None, now=NOW)
            assert answer.problem is not None
            assert answer.problem.found == "gave no complete answer within 0.3 seconds"
    finally:
        stop.set()


def test_a_name_server_that_hangs_does_not_hold_up_the_fetch() -> None:
    stop = threading.Event()

    def hang(host: str, port: int) -> list[str]:
        stop.wait()
        return []

    answer = Web("", deadline=0.1, lookup=hang).get("https://news.example/", state=None, now=NOW)
    stop.set()
    assert answer.problem is not None
    assert "0.1 seconds" in answer.problem.found


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: \x00\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
        b"\x16\x03\x01",
    ],
)
def test_a_broken_answer_is_a_problem(site: Site, broken: bytes) -> None:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(broken)
        request.close_connection = True

    site.pages["/feed"] = answer
    said = WEB.get(f"{site.root}/feed", state=None, now=NOW)
    assert said.problem is not None
    assert said.problem.found.startswith("cannot be fetched: ")


@pytest.mark.parametrize(
    "url",
    [
        "http://",
        "https://:80/",
        "http://exa mple/",
        "http://\x00/",
        "http://news.example:99999/",
        "http://a..b/",
        "http://[::1",
        "http://" + "a" * 300,
        "http://\u2028/",
    ],
)
def test_an_invalid_address_is_a_problem(url: str) -> None:
    assert WEB.get(url, state=None, now=NOW).problem is not None


# --- Logins --------------------------------------------------------------------------------------------------


def test_a_password_in_an_address_is_used_and_never_shown_nor_remembered(site: Site) -> None:
    site.pages["/feed"] = status(404)
    answer = WEB.get(f"{site.root}/feed".replace("//", "//ann:geheim@"), state=None, now=NOW)
    assert site.asked[0][1]["authorization"] == "Basic YW5uOmdlaGVpbQ=="
    assert "geheim" not in str(answer)
    assert answer.state.url == f"{site.root}/feed"


def test_a_login_follows_redirects_on_its_own_site_and_to_no_other(site: Site, elsewhere: Site) -> None:
    site.pages |= {"/0": status(301, Location="/1"), "/1": status(302, Location=f"{elsewhere.root}/2")}
    elsewhere.pages |= {"/2": status(302, Location=f"{site.root}/3")}
    site.pages["/3"] = page(FEED)
    login = Login(f"{site.root}/0", "ann", "geheim")
    assert WEB.get(login.address, state=None, now=NOW, login=login).data == FEED
    assert ["authorization" in headers for _, headers in site.asked] == [True, True, True]
    assert "authorization" not in elsewhere.asked[0][1]


def test_a_feed_that_moved_to_another_site_for_good_is_fetched_there_without_the_login(
    site: Site, elsewhere: Site
) -> None:
    elsewhere.pages["/new"] = page(FEED)
    login = Login(f"{site.root}/old", "ann", "geheim")
    WEB.get(login.address, state=FeedState(f"{elsewhere.root}/new"), now=NOW, login=login)
    assert "authorization" not in elsewhere.asked[0][1]


def test_a_redirect_cannot_bring_a_login_of_its_own(site: Site) -> None:
    site.pages |= {"/0": status(301, Location=f"{site.root}/1".replace("//", "//eve:x@")), "/1": page(FEED)}
    answer = WEB.get(f"{site.root}/0", state=None, now=NOW)
    assert (answer.state.url, answer.url) == (f"{site.root}/1", f"{site.root}/1")
    assert "authorization" not in site.asked[1][1]


def test_a_login_never_leaves_this_machine_unencrypted(site: Site) -> None:
    site.pages["/feed"] = page(FEED)
    web = Web("", allow_private=True, lookup=lambda host, port: ["127.0.0.1"])
    address = f"http://news.example:{site.port}/feed"
    answer = web.get(address, state=None, now=NOW, login=Login(address, "ann", "geheim"))
    assert answer.problem is not None
    assert answer.problem.found == "the password would be sent unencrypted"
    assert site.asked == []
    assert web.get(address, state=None, now=NOW).data == FEED


@pytest.mark.parametrize(
    ("login", "asked", "sent"),
    [
        ("https://news.example/feed", "https://news.example/other", True),
        ("https://news.example/feed", "https://NEWS.example:443/feed", True),
        ("https://news.example/feed", "http://news.example/feed", False),
        ("https://news.example/feed", "https://news.example:8443/feed", False),
        ("https://news.example/feed", "https://sub.news.example/feed", False),
        ("https://news.example/feed", "https://news.example.evil.example/feed", False),
        ("http://[::1]:8000/feed", "http://[::1]:8000/feed", True),
        ("http://127.0.0.9/feed", "http://127.0.0.9/feed", True),
    ],
)
def test_a_site_is_scheme_host_and_port(login: str, asked: str, sent: bool) -> None:
    assert bool(Login(login, "ann", "geheim").authorization(httpx2.URL(asked))) == sent


@pytest.mark.parametrize(
    ("address", "written"),
    [
        ("https://ann:geheim@news.example/feed?a=b", "https://news.example/feed?a=b"),
        ("https://geheim@news.example/", "https://news.example/"),
        ("https://ann:ge/heim@news.example/", "https://news.example/"),
        ("https://ann:geheim@news.example:99999999/", "https://news.example:99999999/"),
        ("https://news.example/@ann", "https://news.example/@ann"),
        ("https://news.example", "https://news.example"),
    ],
)
def test_an_address_is_written_without_its_login(address: str, written: str) -> None:
    assert shown(address) == written
    assert "heim" not in str(WEB.get(address.replace("news.example", "."), state=None, now=NOW))


# --- Harvests from the web -------------------------------------------------------------------------------------


def test_a_feed_from_the_web_gives_stories_and_a_state(site: Site, tmp_path: Path) -> None:
    site.pages["/feed"] = page(FEED, ETag='"1"', Content_Type="text/html")
    harvest = Sources(tmp_path, WEB).harvest(f"{site.root}/feed", now=NOW, state=None)
    assert [(story.title, story.link, story.source) for story in harvest.stories] == [
        ("Rain", f"{site.root}/rain", f"{site.root}/feed")
    ]
    assert harvest.state == FeedState(f"{site.root}/feed", '"1"')
    site.pages["/feed"] = status(304)
    again = Sources(tmp_path, WEB).harvest(f"{site.root}/feed", now=NOW, state=harvest.state)
    assert (again.unchanged, again.stories, again.state) == (True, (), harvest.state)


@pytest.mark.parametrize(
    ("body", "kind", "title"),
    [
        (
            b'{"version": "https://jsonfeed.org/version/1.1", "items": [{"id": "1", "title": "J"}]}',
            "application/feed+json",
            "J",
        ),
        (b"---\ntitle: M\n---\nText.", "text/plain", "M"),
        (b"# H\n\nText.", "text/markdown; charset=utf-8", "H"),
        (b"Pasted\n\nIt was.", "text/plain", "Pasted"),
        (
            "<rss><channel><item><title>Ж</title></item></channel></rss>".encode("koi8-r"),
            "text/xml; charset=koi8-r",
            "Ж",
        ),
        (
            b"\n <!-- made by hand -->\n<rss><channel><item><title>C</title></item></channel></rss>",
            "application/octet-stream",
            "C",
        ),
    ],
)
def test_content_and_type_decide_the_reader_of_an_answer(
    site: Site, tmp_path: Path, body: bytes, kind: str, title: str
) -> None:
    site.pages["/x"] = page(body, Content_Type=kind)
    harvest = Sources(tmp_path, WEB).harvest(f"{site.root}/x", now=NOW, state=None)
    assert harvest.problems == ()
    assert [story.title for story in harvest.stories] == [title]


def test_a_page_instead_of_a_feed_is_recognised_and_its_feed_named(site: Site, tmp_path: Path) -> None:
    site.pages["/"] = page(
        b"<!doctype html><link rel=alternate type=application/rss+xml href=/feed.xml><p>Hi", Content_Type="text/html"
    )
    harvest = Sources(tmp_path, WEB).harvest(f"{site.root}/", now=NOW, state=None)
    assert (
        str(harvest.problems[0])
        == f"{site.root}/: is a web page, not a feed → Did you mean its feed, {site.root}/feed.xml?"
    )
