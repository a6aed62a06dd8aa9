"""docs/words.md has every word of the model, and no other."""

import re
from pathlib import Path

from newsletter import links, model

PAGE = (Path(__file__).parent.parent / "docs" / "words.md").read_text("utf-8")
ROW = re.compile(r"^\| ([^|]+) \| `(\w+)` \| ([^|]+) \|$", re.MULTILINE)
FUNCTIONS = {"digest", "may", "spoken_in", "status_at", "subscriptions"}
CONSTANTS = {"TRANSITIONS", "Verb"}
LINKS = {"Handle", "Keyring", "Purpose", "Tokens"}


def test_every_word_of_the_model_has_its_sentence() -> None:
    assert set(links.__all__) >= LINKS
    assert {code for _, code, _ in ROW.findall(PAGE)} == LINKS | set(model.__all__) - FUNCTIONS - CONSTANTS


def test_each_word_has_one_meaning_and_each_meaning_one_word() -> None:
    rows = ROW.findall(PAGE)
    words, codes, meanings = zip(*rows, strict=True)
    for column in (words, codes, meanings):
        assert len(column) == len(set(column))


def test_a_meaning_is_one_sentence_that_begins_with_its_noun() -> None:
    for word, _, meaning in ROW.findall(PAGE):
        assert not re.match(r"(?:what|who|whose|where) (?:is|was|has|did)\b", meaning), word
        assert ". " not in meaning, word
