"""Profiles: the words, names and numbers of a story's title and lead, which are compared with other stories'."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from newsletter.model import Story

LEAD = 80
"""The number of words of the text that count as its lead, where a news story states what happened."""


@dataclass(frozen=True, slots=True)
class Profile:
    """Stems and numbers as keys, with how the story writes them."""

    story: Story
    title: Mapping[str, str]
    lead: Mapping[str, str]
    words: Mapping[str, str]
    """Title and lead."""
    numbers: Mapping[str, str]
    """Of title and lead."""
    features: frozenset[str]
    """Words of the title, names and numbers."""
    marks: frozenset[str]
    """Words of the title that distinguish the parts of a series: numbers, months, ordinals."""
    steps: frozenset[str]
    """The steps of a law, a case or a plan that the title names."""

    @classmethod
    def of(cls, story: Story) -> "Profile":
        text = " ".join((story.text or story.summary or story.title).split()[:LEAD])
        title, lead = _words(story.title), _words(text)
        words = lead | title
        numbers = _numbers(f"{story.title}; {text}")
        names = {stem for stem, word in words.items() if not word.islower()}
        parts = {word.casefold() for word in _WORD.findall(story.title)}
        return cls(story, title, lead, words, numbers, frozenset(title.keys() | names | numbers.keys()),
                   frozenset(part for part in parts if part in _MARKS or part[0].isdecimal()),
                   frozenset(_STEPS[stem] for stem in title if stem in _STEPS))


def _words(text: str) -> dict[str, str]:
    """Stem → first spelling, without numbers, function words and words of one or two small letters."""
    words: dict[str, str] = {}
    for word in _WORD.findall(text):
        lower = word.casefold()
        long = len(word) > 2 or word.isupper()
        if long and not word[0].isdecimal() and lower not in _NO_WORDS:
            words.setdefault(_stem(word), word)
    return words


def _stem(word: str) -> str:
    """A crude stem, for any language: "invests", "investment" and "Investors" are one; "US" is not "us"."""
    word = word.replace("’", "'").removesuffix("'s")
    if word.isupper() and len(word) <= 4:
        return word
    word = word.casefold()
    return word[:6] if len(word) > 6 else word.removesuffix("s") if len(word) > 3 else word


def _numbers(text: str) -> dict[str, str]:
    """Value → first spelling; without years and bare numbers below ten, which are everywhere."""
    numbers: dict[str, str] = {}
    for found in _NUMBER.finditer(text):
        value = _value(found["digits"])
        bare = not found["scale"] and not found["percent"]
        if math.isnan(value) or (bare and (value < 10 or 1900 <= value < 2100)):
            continue
        value *= _SCALE[(found["scale"] or "").casefold()]
        numbers.setdefault(f"{value:g}{'%' if found['percent'] else ''}", found[0].strip())
    return numbers


def _value(digits: str) -> float:
    if re.fullmatch(r"\d{1,3}([.,]\d{3})+", digits):
        digits = re.sub(r"[.,]", "", digits)
    try:
        return float(digits.replace(",", "."))
    except ValueError:
        return math.nan


_WORD = re.compile(r"[^\W_]+(?:['’][^\W\d_]+)?")
_NUMBER = re.compile(
    r"[$€£¥]?(?<![\w.,])(?P<digits>\d+(?:[.,]\d+)*)"
    r"(?:[\s-]?(?P<scale>thousand|million|billion|trillion|mn|bn|tn|[km])\b)?"
    r"(?P<percent>\s?%|\sper\scent\b|\spercent\b)?",
    re.IGNORECASE,
)
_SCALE = {
    "": 1, "k": 1e3, "thousand": 1e3, "m": 1e6, "mn": 1e6, "million": 1e6,
    "bn": 1e9, "billion": 1e9, "tn": 1e12, "trillion": 1e12,
}
_EMPTY = frozenset(
    word
    for words in {
        "en": "about after against all also and any are been before being both but can could did does each for "
        "from had has have her here his how into its just more most must new not now off only other out "
        "over per said say says shall she should since some such than that the their them then there these "
        "they this those through under until was were what when where which while who whom whose why will "
        "with would you your",
        "fr": "aux avec ces cette dans des elle elles est été eux ils les leur leurs mais nous ont par pas plus "
        "pour que qui sans ses son sont sur une vous",
        "de": "als auch auf aus bei bis das dem den der des die durch ein eine einem einen einer eines für hat "
        "ist mit nach nicht oder sich sie sind und vom von vor war werden wie wird zum zur über",
    }.values()
    for word in words.split()
)
"""Function words, which say nothing about a story."""
_MARKS = frozenset(
    word
    for words in (
        "january february march april may june july august september october november december",
        "monday tuesday wednesday thursday friday saturday sunday",
        "first second third fourth fifth sixth seventh eighth ninth tenth",
        "one two three four five six seven eight nine ten eleven twelve",
    )
    for word in words.split()
)
_NO_WORDS = _EMPTY | _MARKS | _SCALE.keys()
_STEPS = {
    _stem(word): step
    for step, words in {
        "proposed": "propose proposes proposed drafts tables introduces unveils consults",
        "recommended": "committee recommends recommended",
        "passed": "pass passes passed approves approved adopts adopted clears cleared",
        "signed": "sign signs signed enacts enacted",
        "delayed": "delays delayed postpones postponed",
        "withdrawn": "withdraws withdrawn scraps scrapped repeals repealed dropped",
        "investigated": "investigates probe probes inquiry",
        "punished": "fine fines fined penalty penalised",
        "appealed": "appeal appeals appealed challenges",
        "annulled": "annuls annulled overturns overturned quashes quashed",
        "closed": "closes closed",
    }.items()
    for word in words.split()
}
