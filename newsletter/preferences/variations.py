"""Columns of one newsletter, `topics:NAME`, `frequency:NAME` and `status:NAME`: a subscriber's own values for it."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from newsletter.model import Variation
from newsletter.preferences import choices
from newsletter.preferences.choices import Fault, Reading
from newsletter.preferences.offer import Offer
from newsletter.preferences.row import Fields
from newsletter.text import hyphened

FIELDS = ("topics", "frequency", "status")
"""Our fields that can differ for one newsletter."""


class Column(NamedTuple):
    """A column of one newsletter."""

    position: int
    field: str
    """One of `FIELDS`."""
    newsletter: str

    @property
    def name(self) -> str:
        return f"{self.field}:{self.newsletter}"


def read(cells: Sequence[str], columns: Sequence[Column], offer: Offer) -> Reading[dict[str, Variation]]:
    """The variation of each newsletter, from one cell for each column; an empty cell changes nothing.

    Of two columns for the same field the first counts, except that a status which stops mail always counts.
    """
    found: dict[str, Variation] = {}
    faults: list[Fault] = []
    for cell, column in zip(cells, columns, strict=True):
        reading = _variation(cell, column.field, offer)
        faults += (Fault(f"{fault.found} (column {column.name})", fault.cure) for fault in reading.faults)
        if reading.value != _NOTHING:
            found[column.newsletter] = _joined(found.get(column.newsletter, _NOTHING), reading.value)
    return Reading(found, tuple(faults))


def fields(variations: Mapping[str, Variation]) -> Fields:
    """The columns to write for variations, with their values."""
    written: dict[str, str | list[str]] = {}
    for name, own in variations.items():
        if own.topics is not None:
            written[f"topics:{name}"] = choices.listing(own.topics, own.excluded or ()) or [_NO_TOPIC]
        if own.frequency:
            written[f"frequency:{name}"] = own.frequency
        if own.status:
            written[f"status:{name}"] = own.status
    return written


_NOTHING = Variation()
_NO_TOPIC = "-"
"""The cell for no topic at all; an empty cell means that nothing differs."""


def _variation(cell: str, field: str, offer: Offer) -> Reading[Variation]:
    if choices.is_blank(cell):
        return Reading(_NOTHING)
    if field == "topics":
        if hyphened(cell).strip() == _NO_TOPIC:
            return Reading(Variation(topics=(), excluded=()))
        choice = choices.topics(cell, offer.topic, offer.topic_like)
        return Reading(Variation(topics=choice.value.chosen, excluded=choice.value.excluded), choice.faults)
    if field == "frequency":
        often = choices.frequency(cell)
        # An unknown word leaves the subscriber's own frequency, which may be rarer than "every".
        return Reading(Variation(frequency=None if often.faults and often.value == "every" else often.value),
                       often.faults)
    status = choices.status(cell)
    return Reading(Variation(status=status.value), status.faults)


def _joined(first: Variation, second: Variation) -> Variation:
    topics = first if first.topics is not None else second
    is_louder = first.status in (None, "active") and second.status is not None
    return Variation(topics.topics, topics.excluded, first.frequency or second.frequency,
                     second.status if is_louder else first.status)
