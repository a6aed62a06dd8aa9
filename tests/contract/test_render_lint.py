"""What a template's author is told before anything is compiled."""

from dataclasses import replace
from pathlib import Path

import mjml
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.errors import TemplateError
from newsletter.render import tags
from newsletter.render.lint import lint
from newsletter.render.template import Template

SECTION = "<mj-section><mj-column>\n{}\n</mj-column></mj-section>"


def edited(template: Template, **files: str) -> Template:
    """The template with other sources; `story` stands for story.mjml, `text__story` for text/story.txt."""
    named = {name.replace("__", "/") + (".txt" if "__" in name else ".mjml"): text for name, text in files.items()}
    return replace(template, files={**template.files, **named})


def complaint(template: Template) -> str:
    found = lint(template)
    assert found
    return "\n".join(map(str, found))


def test_the_shipped_template_has_no_fault(weekly: Template) -> None:
    assert lint(weekly) == ()


@pytest.mark.parametrize(("content", "found", "cure"), [
    ("<mj-txt>x</mj-txt>", "<mj-txt> is not an MJML tag", "“mj-text”"),
    ('<mj-text colour="#112233">x</mj-text>', "mj-text has no attribute “colour”", "“color”"),
    ('<mj-text color="#abc">x</mj-text>', "the colour #abc", "#aabbcc"),
    ("<mj-text color=red>x</mj-text>", "has no value in quotes", 'name="value"'),
    ("<mj-section></mj-section>", "<mj-section> stands directly in <mj-column>", "mj-body"),
    ("<p>x</p>", "<p> stands directly in <mj-column>", "mj-text"),
    ("loose words", "text stands directly in <mj-column>", "mj-text"),
    ("<mj-text><mj-text>x</mj-text></mj-text>", "<mj-text> stands inside <mj-text>", "Close"),
    ('<mj-include path="a.mjml" />', "<mj-include> is not allowed", '{% include "_name.mjml" %}'),
    ('<mj-raw position="file-start">x</mj-raw>', "“position” on mj-raw", "Take it out"),
    ("<mj-text><![CDATA[x]]></mj-text>", "<![CDATA[x]]> is not a tag"[:9], "&lt;"),
    ("<mj-text><!-- a -- b --></mj-text>", "the comment contains --", "one dash"),
    ("<mj-text>3 < 4</mj-text>", "< is not a tag", "&lt;"),
    ("<mj-text><p>x</mj-text>", "<p> is not closed before </mj-text>", "</p>"),
    ("<mj-text>x</b></mj-text>", "</b> closes nothing", "<b>"),
    ("<mj-text><script>x</script></mj-text>", "<script> is not allowed", "Take it out"),
    ('<mj-image src="{{ story.link }}" alt="" hieght="1px" />', "no attribute “hieght”", "“height”"),
    ("<mj-text>{{ slot.greting }}</mj-text>", "no slot “greting”", "“greeting”"),
    ("<mj-text>{{ stroy.title }}</mj-text>", "“stroy” is unknown", "“story”"),
    ("<mj-text>{{ story.body | safe }}</mj-text>", "there is no filter “safe”", "story.body | html"),
    ("<mj-text>{{ story.title | brif(3) }}</mj-text>", "there is no filter “brif”", "“brief”"),
    ("<mj-text>{% if story %}x</mj-text>", "Unexpected end of template", "Correct the Jinja"),
    ('<mj-text><p style="margin:0"{{ tongue }}>x</p></mj-text>', "both style and {{ tongue }}", "mj-style"),
    ('<mj-text><p style="margin:0"{{ turned }}>x</p></mj-text>', "both style and {{ turned }}", "mj-style"),
    ('{% include "_stlye.mjml" %}', "no file “_stlye.mjml”", "“_style.mjml”"),
    ('{% include "/etc/passwd" %}', "no file “/etc/passwd”", "own folder"),
    ("<mj-text>{% autoescape false %}x{% endautoescape %}</mj-text>", "switches escaping", "every value is escaped"),
])
def test_a_fault_in_a_block_is_named_with_its_line_and_a_cure(
    weekly: Template, content: str, found: str, cure: str,
) -> None:
    said = complaint(edited(weekly, story=SECTION.format(content)))
    assert found in said
    assert cure in said
    assert "templates/weekly/story.mjml:2" in said


