"""A real SMTP server for tests: it listens on a port, remembers what it took, and misbehaves on request.

It has a thread for each connection, so it serves a test's own event loop and other processes alike. What it does to a
message is said by the local part of the recipient, so that a test reads as a sentence:

    temperror@  451 4.3.0 to RCPT           permerror@  550 5.1.1 to RCPT
    busy@       421 to RCPT, then closes    hangup@     closes at RCPT
    drip@       an answer to RCPT that never ends, a little at a time
    tempdata@   451 4.3.0 to DATA           permdata@   554 5.3.0 to DATA
    hangdata@   closes at DATA
    tempdot@    451 4.3.0 to the dot        permdot@    554 5.6.0 to the dot
    dropbody@   closes in the body          drop@       closes after the dot, message not taken
    droptaken@  takes the message, then closes instead of answering
    silent@     takes the message and never answers
    slow@       takes the message, and answers when `Relay.patience` is set
    deaf@       says 354 and reads nothing of the message
    dripdot@    takes the message, then an answer that never ends, a little at a time
    busydot@    421 to the dot, message not taken, then closes
    twice@      takes the message and says so twice
    odd@        299 to the dot              babble@     an answer to the dot that is no SMTP
    wordless@   250 alone to the dot        outofrange@ 654 to the dot
    noisy@      a multi-line answer with control characters and 2,000 characters to the dot

The rest is said by `Manners`. What it does is in `tests.smtpsession`.
"""

import contextlib
import socket
import socketserver
import threading
from collections.abc import Iterator

from tests.smtpsession import Manners, Relay, Session, Taken

__all__ = ["Manners", "Relay", "Taken", "relay"]


@contextlib.contextmanager
def relay(manners: Manners | None = None, port: int = 0) -> Iterator[Relay]:
    """Runs a server on 127.0.0.1; port 0 is any free one."""
    with _Server(("127.0.0.1", port), Session) as server:
        server.relay = Relay(server.server_address[1], manners or Manners())
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server.relay
        finally:
            server.relay.patience.set()
            server.shutdown()
            server.hang_up()
            thread.join()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    request_queue_size = 128
    relay: Relay

    def __init__(self, address: tuple[str, int], handler: type[Session]) -> None:
        super().__init__(address, handler)
        self._sockets: set[socket.socket] = set()

    def process_request(self, request: socket.socket, client_address: object) -> None:  # type: ignore[override]
        self._sockets.add(request)
        super().process_request(request, client_address)

    def hang_up(self) -> None:
        """Ends what clients have left open, so that no thread waits for them."""
        for connection in list(self._sockets):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
