"""The preview's door: who may ask for what, and what every answer says. Real requests, no browser."""

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from newsletter.app import App, issues, preparing
from newsletter.cli.preview import serve
from newsletter.errors import UsageError
from newsletter.web.preview.view import PARTS, SCHEMES, WIDTHS, View
from tests.browser.conftest import Opened, opened, serving

EVERYWHERE = [
    "/", "/edition/html", "/edition/message.eml", "/readers?q=a", "/differing", "/static/preview.css", "/nowhere",
]


@pytest.mark.parametrize("path", [*EVERYWHERE, "/events"])
@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:80", "[::2]"])
def test_a_foreign_host_is_refused_at_every_address(shared: Opened, path: str, host: str) -> None:
    response, body = shared.ask(path, host=host)
    assert response.status == 421
    assert b"@example" not in body


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:80", "127.0.0.1", "[::1]:8025"])
def test_the_names_of_this_machine_are_let_in(shared: Opened, host: str) -> None:
    assert shared.ask("/", host=host)[0].status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"])
def test_a_preview_can_only_be_looked_at(shared: Opened, method: str) -> None:
    response, _ = shared.ask("/", method=method)
    assert response.status == 405
    assert response.getheader("Allow") == "GET, HEAD"


@pytest.mark.parametrize("path", [*EVERYWHERE, "/events"])
def test_head_is_answered_without_a_body(shared: Opened, path: str) -> None:
    response, body = shared.ask(path, method="HEAD")
    assert response.status in (200, 303, 404)
    assert body == b""


@pytest.mark.parametrize("path", EVERYWHERE)
def test_every_answer_has_a_strict_policy(shared: Opened, path: str) -> None:
    response, _ = shared.ask(path)
    policy = str(response.getheader("Content-Security-Policy"))
    assert policy.startswith("default-src 'none'")
    assert "script-src 'unsafe" not in policy
    assert response.getheader("X-Content-Type-Options") == "nosniff"
    assert response.getheader("Referrer-Policy") == "no-referrer"
    assert response.getheader("Cache-Control") == "no-store"


def test_the_edition_has_no_origin_and_no_script_even_by_itself(shared: Opened) -> None:
    policy = str(shared.ask("/edition/html")[0].getheader("Content-Security-Policy"))
    assert "sandbox allow-popups allow-popups-to-escape-sandbox" in policy
    assert "script" not in policy
    assert "style-src 'unsafe-inline'; img-src https: data:" in policy


def test_pages_have_no_inline_script_and_no_inline_style(shared: Opened) -> None:
    html = re.sub(r'<script type="module" src="/static/[a-z.]+"></script>', "", shared.page("/"))
    assert "<script" not in html
    assert not re.search(r"\s(style|on[a-z]+)=", html)


@pytest.mark.parametrize("path", ["../preview.html", "%2e%2e/preview.html", "/etc/passwd", "%00"])
def test_no_file_outside_the_static_ones_is_given_out(shared: Opened, path: str) -> None:
    assert shared.ask(f"/static/{path}")[0].status == 404


def test_an_unknown_issue_is_not_found_and_says_what_there_is(shared: Opened) -> None:
    response, body = shared.ask("/?issue=weekly-1999-01-01")
    assert response.status == 404
    assert b"newsletter issue prepare" in body


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(["reader", "part", "width", "scheme"]), st.text(max_size=40)))
def test_whatever_the_query_says_there_is_a_page_and_no_new_markup(shared: Opened, query: dict[str, str]) -> None:
    marked = {name: f"{value}'\"><b id=injected>" for name, value in query.items()}
    html = shared.page("/?" + "&".join(f"{name}={_quoted(value)}" for name, value in marked.items()))
    assert "<b id=injected>" not in html
    assert "<title>" in html


def _quoted(value: str) -> str:
    return "".join(f"%{byte:02X}" for byte in value.encode("utf-8", "surrogatepass"))


@given(
    st.text(), st.text(), st.sampled_from(PARTS), st.sampled_from(tuple(WIDTHS)), st.sampled_from(SCHEMES),
)
def test_a_view_is_what_its_address_says(issue: str, reader: str, part: str, width: str, scheme: str) -> None:
    given_view = {"issue": issue, "reader": reader.strip(), "part": part, "width": width, "scheme": scheme}
    view = View.of(given_view)
    assert View.of(view.query) == view
    assert view.link(part="text", width=width) == View.of(given_view | {"part": "text"}).link()


