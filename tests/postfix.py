"""A real Postfix for tests: an instance of its own in a folder of its own, on free ports of this machine.

It takes mail for example.org from whoever logs in over TLS, and delivers it into a folder, a file a mail. What it does
with a recipient is said by the address, as in `smtpd`:

    deferred@   450 4.2.1 to RCPT           refused@    550 5.1.1 to RCPT
    unwanted@   550 5.7.1 to the dot

Nothing of the machine's own Postfix is changed. The master process must be root, which drops to the user postfix: that
user must be able to reach the folder.
"""

import contextlib
import datetime
import ipaddress
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.flow.desk import read

USER, PASSWORD, REALM = "desk", "a quiet word", "relay.test"

PATIENCE = 30
"""Seconds to wait for what Postfix does in less than one."""

_NOBODY = 65534
"""The user whose the delivered mails are."""

_PROGRAMS = ("postfix", "saslpasswd2")
_PLACES = (*os.environ.get("PATH", "").split(os.pathsep), "/usr/sbin", "/sbin")

_FILES = {
    "etc/main.cf": """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
myhostname = {realm}
mydestination =
mynetworks =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
local_recipient_maps =
virtual_mailbox_domains = example.org
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = static:everybody/
virtual_uid_maps = static:{nobody}
virtual_gid_maps = static:{nobody}
smtpd_tls_security_level = may
smtpd_tls_chain_files = {folder}/secret.pem {folder}/certificate.pem
smtpd_tls_auth_only = yes
smtpd_sasl_auth_enable = yes
smtpd_sasl_local_domain = {realm}
cyrus_sasl_config_path = {folder}/etc/sasl
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_recipient_restrictions = check_recipient_access texthash:{folder}/etc/recipients
header_checks = regexp:{folder}/etc/headers
""",
    "etc/master.cf": """\
127.0.0.1:{port} inet n - n - - smtpd
127.0.0.1:{clear_port} inet n - n - - smtpd
    -o smtpd_tls_security_level=none -o smtpd_tls_auth_only=no
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
postlog unix-dgram n - n - 1 postlogd
""",
    "etc/recipients": """\
deferred@example.org 450 4.2.1 the mailbox is busy
refused@example.org 550 5.1.1 nobody of that name
""",
    "etc/headers": "/^To:.*unwanted@/ REJECT 5.7.1 not what we take\n",
    "etc/sasl/smtpd.conf": """\
pwcheck_method: auxprop
auxprop_plugin: sasldb
sasldb_path: {folder}/passwords
mech_list: PLAIN LOGIN
""",
}


@dataclass(frozen=True, slots=True)
class Postfix:
    """A running instance."""

    folder: Path
    port: int
    """Here STARTTLS is offered, and after it AUTH."""
    clear_port: int
    """Here it is not, but AUTH is."""

    @property
    def ca_file(self) -> Path:
        """Whom a client has to trust."""
        return self.folder / "certificate.pem"

    def mails(self) -> dict[str, list[EmailMessage]]:
        """What was delivered, by recipient, once nothing that was taken is still under way."""
        self._wait_until(lambda: not self._queued())
        found: dict[str, list[EmailMessage]] = {}
        for file in self.folder.glob("mail/everybody/new/*"):
            mail = read(file.read_bytes())
            found.setdefault(str(mail["Delivered-To"]), []).append(mail)
        return found

    def forget(self) -> None:
        """Throws away what was delivered."""
        self.mails()
        shutil.rmtree(self.folder / "mail" / "everybody", ignore_errors=True)

    def log(self) -> str:
        file = self.folder / "log"
        return file.read_text("utf-8", "replace") if file.exists() else ""

    def wait_for_log(self, words: str, after: int) -> str:
        """The log from a position on, once these words are in it."""
        self._wait_until(lambda: words in self.log()[after:])
        return self.log()[after:]

    def _wait_until(self, done: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE
        while not done():
            assert time.monotonic() < end, f"still queued: {self._queued()}\n{self.log()}"
            time.sleep(0.02)

    def _queued(self) -> list[str]:
        """In the order in which a mail goes through them: none slips by between two looks."""
        return [
            file.name for name in ("maildrop", "incoming", "active", "deferred")
            for file in (self.folder / "queue" / name).rglob("*") if file.is_file()
        ]


def missing() -> str:
    """Why there can be no Postfix here; empty if there can."""
    absent = [name for name in _PROGRAMS if not _program(name)]
    if absent:
        return f"no {' and no '.join(absent)}: apt-get install --no-install-recommends postfix sasl2-bin"
    return "" if os.geteuid() == 0 else "Postfix can only be started by root"


@contextlib.contextmanager
def postfix() -> Iterator[Postfix]:
    """Starts an instance, and stops it in the end. Raises RuntimeError, with its words, if it does not start."""
    folder = Path(tempfile.mkdtemp(prefix="newsletter-postfix-"))
    folder.chmod(0o755)
    instance = Postfix(folder, *_free_ports(2))
    try:
        _furnish(instance)
        _ask(instance, "start")
        try:
            yield instance
        finally:
            _ask(instance, "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _program(name: str) -> str:
    return shutil.which(name, path=os.pathsep.join(_PLACES)) or ""


def _ask(instance: Postfix, verb: str) -> None:
    done = subprocess.run(
        [_program("postfix"), "-c", str(instance.folder / "etc"), verb], capture_output=True, text=True, timeout=60,
    )
    if done.returncode:
        raise RuntimeError(f"postfix {verb}: {done.stdout}{done.stderr}\n{instance.log()}")


def _free_ports(count: int) -> Sequence[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _furnish(instance: Postfix) -> None:
    """Everything that the instance reads, and the folders that it writes to."""
    folder = instance.folder
    for name, text in _FILES.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text.format(
            folder=folder, port=instance.port, clear_port=instance.clear_port, nobody=_NOBODY, realm=REALM,
        ))
    for name, owner in (("queue", "root"), ("data", "postfix"), ("mail", _NOBODY)):
        (folder / name).mkdir()
        shutil.chown(folder / name, owner)
    passwords = folder / "passwords"
    subprocess.run(
        [_program("saslpasswd2"), "-p", "-c", "-f", str(passwords), "-u", REALM, USER], input=PASSWORD, text=True,
        check=True, capture_output=True,
    )
    shutil.chown(passwords, group="postfix")
    passwords.chmod(0o640)
    _certify(folder)


def _certify(folder: Path) -> None:
    """A certificate for 127.0.0.1 that is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, REALM)])
    begin, end = (datetime.datetime(year, 1, 1, tzinfo=datetime.UTC) for year in (2020, 2090))
    address = x509.IPAddress(ipaddress.IPv4Address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), begin, end)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption(),
    )
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "secret.pem").write_bytes(secret)
    (folder / "secret.pem").chmod(0o600)
