"""The `newsletter` command with one thing changed: what was put off is due again in a moment, and not in minutes.

The pauses after a deferral (`answers.FIRST_PAUSE`, and `LONGEST_PAUSE` up to which they grow) and those for a relay out
of reach (`deliver.RELAY_PAUSES`) are as many as ever and shorter. Nothing else is touched: it is the real program on a
real store.
"""

from datetime import timedelta

from newsletter.cli import main as newsletter
from newsletter.delivering import loop as deliver
from newsletter.standing import answers

PAUSE = timedelta(milliseconds=20)


def main() -> None:
    """Sends as `newsletter` would."""
    answers.FIRST_PAUSE = answers.LONGEST_PAUSE = PAUSE
    deliver.RELAY_PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8)
    newsletter()


if __name__ == "__main__":
    main()