@pytest.mark.parametrize(("old", "new", "found"), [
    ("{{ body }}", "", "{{ body }} occurs 0 times"),
    ("{{ body }}", "{{ body }}{{ body }}", "{{ body }} occurs 2 times"),
    ("{{ body }}", "<mj-wrapper>{{ body }}</mj-wrapper>", "does not stand directly in mj-body"),
    ("{{ body }}", "<mj-section>{{ body }}</mj-section>", "does not stand directly in mj-body"),
    ("<mj-attributes>", '<mj-attributes><mj-class name="a"><mj-text /></mj-class>', "mj-class contains elements"),
    ("<mj-attributes>", "<mj-html-attributes></mj-html-attributes><mj-attributes>",
     "<mj-html-attributes> is not allowed"),
    ("{{ slot.subject }}</mj-title>", "<b>x</b></mj-title>", "mj-title contains a tag or <"),
    ("</mjml>", "", "<mjml> is not closed in this file"),
    ("<mj-all ", "<mj-al ", "<mj-al> is not an MJML tag"),
    ("<mjml ", "<!DOCTYPE html><mjml ", "<!DOCTYPE is not a tag"),
    ("<mjml ", "<?xml version='1.0'?><mjml ", "<?xml is not a tag"),
])
def test_a_fault_in_the_frame_is_named(weekly: Template, old: str, new: str, found: str) -> None:
    file = next(file for file in ("frame.mjml", "shared/_head.mjml") if old in weekly.files[file])
    changed = {**weekly.files, file: weekly.files[file].replace(old, new, 1)}
    said = complaint(replace(weekly, files=changed))
    assert found in said
    assert f"templates/{'weekly/frame' if file == 'frame.mjml' else 'shared/_head'}.mjml:" in said


@pytest.mark.parametrize(("css", "found"), [
    (".a + .b { margin: 0 }", "“+” in the selector"),
    (".a ~ .b { margin: 0 }", "“~” in the selector"),
    ("td:first-child { margin: 0 }", "“:first-child” in the selector"),
    ("@media (a) { tr:nth-of-type(2n) { margin: 0 } }", "“:nth-of-type” in the selector"),
    ("p { content: '…' }", "“…” in a style"),
    ("/* a < b */", "< in a style"),
    ("p { margin: 0 ", "braces that do not match"),
    ("@media (a) { @supports (b) { p { margin: 0 } } }", "@supports inside another at-rule"),
])
def test_css_that_mail_or_splicing_cannot_bear_is_named(weekly: Template, css: str, found: str) -> None:
    said = complaint(edited(weekly, _style=f"<mj-style>\n{css}\n</mj-style>"))
    assert found in said
    assert "_style.mjml:" in said


@pytest.mark.parametrize("css", [
    "p { width: calc(1px + 2px); }", '[class~="a"] { margin: 0 }', "/* + ~ :first-child */ p { margin: 0 }",
    "a:hover { color: {{ theme.light.ink }} }", "@media (a) { p { margin: 0 } } @media (b) { p { margin: 0 } }",
])
def test_css_that_is_harmless_is_let_through(weekly: Template, css: str) -> None:
    assert lint(edited(weekly, _style=f"<mj-style>{css}</mj-style>")) == ()


