"""Specimens of every template in every language, and the programs that judge them.

A program that is missing skips its tests at home and fails them in CI.
"""

import os
import shutil
import subprocess
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NoReturn

import pytest
from playwright.sync_api import Browser

from gallery.schemes import chromium
from gallery.specimen import LANGUAGES, Specimen, specimens, templates

ROOT = Path(__file__).parents[2]
MODULES = ROOT / "node_modules"
ALL = [f"{template}-{language}" for template in templates() for language in LANGUAGES]
"""The name of every specimen."""
QUICK = ("-en", "-ar")
"""Languages, from left to right and from right to left, that the quick ring looks at one by one."""

Known = Mapping[str, str]
Node = Callable[[str, str], str]


def missing(what: str) -> NoReturn:
    """Ends the test that needs it."""
    (pytest.fail if os.environ.get("CI") else pytest.skip)(what)


@pytest.fixture(scope="package")
def every_specimen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Specimen]:
    """All specimens by name."""
    made = specimens(tmp_path_factory.mktemp("specimens") / "project", templates())
    return {specimen.name: specimen for specimen in made}


@pytest.fixture(params=[
    name if name.endswith(QUICK) else pytest.param(name, marks=pytest.mark.thorough) for name in ALL
])
def specimen(request: pytest.FixtureRequest, every_specimen: dict[str, Specimen]) -> Specimen:
    """Each specimen in turn."""
    return every_specimen[request.param]


@pytest.fixture(params=[name for name in ALL if name.endswith("-en")])
def english(request: pytest.FixtureRequest, every_specimen: dict[str, Specimen]) -> Specimen:
    """The English specimen of each template: for what no language changes."""
    return every_specimen[request.param]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    try:
        with chromium() as browser:
            yield browser
    except FileNotFoundError as error:
        missing(str(error))


@pytest.fixture(scope="package")
def node() -> Node:
    """Runs a script of this folder with an input, and gives its output."""
    program = shutil.which("node")
    if program is None or not (MODULES / "mjml").is_dir():
        missing("there is no Node.js, or nothing in node_modules: scripts/install --dev")

    def run(script: str, given: str) -> str:
        done = subprocess.run(
            [program, str(Path(__file__).parent / script)], input=given, capture_output=True, text=True, timeout=100,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="package")
def known() -> Mapping[str, Known]:
    """What each judge says that we live with, and why: known.toml."""
    return tomllib.loads((Path(__file__).parent / "known.toml").read_text("utf-8"))
