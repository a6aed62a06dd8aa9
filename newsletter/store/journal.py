"""The journal: what a sender put on the wire and what came back, written to the kernel at once and never synced.

It outlives a process that is killed, so that only what was on the wire just then is in doubt, and not all that had been
claimed. It may not outlive a power loss: then it says nothing, and all that had been claimed is in doubt.

    <boot id>                                    the boot that the rest belongs to
    > 17 0                                       delivery 17, after 0 attempts, is on the wire
    < 17 0 sent 250 2.0.0 2.0.0 Ok: queued       what came back
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
"""Bytes from which what the store knows by now is left out."""


class Journals:
    """The journals of a project, each known by its sender's token.

    `boot_id` is a file whose content differs each time the machine has been started.
    """

    def __init__(self, folder: Path, boot_id: Path = _BOOT_ID) -> None:
        self._folder, self._boot_id = folder, boot_id

    def begin(self, token: str) -> "Journal":
        """Raises TryLater if it cannot be written."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            return Journal(self._folder / token, self._boot())
        except OSError as error:
            raise _cannot(self._folder / token, error) from error

    def read(self, token: str) -> Records | None:
        """None if nothing can be known: there is none here, or the machine was started anew since."""
        try:
            head, *lines = (self._folder / token).read_text("utf-8", "replace").split("\n")
        except OSError:
            return None
        if head != self._boot():
            return None
        return dict(map(_record, lines[:-1]))  # the last is empty, or half of one: then what it was about did not begin

    def end(self, token: str) -> None:
        """The store knows all that this journal could say."""
        with suppress(OSError):
            (self._folder / token).unlink(missing_ok=True)

    def _boot(self) -> str:
        """Another one each time the machine starts; where there is none, one that was never there before."""
        try:
            return self._boot_id.read_text("ascii").strip()
        except OSError:
            return secrets.token_hex(16)


class Journal:
    """One sender's, open for writing."""

    def __init__(self, path: Path, boot_id: str) -> None:
        self._path, self._boot_id = path, boot_id
        self._open: dict[int, str] = {}
        """The last line about each delivery that the store has not settled since."""
        self._file, self._size = self._written_anew()
        self._failed: OSError | None = None

    def on_wire(self, delivery: Delivery) -> None:
        """Its first byte is about to leave. Raises TryLater if that cannot be written: then it must not."""
        self._note(delivery.id, f"> {delivery.id} {delivery.attempts}\n")

    def answered(self, delivery: Delivery, receipt: Receipt) -> None:
        """Raises TryLater if that cannot be written; the answer counts all the same."""
        reply = receipt.reply.replace("\n", " ")
        self._note(delivery.id, f"< {delivery.id} {delivery.attempts} {receipt.outcome} {receipt.code} "
                                f"{receipt.enhanced} {reply}\n")

    def settled(self, deliveries: Iterable[int]) -> None:
        """The store knows what became of these."""
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
            if self._failed:  # half a line may stand at the end, and would spoil the next one
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
        """A file with what is open, in the place of the one before: its descriptor and size."""
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
