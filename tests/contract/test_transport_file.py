"""The file transport: one file for each recipient, inside its folder, whole or not at all."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from newsletter.errors import TryLater
from newsletter.model import Message
from newsletter.transports.file import FileTransport


def to(recipient: str, issue: str = "weekly-2026-11-30") -> Message:
    message_id = f"<{issue}.5f3a@news.example.org>"
    return Message("desk@news.example.org", recipient, message_id, (recipient.encode(), b"\r\n"))


def unheard() -> None:
    """Where a test does not care that the message goes on the wire."""


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def test_the_receipt_names_the_file_by_issue_and_address(tmp_path: Path) -> None:
    receipt = await FileTransport(tmp_path).hand_over(to("ann+news@example.org"), unheard)
    assert receipt.reply == "outbox/weekly-2026-11-30/ann+news@example.org.eml"
    assert (tmp_path / receipt.reply).read_bytes() == b"ann+news@example.org\r\n"


async def test_sending_again_writes_the_same_file_again_and_leaves_no_draft(tmp_path: Path) -> None:
    transport = FileTransport(tmp_path)
    await asyncio.gather(*(transport.hand_over(to("ann@example.org"), unheard) for _ in range(5)))
    assert names(tmp_path / "outbox" / "weekly-2026-11-30") == ["ann@example.org.eml"]


AWKWARD = st.text(st.sampled_from("./\\%~@ a\x00\u00e9:*?\"'|-"), min_size=1, max_size=90)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(recipients=st.lists(AWKWARD, min_size=2, max_size=6, unique=True), issue=AWKWARD)
async def test_no_two_addresses_share_a_file_and_none_leaves_the_folder(
    tmp_path: Path, recipients: list[str], issue: str,
) -> None:
    transport = FileTransport(tmp_path)
    replies = [(await transport.hand_over(to(recipient, issue), unheard)).reply for recipient in recipients]
    assert len(set(replies)) == len(recipients)
    for recipient, reply in zip(recipients, replies, strict=True):
        path = (tmp_path / reply).resolve()
        assert path.is_relative_to(tmp_path / "outbox")
        assert path.read_bytes() == recipient.encode() + b"\r\n"


async def test_addresses_of_any_length_get_a_file_of_their_own(tmp_path: Path) -> None:
    transport = FileTransport(tmp_path)
    letters, host = "é" * 60, "x" * 180
    addresses = [f"{letters}{number}@{host}" for number in range(3)]
    replies = {(await transport.hand_over(to(address), unheard)).reply for address in addresses}
    assert len(replies) == 3


async def test_a_folder_that_cannot_be_written_is_a_reason_to_try_later(tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("a file where the folder should be")
    with pytest.raises(TryLater, match="cannot be written"):
        await FileTransport(tmp_path).hand_over(to("ann@example.org"), unheard)
