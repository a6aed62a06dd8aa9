"""A real preview of a copy of the sample project, and a real browser to look at it."""

import os
import re
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from bench.project import Project, SetClock
from gallery.schemes import chromium, hang_picture
from gallery.specimen import MORNING
from newsletter.app import App
from newsletter.app.previewing import Previewing
from newsletter.web.preview.server import Server

SAMPLE = Path(__file__).parents[2] / "sample"
expect.set_options(timeout=15_000)


@dataclass(frozen=True)
class Opened:
    """A preview that is being served."""

    root: Path
    """The project."""
    port: int

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, path: str, *, method: str = "GET", host: str = "") -> tuple[HTTPResponse, bytes]:
        """One request as it is, without a browser."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, headers={"Host": host or f"127.0.0.1:{self.port}"})
            response = connection.getresponse()
            return response, response.read()
        finally:
            connection.close()

    def page(self, path: str) -> str:
        response, body = self.ask(path)
        assert response.status == 200, body
        return body.decode()


def copied(folder: Path) -> Path:
    """The sample project with a template of its own, as an editor has it."""
    shutil.copytree(SAMPLE, folder)
    shutil.copytree(SAMPLE.parent / "templates" / "weekly", folder / "templates" / "weekly")
    return folder


def opened(root: Path) -> App:
    return Project(root, SetClock(MORNING)).open()


@contextmanager
def serving(root: Path) -> Iterator[Opened]:
    """A preview of the project, on any free port, until the end of the block."""
    listening = socket.create_server(("127.0.0.1", 0))
    previewing = Previewing(opened(root))
    server = Server(previewing, previewing.chosen(None), started="test")
    thread = Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield Opened(root, listening.getsockname()[1])
    finally:
        server.stop()
        thread.join(20)
        listening.close()
        previewing.close()
        assert not thread.is_alive()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return copied(tmp_path / "project")


@pytest.fixture
def preview(project: Path) -> Iterator[Opened]:
    """A preview whose files a test may change."""
    with serving(project) as served:
        yield served


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """A preview that tests only look at."""
    with serving(copied(tmp_path_factory.mktemp("shared") / "project")) as served:
        yield served


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium; where it is missing the tests are skipped at home and fail in CI."""
    try:
        with chromium() as launched:
            yield launched
    except FileNotFoundError as error:
        pytest.fail(str(error)) if os.environ.get("CI") else pytest.skip(str(error))


@contextmanager
def looking(browser: Browser, **options: object) -> Iterator[Page]:
    """A page in a window of its own, in which nothing may go wrong: no error, no warning, no policy broken."""
    wrong: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            wrong.append(message.text)

    given: dict[str, Any] = {"viewport": {"width": 1280, "height": 900}, **options}
    context = browser.new_context(**given)
    context.route(re.compile("^https:"), hang_picture)
    page = context.new_page()
    page.on("console", listen)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    try:
        yield page
        assert wrong == []
    finally:
        context.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with looking(browser) as looked:
        yield looked
