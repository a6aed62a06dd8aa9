"""A relay with TLS that accepts every mail and discards it, like Postfix's `smtp-sink`, which does not support TLS.

It only looks for the final dot. Each connection has a process of its own and reads with blocking calls: an event loop
in Python would be slower than the senders to be measured, and threads would wait for each other.
"""

import socketserver
import ssl
from collections.abc import Iterator
from contextlib import suppress

_DOT = b"\r\n.\r\n"
_PIECE = 262_144
_EHLO = b"250-sink.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES\r\n"
"""The extensions of smtp-sink that our sender and aiosmtplib use."""
_ANSWERS = {b"EHLO": _EHLO, b"HELO": b"250 sink.test\r\n", b"DATA": b"354 go on\r\n", b"QUIT": b"221 2.0.0 bye\r\n"}
_OK = b"250 2.0.0 ok\r\n"


def serve(certificate: str) -> None:
    """Listens on a free port of 127.0.0.1, prints it, and serves until the process ends. `certificate` is a PEM file
    that contains the key as well."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with _Server(("127.0.0.1", 0), _Session) as server:
        server.context = context
        print(server.server_address[1], flush=True)
        server.serve_forever()


class _Server(socketserver.ForkingTCPServer):
    request_queue_size = 128
    max_children = 200
    context: ssl.SSLContext


class _Session(socketserver.BaseRequestHandler):
    server: _Server

    def handle(self) -> None:
        with (suppress(OSError),  # a client may disconnect at any time
              self.server.context.wrap_socket(self.request, server_side=True) as connection):
            connection.sendall(b"220 sink.test ESMTP\r\n")
            for reply in _conversation(connection):
                connection.sendall(reply)


def _conversation(connection: ssl.SSLSocket) -> Iterator[bytes]:
    """The bytes to send after each piece from the client: the answers to a group leave together (RFC 2920)."""
    rest, in_message = b"", False
    while data := connection.recv(_PIECE):
        reply, rest, in_message = answers(rest + data, in_message)
        if reply:
            yield reply


def answers(data: bytes, in_message: bool) -> tuple[bytes, bytes, bool]:
    """The answers to every complete line and message in `data`, the rest of it, and whether that is part of a message.
    """
    reply: list[bytes] = []
    while True:
        if in_message:
            end = data.find(_DOT)
            if end < 0:
                return b"".join(reply), data[-len(_DOT) + 1:], True
            reply.append(_OK)
            data, in_message = data[end + len(_DOT):], False
        line, ended, after = data.partition(b"\r\n")
        if not ended:
            return b"".join(reply), data, False
        verb = line[:4].upper()
        reply.append(_ANSWERS.get(verb, _OK))
        in_message = verb == b"DATA"
        data = b"\r\n" + after if in_message else after  # so that a message of nothing but the dot ends as well

