"""The benches run and say what they measured. How fast it was is not tested: the machine may be busy."""

import json
import os
import shutil
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import choose, compose, dispatch, relays, scale, tls_sink

Row = dict[str, Any]


@pytest.fixture
def _postfix() -> None:
    """Without Postfix's smtp-sink and smtp-source the tests that want them are skipped at home, and fail in CI."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin"
    if not all(shutil.which(name, path=path) for name in ("smtp-sink", "smtp-source")):
        reason = "no smtp-sink or smtp-source: apt-get install --no-install-recommends postfix"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)


def figures(capsys: pytest.CaptureFixture[str]) -> list[Row]:
    rows: list[Row] = json.loads(capsys.readouterr().out)
    return rows


def test_compose_compares_our_way_with_the_plain_way(capsys: pytest.CaptureFixture[str]) -> None:
    """Both ways make the same mails, which the bench checks itself; ours costs less."""
    compose.main(["--subscribers", "40", "--stories", "6", "--sets", "4", "--plain", "2", "--rounds", "1",
                  "--starts", "1", "--json"])
    measured = {row["figure"]: row["value"] for row in figures(capsys)}
    assert measured["messages, our way"] > measured["messages, plain way"] > 0
    assert measured["compiling the issue, cold"] > 0
    assert measured["bytes of a message"] > 10_000
    assert 2 <= measured["stories of the smallest edition"] <= measured["stories of the largest edition"] <= 6


def test_choose_counts_as_many_editions_as_there_are_sets(capsys: pytest.CaptureFixture[str]) -> None:
    choose.main(["--subscribers", "40", "--stories", "6", "--sets", "4", "--json"])
    usual, distinct = figures(capsys)
    assert (usual["subscribers"], usual["distinct"]) == (40, 4)
    assert (distinct["subscribers"], distinct["distinct"]) == (40, 40)


def test_scale_takes_a_whole_issue_from_the_preference_file_to_the_last_mail(
    capsys: pytest.CaptureFixture[str],
) -> None:
    scale.main(["--subscribers", "30", "--stories", "6", "--sets", "4", "--json"])
    rows = figures(capsys)
    assert [(row["subscribers"], row["step"]) for row in rows] == [(30, "sync"), (30, "prepare"), (30, "send")]
    assert all(row["peak MB"] > 10 and row["µs CPU each"] > 0 for row in rows)


@pytest.mark.thorough
@pytest.mark.usefixtures("_postfix")
def test_scale_can_send_over_smtp(capsys: pytest.CaptureFixture[str]) -> None:
    """It ends with an error unless the relay took every mail."""
    scale.main(["--subscribers", "30", "--stories", "6", "--sets", "4", "--transport", "smtp", "--json"])
    assert [row["step"] for row in figures(capsys)] == ["sync", "prepare", "send"]


@pytest.mark.thorough
@pytest.mark.usefixtures("_postfix")
def test_dispatch_sends_by_every_way_over_every_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Each line has its ways, and each way is compared with those that can go the same line."""
    dispatch.main(["--messages", "40", "--sizes", "40000", "--connections", "4", "--rounds", "1", "--json"])
    rows = figures(capsys)
    assert [(row["line"], row["way"]) for row in rows] == [
        ("clear", "smtp-source"), ("clear", "ours"), ("clear", "sendmail"), ("tls", "ours"), ("tls", "sendmail"),
        ("20ms", "smtp-source"), ("20ms", "ours"), ("20ms", "sendmail"), ("0ms", "smtp-source")]
    assert all(row["messages/s"] > 0 and row["bytes"] == 40_000 for row in rows)
    assert [row["÷ sendmail"] for row in rows if row["way"] == "sendmail"] == [1.0, 1.0, 1.0]
    assert {row["÷ smtp-source"] for row in rows if row["line"] == "tls"} == {"–"}


@pytest.mark.usefixtures("_postfix")
def test_dispatch_prints_its_tables_as_the_readme_and_the_docs_have_them(capsys: pytest.CaptureFixture[str]) -> None:
    """Pasted, not typed: nobody copies a figure wrongly."""
    dispatch.main(["--lines", "clear", "--messages", "40", "--sizes", "4000", "--rounds", "1", "--markdown"])
    short, full = capsys.readouterr().out.split("\n\n")
    for table, file in (short, "README.md"), (full, "docs/benchmarks.md"):
        header, marks, *_ = table.splitlines()
        assert f"{header}\n{marks}\n" in (Path(__file__).parents[2] / file).read_text("utf-8")
    assert [row.split(" | ")[2] for row in full.splitlines()[2:]] == ["smtp-source", "ours", "sendmail"]
    assert len(short.splitlines()) == 3


@pytest.mark.usefixtures("_postfix")
def test_a_slow_line_hands_over_what_came_in_the_order_in_which_it_came() -> None:
    """Commands that are sent without waiting are answered one by one, and the end of the line comes last."""
    with relays.line("20ms") as line, socket.create_connection(("127.0.0.1", line.port), timeout=20) as client:
        client.sendall(b"HELO here\r\n")
        client.sendall(b"NOOP\r\nWHAT\r\n" * 3 + b"QUIT\r\n")
        with client.makefile("rb") as answers:
            codes = [answer[:3] for answer in answers]
    assert codes == [b"220", b"250", *(b"250", b"500") * 3, b"221"]


def test_the_tls_sink_takes_mail_on_encrypted_connections_alone() -> None:
    with relays.line("tls") as line:
        trusted = ssl.create_default_context(cafile=line.certificate)
        with (socket.create_connection(("127.0.0.1", line.port), timeout=20) as plain,
              trusted.wrap_socket(plain, server_hostname="127.0.0.1") as client,
              client.makefile("rb") as answers):
            client.sendall(b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n")
            assert [answers.readline()[:3] for _ in range(4)] == [b"220", b"250", b"250", b"354"]
            client.sendall(b"Subject: a mail\r\n\r\n..DATA\r\n.\r\nQUIT\r\n")
            assert [answers.readline()[:3] for _ in range(2)] == [b"250", b"221"]


BODIES = st.lists(st.sampled_from([b"", b"DATA", b"..", b"a line", b"\r", b" ."])).map(
    lambda lines: b"".join(line + b"\r\n" for line in lines))


@given(st.lists(BODIES, max_size=3), st.lists(st.integers(1, 60)))
def test_the_tls_sink_finds_the_dot_however_a_message_is_cut(bodies: list[bytes], cuts: list[int]) -> None:
    """One answer for each command and each message."""
    sent = b"".join(b"MAIL FROM:<>\r\nDATA\r\n" + body + b".\r\n" for body in bodies) + b"QUIT\r\n"
    said, rest, in_message = b"", b"", False
    while sent:
        size = cuts.pop() if cuts else len(sent)
        answers, rest, in_message = tls_sink.answers(rest + sent[:size], in_message)
        said, sent = said + answers, sent[size:]
    assert [line[:3] for line in said.splitlines()] == [*([b"250", b"354", b"250"] * len(bodies)), b"221"]


def test_a_table_is_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    """One line a row under the names of the columns, and progress stays out of it."""
    choose.main(["--subscribers", "10", "--stories", "6", "--sets", "2"])
    said = capsys.readouterr()
    header, *lines = said.out.splitlines()
    assert header.split("  ")[0] == "topic sets"
    assert len(lines) == 2
    assert "10 subscribers" in said.err
