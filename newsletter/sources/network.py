"""HTTP connections to public hosts only, with one deadline.

A host name is resolved once, each of its addresses is checked, and the connection is made to a checked address, so that
a name which resolves differently the next time (DNS rebinding) gains nothing. TLS still verifies the name. The deadline
covers the whole exchange, so that a server which sends a byte now and then cannot hold the program up.
"""

import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Any

import httpcore2
import httpx2

_Option = tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]
Resolve = Callable[[str, int], Sequence[str]]
"""Gives all addresses of a host and port; raises OSError if there are none."""

_NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))


class Refused(Exception):
    """An address that is not fetched: `found` is the reason, `cure` the fix."""

    def __init__(self, found: str, cure: str) -> None:
        super().__init__(found)
        self.found, self.cure = found, cure


def resolve(host: str, port: int) -> Sequence[str]:
    """All addresses of a host, as the system's resolver gives them, also for odd spellings such as "0x7f.1"."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet (the special-purpose registries of RFC 6890).

    Addresses that contain an IPv4 address (mapped, NAT64, 6to4) do not count as public: they would evade the check.
    """
    ip = ip_address(address)
    special = (ip.is_private or ip.is_loopback or ip.is_link_local or ip.is_multicast or ip.is_reserved
               or ip.is_unspecified)
    if isinstance(ip, IPv6Address):
        carries = ip.ipv4_mapped is not None or ip.sixtofour is not None or any(ip in net for net in _NAT64)
        special = special or carries or ip.is_site_local
    return ip.is_global and not special


class Clock:
    """The time left for one fetch."""

    def __init__(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds

    def left(self, wanted: float | None = None) -> float:
        """Seconds left, at most `wanted`; raises `httpcore2.ReadTimeout` when there are none."""
        left = self._ends - time.monotonic()
        if left <= 0:
            raise httpcore2.ReadTimeout("the time is up")
        return left if wanted is None else min(left, wanted)


class Transport(httpx2.BaseTransport):
    """Passes httpx2's requests to httpcore2 with a `_Backend`; httpx2's own transport does not accept a backend."""

    def __init__(self, *, clock: Clock, tls: ssl.SSLContext, lookup: Resolve, allow_private: bool) -> None:
        backend = _Backend(clock, lookup, allow_private)
        self._pool = httpcore2.ConnectionPool(ssl_context=tls, network_backend=backend, max_keepalive_connections=0)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        url = httpcore2.URL(scheme=request.url.raw_scheme, host=request.url.raw_host, port=request.url.port,
                            target=request.url.raw_path)
        answer = self._pool.handle_request(httpcore2.Request(
            request.method, url, headers=request.headers.raw, content=request.read(), extensions=request.extensions))
        return httpx2.Response(answer.status, headers=answer.headers, stream=_Body(answer),
                               extensions=answer.extensions)

    def close(self) -> None:
        self._pool.close()


class _Body(httpx2.SyncByteStream):
    def __init__(self, answer: httpcore2.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        return self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


class _Backend(httpcore2.NetworkBackend):
    """Connects to checked addresses only."""

    def __init__(self, clock: Clock, lookup: Resolve, allow_private: bool) -> None:
        self._clock, self._lookup, self._allow_private = clock, lookup, allow_private
        self._tcp = httpcore2.SyncBackend()

    def connect_tcp(self, host: str, port: int, timeout: float | None = None, local_address: str | None = None,
                    socket_options: Iterable[_Option] | None = None) -> httpcore2.NetworkStream:
        failure: Exception = httpcore2.ConnectError(f"{host} has no address")
        for address in self._addresses(host, port):
            try:
                stream = self._tcp.connect_tcp(address, port, self._clock.left(timeout), local_address, socket_options)
                return _Stream(stream, self._clock)
            except httpcore2.ConnectError as error:
                failure = error
        raise failure

    def _addresses(self, host: str, port: int) -> Sequence[str]:
        addresses = _within(self._clock.left(), lambda: self._lookup(host, port))
        for address in addresses:
            if not self._allow_private and not is_public(address):
                raise Refused(f"{host} is {address}, which is not an address of the public internet",
                              "Write a public host; if the host is yours, set allow_private = true in [fetch].")
        return list(dict.fromkeys(addresses))


class _Stream(httpcore2.NetworkStream):
    """A connection on which every operation ends by the clock's deadline."""

    def __init__(self, stream: httpcore2.NetworkStream, clock: Clock) -> None:
        self._stream, self._clock = stream, clock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._clock.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._clock.left(timeout))

    def start_tls(self, ssl_context: ssl.SSLContext, server_hostname: str | None = None,
                  timeout: float | None = None) -> httpcore2.NetworkStream:
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, self._clock.left(timeout)), self._clock)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

    def close(self) -> None:
        self._stream.close()


def _within(seconds: float, call: Callable[[], Sequence[str]]) -> Sequence[str]:
    """The call's result if it comes in time. The system's resolver accepts no timeout, so it runs in a thread."""
    results: queue.SimpleQueue[Sequence[str] | Exception] = queue.SimpleQueue()

    def run() -> None:
        try:
            results.put(call())
        except Exception as error:
            results.put(error)

    threading.Thread(target=run, daemon=True).start()
    try:
        result = results.get(timeout=seconds)
    except queue.Empty:
        raise httpcore2.ConnectTimeout("the name server did not answer in time") from None
    if isinstance(result, OSError | UnicodeError):
        raise httpcore2.ConnectError(str(result))
    if isinstance(result, Exception):
        raise result
    return result
