"""The benches run and say what they measured. How fast it was is not tested: the machine may be busy."""

import json
from typing import Any

import pytest

from bench import choose, compose, scale

Row = dict[str, Any]


def figures(capsys: pytest.CaptureFixture[str]) -> list[Row]:
    rows: list[Row] = json.loads(capsys.readouterr().out)
    return rows


def test_compose_compares_our_way_with_the_plain_way(capsys: pytest.CaptureFixture[str]) -> None:
    """Both ways make the same mails, which the bench checks itself; ours costs less."""
    compose.main(["--subscribers", "40", "--stories", "6", "--sets", "4", "--plain", "2", "--rounds", "1", "--json"])
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
    scale.main(["--subscribers", "30", "60", "--stories", "6", "--sets", "4", "--json"])
    rows = figures(capsys)
    assert [(row["subscribers"], row["step"]) for row in rows] == [
        (30, "sync"), (30, "prepare"), (30, "send"), (60, "sync"), (60, "prepare"), (60, "send")]
    assert all(row["peak MB"] > 10 and row["µs CPU each"] > 0 for row in rows)


def test_a_table_is_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    """One line a row under the names of the columns, and progress stays out of it."""
    choose.main(["--subscribers", "10", "--stories", "6", "--sets", "2"])
    said = capsys.readouterr()
    header, *lines = said.out.splitlines()
    assert header.split("  ")[0] == "topic sets"
    assert len(lines) == 2
    assert "10 subscribers" in said.err
