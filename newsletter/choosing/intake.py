"""Intake: a fetch's stories divided into those taken in at once and those held for the editor.

A feed that moves to new software often gives all its old entries new names. Mailing them as news would be worse than
mailing none, so a sudden crowd of unknown but old stories is held until the editor releases it.
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
    """The stories of one fetch, each either fresh or held, in their order."""

    fresh: tuple[Story, ...]
    """Stories taken in at once: new ones, and new versions of known ones."""
    held: tuple[Story, ...] = ()
    """Stories that are unknown and old: in no issue until the editor releases them."""
    problem: Problem | None = None
    """Reports the held stories and how to release them; None if nothing is held."""


def judge(stories: Sequence[Story], *, known: frozenset[str], last_fetch: datetime | None, now: datetime) -> Intake:
    """Holds the old among the unknown stories if there are more than `CROWD` unknown ones and most of them are old.

    `known` are the ids of the source's stories in the store. `last_fetch` is None on the first fetch of the source, and
    nothing is held then. A story is old if it is undated, or dated more than a day before the last fetch.
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
    return Problem(source, f"{len(held)} unknown stories that are undated or older than the last fetch "
                           f"({last_fetch:%Y-%m-%d %H:%M} UTC) came at once and are held back",
                   f"If they are news, run: newsletter stories release {shlex.quote(source)}")
