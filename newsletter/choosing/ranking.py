"""An issue's candidates in order of rank, with the reasons. Pure.

`edition` decides later whether a story is in for one subscriber. Here a story is only left out if it lies outside the
window of every subscriber, so that `why` can answer for each story.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from newsletter.choosing.related import Cluster
from newsletter.model import Candidate, Frequency, Match, Newsletter, Slot, Story

PERIODS: Mapping[Frequency, timedelta] = {
    "every": timedelta(0),
    "weekly": timedelta(0),
    "fortnightly": timedelta(days=14),
    "monthly": timedelta(days=31),
    "never": timedelta(0),
}
"""How much further back than `max_age` editions of a frequency take stories: the time without an issue."""


def issue_id(newsletter: str, slot: Slot, taken: Callable[[str], bool]) -> str:
    """A readable id: the newsletter and the slot's local day, with its time or a number where that id is taken.

    >>> # "weekly-2026-11-30", else "weekly-2026-11-30-0800", else "weekly-2026-11-30-0800-2"
    """
    day, _, time = slot.local.partition("T")
    plain = f"{newsletter}-{day}"
    if not taken(plain):
        return plain
    timed = f"{plain}-{time.replace(':', '')}"
    names = (timed if number == 1 else f"{timed}-{number}" for number in range(1, 1000))
    return next(name for name in names if not taken(name))


def window(newsletter: Newsletter, slot: Slot) -> datetime:
    """The instant from which stories are candidates: the earliest that counts for any subscriber."""
    return slot.instant - newsletter.max_age - max(PERIODS.values())


def ranked(
    stories: Iterable[tuple[Story, datetime]], clusters: Sequence[Cluster], newsletter: Newsletter, slot: Slot, *,
    match: Callable[[Story], tuple[Match, ...]], now: datetime,
) -> tuple[Candidate, ...]:
    """The issue's candidates in order of rank, including those that were merged into others.

    Each of `stories` comes with the instant since when it is available. One that is only available after the slot
    waits for the next issue, unless the issue is frozen later than its slot and the story is available by then.
    `clusters` are the groups of stories that report the same news.
    """
    due = [_candidate(story, available, match(story), newsletter, slot) for story, available in stories
           if available <= max(slot.instant, now)]
    return tuple(sorted(_merged(due, clusters), key=lambda each: (
        -each.score, -each.story.date.timestamp(), each.story.id)))


def _candidate(
    story: Story, available: datetime, matches: tuple[Match, ...], newsletter: Newsletter, slot: Slot,
) -> Candidate:
    age = slot.instant - story.date
    fresh = 10 * max(0.0, 1 - max(age, timedelta(0)) / (newsletter.max_age + max(PERIODS.values())))
    score = round(1000 * story.pinned + 10 * story.weight + fresh, 4)
    return Candidate(story, available, matches, score, _rank_in_words(story, age))


def _rank_in_words(story: Story, age: timedelta) -> str:
    days = max(age.days, 0)
    parts = ["pinned"] if story.pinned else []
    parts += [f"weight {story.weight}"] if story.weight else []
    parts += ["less than a day old" if days == 0 else "1 day old" if days == 1 else f"{days} days old"]
    return ", ".join(parts)


def _merged(due: Sequence[Candidate], clusters: Sequence[Cluster]) -> list[Candidate]:
    """The candidates after merging: a pick has the topics of its whole cluster, and the latest availability in it.

    Subscribers to any of these topics get the news once; the pick's own topics come first.
    """
    by_id = {each.story.id: each for each in due}
    for group in clusters:
        pick = by_id.get(group.pick)
        others = [by_id[each] for each in group.others if each in by_id]
        if pick is None or not others:
            continue
        by_id[group.pick] = replace(
            pick, also=tuple(each.story.id for each in others), matches=_united(pick, others),
            available=max(each.available for each in (pick, *others)),
        )
        by_id.update((each.story.id, replace(each, merged_into=group.pick)) for each in others)
    return list(by_id.values())


def _united(pick: Candidate, others: Sequence[Candidate]) -> tuple[Match, ...]:
    matches = {match.topic: match for match in pick.matches}
    for other in others:
        for match in other.matches:
            from_other = replace(match, evidence=f"{match.evidence}, of the same news in “{other.story.title}”")
            matches.setdefault(match.topic, from_other)
    return tuple(matches.values())
