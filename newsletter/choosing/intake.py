"""Which stories of a fetch are taken in at once, and which wait for the editor.

A feed that moves to new software often gives all its old entries new names. Mailing them as news would be worse than
mailing none, so a sudden crowd of unknown but old stories is held until somebody has looked.
"""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from newsletter.model import Problem, Story

CROWD = 20
"""Unknown stories in one fetch up to which nothing is held."""
_GRACE = timedelta(days=1)  # feeds are cached, and date entries when they were begun


@dataclass(frozen=True, slots=True)
class Intake:
    """The stories of one fetch, parted: every story is in one of the two groups, in the order of the fetch."""

    fresh: tuple[Story, ...]
    """Taken in at once: new ones, and new versions of known ones."""
    held: tuple[Story, ...] = ()
    """Unknown and old: not in any issue until the editor releases them."""
    problem: Problem | None = None
    """Says so and how to release them; None if nothing is held."""


def judge(stories: Sequence[Story], *, known: frozenset[str], last_fetch: datetime | None, now: datetime) -> Intake:
    """Holds the old among the unknown stories if there are more than `CROWD` unknown ones and most of them are old.

    `known` are the ids of the source's stories we have; `last_fetch` is None on its first fetch, then nothing is held.
    Old is a story dated more than a day before the last fetch, or not dated at all.
    """
    if last_fetch is None:
        return Intake(tuple(stories))
    edge = min(last_fetch, now) - _GRACE
    unknown = [story for story in stories if story.id not in known]
    old = {story.id for story in unknown if not story.dated or story.date < edge}
    if len(unknown) <= CROWD or len(old) * 2 <= len(unknown):
        return Intake(tuple(stories))
    held = tuple(story for story in stories if story.id in old)
    return Intake(tuple(story for story in stories if story.id not in old), held, _held(held, last_fetch))


def _held(held: Sequence[Story], last_fetch: datetime) -> Problem:
    source = held[0].source
    return Problem(source, f"{len(held)} stories we did not know, undated or older than the last fetch "
                           f"({last_fetch:%Y-%m-%d %H:%M} UTC), came at once and are held back",
                   f"If they are news, type: newsletter stories release {shlex.quote(source)}")
