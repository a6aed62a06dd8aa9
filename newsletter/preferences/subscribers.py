"""Subscribers made from rows, and the fields to write for a subscriber."""

from collections.abc import Iterable, Iterator
from functools import lru_cache, partial
from typing import NamedTuple

from newsletter import address, text
from newsletter.errors import DataError
from newsletter.model import Interests, Problem, Status, Subscriber
from newsletter.preferences import choices, pause, variations
from newsletter.preferences.choices import Fault, Reading
from newsletter.preferences.columns import FIELDS, LONGEST, Columns, columns, field_of
from newsletter.preferences.offer import Offer
from newsletter.preferences.row import Fields, Row, at, listed


def read(rows: Iterable[Row | Problem], place: str, offer: Offer) -> Iterator[Subscriber | Problem]:
    """The subscribers of rows, each after its row's problems. A row without a valid address gives only a problem; a
    mistake in a column's name is one problem, however many rows have it."""
    layout = lru_cache(maxsize=256)(partial(columns, offer=offer))
    reader = _Reader(offer)
    reported: set[Fault] = set()
    for row in rows:
        if isinstance(row, Problem):
            yield row
            continue
        read_as = layout(row.names)
        for fault in read_as.faults:
            if fault not in reported:
                reported.add(fault)
                yield Problem(at(place, row.header or row.line), fault.found, fault.cure)
        subscriber, faults = reader.subscriber(row, read_as)
        for fault in faults:
            yield Problem(at(place, row.line), fault.found, fault.cure)
        if subscriber:
            yield subscriber


def fields(subscriber: Subscriber) -> Fields:
    """The fields to write for a subscriber: every field with a value, ours first."""
    wishes, until = subscriber.interests, subscriber.paused_until
    is_paused_for_good = subscriber.status == "paused"  # a date in the next column would end that
    ours: dict[str, str | list[str]] = {
        "email": subscriber.email, "name": subscriber.name, "topics": choices.listing(wishes.topics, wishes.excluded),
        "newsletters": choices.listing(subscriber.newsletters, subscriber.declined), "frequency": wishes.frequency,
        "language": wishes.language, "timezone": subscriber.timezone, "format": wishes.format,
        "status": subscriber.status,
        "paused_until": pause.written(until, subscriber.timezone) if until and not is_paused_for_good else "",
        "note": subscriber.note, "quiet": wishes.quiet,
    }
    # An empty field is written if a column that is kept could be mistaken for it.
    mistakable = {field_of(name) for name in subscriber.extra}
    written = {name: ours[name] for name in FIELDS if ours[name] or name in mistakable}
    return written | dict(variations.fields(subscriber.variations)) | dict(subscriber.extra)


class _Wishes(NamedTuple):
    """The cells from which interests are made."""

    topics: str
    frequency: str
    language: str
    format: str
    quiet: str


class _Reader:
    """Makes subscribers from rows. The meaning of cells is cached, since many subscribers choose the same."""

    def __init__(self, offer: Offer) -> None:
        self._offer = offer
        self._interests = lru_cache(maxsize=8192)(partial(_interests, offer=offer))
        self._newsletters = lru_cache(maxsize=8192)(partial(choices.newsletters, offer=offer))
        self._variations = lru_cache(maxsize=8192)(partial(variations.read, offer=offer))

    def subscriber(self, row: Row, layout: Columns) -> tuple[Subscriber | None, list[Fault]]:
        """The subscriber of a row, None without a valid address; and the mistakes in its cells."""
        cells = [*row.cells, ""]  # index -1 stands for a missing cell
        ours = layout.ours
        try:
            mailbox = address.parse(cells[ours["email"]])
        except DataError as error:
            return None, [Fault(error.found, error.cure)]
        topics, faults = _topics_cell(cells, layout)
        interests = self._interests(_Wishes(topics, *(cells[ours[name]] for name in _Wishes._fields[1:])))
        newsletters = self._newsletters(cells[ours["newsletters"]])
        varying = self._variations(tuple(cells[column.position] for column in layout.variations), layout.variations)
        zone = choices.zone(cells[ours["timezone"]])
        written, until = _status(cells, layout), pause.until(cells[ours["paused_until"]], zone.value)
        status, paused_until = pause.combined(written, until)
        name = text.line(cells[ours["name"]], LONGEST)
        for faulty in (interests.faults, newsletters.faults, varying.faults, zone.faults, written.faults, until.faults):
            faults += faulty
        if "\N{REPLACEMENT CHARACTER}" in name:
            faults.append(Fault(f"the name {text.quoted(name)} has undecodable bytes", "Save the file as UTF-8."))
        return Subscriber(
            mailbox.email, mailbox.key, name, interests.value, zone.value, status,
            text.lines(cells[ours["note"]]), _extra(cells, layout), row.line, 0, newsletters.value.chosen,
            newsletters.value.excluded, varying.value, paused_until,
        ), faults


def _interests(wishes: _Wishes, offer: Offer) -> Reading[Interests]:
    choice = choices.topics(wishes.topics, offer.topic, offer.topic_like)
    often, tongue = choices.frequency(wishes.frequency), choices.language(wishes.language)
    form, rest = choices.format(wishes.format), choices.quiet(wishes.quiet)
    interests = Interests(choice.value.chosen, choice.value.excluded, often.value, tongue.value, form.value, rest.value)
    return Reading(interests, choice.faults + often.faults + tongue.faults + form.faults + rest.faults)


def _topics_cell(cells: list[str], layout: Columns) -> tuple[str, list[Fault]]:
    """The topics cell, together with the topics that are ticked in columns of their own."""
    written = cells[layout.ours["topics"]]
    if not layout.topics:
        return written, []
    readings = [(slug, choices.ticked(cells[index])) for index, slug in layout.topics]
    chosen = listed([written, *(slug for slug, tick in readings if tick.value)])
    return chosen, [fault for _, tick in readings for fault in tick.faults]


def _status(cells: list[str], layout: Columns) -> Reading[Status]:
    """The status as written; if none is, the one that another program's column implies."""
    written = cells[layout.ours["status"]]
    if not written.strip():
        for index, status in layout.implied:
            if choices.holds(cells[index]):
                return Reading(status)
    return choices.status(written)


def _extra(cells: list[str], layout: Columns) -> dict[str, str]:
    return {name: kept for index, name in layout.extra if (kept := text.lines(cells[index]))}