@pytest.mark.parametrize("content", [
    "<mj-text><p>a<br>b<hr/>c & d &amp; e</p><!-- fine --></mj-text>",
    "{% if 3 < 4 %}<mj-divider />{% else %}<mj-spacer />{% endif %}",
    '<mj-text{% if story.link %} color="#112233"{% endif %} {{ "" }}>x</mj-text>',
    "{% for n in range(3) %}<mj-text>{{ n }}</mj-text>{% endfor %}",
    '<mj-social><mj-social-element href="{{ story.link }}" alt="X" src="x.png">X</mj-social-element></mj-social>',
    "{# <mj-nonsense> #}<mj-raw><table><tr><td>x</td></tr></table></mj-raw>",
    "{% set n = 2 %}<mj-text>{{ n }}</mj-text>",
    "{% if story.link %}{% set n = 2 %}<mj-text>{{ n }}</mj-text>{% endif %}",
])
def test_what_compiles_well_is_let_through(weekly: Template, content: str) -> None:
    assert lint(edited(weekly, story=SECTION.format(content))) == ()


def test_all_faults_are_named_at_once(weekly: Template) -> None:
    """E2: ten faults counted as one."""
    source = SECTION.format("\n".join(f"<mj-txt>{{{{ x{number} | brif }}}}</mj-txt>" for number in range(5)))
    found = lint(edited(weekly, story=source, text__story="\n{{ stroy }}"))
    assert len(found) == 16
    assert {problem.place for problem in found} == {
        *(f"templates/weekly/story.mjml:{line}" for line in range(2, 7)), "templates/weekly/text/story.txt:2",
    }


@pytest.mark.parametrize(("source", "said"), [
    ("{% if story.title | brif %}x{% endif %}", "there is no filter “brif” → Did you mean “brief”?"),
    ("{% if story.title is defned %}x{% endif %}", "there is no test “defned” → Did you mean “defined”?"),
    ("{{ story.title | zzz }}{{ story.title | yyy }}", "there is no filter “yyy” → Remove the filter."),
])
def test_an_unknown_filter_is_named_wherever_it_stands(weekly: Template, source: str, said: str) -> None:
    """E2: inside of a condition it was a traceback, and only the first was named."""
    assert f"templates/weekly/story.mjml:1: {said}" in complaint(edited(weekly, story=source))


def test_a_plain_text_frame_without_the_stories_is_named(weekly: Template) -> None:
    """E2: the template was said to hold, and `prepare` refused it."""
    said = complaint(edited(weekly, text__frame="Hello"))
    assert said.startswith("templates/weekly/text/frame.txt: {{ body }} occurs 0 times → Write {{ body }} once")


def test_a_colour_of_the_theme_has_six_digits(weekly: Template) -> None:
    theme = weekly.files["theme.toml"].replace('"#2a2f35"', '"#222"')
    assert "theme.toml:9: the colour #222" in complaint(replace(weekly, files={**weekly.files, "theme.toml": theme}))


@settings(max_examples=settings().max_examples // 3)
@given(st.text("<>/-!{}%#\"'= \nmj-textp[]&;", max_size=60))
def test_no_source_breaks_the_linter(weekly: Template, source: str) -> None:
    lint(edited(weekly, story=source))


@pytest.mark.parametrize("tag", sorted(set(tags.CHILDREN["mj-column"]) - {"mj-raw", "mj-accordion", "mj-carousel"}))
def test_every_tag_of_the_table_is_known_to_the_compiler(tag: str) -> None:
    body = f"<mj-section><mj-column><{tag}></{tag}></mj-column></mj-section>"
    assert f"<{tag}" not in mjml.mjml2html(f"<mjml><mj-body>{body}</mj-body></mjml>")


def test_a_file_that_is_not_there_is_named_with_what_to_write(tmp_path: Path) -> None:
    folder = tmp_path / "templates" / "mine"
    folder.mkdir(parents=True)
    (folder / "frame.mjml").write_text("<mjml></mjml>")
    with pytest.raises(TemplateError, match=r"text/frame\.txt.*missing") as raised:
        Template.load("mine", tmp_path)
    assert "plain text" in raised.value.cure
