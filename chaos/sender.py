"""The `newsletter` command with shorter pauses: a deferred mail is due again in a moment instead of minutes.

There are as many pauses as usual, after a deferral and for a relay out of reach, but they are shorter. Nothing else
differs: it is the real program on a real store.
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
    """The project around the working directory, with the shorter pauses."""
    return replace(App.open(), pace=PACE)


def main() -> None:
    """Runs `newsletter` with the shorter pauses."""
    opening.set(hurried)
    newsletter()


if __name__ == "__main__":
    main()
