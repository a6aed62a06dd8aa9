"""The guard of every page: the hosts and methods that are allowed, and the headers that restrict a browser."""

import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})
METHODS = ("GET", "HEAD")
PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; frame-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""The policy of the preview's own pages: only files of the preview (CSP 3)."""
EDITION_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src https: data:; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
)
"""The policy of a mail's HTML: its own inline style and pictures, no script, and no origin even when opened by
itself."""
HEADERS = {
    "Content-Security-Policy": PAGE_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""Headers of every answer that does not set its own."""

_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^:\[\]]+)(?::\d+)?")


class Guard:
    """ASGI middleware that checks Host: a page elsewhere that points its own name at this machine still sends that
    name."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await (refusal(scope) or self._app)(scope, receive, send_guarded)


def refusal(scope: Scope) -> PlainTextResponse | None:
    """The answer to a request that is refused; None if the request is allowed."""
    host = _HOST.fullmatch(Headers(scope=scope).get("host", "").lower())
    if host is None or host[1] not in HOSTS:
        return PlainTextResponse("The preview answers to localhost only. Open the address that it printed.\n", 421)
    if scope["method"] not in METHODS:
        return PlainTextResponse("The preview is read-only.\n", 405, {"Allow": ", ".join(METHODS)})
    return None
