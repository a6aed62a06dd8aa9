"""Relays that accept mail and discard it, and the lines to them; each in processes of its own.

    clear    Postfix's smtp-sink on 127.0.0.1
    tls      our own sink, `tls_sink`: smtp-sink does not support TLS, and a TLS proxy before it would be the limit
    20ms     smtp-sink behind `slow_line`, which delays each byte by 10 ms in either direction
    0ms      the same without a delay: the most that this line can carry
"""

import ipaddress
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, sleep

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

LINES = ("clear", "tls", "20ms", "0ms")

_SERVE = """
import sys
from importlib import import_module
module, *arguments = sys.argv[1:]
import_module(module).serve(*arguments)
"""


@dataclass(frozen=True, slots=True)
class Line:
    """A way to a relay."""

    name: str
    port: int
    processes: tuple[int, ...]
    """Process group ids of the relay and of the processes in between."""
    certificate: str = ""
    """The file of the relay's certificate, if a connection begins with TLS; else empty."""

    def cpu(self) -> list[float]:
        """Seconds of CPU that each process group has used so far, with its children."""
        return [_cpu_of(process) for process in self.processes]


@contextmanager
def line(name: str) -> Iterator[Line]:
    """Starts the line of that name, one of LINES, with its relay."""
    match name:
        case "clear":
            with smtp_sink() as (port, process):
                yield Line(name, port, (process,))
        case "tls":
            with tempfile.TemporaryDirectory() as folder:
                certificate = _certificate(Path(folder))
                with _ours("bench.tls_sink", certificate) as (port, process):
                    yield Line(name, port, (process,), certificate)
        case _:
            there_and_back = int(name.removesuffix("ms"))
            with (smtp_sink() as (far, sink),
                  _ours("bench.slow_line", str(far), str(there_and_back / 2)) as (port, between)):
                yield Line(name, port, (sink, between))


@contextmanager
def smtp_sink() -> Iterator[tuple[int, int]]:
    """A running smtp-sink: its port and its process."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    user = ["-u", "nobody"] if os.getuid() == 0 else []
    with _running([program("smtp-sink"), *user, f"127.0.0.1:{port}", "200"]) as process:
        _wait_for(process, port)
        yield port, process.pid


def program(name: str) -> str:
    """The path of one of Postfix's programs. If it is missing, the benchmark ends with instructions to install it."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None:
        sys.exit(f"bench: {name} is missing; on Debian and Ubuntu: apt-get install --no-install-recommends postfix")
    return found


def _wait_for(process: "subprocess.Popen[str]", port: int) -> None:
    deadline = monotonic() + 10
    while process.poll() is None and monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            sleep(0.05)
        else:
            return
    sys.exit("bench: smtp-sink does not answer; its output is above")


@contextmanager
def _ours(module: str, *arguments: str) -> Iterator[tuple[int, int]]:
    """Runs the module's `serve` in a process of its own. Gives the port that it prints, and the process id."""
    with _running([sys.executable, "-c", _SERVE, module, *arguments]) as process:
        assert process.stdout is not None
        port = process.stdout.readline()
        if not port:
            sys.exit(f"bench: {module} did not start; its output is above")
        yield int(port), process.pid


@contextmanager
def _running(command: list[str]) -> Iterator["subprocess.Popen[str]"]:
    """Runs the command in a process group of its own, and terminates it in the end."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1],  # noqa: S603
                               start_new_session=True)  # Postfix's programs, and our own
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=10)


def _cpu_of(group: int) -> float:
    """Seconds of CPU of all processes in the group, and of their children that have ended."""
    ticks = 0
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = file.read_text().rpartition(") ")[2].split()
        except OSError:  # it has just ended
            continue
        if int(fields[2]) == group:
            ticks += sum(map(int, fields[11:15]))  # utime, stime, cutime, cstime; proc(5)
    return ticks / os.sysconf("SC_CLK_TCK")


def _certificate(folder: Path) -> str:
    """Writes a self-signed certificate for 127.0.0.1 and its key to one file, and returns the file's path."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sink.test")])
    begin, end = (datetime(year, 1, 1, tzinfo=UTC) for year in (2020, 2090))
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), begin, end)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256()))
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = folder / "sink.pem"
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + secret)
    return str(file)
