"""The preview's server, started for `newsletter preview`."""

import socket
import sys
import webbrowser
from ipaddress import ip_address

from newsletter.app import App
from newsletter.app.previewing import Previewing
from newsletter.errors import UsageError
from newsletter.web.preview.server import Server


def serve(app: App, issue: str | None, *, host: str, port: int, open_browser: bool) -> None:
    """Serves the preview until interrupted, and prints its address on standard error.

    `issue` is an issue's id, `latest` or a newsletter's name; None shows the draft of the first newsletter. Port 0 is
    any that is free. Raises UsageError for an unknown issue, a host beyond this machine and a port that is taken.
    """
    listening = _listen(host, port)
    previewing = Previewing(app)
    try:
        chosen = previewing.chosen(issue)
        address = f"http://{_shown(host)}:{listening.getsockname()[1]}/"
        print(f"Preview of {chosen}: {address} (Ctrl-C ends it)", file=sys.stderr, flush=True)
        if open_browser:
            webbrowser.open(address)
        Server(previewing, chosen, started=f"{app.now():%H%M%S%f}").run(sockets=[listening])
    finally:
        listening.close()
        previewing.close()


def _listen(host: str, port: int) -> socket.socket:
    try:
        address = ip_address("127.0.0.1" if host == "localhost" else host.strip("[]"))
    except ValueError:
        address = None
    if address is None or not address.is_loopback:
        raise UsageError(
            f"{host} is no loopback address: the preview shows subscribers' names and has no password",
            cure=f"From the other machine: ssh -L {port or 8025}:127.0.0.1:{port or 8025} THIS-MACHINE, "
                 f"and here: newsletter preview --port {port or 8025}",
        )
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    try:
        return socket.create_server((str(address), port), family=family)
    except OSError as error:
        raise UsageError(f"port {port} cannot be used: {error.strerror}",
                         cure="Take any free port: newsletter preview --port 0") from error


def _shown(host: str) -> str:
    return f"[{host.strip('[]')}]" if ":" in host else host
