"""The command as a person types it, in this process: its exit code and the two things it prints."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from newsletter.cli import main


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        document = json.loads(self.out)
        assert document["ok"] is True
        return document["data"]


Newsletter = Callable[..., Said]


def typed(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Newsletter:
    """The command `newsletter`, to be called with its words."""
    def run(*words: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["newsletter", *words])
        capfd.readouterr()
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        return Said(code, *capfd.readouterr())

    return run
