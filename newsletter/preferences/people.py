"""From rows to subscribers, and back to the fields that are written."""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache, partial

from newsletter import address, text
from newsletter.errors import DataError
from newsletter.model import Interests, Problem, Status, Subscriber
from newsletter.preferences import choices
from newsletter.preferences.choices import Fault, Reading
from newsletter.preferences.columns import FIELDS, LONGEST, Columns, columns, field_of
from newsletter.preferences.row import Fields, Row, at, listed


def read(
    rows: Iterable[Row | Problem], place: str, topic: Callable[[str], str | None], suggestion: Callable[[str], str],
) -> Iterator[Subscriber | Problem]:
    """The subscribers of rows, each after its row's problems. A row without a good address gives a problem alone."""
    layout = lru_cache(maxsize=256)(partial(columns, topic=topic))
    wishes = lru_cache(maxsize=8192)(partial(_interests, topic=topic, suggestion=suggestion))
    for row in rows:
        if isinstance(row, Problem):
            yield row
        else:
            person, faults = _person(row, layout(row.names), wishes)
            for fault in faults:
                yield Problem(at(place, row.line), fault.found, fault.cure)
            if person:
                yield person


def fields(subscriber: Subscriber) -> Fields:
    """What is written of a subscriber: every field that says something, ours first."""
    wishes = subscriber.interests
    ours: dict[str, str | list[str]] = {
        "email": subscriber.email, "name": subscriber.name,
        "topics": [*wishes.topics, *(f"-{slug}" for slug in wishes.excluded)],
        "frequency": wishes.frequency, "language": wishes.language, "timezone": subscriber.timezone,
        "format": wishes.format, "status": subscriber.status, "note": subscriber.note, "quiet": wishes.quiet,
    }
    # An empty field is written where a column that is kept could be taken for it.
    mistakable = {field_of(name) for name in subscriber.extra}
    return {name: ours[name] for name in FIELDS if ours[name] or name in mistakable} | dict(subscriber.extra)


Wishes = Callable[[str, str, str, str, str], Reading[Interests]]
"""Interests from the cells topics, frequency, language, format and quiet. Cached: most people choose as others do."""


def _person(row: Row, layout: Columns, wishes: Wishes) -> tuple[Subscriber | None, list[Fault]]:
    cells = [*row.cells, ""]  # index -1 is the cell that is not there
    ours = layout.ours
    try:
        mailbox = address.parse(cells[ours["email"]])
    except DataError as error:
        return None, [Fault(error.found, error.cure)]
    chosen, faults = _topics_cell(cells, layout)
    interests = wishes(chosen, cells[ours["frequency"]], cells[ours["language"]], cells[ours["format"]],
                       cells[ours["quiet"]])
    zone = choices.zone(cells[ours["timezone"]])
    status = _status(cells, layout)
    name = text.line(cells[ours["name"]], LONGEST)
    for reading in (interests, zone, status):
        faults += reading.faults
    if "\N{REPLACEMENT CHARACTER}" in name:
        faults.append(Fault(f"the name {text.quoted(name)} has bytes that are no text", "Save the file as UTF-8."))
    return Subscriber(
        mailbox.email, mailbox.key, name, interests.value, zone.value, status.value,
        text.lines(cells[ours["note"]]), _extra(cells, layout), row.line,
    ), faults


def _interests(
    topics: str, frequency: str, language: str, format: str, quiet: str,
    topic: Callable[[str], str | None], suggestion: Callable[[str], str],
) -> Reading[Interests]:
    choice = choices.topics(topics, topic, suggestion)
    often, tongue = choices.frequency(frequency), choices.language(language)
    form, rest = choices.format(format), choices.quiet(quiet)
    interests = Interests(choice.value.topics, choice.value.excluded, often.value, tongue.value, form.value, rest.value)
    return Reading(interests, choice.faults + often.faults + tongue.faults + form.faults + rest.faults)


def _topics_cell(cells: list[str], layout: Columns) -> tuple[str, list[Fault]]:
    """The topics cell, with the topics added that have a tick in a column of their own."""
    written = cells[layout.ours["topics"]]
    if not layout.topics:
        return written, []
    readings = [(slug, choices.ticked(cells[index])) for index, slug in layout.topics]
    chosen = listed([written, *(slug for slug, tick in readings if tick.value)])
    return chosen, [fault for _, tick in readings for fault in tick.faults]


def _status(cells: list[str], layout: Columns) -> Reading[Status]:
    """A status that is written counts; without one, who is gone by another program's column is."""
    written = cells[layout.ours["status"]]
    if not written.strip():
        for index, status in layout.gone:
            if choices.holds(cells[index]):
                return Reading(status)
    return choices.status(written)


def _extra(cells: list[str], layout: Columns) -> dict[str, str]:
    return {name: kept for index, name in layout.extra if (kept := text.lines(cells[index]))}
