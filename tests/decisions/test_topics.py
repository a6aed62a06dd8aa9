"""Topics: what topics.toml may say, which words mean a topic, and which stories belong to it."""

import tomllib
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.choosing import topicsfile
from newsletter.choosing.topics import Topics
from newsletter.choosing.topicsreport import report
from newsletter.errors import DataError
from newsletter.model import Story, Topic

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)

POLICY = """
[topic.technology]

[topic.artificial-intelligence]
label = "Artificial intelligence"
parent = "technology"
aliases = ["AI", "machine learning"]
keywords = ["AI", "neural network", "chatbot"]
exclude = ["AI of the farm"]

[topic.robots]
parent = "artificial-intelligence"

[topic.trade]
label = "Trade & tariffs"
keywords = ["tariff", "US", "customs duty"]

[topic.cybersecurity]
keywords = ["ransomware", "encryption"]
"""


def topics(text: str = POLICY) -> Topics:
    return topicsfile.parse(text, place="topics.toml")


def story(title: str = "A title", text: str = "", tags: tuple[str, ...] = (), summary: str = "") -> Story:
    return Story(id=title, title=title, date=NOW, source="stories/", text=text, tags=tags, summary=summary)


def words(count: int, start: str = "") -> str:
    """A text of so many words that mean nothing, and what it starts with."""
    return " ".join([start, *["filler"] * count])


def matched(found: Story, among: Topics | None = None) -> list[str]:
    return [match.topic for match in (among or topics()).match(found)]


# --- topics.toml ---------------------------------------------------------------------------------------------


def test_topics_keep_the_order_of_the_file_and_a_label_comes_from_the_slug() -> None:
    found = topics().topics
    assert [topic.slug for topic in found] == [
        "technology", "artificial-intelligence", "robots", "trade", "cybersecurity",
    ]
    assert found[0] == Topic("technology", "Technology")
    assert found[1].keywords == ("AI", "neural network", "chatbot")


@pytest.mark.parametrize(("text", "place", "found", "cure"), [
    ('[topic.a]\nlabel = "A\n', "topics.toml:2", "invalid TOML", "Write texts"),
    ('[topic.a]\nlabel = "A"\nkeyword = ["x"]\n', "topics.toml:3", 'unknown key “keyword”', '“keywords”'),
    ('[topics.a]\nlabel = "A"\n', "topics.toml", 'unknown key “topics”', "[topic.NAME]"),
    ('\n[topic."Digital Policy"]\n', "topics.toml:2", "Digital Policy", "[topic.digital-policy]"),
    ("[topic.Été]\n", "topics.toml", "invalid TOML", ""),
    ('[topic."🤖"]\n', "topics.toml:1", "cannot name a topic", "[topic.my-topic]"),
    ('[topic.trade]\n\n[topic.a]\nparent = "trad"\n', "topics.toml:4", 'parent “trad”', '“trade”'),
    ('[topic.a]\nparent="c"\n[topic.b]\nparent="a"\n[topic.c]\nparent="b"\n', "topics.toml:2", "a → c → b → a", ""),
    ('[topic.a]\nparent = "a"\n', "topics.toml:2", "a → a", ""),
    ('[topic.a]\naliases = ["X y"]\n\n[topic.b]\naliases = ["x_Y"]\n', "topics.toml:5", '“x_Y” means “a”', ""),
    ('[topic.a]\n[topic.b]\nlabel = "A"\n', "topics.toml:3", '“A” means “a” already (topics.toml:1)', ""),
    ("[topic.a]\nlabel = 3\n", "topics.toml:2", '“label” is not a text', "label ="),
    ('[topic.a]\nkeywords = "x"\n', "topics.toml:2", '“keywords” is no list', "keywords = ["),
    ('[topic.a]\nkeywords = ["!?"]\n', "topics.toml:2", "“!?”", "Take it out"),
    ("[topic.a.b]\n", "topics.toml:1", 'unknown key “b”', "parent"),
    ("topic = 3\n", "topics.toml", '“topic” is not a table', ""),
    ("[topic]\na = 3\n", "topics.toml", '“a” is not a table', ""),
])
def test_a_mistake_is_named_with_its_line_and_its_cure(text: str, place: str, found: str, cure: str) -> None:
    with pytest.raises(DataError) as refused:
        topics(text)
    error = refused.value
    assert error.place.startswith(place)
    assert found in error.found
    assert cure in error.cure
    assert error.cure


