"""The addresses of the preview. Methods that read the store are not coroutines, so that Starlette runs them in
threads."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from newsletter.app.previewing import Previewing, pages
from newsletter.errors import NewsletterError
from newsletter.web.preview.guard import EDITION_POLICY, Guard
from newsletter.web.preview.live import Live
from newsletter.web.preview.page import Desk
from newsletter.web.preview.parts import Parts
from newsletter.web.preview.schemes import opening_outside, shown_in
from newsletter.web.preview.view import View


def preview(previewing: Previewing, issue: str, live: Live) -> ASGIApp:
    """The application. `issue` is the one that a page shows if its URL names none."""
    addresses = _Addresses(previewing, Desk(previewing, issue), live)
    return Guard(Starlette(
        routes=[
            Route("/", addresses.page),
            Route("/edition/html", addresses.edition),
            Route("/edition/message.eml", addresses.message),
            Route("/readers", addresses.readers),
            Route("/differing", addresses.differing),
            Route("/events", addresses.events),
            Mount("/static", StaticFiles(directory=pages() / "static")),
        ],
        exception_handlers={NewsletterError: _not_there},
        lifespan=addresses.lifespan,
    ))


class _Addresses:
    """The handlers, one method for each address."""

    def __init__(self, previewing: Previewing, desk: Desk, live: Live) -> None:
        self._previewing, self._desk, self._live = previewing, desk, live

    def page(self, request: Request) -> Response:
        """The editor's page."""
        version = self._live.version  # read before drawing, so that a change in between reloads the page
        return HTMLResponse(self._desk.page(View.of(request.query_params), version))

    def edition(self, request: Request) -> Response:
        """The HTML of the message, for the frame."""
        view = View.of(request.query_params)
        html = opening_outside(shown_in(view.scheme, Parts.of(self._desk.message(view)).html))
        return HTMLResponse(html, headers={"Content-Security-Policy": EDITION_POLICY})

    def message(self, request: Request) -> Response:
        """The exact bytes of the message that would be sent."""
        message = self._desk.message(View.of(request.query_params))
        name = {"Content-Disposition": 'attachment; filename="message.eml"'}
        return Response(message.wire, media_type="message/rfc822", headers=name)

    def readers(self, request: Request) -> Response:
        """Subscribers whose address or name contains the words of `q`."""
        found = self._previewing.find(request.query_params.get("q", "").strip())
        return JSONResponse([{"email": each.email, "name": each.name} for each in found])

    def differing(self, request: Request) -> Response:
        """Redirects to the next subscriber with another edition."""
        return RedirectResponse(self._desk.differing(View.of(request.query_params)), 303)

    async def events(self, request: Request) -> Response:
        """The stream of change events."""
        if request.method == "HEAD":
            return Response(media_type="text/event-stream")
        return StreamingResponse(self._live.events(), media_type="text/event-stream")

    @asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        await asyncio.to_thread(self._previewing.read_files)
        watching = asyncio.create_task(self._live.watch())
        yield
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching


async def _not_there(_: Request, error: Exception) -> Response:
    """The answer for a URL that names something missing."""
    return PlainTextResponse(f"{error}\n", 404)
