"""The `newsletter` command at another pace: a deferred mail is due again in a moment, and not in minutes.

The pauses after a deferral and those for a relay out of reach are as many as ever and shorter. Nothing else differs: it
is the real program on a real store.
"""

from dataclasses import replace
from datetime import timedelta

from newsletter.app import App
from newsletter.cli import main as newsletter
from newsletter.cli.opened import opening
from newsletter.delivering import Pace
from newsletter.standing.answers import Pauses

PAUSE = timedelta(milliseconds=20)

PACE = Pace(relay_pauses=(0.05, 0.1, 0.2, 0.4, 0.8), retry_pauses=Pauses(PAUSE, PAUSE))


def hurried() -> App:
    """The project around the working directory, at our pace."""
    return replace(App.open(), pace=PACE)


def main() -> None:
    """Sends as `newsletter` would."""
    opening.set(hurried)
    newsletter()


if __name__ == "__main__":
    main()
