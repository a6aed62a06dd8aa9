"""The Nu HTML checker finds no error but those that Outlook for Windows needs."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from gallery.specimen import Specimen
from tests.mail.conftest import MODULES, Known, missing

CHECKER = MODULES / "vnu-jar" / "build" / "dist" / "vnu.jar"
WRONG = "wrong"
"""A page that is not ours, to see that the checker sees anything."""


@pytest.fixture(scope="module")
def errors(every_specimen: dict[str, Specimen], tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Each error that the checker finds, with the specimens in which it does."""
    folder = tmp_path_factory.mktemp("nu")
    for name, specimen in every_specimen.items():
        (folder / f"{name}.html").write_text(specimen.html, "utf-8")
    (folder / f"{WRONG}.html").write_text("<!DOCTYPE html><html lang=en><title>a</title><p><h1 align=left>a</p>")
    return checked(folder)


def checked(folder: Path) -> dict[str, set[str]]:
    """The errors of all files of a folder; one run, as starting takes the checker longer than checking."""
    java = shutil.which("java")
    if java is None or not CHECKER.exists():
        missing("there is no Java or no Nu HTML checker: apt-get install default-jre-headless; scripts/install --dev")
    command = [java, "-jar", str(CHECKER), "--format", "json", "--exit-zero-always", *map(str, folder.glob("*.html"))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    found: dict[str, set[str]] = {}
    for message in json.loads(done.stderr)["messages"]:
        if message["type"] != "info":
            found.setdefault(message["message"], set()).add(Path(message["url"]).stem)
    return found


def test_no_error_is_there_that_outlook_does_not_need(
    errors: Mapping[str, set[str]], known: Mapping[str, Known],
) -> None:
    unknown = {error: names - {WRONG} for error, names in errors.items() if error not in known["nu"]}
    assert {error: names for error, names in unknown.items() if names} == {}


def test_every_error_that_is_excused_is_there(errors: Mapping[str, set[str]], known: Mapping[str, Known]) -> None:
    assert set(known["nu"]) - set(errors) == set()


def test_the_checker_sees_what_is_wrong(errors: Mapping[str, set[str]]) -> None:
    assert [error for error, names in errors.items() if WRONG in names]