@given(st.text(max_size=200) | st.lists(st.sampled_from([
    "[topic.a]", "[topic.b]", '[topic."a b"]', 'parent = "a"', 'parent = "b"', 'aliases = ["b"]', "label = 1",
    'keywords = ["x", "AI"]', "exclude = [[]]", "x = 1", "[[topic]]", "[topic.a.b]", "[", "topic = {a = 1}",
]), max_size=8).map("\n".join))
def test_any_text_gives_topics_or_a_data_error(text: str) -> None:
    try:
        found = topics(text)
    except DataError:
        return
    assert [topic.slug for topic in found.topics] == list(tomllib.loads(text).get("topic", {}))
    assert all(topic.slug not in found.ancestors(topic.slug) for topic in found.topics)


# --- Words ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("word", "slug"), [
    ("artificial-intelligence", "artificial-intelligence"),
    ("Artificial  Intelligence", "artificial-intelligence"),
    ("ARTIFICIAL_INTELLIGENCE", "artificial-intelligence"),
    ("#ai", "artificial-intelligence"),
    ("ＡＩ", "artificial-intelligence"),
    (" machine learning ", "artificial-intelligence"),
    ("trade & tariffs", "trade"),
    ("unheard-of", None),
    ("", None),
])
def test_a_word_means_a_topic_by_slug_label_or_alias(word: str, slug: str | None) -> None:
    assert topics().slug(word) == slug


@pytest.mark.parametrize(("word", "near"), [
    ("cyber security", "cybersecurity"), ("cyber", "cybersecurity"), ("tecnology", "technology"),
    ("machine lerning", "artificial-intelligence"), ("football", ""), ("", ""), ("x" * 10_000, ""),
])
def test_an_unknown_word_suggests_a_topic_that_looks_like_it(word: str, near: str) -> None:
    assert topics().suggestion(word) == near


def test_ancestors_and_descendants_follow_the_parents() -> None:
    found = topics()
    assert found.ancestors("robots") == ("artificial-intelligence", "technology")
    assert found.descendants("technology") == ("artificial-intelligence", "robots")
    assert found.ancestors("trade") == found.descendants("trade") == ()


def test_a_newsletter_offers_its_topics_with_what_is_under_and_over_them() -> None:
    found = topics()
    offered = [topic.slug for topic in found.offered(("trade", "artificial-intelligence"))]
    assert offered == ["trade", "artificial-intelligence", "robots", "technology"]
    assert found.offered(()) == found.topics


def test_offering_an_unknown_topic_is_refused_with_the_one_that_may_be_meant() -> None:
    with pytest.raises(DataError) as refused:
        topics().offered(("cybersecurty",))
    assert refused.value.cure == "Did you mean “cybersecurity”?"


# --- Stories -------------------------------------------------------------------------------------------------


def test_tags_decide_in_their_order_and_keywords_are_not_asked() -> None:
    found = topics().match(story("Ransomware again", tags=("Trade & Tariffs", "unheard-of", "AI", "ai")))
    assert [(match.topic, match.how, match.evidence, match.score) for match in found] == [
        ("trade", "tag", "Trade & Tariffs", 0), ("artificial-intelligence", "tag", "AI", 0),
    ]


def test_a_story_whose_tags_nobody_knows_is_judged_by_keywords() -> None:
    assert matched(story("Ransomware again", tags=("unheard-of",))) == ["cybersecurity"]


@pytest.mark.parametrize("title", [
    "New tariffs on cars", "The tariff's end", "The tariffs’ end", "TARIFFS!", "car-tariff row", "Tariff", "tárîff",
    "A duty at customs? No: customs duties", "US-made cars", "“US” said", "The US's cars",
])
def test_a_hit_in_the_title_makes_a_topic(title: str) -> None:
    assert matched(story(title, words(700))) == ["trade"]


