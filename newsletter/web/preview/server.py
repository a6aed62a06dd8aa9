"""The preview's server: one process, for this machine alone."""

from types import FrameType

import uvicorn

from newsletter.app.previewing import Previewing
from newsletter.web.preview.addresses import preview
from newsletter.web.preview.live import Live


class Server(uvicorn.Server):
    """Serves the preview on a socket that listens already: `run(sockets=[...])`.

    Uvicorn waits for answers under way, and an open page's stream of events is one: when stopping, it is ended first.
    """

    def __init__(self, previewing: Previewing, issue: str, *, started: str) -> None:
        """`issue`: what a page shows that names none. `started`: as in `Live`."""
        self._live = Live(previewing, started)
        super().__init__(uvicorn.Config(
            preview(previewing, issue, self._live), log_level="warning", access_log=False, server_header=False,
            lifespan="on", timeout_graceful_shutdown=10,
        ))

    def stop(self) -> None:
        """Ends `run` soon; any thread may ask for it."""
        self.should_exit = True
        self._live.stop()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal asks to stop."""
        super().handle_exit(sig, frame)
        self._live.stop()
