"""`newsletter new template` and `newsletter check`, as a person types them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from newsletter.app import checking, templating
from newsletter.checks import RULES
from newsletter.cli import cli
from newsletter.errors import TemplateError, UsageError
from newsletter.render.template import Template
from tests.flow.desk import Desk


def test_a_copied_template_is_the_same_and_is_the_projects(tmp_path: Path) -> None:
    files = templating.copy(tmp_path, "mine", "weekly")
    assert Path("templates/mine/frame.mjml") in files
    mine, weekly = Template.load("mine", tmp_path), Template.load("weekly", tmp_path)
    assert mine.folder == "templates/mine"
    assert (mine.files, mine.theme, mine.blocks) == (weekly.files, weekly.theme, weekly.blocks)


def test_a_template_of_the_project_can_be_copied_too(tmp_path: Path) -> None:
    templating.copy(tmp_path, "mine", "weekly")
    (tmp_path / "templates" / "mine" / "theme.toml").write_text('width = "500px"\n')
    templating.copy(tmp_path, "second", "mine")
    assert Template.load("second", tmp_path).theme == {"width": "500px"}


@pytest.mark.parametrize("name", ["", "Mine", "../up", "a/b", "locale", "shared", "web", "-x", "a b"])
def test_a_name_that_cannot_be_a_template_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot be the name") as raised:
        templating.copy(tmp_path, name, "weekly")
    assert raised.value.cure
    assert not (tmp_path / "templates").exists()


def test_nothing_is_written_over(tmp_path: Path) -> None:
    templating.copy(tmp_path, "mine", "weekly")
    with pytest.raises(UsageError, match="exists already"):
        templating.copy(tmp_path, "mine", "weekly")


def test_a_template_to_copy_that_is_not_there_is_named_with_the_right_one(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match="Did you mean “weekly”"):
        templating.copy(tmp_path, "mine", "wekly")


def test_a_newsletter_takes_its_own_template_and_it_passes_the_checks(desk: Desk) -> None:
    templating.copy(desk.root, "mine", "weekly")
    desk.configure(newsletter='template = "mine"')
    issue = desk.prepare().issue
    with desk.app() as app:
        assert {each.template for each in checking.of_templates(app)} == {"mine"}
        checks = (*checking.of_templates(app), *checking.of_issue(app, issue))
    assert [str(problem) for each in checks for problem in each.problems] == []
    assert {each.rule.id: each.looked_at for each in checks}["size-clipped"] == "3 editions"


def test_words_are_looked_at_in_the_languages_that_are_read(desk: Desk) -> None:
    desk.reader("camille@example.org", "ai", language="fr-CA")
    desk.reader("astrid@example.org", "ai", language="sv")
    desk.prepare()
    with desk.app() as app:
        words = checking.of_templates(app)[-1]
    assert words.looked_at.endswith(" in en, fr")


def test_words_of_ones_own_are_missed_in_a_language_that_the_project_offers(desk: Desk) -> None:
    templating.copy(desk.root, "mine", "weekly")
    desk.configure(newsletter='template = "mine"\nlanguage = "de"')
    frame = desk.root / "templates" / "mine" / "quiet.mjml"
    frame.write_text('{{ _("Till soon") }}\n' + frame.read_text("utf-8"), "utf-8")
    with desk.app() as app:
        words = checking.of_templates(app)[-1]
    (problem,) = words.problems
    assert problem.place == "templates/mine/quiet.mjml:1"
    assert problem.found == "“Till soon” is not translated (de)"


def test_a_fault_in_a_source_is_a_problem_and_the_words_are_looked_at_all_the_same(desk: Desk) -> None:
    templating.copy(desk.root, "mine", "weekly")
    quiet = desk.root / "templates" / "mine" / "quiet.mjml"
    quiet.write_text("<mj-section><mj-colum></mj-colum></mj-section>\n", "utf-8")
    with desk.app() as app:
        sources, compiling, words = checking.of_templates(app, ["mine"])
    assert "templates/mine/quiet.mjml:1" in str(sources.problems[0])
    assert compiling.holds
    assert words.holds


def test_a_template_that_was_changed_since_is_not_asked_for_its_words(desk: Desk) -> None:
    issue = desk.prepare().issue
    (desk.root / "templates" / "locale").mkdir(parents=True)
    (desk.root / "templates" / "locale" / "de.po").write_text('msgid "Hello,"\nmsgstr "Moin,"\n', "utf-8")
    with desk.app() as app:
        words = checking.of_issue(app, issue)[-1]
    assert words.looked_at == "nothing: the template weekly was changed since"


# --- As commands ----------------------------------------------------------------------------------------------


@pytest.fixture
def typed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs `newsletter` in the desk's folder."""
    monkeypatch.chdir(desk.root)
    return lambda *words: CliRunner().invoke(cli, words)


def test_the_command_says_which_files_it_wrote_and_what_comes_next(typed: Callable[..., Result]) -> None:
    done = typed("new", "template", "short", "--from", "briefing")
    assert done.exit_code == 0
    assert "templates/short/frame.mjml" in done.stdout.splitlines()
    assert 'template = "short"' in done.stderr


def test_check_tells_what_holds_and_leaves_with_0(typed: Callable[..., Result], desk: Desk) -> None:
    issue = desk.prepare().issue
    done = typed("check", issue.id)
    assert (done.exit_code, done.stderr) == (0, "")
    lines = [line.split("\t")[:2] for line in done.stdout.splitlines()[1:]]
    rules = [*(rule.id for rule in RULES.blocks), *(rule.id for rule in RULES.editions)]
    assert [rule for rule, _ in lines] == [*rules, "weekly: template-words"]
    assert {line.split("\t")[2] for line in done.stdout.splitlines()[1:]} == {"holds"}


def test_check_names_what_does_not_hold_and_leaves_with_4(typed: Callable[..., Result], desk: Desk) -> None:
    desk.story("bad", "A story whose link is not encrypted", ["ai"], link="http://plain.example.org/")
    desk.prepare()
    done = typed("check", "latest")
    assert done.exit_code == 4
    assert "story “A story whose link is not encrypted”: the link http://plain.example.org/" in done.stderr
    rows = {row["rule"]: row for row in json.loads(typed("check", "latest", "--json").stdout)["data"]}
    assert [rule for rule, row in rows.items() if not row["holds"]] == ["link-insecure"]
    assert rows["link-insecure"]["level"] == "warning"
    assert rows["link-insecure"]["why"]
    (problem,) = rows["link-insecure"]["problems"]
    assert problem["place"] == "story “A story whose link is not encrypted”"
    assert problem["cure"] == "Write the complete address with https:// if the page can be reached that way."


def test_check_without_an_issue_looks_at_the_templates(typed: Callable[..., Result]) -> None:
    done = typed("check")
    assert done.exit_code == 0
    assert [line.split("\t")[:2] for line in done.stdout.splitlines()[1:]] == [
        ["weekly: template-source", "error"], ["weekly: template-compile", "error"],
        ["weekly: template-words", "warning"],
    ]
    named = typed("check", "--template", "single")
    assert named.stdout.splitlines()[1].startswith("single: template-source\terror\tholds")


def test_an_issue_and_templates_at_once_are_wrong_usage(typed: Callable[..., Result]) -> None:
    done = typed("check", "latest", "--template", "weekly")
    assert isinstance(done.exception, UsageError)
