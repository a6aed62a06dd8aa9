"""The preview's server: one process, for this machine only."""

from types import FrameType

import uvicorn

from newsletter.app.previewing import Previewing
from newsletter.web.preview.addresses import preview
from newsletter.web.preview.live import Live


class Server(uvicorn.Server):
    """Serves the preview on a socket that is already listening: `run(sockets=[...])`.

    Uvicorn waits for unfinished answers, and an open page's stream of events is one: stopping ends the streams first.
    """

    def __init__(self, previewing: Previewing, issue: str, *, started: str) -> None:
        """`issue` is the one that a page shows if its URL names none. `started` is as in `Live`."""
        self._live = Live(previewing, started)
        super().__init__(uvicorn.Config(
            preview(previewing, issue, self._live), log_level="warning", access_log=False, server_header=False,
            lifespan="on", timeout_graceful_shutdown=10,
        ))

    def stop(self) -> None:
        """Ends `run` soon; may be called from any thread."""
        self.should_exit = True
        self._live.stop()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stops on a signal."""
        super().handle_exit(sig, frame)
        self._live.stop()
