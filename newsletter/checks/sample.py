"""A sample issue to try templates on: a story of every kind that a template may meet, all of them invented."""

from datetime import UTC, datetime
from functools import partial

from newsletter.model import Candidate, Manifest, Match, Newsletter, Picture, Slot, Story, Topic
from newsletter.render.compile import Site

SITE = Site("Sample Desk, 1 Sample Street, Exampleton", "https://news.example.org/issues/sample")

_DATE = datetime(2026, 11, 24, 9, tzinfo=UTC)
_BODY = """<p>The harbour of Exampleton gets a <strong>second ferry</strong>, says <a href="https://ferry.example.org/">its
office</a>.</p><h2>The timetable</h2><ul><li>one at nine</li><li>one at noon</li></ul><blockquote><p>“We are glad,” says
the captain &amp; her crew.</p></blockquote><pre>09:00  12:00</pre><ol><li>Board</li><li>Wait</li></ol>"""


_story = partial(Story, date=_DATE, source="stories/")

_STORIES = (
    _story("whole", "A second ferry for the harbour", link="https://ferry.example.org/second", body=_BODY, text=_BODY,
           summary="The harbour gets a second ferry.", tags=("transport",), dated=True,
           picture=Picture("https://ferry.example.org/ferry.jpg", "A white ferry")),
    _story("retold", "Ferry: now there are two", link="https://other.example.org/ferry", summary="There are two."),
    _story("bare", "A title & nothing <else>"),
    _story("undated", "A story that nobody dated", dated=False, text="One sentence.", body="<p>One sentence.</p>",
           picture=Picture("https://ferry.example.org/ornament.png")),
    _story("long", "A title that goes on and on " * 12, link="https://long.example.org/" + "path/" * 60,
           body="<p>" + "Many words follow one another here. " * 400 + "</p>",
           text="Many words follow one another here. " * 400, summary="A summary of many words. " * 60, pinned=True),
    _story("arabic", "قصة عن الميناء", language="ar", body="<p>عبّارة ثانية للميناء.</p>", text="عبّارة ثانية للميناء.",
           link="https://ar.example.org/", summary="عبّارة ثانية."),
    _story("japanese", "港に二隻目のフェリー", language="ja", body="<p>港に二隻目のフェリーが来る。</p>",
           text="港に二隻目のフェリーが来る。", link="https://ja.example.org/"),
)

MANIFEST = Manifest(
    issue_id="sample-2026-11-30",
    newsletter=Newsletter("sample", "The Sample & Post", "Sample Desk <desk@news.example.org>",
                          description="News that nobody has to believe."),
    slot=Slot("2026-11-30T08:00", "Europe/London", datetime(2026, 11, 30, 8, tzinfo=UTC)),
    topics=(Topic("transport", "Transport", "What moves."), Topic("ferries", "Ferries & boats", parent="transport")),
    candidates=tuple(
        Candidate(story, _DATE, (Match("transport", "tag", "transport"),), 1.0, "a sample",
                  also=("retold",) if story.id == "whole" else (), merged_into="whole" if story.id == "retold" else "")
        for story in _STORIES
    ),
    template_hash="",
)
