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
    dripdot@    takes the message, then an answer that never ends, a little at a time
    busydot@    421 to the dot, message not taken, then closes
    twice@      takes the message and says so twice
    odd@        299 to the dot              babble@     an answer to the dot that is no SMTP
    noisy@      a multi-line answer with control characters and 2,000 characters to the dot

The rest is said by `Manners`.
"""

import base64
import contextlib
import re
import socket
import socketserver
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BufferedReader
from typing import NoReturn


@dataclass(frozen=True, slots=True)
class Manners:
    """How the server treats every client."""

    greeting: str = "220 relay.test ESMTP"
    esmtp: bool = True
    """Whether it knows EHLO."""
    extensions: tuple[str, ...] = ("SIZE 10000000", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES")
    tls: ssl.SSLContext | None = None
    """Its certificate; with it STARTTLS is offered."""
    implicit_tls: bool = False
    """Whether a connection starts with TLS (needs `tls`)."""
    starttls_reply: str = "220 go on"
    login: tuple[str, str] | None = None
    """User and password, without which MAIL is refused with 530."""
    login_refusal: str = "535 5.7.8 wrong"
    mail_reply: str = "250 2.1.0 ok"
    lax: bool = False
    """Whether it lets a refused transaction go on: RCPT after MAIL was refused, 354 though nobody is to get it."""
    messages_a_connection: int = 0
    """After so many it answers MAIL with 421 and closes; 0 is no limit."""
    hang_up_after: int = 0
    """After so many it closes without a word; 0 is no limit."""
    connections: int = 0
    """More at a time are greeted with 421; 0 is no limit."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A message that the server made its own."""

    sender: str
    recipient: str
    data: bytes
    """As it came, with stuffed dots undone."""
    connection: int
    """The number of the connection, from 1."""
    options: str = ""
    """The parameters of MAIL."""
    encrypted: bool = False


@dataclass
class Relay:
    """What a running server has seen. `taken` is in the order in which messages were taken."""

    port: int
    manners: Manners
    taken: list[Taken] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    """Every command line of every connection, in order of arrival."""
    ahead: int = 0
    """How many commands came while the answer to the one before was still to be given (not counted under TLS)."""
    to_nobody: list[bytes] = field(default_factory=list)
    """Messages for which no recipient had been accepted."""
    connections: int = 0
    """How many there have been."""
    now_open: int = 0
    most_open: int = 0
    lock: threading.Condition = field(default_factory=threading.Condition)

    def recipients(self) -> list[str]:
        return [each.recipient for each in self.taken]

    def wait_for(self, recipient: str) -> None:
        """Returns when a message to that recipient has been taken."""
        with self.lock:
            assert self.lock.wait_for(lambda: recipient in self.recipients(), timeout=20)


@contextlib.contextmanager
def relay(manners: Manners | None = None, port: int = 0) -> Iterator[Relay]:
    """Runs a server on 127.0.0.1; port 0 is any free one."""
    with _Server(("127.0.0.1", port), _Session) as server:
        server.relay = Relay(server.server_address[1], manners or Manners())
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server.relay
        finally:
            server.shutdown()
            server.hang_up()
            thread.join()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    request_queue_size = 128
    relay: Relay

    def __init__(self, address: tuple[str, int], handler: type["_Session"]) -> None:
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


