"""Which blocks an edition has, and what its readers share."""

from collections.abc import Mapping
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import split_graphemes

from newsletter.model import Edition, Entry, Interests, Manifest, Section
from newsletter.render.layout import CONTENTS, layout
from newsletter.render.template import Template
from newsletter.render.words import Words

ENGLISH = Words("en")


def edition(*sections: Section, topics: tuple[str, ...] = ("cyber", "ai"), quiet: bool = False) -> Edition:
    return Edition(Interests(topics=topics), frozenset(), sections, quiet)


CYBER = Section("cyber", (Entry("s2"), Entry("s6", ("privacy", "ai"))), more=1)
TRADE = Section("trade", (Entry("s5"),))


def test_an_edition_is_its_head_its_sections_and_its_foot_and_the_first_story_leads(manifest: Manifest) -> None:
    keys = [placed.key for placed in layout(edition(CYBER, TRADE), manifest, ENGLISH)]
    assert keys == ["head", "topic:cyber", "lead:s2", "rest", "story:s6", "more", "topic:trade", "story:s5", "foot"]


def placed(manifest: Manifest, *sections: Section) -> dict[str, Mapping[str, str]]:
    return {each.key: each.values for each in layout(edition(*sections), manifest, ENGLISH)}


AI = Section("ai", (Entry("s4"), Entry("s7")))


def test_from_four_stories_on_the_others_are_listed_before_the_lead(manifest: Manifest) -> None:
    keys = [*placed(manifest, CYBER, TRADE, AI)]
    assert keys[:7] == ["head", "contents", "item:s6", "item:s5", "item:s4", "item:s7", "contents-end"]
    assert "contents" not in placed(manifest, CYBER, TRADE)


def test_however_long_a_section_is_the_first_story_of_each_other_one_is_listed(manifest: Manifest) -> None:
    long = Section("cyber", tuple(Entry(story) for story in ("s2", "s6", "s4", "s7")))
    keys = [*placed(manifest, long, TRADE, Section("privacy", (Entry("s3"),)))]
    assert [key for key in keys if key.startswith("item:")] == ["item:s6", "item:s4", "item:s7", "item:s5", "item:s3"]


def test_the_list_names_a_topic_where_it_is_another_one(manifest: Manifest) -> None:
    slots = placed(manifest, CYBER, AI)
    labels = [slots[key]["label"] for key in slots if key.startswith("item:")]
    assert labels == ["Cybersecurity · ", "Artificial intelligence · ", ""]


def test_a_list_of_contents_stays_short(manifest: Manifest) -> None:
    stories = tuple(Entry(each.story.id) for each in manifest.candidates)
    assert sum(key.startswith("item:") for key in placed(manifest, Section("ai", stories))) == CONTENTS[1]


def test_stories_are_numbered_as_they_are_read_and_know_their_section(manifest: Manifest) -> None:
    slots = placed(manifest, CYBER, TRADE)
    assert [slots[key]["number"] for key in ("lead:s2", "story:s6", "story:s5")] == ["1", "2", "3"]
    assert slots["story:s5"]["section"] == "Trade"
    assert slots["head"]["count"] == "3 stories"


def test_a_quiet_edition_has_the_note_and_then_what_little_there_is(manifest: Manifest) -> None:
    placed = layout(edition(TRADE, quiet=True), manifest, ENGLISH)
    assert [each.key for each in placed] == ["head", "quiet", "topic:trade", "lead:s5", "foot"]
    assert placed[0].values["subject"] == "The Quiet Desk"
    assert [each.key for each in layout(edition(quiet=True), manifest, ENGLISH)] == ["head", "quiet", "foot"]


def test_a_story_names_the_other_topics_of_its_reader(manifest: Manifest, weekly: Template) -> None:
    in_german = {placed.key: placed.values for placed in layout(edition(CYBER), manifest, weekly.words("de"))}
    assert in_german["lead:s2"]["also_in"] == ""
    assert in_german["story:s6"]["also_in"] == " · auch unter Privacy & data, Artificial intelligence"
    assert in_german["more"]["more"] == "1 weitere Meldung im Web"


def test_the_topics_are_those_chosen_in_the_reader_s_order(manifest: Manifest) -> None:
    for chosen, words in [
        (("cyber", "ai"), "Cybersecurity, Artificial intelligence"), (("*",), "all topics"),
        (("gone", "ai"), "Artificial intelligence"),
    ]:
        assert layout(edition(CYBER, topics=chosen), manifest, ENGLISH)[0].values["topics"] == words


def test_the_subject_is_the_lead_and_the_preheader_goes_on_from_it(manifest: Manifest) -> None:
    slots = layout(edition(CYBER, TRADE), manifest, ENGLISH)[0].values
    assert slots["subject"] == 'A small grid operator says "no" & shuts the door on remote updates'
    assert slots["preheader"].startswith("Password of the year is a poem · Customs forms for software")


def test_the_preheader_of_a_single_story_is_its_summary(manifest: Manifest) -> None:
    slots = layout(edition(TRADE), manifest, ENGLISH)[0].values
    assert slots["preheader"].startswith("From July a program that crosses the strait")


@given(st.text(min_size=1), st.text(), st.text())
def test_subject_and_preheader_are_one_line_of_the_length_that_an_inbox_shows(
    manifest: Manifest, title: str, summary: str, other: str,
) -> None:
    first, second, *rest = manifest.candidates
    first = replace(first, story=replace(first.story, id="a", title=title, summary=summary))
    second = replace(second, story=replace(second.story, id="b", title=other or "x"))
    issue = replace(manifest, candidates=(first, second, *rest))
    for entries in [(Entry("a"),), (Entry("a"), Entry("b")), (Entry("b"), Entry("a"), Entry("s5"))]:
        slots = layout(edition(Section("ai", entries)), issue, ENGLISH)[0].values
        for name, most in (("subject", 90), ("preheader", 130)):
            assert len(split_graphemes(slots[name])[0]) <= most
            assert slots[name].split() == slots[name].split(" ") or not slots[name]
            assert not set(slots[name]) & set("\u202a\u202e\u2066\u2069\u200f\n\r")


def test_the_preheader_does_not_say_the_subject_again(manifest: Manifest) -> None:
    first, *rest = manifest.candidates
    echo = replace(first, story=replace(first.story, id="a", title="The same words", summary="The same words again."))
    placed = layout(edition(Section("ai", (Entry("a"),))), replace(manifest, candidates=(echo, *rest)), ENGLISH)
    assert placed[0].values["preheader"] == "Calmly told."


def test_a_long_title_is_cut_at_a_word(manifest: Manifest) -> None:
    first, *rest = manifest.candidates
    long = replace(first, story=replace(first.story, id="a", title="A title of many words that goes on and on " * 5))
    placed = layout(edition(Section("ai", (Entry("a"),))), replace(manifest, candidates=(long, *rest)), ENGLISH)
    assert placed[0].values["subject"].endswith(" on and on A…")
