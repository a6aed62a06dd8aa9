"""The pages tell the truth: what is generated is current, what is named exists, what exists is named."""

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, get_args
from urllib.parse import unquote, urlsplit

import pytest
import typer.main
from markdown_it import MarkdownIt

from newsletter.cli import cli
from newsletter.model import Reason, State

ROOT = Path(__file__).parent.parent
MACHINE_PATH = re.compile(r"(?<![\w.~])/(?:root|work|home/\w+|Users/\w+|tmp/\w+[.-]\w+)/")
"""A path that is true on one machine only. `/tmp/demo` and the like are examples."""


@cache
def project_files() -> tuple[Path, ...]:
    """What git keeps or would keep."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT, capture_output=True, check=True,
    )
    files = (ROOT / name for name in listing.stdout.decode().split("\0") if name)
    return tuple(file for file in files if file.is_file())


def pages() -> list[Path]:
    return [file for file in project_files() if file.suffix == ".md" and "stories" not in file.parts]


def commands(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The words of every command, with the command; groups before what is in them."""
    if words:
        yield words, command
    for name, each in (getattr(command, "commands", None) or {}).items():
        yield from commands(each, (*words, name))


COMMANDS: Mapping[tuple[str, ...], Any] = dict(commands(typer.main.get_command(cli)))


def test_the_reference_pages_are_what_the_program_says() -> None:
    done = subprocess.run([sys.executable, ROOT / "scripts" / "docs", "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_has_help_and_an_example_of_itself(words: tuple[str, ...]) -> None:
    command = COMMANDS[words]
    assert command.help, "say what it does"
    if not getattr(command, "commands", None):
        assert f"newsletter {' '.join(words)}" in (command.epilog or ""), "give an example"


def test_every_command_is_on_a_page() -> None:
    written = "\n".join(page.read_text("utf-8") for page in (ROOT / "README.md", ROOT / "docs" / "commands.md"))
    assert [words for words in COMMANDS if f"newsletter {' '.join(words)}" not in written] == []


def test_every_command_on_a_page_exists() -> None:
    unknown = [(str(page.relative_to(ROOT)), line) for page in pages() for line in code(page) if not exists(line)]
    assert unknown == []


def code(page: Path) -> Iterator[str]:
    """Each line of a page's code that calls the program."""
    for token in MarkdownIt().parse(page.read_text("utf-8")):
        parts = [child.content for child in token.children or () if child.type == "code_inline"]
        for part in [token.content] if token.type == "fence" else parts:
            yield from (line.strip() for line in part.splitlines() if re.match(r"\s*newsletter [a-z]", line))


def exists(line: str) -> bool:
    """Whether `newsletter issue list|show` names commands that there are."""
    first, second = [*re.split(r"\s+", line)[1:], ""][:2]
    if not getattr(COMMANDS.get((first,)), "commands", None) or not second:
        return (first,) in COMMANDS
    return second.startswith("-") or all((first, word) in COMMANDS for word in second.split("|"))


def test_every_state_of_a_delivery_and_every_reason_is_explained() -> None:
    flow = (ROOT / "docs" / "flow.md").read_text("utf-8")
    explained = set(re.findall(r"(?m)^\| `?([\w ]+?)`? \| \S", flow))
    assert {*get_args(State), *get_args(Reason)} - explained == set(), "give each a row in docs/flow.md"


def test_links_between_pages_lead_somewhere() -> None:
    broken = [
        (str(page.relative_to(ROOT)), link) for page in pages() for link in links(page)
        if not (page.parent / unquote(urlsplit(link).path)).resolve().exists()
    ]
    assert broken == []


def links(page: Path) -> Iterator[str]:
    """The links and pictures of a page that are files."""
    for token in MarkdownIt().parse(page.read_text("utf-8")):
        for child in token.children or ():
            aim = str(child.attrs.get("href") or child.attrs.get("src") or "")
            if aim and not urlsplit(aim).scheme and not aim.startswith("#"):
                yield aim


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    found = [
        (str(file.relative_to(ROOT)), match[0]) for file in project_files()
        for match in MACHINE_PATH.finditer(file.read_text("utf-8", "replace"))
    ]
    assert found == []


@pytest.mark.parametrize("path", ["x = '/ro" "ot/x'", "see /wo" "rk/main/y", "(/ho" "me/ann/z)", "/Us" "ers/ann/z"])
def test_a_machine_path_is_recognised(path: str) -> None:
    assert MACHINE_PATH.search(path)


@pytest.mark.parametrize("text", ["https://example.org/work/x", "/tmp/demo", "~/work/x", "../work/x", "network/work/"])
def test_what_only_looks_like_one_is_not(text: str) -> None:
    assert not MACHINE_PATH.search(text)
