"""One client of `tests.smtpd`: what the server says to it, by its manners and by the recipients."""

import base64
import contextlib
import re
import select
import socketserver
import ssl
import threading
import time
from dataclasses import dataclass, field
from io import BufferedReader
from typing import NoReturn, Protocol

from tests.smtpauth import proves


@dataclass(frozen=True, slots=True)
class Manners:
    """How the server treats every client."""

    greeting: str = "220 relay.test ESMTP"
    """Empty: one that never ends, a letter at a time."""
    esmtp: bool = True
    """Whether it knows EHLO."""
    helo_reply: str = "250 relay.test"
    extensions: tuple[str, ...] = ("SIZE 10000000", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES")
    tls: ssl.SSLContext | None = None
    """Its certificate; with it STARTTLS is offered."""
    implicit_tls: bool = False
    """Whether a connection starts with TLS (needs `tls`)."""
    starttls_reply: str = "220 go on"
    login: tuple[str, str] | None = None
    """User and password, without which MAIL is refused with 530."""
    auth: tuple[str, ...] = ("PLAIN", "LOGIN")
    """The mechanisms it offers if it has a login."""
    sham: tuple[str, ...] = ()
    """Those of them that it does not know when they are asked for."""
    login_refusal: str = "535 5.7.8 wrong"
    put_off: range = range(0)
    """Which logins, counted from 1, are answered with 454."""
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
    logins: list[str] = field(default_factory=list)
    """The mechanism of every AUTH."""
    ahead: int = 0
    """How many commands came while the answer to the one before, or to a message, was still to be given (not counted
    under TLS)."""
    to_nobody: list[bytes] = field(default_factory=list)
    """Messages for which no recipient had been accepted."""
    connections: int = 0
    """How many there have been."""
    now_open: int = 0
    most_open: int = 0
    lock: threading.Condition = field(default_factory=threading.Condition)
    patience: threading.Event = field(default_factory=threading.Event)

    def recipients(self) -> list[str]:
        return [each.recipient for each in self.taken]

    def wait_for(self, recipient: str) -> None:
        """Returns when a message to that recipient has been taken."""
        with self.lock:
            assert self.lock.wait_for(lambda: recipient in self.recipients(), timeout=20)


_VERBS = frozenset({"EHLO", "HELO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "RSET", "NOOP", "QUIT"})


class _HangUp(Exception):
    """The session is over."""


class Serving(Protocol):
    """The server, as its sessions see it."""

    relay: Relay


class Session(socketserver.StreamRequestHandler):
    server: Serving  # type: ignore[assignment]  # socketserver does not know which server it is
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
        if not self.manners.greeting:
            self._drip()
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
            offered.append(" ".join(("AUTH", *self.manners.auth)))
        lines = ["relay.test greets you", *offered]
        self._say("\r\n".join(f"250{'-' if each is not lines[-1] else ' '}{each}" for each in lines))

    def _helo(self, argument: str) -> None:
        self._say(self.manners.helo_reply)

    def _starttls(self, argument: str) -> None:
        self._say(self.manners.starttls_reply)
        if self.manners.starttls_reply.startswith("220"):
            self._encrypt()

    def _auth(self, argument: str) -> None:
        mechanism, _, initial = argument.partition(" ")
        with self.relay.lock:
            self.relay.logins.append(mechanism)
            number = len(self.relay.logins)
        if mechanism in self.manners.sham:
            self._say("504 5.5.4 never heard of it")
        elif number in self.manners.put_off:
            self._say("454 4.7.0 ask again later")
        else:
            assert self.manners.login
            self.known = proves(mechanism, initial, self.manners.login, self._challenge)
            self._say("235 2.7.0 welcome" if self.known else self.manners.login_refusal)

    def _challenge(self, text: bytes) -> bytes:
        self._say(f"334 {base64.b64encode(text).decode()}")
        return base64.b64decode(self.rfile.readline())

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
        if local == "deaf":
            self._wait_for_the_end()
        data = self._body()
        with self.relay.lock:
            self.relay.ahead += self._is_more_there()
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

    def _wait_for_the_end(self) -> NoReturn:
        poll = select.poll()
        poll.register(self.connection, 0)  # of no interest but the end
        poll.poll(20_000)
        raise _HangUp

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
            case "slow":
                assert self.relay.patience.wait(20)
                self._say("250 2.0.0 taken at last")
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
    "wordless": "250",
    "outofrange": "654 3.2.1 what",
    "babble": "hello there",
    "noisy": "250-2.0.0 queued\x00\x1b[31m as\r\n250 7F3A \udce9" + "x" * 2000,
}
"""What it says to the dot."""
