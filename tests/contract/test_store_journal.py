"""The journal: what it was told is there for the next process, and half a word is no word."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.errors import TryLater
from newsletter.model import Delivery, Receipt, Subscriber
from newsletter.store import Journals

ROW = Delivery(1, "weekly-1", Subscriber("ann@example.org", "ann@example.org"), 1)
TAKEN = Receipt("sent", 250, "2.0.0", "2.0.0 Ok: queued as 7F3A")
RECEIPTS = st.builds(
    Receipt, st.sampled_from(["sent", "refused", "deferred", "in_doubt"]), st.integers(0, 599),
    st.sampled_from(["", "5.1.1", "4.7.1"]), st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"])),
)


def row(number: int, attempts: int = 0) -> Delivery:
    return replace(ROW, id=number, attempts=attempts)


@pytest.fixture
def journals(tmp_path: Path) -> Journals:
    return Journals(tmp_path / "journal")


def test_what_was_on_the_wire_and_what_was_answered_is_read_again(journals: Journals) -> None:
    written = journals.begin("one")
    for number in (1, 2):
        written.on_wire(row(number))
    written.answered(row(1), TAKEN)
    written.on_wire(row(3, attempts=4))
    assert journals.read("one") == {(1, 0): TAKEN, (2, 0): None, (3, 4): None}


def test_an_attempt_is_not_taken_for_another_one(journals: Journals) -> None:
    """An answer to the first says nothing of a second that was claimed and had not begun."""
    written = journals.begin("one")
    written.on_wire(row(1))
    written.answered(row(1), Receipt("deferred", 451, "4.3.0", "later"))
    told = journals.read("one")
    assert told is not None
    assert (1, 1) not in told


@given(receipts=st.lists(RECEIPTS, max_size=5))
def test_any_answer_comes_back_as_it_was(tmp_path_factory: pytest.TempPathFactory, receipts: list[Receipt]) -> None:
    journals = Journals(tmp_path_factory.mktemp("journal"))
    written = journals.begin("one")
    for number, receipt in enumerate(receipts):
        written.on_wire(row(number))
        written.answered(row(number), receipt)
    written.close()
    assert journals.read("one") == {(number, 0): receipt for number, receipt in enumerate(receipts)}


def test_the_line_that_was_being_written_when_the_process_was_killed_does_not_count(
    journals: Journals, tmp_path: Path,
) -> None:
    written = journals.begin("one")
    written.on_wire(row(1))
    whole = (tmp_path / "journal/one").read_bytes()
    written.answered(row(1), TAKEN)
    longer = (tmp_path / "journal/one").read_bytes()
    for length in range(len(whole), len(longer)):
        (tmp_path / "journal/one").write_bytes(longer[:length])
        assert journals.read("one") == {(1, 0): None}


def test_after_a_new_start_of_the_machine_a_journal_says_nothing(tmp_path: Path) -> None:
    """P4: it was never brought to the disk, and may lack what matters."""
    boot = tmp_path / "boot_id"
    boot.write_text("this boot\n", "ascii")
    journals = Journals(tmp_path / "journal", boot)
    journals.begin("one").on_wire(row(1))
    assert journals.read("one") == {(1, 0): None}
    boot.write_text("another boot\n", "ascii")
    assert journals.read("one") is None


def test_where_a_boot_has_no_name_a_journal_says_nothing(tmp_path: Path) -> None:
    journals = Journals(tmp_path / "journal", tmp_path / "not there")
    journals.begin("one").on_wire(row(1))
    assert journals.read("one") is None


def test_another_machines_journal_says_nothing_here(journals: Journals) -> None:
    assert journals.read("never written here") is None


def test_a_long_journal_forgets_what_the_store_knows_and_nothing_else(journals: Journals, tmp_path: Path) -> None:
    """Long is a megabyte."""
    long = replace(TAKEN, reply="x" * 10_000)
    written = journals.begin("one")
    for number in range(200):
        written.on_wire(row(number))
        written.answered(row(number), long)
    written.on_wire(row(200))
    written.settled(range(150))
    assert journals.read("one") == {(200, 0): None} | {(number, 0): long for number in range(150, 200)}
    written.answered(row(200), TAKEN)
    assert (journals.read("one") or {})[200, 0] == TAKEN
    assert [each.name for each in (tmp_path / "journal").iterdir()] == ["one"]


def test_a_journal_that_is_ended_is_gone(journals: Journals, tmp_path: Path) -> None:
    journals.begin("one").close()
    journals.end("one")
    journals.end("one")
    assert list((tmp_path / "journal").iterdir()) == []


def test_after_half_a_line_nothing_more_is_written(journals: Journals, monkeypatch: pytest.MonkeyPatch) -> None:
    """P5: a disk that is full. The rest of the line would be taken for a part of the next one."""
    written = journals.begin("one")
    written.on_wire(row(1))
    write = os.write
    with monkeypatch.context() as full:
        full.setattr(os, "write", lambda file, data: write(file, data[:3]))
        with pytest.raises(TryLater, match="No space left"):
            written.on_wire(row(2))
    with pytest.raises(TryLater, match="No space left"):
        written.on_wire(row(3))
    assert journals.read("one") == {(1, 0): None}


def test_a_folder_that_cannot_be_written_is_said_with_its_cure(tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("a file in the way", "ascii")
    with pytest.raises(TryLater, match="cannot be written") as failed:
        Journals(tmp_path / "journal").begin("one")
    assert "right to write" in failed.value.cure
