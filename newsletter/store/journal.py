"""The journal: a sender's record of messages on the wire and of their answers, written to the kernel at once and never
synced to disk.

It outlives a killed process, so only the messages on the wire at that moment are in doubt, not all that were claimed.
It may not outlive a power loss: then it counts as missing, and every claimed delivery is in doubt.

    <boot id>                                    the boot of the machine during which the rest was written
    > 17 0                                       delivery 17, after 0 attempts, is on the wire
    < 17 0 sent 250 2.0.0 2.0.0 Ok: queued       the answer to it
"""

import os
import secrets
from collections.abc import Iterable
from contextlib import suppress
from errno import ENOSPC
from os import strerror
from pathlib import Path
from typing import cast

from newsletter.errors import TryLater
from newsletter.model import Attempt, Delivery, Outcome, Receipt, Records

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_LARGE = 1_000_000
"""Bytes. A journal that grows beyond is rewritten without the deliveries that the store has settled."""


class Journals:
    """The journals of a project, each known by its sender's token.

    `boot_id` is a file whose content differs each time the machine has been started.
    """

    def __init__(self, folder: Path, boot_id: Path = _BOOT_ID) -> None:
        self._folder, self._boot_id = folder, boot_id

    def begin(self, token: str) -> "Journal":
        """Starts a sender's journal. Raises TryLater if it cannot be written."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            return Journal(self._folder / token, self._boot())
        except OSError as error:
            raise _cannot(self._folder / token, error) from error

    def read(self, token: str) -> Records | None:
        """A sender's records; None if there is no journal here, or if the machine has been restarted since."""
        try:
            head, *lines = (self._folder / token).read_text("utf-8", "replace").split("\n")
        except OSError:
            return None
        if head != self._boot():
            return None
        return dict(map(_record, lines[:-1]))  # the last is empty, or half a line: then its message had not left yet

    def end(self, token: str) -> None:
        """Deletes a journal: the store has settled everything in it."""
        with suppress(OSError):
            (self._folder / token).unlink(missing_ok=True)

    def _boot(self) -> str:
        """The boot's id, a new one each time the machine starts; a random one if the machine has none."""
        try:
            return self._boot_id.read_text("ascii").strip()
        except OSError:
            return secrets.token_hex(16)


class Journal:
    """One sender's journal, open for writing."""

    def __init__(self, path: Path, boot_id: str) -> None:
        self._path, self._boot_id = path, boot_id
        self._open: dict[int, str] = {}
        """The last line about each delivery that the store has not settled since."""
        self._file, self._size = self._written_anew()
        self._failed: OSError | None = None

    def on_wire(self, delivery: Delivery) -> None:
        """Records that the message's first byte is about to leave. Raises TryLater if that cannot be written; then it
        must not leave."""
        self._note(delivery.id, f"> {delivery.id} {delivery.attempts}\n")

    def answered(self, delivery: Delivery, receipt: Receipt) -> None:
        """Records the answer. Raises TryLater if that cannot be written; the answer counts all the same."""
        reply = receipt.reply.replace("\n", " ")
        self._note(delivery.id, f"< {delivery.id} {delivery.attempts} {receipt.outcome} {receipt.code} "
                                f"{receipt.enhanced} {reply}\n")

    def settled(self, deliveries: Iterable[int]) -> None:
        """Drops records that are no longer needed: the store has settled the deliveries with these ids."""
        for each in deliveries:
            self._open.pop(each, None)
        if self._size > _LARGE:
            with suppress(OSError):
                old = self._file
                self._file, self._size = self._written_anew()
                os.close(old)

    def close(self) -> None:
        os.close(self._file)

    def _note(self, number: int, line: str) -> None:
        try:
            if self._failed:  # the file may end in half a line, which would spoil the next one
                raise self._failed
            data = line.encode("utf-8", "replace")
            if os.write(self._file, data) < len(data):
                raise OSError(ENOSPC, strerror(ENOSPC))
        except OSError as error:
            self._failed = error
            raise _cannot(self._path, error) from error
        self._open[number] = line
        self._size += len(data)

    def _written_anew(self) -> tuple[int, int]:
        """Replaces the file by one with the open records alone. Returns its descriptor and its size in bytes."""
        data = "".join((f"{self._boot_id}\n", *self._open.values())).encode("utf-8", "replace")
        draft = self._path.with_suffix(".part")
        draft.write_bytes(data)
        file = os.open(draft, os.O_WRONLY | os.O_APPEND)
        try:
            draft.replace(self._path)
        except OSError:
            os.close(file)
            raise
        return file, len(data)


def _record(line: str) -> tuple[Attempt, Receipt | None]:
    sign, number, attempts, *answer = line.split(" ", 6)
    if sign == ">":
        return (int(number), int(attempts)), None
    outcome, code, enhanced, reply = answer
    return (int(number), int(attempts)), Receipt(cast(Outcome, outcome), int(code), enhanced, reply)


def _cannot(path: Path, error: OSError) -> TryLater:
    return TryLater(f"the journal of what is on the wire cannot be written: {error.strerror}", place=str(path),
                    cure="Free some space or give this user the right to write there, then send again.")