_VERBS = frozenset({"EHLO", "HELO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "RSET", "NOOP", "QUIT"})


class _HangUp(Exception):
    """The session is over."""


class _Session(socketserver.StreamRequestHandler):
    server: _Server
    rfile: BufferedReader
    disable_nagle_algorithm = True
    """Answers to a group leave one by one: each would wait for the acknowledgement of the one before."""

    def handle(self) -> None:
        seen = self.server.relay
        with seen.lock:
            seen.connections += 1
            seen.now_open += 1
            seen.most_open = max(seen.most_open, seen.now_open)
            self.number, crowd = seen.connections, seen.now_open
        try:
            with contextlib.suppress(_HangUp, OSError, ValueError):
                self._serve(seen, crowd)
        finally:
            with seen.lock:
                seen.now_open -= 1

    def finish(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            super().finish()
        self.connection.close()

    def _serve(self, seen: Relay, crowd: int) -> None:
        self.relay, self.manners = seen, seen.manners
        self.sender = self.options = self.recipient = ""
        self.mailing = False
        self.messages, self.secure, self.known = 0, False, self.manners.login is None
        if self.manners.implicit_tls:
            self._encrypt()
        if self.manners.connections and crowd > self.manners.connections:
            self._say("421 4.7.0 too many connections")
            raise _HangUp
        self._say(self.manners.greeting)
        if not self.manners.greeting.startswith("220"):
            raise _HangUp
        while line := self.rfile.readline(4096):
            text = line.decode("utf-8", "replace").rstrip("\r\n")
            with seen.lock:
                seen.commands.append(text)
                seen.ahead += self._is_more_there()
            verb, _, argument = text.partition(" ")
            if verb in _VERBS:
                getattr(self, f"_{verb.lower()}")(argument)
            else:
                self._say("502 5.5.1 what?")

    def _is_more_there(self) -> bool:
        if self.secure:
            return False
        self.connection.setblocking(False)
        try:
            return bool(self.rfile.peek(1))
        finally:
            self.connection.setblocking(True)

    def _drip(self) -> NoReturn:
        """A letter at a time until the client has had enough."""
        self.wfile.write(b"250-")
        while True:
            self.wfile.write(b"o")
            self.wfile.flush()
            time.sleep(0.01)

    def _say(self, text: str) -> None:
        self.wfile.write(text.encode("utf-8", "surrogateescape") + b"\r\n")
        self.wfile.flush()

    def _encrypt(self) -> None:
        assert self.manners.tls is not None
        self.connection = self.manners.tls.wrap_socket(self.connection, server_side=True)
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb")
        self.secure = True

    # --- Commands ---

    def _ehlo(self, argument: str) -> None:
        if not self.manners.esmtp:
            self._say("502 5.5.1 what?")
            return
        offered = [*self.manners.extensions]
        if self.manners.tls and not self.secure:
            offered.append("STARTTLS")
        if self.manners.login:
            offered.append("AUTH PLAIN LOGIN")
        lines = ["relay.test greets you", *offered]
        self._say("\r\n".join(f"250{'-' if each is not lines[-1] else ' '}{each}" for each in lines))

    def _helo(self, argument: str) -> None:
        self._say("250 relay.test")

    def _starttls(self, argument: str) -> None:
        self._say(self.manners.starttls_reply)
        if self.manners.starttls_reply.startswith("220"):
            self._encrypt()

    def _auth(self, argument: str) -> None:
        mechanism, _, initial = argument.partition(" ")
        if mechanism == "PLAIN":
            _, user, password = base64.b64decode(initial).decode().split("\0")
        else:
            user = base64.b64decode(initial).decode()
            self._say("334 UGFzc3dvcmQ6")
            password = base64.b64decode(self.rfile.readline()).decode()
        self.known = (user, password) == self.manners.login
        self._say("235 2.7.0 welcome" if self.known else self.manners.login_refusal)

    def _mail(self, argument: str) -> None:
        if not self.known:
            self._say("530 5.7.0 authentication required")
        elif self.manners.messages_a_connection and self.messages >= self.manners.messages_a_connection:
            self._say("421 4.7.0 enough for this connection")
            raise _HangUp
        elif self.manners.hang_up_after and self.messages >= self.manners.hang_up_after:
            raise _HangUp
        else:
            self.sender, self.options = self._path(argument)
            self.mailing = self.manners.lax or self.manners.mail_reply.startswith("250")
            self._say(self.manners.mail_reply)

    def _rcpt(self, argument: str) -> None:
        recipient, _ = self._path(argument)
        if not self.mailing:
            self._say("503 5.5.1 MAIL first")
            return
        match recipient.partition("@")[0]:
            case "temperror":
                self._say("451 4.3.0 try again")
            case "permerror":
                self._say("550 5.1.1 nobody of that name")
            case "busy":
                self._say("421 4.3.2 going down")
                raise _HangUp
            case "hangup":
                raise _HangUp
            case "drip":
                self._drip()
            case _:
                self.recipient = recipient
                self._say("250 2.1.5 ok")

    def _path(self, argument: str) -> tuple[str, str]:
        match = re.fullmatch(r"(?:FROM|TO):<([^<>]*)>(?: (.*))?", argument)
        if match is None:
            self._say("501 5.5.4 bad path")
            raise _HangUp
        return match[1], match[2] or ""

    def _rset(self, argument: str) -> None:
        self.sender = self.recipient = ""
        self.mailing = False
        self._say("250 2.0.0 ok")

    def _noop(self, argument: str) -> None:
        self._say("250 2.0.0 ok")

    def _quit(self, argument: str) -> None:
        self._say("221 2.0.0 bye")
        raise _HangUp

    def _data(self, argument: str) -> None:
        local = self.recipient.partition("@")[0]
        if not self._goes_on(local):
            return
        self._say("354 go on")
        if local == "dropbody":
            self.rfile.read(100)
            raise _HangUp
        data = self._body()
        if not self.recipient:
            with self.relay.lock:
                self.relay.to_nobody.append(data)
            self._say("554 5.5.1 nobody is to get it")
            return
        self.messages += 1
        if local not in ("drop", "tempdot", "permdot", "busydot"):
            self._take(data)
        self._answer(local)
        self.recipient = ""
        self.mailing = False

    def _goes_on(self, local: str) -> bool:
        """Whether DATA gets its 354."""
        match local:
            case "tempdata":
                self._say("451 4.3.0 try again")
            case "permdata":
                self._say("554 5.3.0 not here")
            case "hangdata":
                raise _HangUp
            case _ if not self.recipient and not self.manners.lax:
                self._say("503 5.5.1 no recipient")
            case _:
                return True
        return False

    def _body(self) -> bytes:
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                raise _HangUp
            lines.append(line.removeprefix(b"."))
        return b"".join(lines)

    def _take(self, data: bytes) -> None:
        taken = Taken(self.sender, self.recipient, data, self.number, self.options, self.secure)
        with self.relay.lock:
            self.relay.taken.append(taken)
            self.relay.lock.notify_all()

    def _answer(self, local: str) -> None:
        match local:
            case "drop" | "droptaken":
                raise _HangUp
            case "silent":
                self.rfile.readline()
                raise _HangUp
            case "dripdot":
                self._drip()
            case _:
                self._say(_ANSWERS.get(local, "250 2.0.0 taken"))
        if local == "busydot":
            raise _HangUp


_ANSWERS = {
    "tempdot": "451 4.3.0 try again",
    "permdot": "554 5.6.0 we do not like this",
    "busydot": "421 4.3.2 going down",
    "twice": "250 2.0.0 taken\r\n250 2.0.0 taken",
    "odd": "299 whatever",
    "babble": "hello there",
    "noisy": "250-2.0.0 queued\x00\x1b[31m as\r\n250 7F3A \udce9" + "x" * 2000,
}
"""What it says to the dot."""
