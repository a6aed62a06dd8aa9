"""Fetching by HTTP, politely and safely: conditional requests, the state for the next request, and limits."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cached_property

import httpcore2
import httpx2

from newsletter.model import FeedState, Problem
from newsletter.sources.login import Login, shown, without_login
from newsletter.sources.network import Clock, Refused, Resolve, Transport, resolve
from newsletter.text import quoted

MAX_REDIRECTS = 5
LONGEST_PAUSE = timedelta(days=7)
"""Longest pause that a server can ask for; a mistyped Retry-After must not silence a feed for a year."""
_DEFAULT_PAUSE = timedelta(hours=1)
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_LASTING = frozenset({301, 308})
_CODINGS = frozenset({"", "identity", "gzip", "x-gzip", "deflate"})
_ACCEPT = ("application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9, "
           "application/json;q=0.9, text/markdown;q=0.9, */*;q=0.5")


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of a fetch."""

    state: FeedState
    """The state to keep for the next request."""
    data: bytes = b""
    """The body, decompressed; empty unless there is a new one."""
    content_type: str = ""
    url: str = ""
    """The address that the body came from, after all redirects."""
    unchanged: bool = False
    """Whether the server has nothing new (304), or was not asked."""
    problem: Problem | None = None


class Web:
    """Fetches from http and https addresses, in at most 15 seconds, with at most 10 MB decompressed and 5 redirects,
    without cookies or a proxy, and only from the public internet unless `allow_private` is set."""

    def __init__(self, contact: str, *, allow_private: bool = False, deadline: float = 15.0,
                 max_bytes: int = 10_000_000, lookup: Resolve = resolve, tls: ssl.SSLContext | None = None) -> None:
        """`contact` is a URL at which publishers learn who fetches; `lookup` and `tls` replace the system's resolver
        and certificates."""
        self._agent = f"newsletter-desk (+{contact})" if contact else "newsletter-desk"
        self._allow_private, self._deadline, self._max_bytes = allow_private, deadline, max_bytes
        self._lookup, self._given_tls = lookup, tls

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return self._given_tls or httpx2.create_ssl_context(trust_env=False)

    def get(self, url: str, *, state: FeedState | None, now: datetime, login: Login | None = None) -> Answer:
        """Fetches `url`, or the address that it moved to, if it has changed since `state`; raises nothing.

        A login is sent to its own site only. Without a `login`, one that `url` itself contains is used.
        """
        state = state or FeedState(shown(url))
        if state.paused:
            return Answer(state, unchanged=True, problem=Problem(
                shown(url), f"is no longer fetched: {state.paused}",
                "Remove it from the sources, or write its new address."))
        if state.not_before and now < state.not_before:
            return Answer(state, unchanged=True)
        try:
            return self._follow(state, now, login or Login.within(url))
        except Refused as error:
            found, cure = error.found, error.cure
        except (httpcore2.TimeoutException, httpx2.TimeoutException):
            found, cure = f"gave no complete answer within {self._deadline:g} seconds", "Try again later."
        except (httpx2.InvalidURL, httpx2.UnsupportedProtocol, httpcore2.UnsupportedProtocol, UnicodeError):
            # The error's message may contain a part of a password.
            found, cure = "is not a valid web address", 'Write it as "https://HOST/PATH".'
        except (httpx2.HTTPError, httpcore2.NetworkError, httpcore2.ProtocolError, OSError) as error:
            found, cure = f"cannot be fetched: {_reason(error)}", "Open it in a browser, then try again later."
        return Answer(state, problem=Problem(shown(url), found, cure))

    def _follow(self, state: FeedState, now: datetime, login: Login | None) -> Answer:
        """Fetches and follows redirects; a new address is remembered if only permanent redirects led to a feed."""
        clock, url, lasting, moved = Clock(self._deadline), httpx2.URL(state.url), True, state
        for _ in range(MAX_REDIRECTS + 1):
            with self._ask(url, state, clock, login) as response:
                if response.status_code not in _REDIRECTS or "location" not in response.headers:
                    found = response.status_code in (200, 304)
                    return self._read(response, url, moved if found else state, now)
                url = without_login(url.join(response.headers["location"]))
                lasting = lasting and response.status_code in _LASTING
                moved = replace(moved, url=str(url)) if lasting else moved
        raise Refused(f"more than {MAX_REDIRECTS} redirects", "Write the address that it leads to in a browser.")

    @contextmanager
    def _ask(
        self, url: httpx2.URL, state: FeedState, clock: Clock, login: Login | None,
    ) -> Iterator[httpx2.Response]:
        if url.scheme not in ("http", "https") or not url.host:
            raise Refused(f"{url} is neither an http nor an https address", 'Begin it with "https://".')
        headers = {"User-Agent": self._agent, "Accept": _ACCEPT, "Accept-Encoding": "gzip, deflate",
                   "If-None-Match": state.etag, "If-Modified-Since": state.last_modified,
                   "Authorization": login.authorization(url) if login else ""}
        encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers.items() if value]
        transport = Transport(clock=clock, tls=self._tls, lookup=self._lookup, allow_private=self._allow_private)
        # Each request has its own client, so that cookies of one answer are not sent with the next request.
        with (httpx2.Client(transport=transport, trust_env=False, timeout=self._deadline) as client,
              client.stream("GET", url, headers=encoded) as response):
            yield response

    def _read(self, response: httpx2.Response, url: httpx2.URL, state: FeedState, now: datetime) -> Answer:
        status = response.status_code
        settled = replace(state, not_before=None)
        if status == 200:
            data = self._body(response)
            fresh = replace(settled, etag=_raw(response, b"etag"), last_modified=_raw(response, b"last-modified"))
            return Answer(fresh, data, _raw(response, b"content-type"), str(url.copy_with(fragment=None)))
        if status == 304:
            return Answer(settled, unchanged=True)
        place = shown(state.url)
        if status == 410:
            paused = replace(settled, paused=f"it is gone for good (410, {now:%Y-%m-%d})")
            return Answer(paused, unchanged=True, problem=Problem(
                place, "is gone for good (410) and will not be fetched again", "Remove it from the sources."))
        if status in (429, 503):
            until = _retry_after(response, now)
            return Answer(replace(state, not_before=until), unchanged=True, problem=Problem(
                place, f"asks for a pause ({status}); it is not fetched before {until:%Y-%m-%d %H:%M} UTC"))
        cure = ("Add the username and password that it asks for to its [[source]]." if status == 401
                else "Open it in a browser and write the address that works.")
        return Answer(settled, problem=Problem(place, f"answered {status} {response.reason_phrase}".strip(), cure))

    def _body(self, response: httpx2.Response) -> bytes:
        """The body, checked against the size limit while it is decompressed, as a few bytes can expand without end."""
        coding = response.headers.get("content-encoding", "").strip().lower()
        if coding not in _CODINGS:
            raise Refused(f"uses the content coding {quoted(coding, 40)}, which was not requested",
                          "Report it to its publisher.")
        data = bytearray()
        for piece in response.iter_bytes():
            data += piece
            if len(data) > self._max_bytes:
                raise Refused(f"has more than {self._max_bytes:,} bytes", "Ask its publisher for a shorter feed.")
        return bytes(data)


def _raw(response: httpx2.Response, name: bytes) -> str:
    """A header byte for byte: ETag and Last-Modified are sent back as they came."""
    return next((value.decode("latin-1") for key, value in response.headers.raw if key.lower() == name), "")


def _retry_after(response: httpx2.Response, now: datetime) -> datetime:
    """The end of the pause, from seconds or an HTTP date (RFC 9110, section 10.2.3), else an hour from now."""
    written = response.headers.get("retry-after", "").strip()
    if written.isdecimal() and written.isascii():
        return now + min(timedelta(seconds=int(written[:9])), LONGEST_PAUSE)
    try:
        moment = parsedate_to_datetime(written)
    except (ValueError, TypeError, IndexError):
        return now + _DEFAULT_PAUSE
    moment = moment.replace(tzinfo=moment.tzinfo or UTC)
    return min(max(moment.astimezone(UTC), now), now + LONGEST_PAUSE)


def _reason(error: Exception) -> str:
    """The reason of a failed fetch on one line."""
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return "its certificate cannot be trusted"
    return " ".join(str(error).split())[:200] or type(error).__name__