@pytest.mark.parametrize("title", [
    "They told us so", "Us and them", "A tariffed thing", "Duty at customs", "Status of cars",
    "HELP US NOW OR NEVER", "USA",
])
def test_parts_of_words_and_words_in_other_capitals_do_not_count(title: str) -> None:
    assert matched(story(title)) == []


def test_accents_and_plurals_fold_on_both_sides() -> None:
    found = topics('[topic.a]\nkeywords = ["café policies", "GPU", "cookie", "C++", "box"]')
    for title in ("Cafe policy", "CAFÉS’ POLICY", "cafe\u0301 policies", "Two GPUs", "Cookies", "boxes", "In C++"):
        assert matched(story(title), found) == ["a"], title


def test_a_word_in_passing_in_a_long_text_makes_no_topic_but_several_do() -> None:
    passing = words(100, "ransomware")
    assert matched(story(text=passing)) == []
    assert matched(story(text=passing + " ransomware, ransomware")) == ["cybersecurity"]
    assert matched(story(text=passing + " encryption")) == ["cybersecurity"]
    assert matched(story(text=words(700, "ransomware encryption"))) == []


def test_one_word_is_enough_in_a_short_text_and_the_summary_stands_in_for_a_missing_text() -> None:
    assert matched(story(text="Hit by ransomware.")) == ["cybersecurity"]
    assert matched(story(summary="Hit by ransomware.")) == ["cybersecurity"]


def test_an_excluded_phrase_anywhere_silences_keywords_but_not_tags() -> None:
    text = "On the AI of the farms."
    assert matched(story("AI for cows", text)) == []
    assert matched(story("AI for cows", text, tags=("ai",))) == ["artificial-intelligence"]


def test_evidence_says_which_keywords_were_found_and_where() -> None:
    found = topics().match(story("Chatbots and AI", words(80, "AI, AI and a neural network.")))
    assert [match.evidence for match in found] == ["AI (title, text ×2), chatbot (title), neural network (text)"]
    assert found[0].how == "keyword"
    assert found[0].score > 0


def test_overlapping_keywords_of_a_topic_count_once_as_the_longest() -> None:
    found = topics('[topic.a]\nkeywords = ["quantum", "quantum computing"]')
    assert found.match(story("Quantum computing"))[0].evidence == "quantum computing (title)"


def test_at_most_three_topics_and_none_far_weaker_than_the_first() -> None:
    found = topics("".join(f'[topic.t{number}]\nkeywords = ["word{number}"]\n' for number in range(5)))
    assert matched(story("word4 word3 word2 word1"), found) == ["t1", "t2", "t3"]
    assert matched(story("word0 word0 word0", words(30, "word1 word2")), found) == ["t0"]


def test_the_stronger_topic_comes_first() -> None:
    assert matched(story("AI and tariffs", words(90, "Tariffs. Tariffs."))) == ["trade", "artificial-intelligence"]


@settings(max_examples=50)
@given(st.text(max_size=300), st.text(max_size=600), st.lists(st.text(max_size=20), max_size=4))
def test_any_story_has_an_answer_and_each_match_names_a_topic_once(title: str, text: str, tags: list[str]) -> None:
    found = topics().match(story(title, text, tuple(tags)))
    assert len({match.topic for match in found}) == len(found)
    assert all(match.evidence for match in found)


# --- The report ----------------------------------------------------------------------------------------------


def test_the_report_names_stories_without_topics_topics_without_readers_and_tags_without_topics() -> None:
    lost = story("Nothing", tags=("Cyber Security", "Garden"))
    stories = [lost, story("Ransomware", tags=("cyber security",)), story("AI", tags=("ai",))]
    found = report(topics(), stories, {"artificial-intelligence": 2, "cybersecurity": 0})
    assert found.unmatched == (lost,)
    assert found.unread == ("technology", "trade", "cybersecurity")
    assert [(tag.tag, tag.count, tag.suggestion) for tag in found.unmapped] == [
        ("Cyber Security", 2, "cybersecurity"), ("Garden", 1, ""),
    ]


def test_who_takes_all_topics_reads_every_one() -> None:
    assert report(topics(), [], {"*": 1}).unread == ()
