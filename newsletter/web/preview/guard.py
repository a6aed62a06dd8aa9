"""What stands before every page: who may ask, how, and what a browser may do with the answer."""

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
"""Of pages of ours: files of ours and nothing else (CSP 3)."""
EDITION_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src https: data:; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
)
"""Of a mail's HTML: its own inline style and pictures, no script, and no origin even when opened by itself."""
HEADERS = {
    "Content-Security-Policy": PAGE_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""On every answer, unless it has its own."""

_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^:\[\]]+)(?::\d+)?")


class Guard:
    """ASGI middleware. A page elsewhere that points its own name at this machine still sends that name as Host."""

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
    """What is answered instead of a page; None if the request is a good one."""
    host = _HOST.fullmatch(Headers(scope=scope).get("host", "").lower())
    if host is None or host[1] not in HOSTS:
        return PlainTextResponse("This preview answers to localhost alone. Open the address it printed.\n", 421)
    if scope["method"] not in METHODS:
        return PlainTextResponse("A preview can only be looked at.\n", 405, {"Allow": ", ".join(METHODS)})
    return None