def test_a_search_gives_at_most_fifty_readers_and_a_list_of_many_stays_light(project: Path) -> None:
    people = "".join(f"reader{number}@example.org,,trade,weekly,,,,active,\n" for number in range(500))
    with (project / "subscribers" / "subscribers.csv").open("a", encoding="utf-8") as file:
        file.write(people)
    with serving(project) as served:
        assert served.page("/readers?q=reader").count('"email"') == 50
        page = served.page("/?reader=reader")
        assert "50 and more subscribers match" in page
        assert page.count("@example.org") <= 51 * 3


def test_an_empty_list_can_be_previewed_by_samples(project: Path) -> None:
    (project / "subscribers" / "subscribers.csv").write_text("email,name,topics\n", "utf-8")
    with serving(project) as served:
        html = served.page("/")
        assert "sample subscriber" in html
        for sample, words in (
            ("all-topics", "Would be sent"), ("one-topic", "Would be sent"), ("text-only", "plain text only"),
            ("no-topics", "Nothing would be sent: chose no topic"),
        ):
            assert words in served.page(f"/?reader={sample}")


def test_the_next_reader_whose_edition_differs_is_found(project: Path) -> None:
    rows = ["email,name,topics", *(f"{name}@example.org,,trade" for name in "abc"), "d@example.org,,digital-finance"]
    (project / "subscribers" / "subscribers.csv").write_text("\n".join(rows) + "\n", "utf-8")
    with serving(project) as served:
        response, _ = served.ask("/differing?reader=a@example.org&part=text")
        assert response.status == 303
        assert response.getheader("Location") == "/?reader=d%40example.org&part=text"


def test_the_draft_is_what_preparing_freezes_and_the_frozen_is_what_is_sent(project: Path) -> None:
    readers = ("ada@example.org", "camille@example.net", "sam@example.com", "layla@example.com")
    with serving(project) as served:
        drafts = {reader: served.ask(f"/edition/message.eml?reader={reader}")[1] for reader in readers}
        app = opened(project)
        issue = preparing.prepare_issue(
            app, "weekly", on_source=lambda name: None, on_subscriber=lambda count: None,
        ).issue
        for reader in readers:
            frozen = served.ask(f"/edition/message.eml?issue={issue.id}&reader={reader}")[1]
            assert frozen == issues.message_for(app, issue, issues.subscriber(app, reader)).wire
            assert _without_date(frozen) == _without_date(drafts[reader])
        page = served.page(f"/?issue={issue.id}&reader=ada@example.org")
        assert "Queued" in page
        assert "Frozen" in page
        assert "Monday 30 November 2026" in served.page("/")
        _sample_of_frozen(served, app, issue.id)
        app.close()


def _without_date(wire: bytes) -> bytes:
    return re.sub(rb"(?m)^Date: .*\r\n", b"", wire)


def _sample_of_frozen(served: Opened, app: App, issue: str) -> None:
    assert "A sample subscriber, never mailed" in served.page(f"/?issue={issue}&reader=all-topics")
    paused = served.page(f"/?issue={issue}&reader=ben@example.org")
    assert "Not in the audience" in paused


def test_who_is_paused_is_shown_with_the_reason_for_no_mail(shared: Opened) -> None:
    assert "Nothing would be sent: paused" in shared.page("/?reader=ben@example.org")


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "news.example.org"])
def test_no_other_machine_is_served(project: Path, host: str) -> None:
    with pytest.raises(UsageError) as refused:
        serve(opened(project), None, host=host, port=0, open_browser=False)
    assert "ssh -L" in refused.value.cure


def test_a_port_that_is_taken_is_told_with_the_cure(project: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(UsageError) as refused:
        serve(opened(project), None, host="127.0.0.1", port=taken.getsockname()[1], open_browser=False)
    assert refused.value.cure == "Take any free port: newsletter preview --port 0"


def test_the_command_prints_its_address_and_the_interrupt_key_ends_it_with_a_page_open(project: Path) -> None:
    # A shell that runs the tests in the background lets its children ignore the key.
    start = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); import newsletter.__main__"
    command = [sys.executable, "-c", start, "preview", "--port", "0"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NEWSLETTER_")}
    with subprocess.Popen(command, cwd=project, stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stderr is not None
        printed = re.search(r"http://127\.0\.0\.1:(\d+)/", process.stderr.readline())
        assert printed
        served = Opened(project, int(printed[1]))
        assert "The Week in Digital Policy" in served.page("/")
        with socket.create_connection(("127.0.0.1", served.port)) as page:
            page.sendall(f"GET /events HTTP/1.1\r\nHost: localhost:{served.port}\r\n\r\n".encode())
            assert b"200" in page.recv(200)
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 130
        assert "Traceback" not in process.stderr.read()
