"""The checks of a project's templates with their catalogues, and of its frozen issues."""

from collections.abc import Collection, Sequence

from newsletter.app import App
from newsletter.checks import Check, check_issue, check_template
from newsletter.checks.templates import WORDS
from newsletter.model import spoken_in
from newsletter.render.template import Template
from newsletter.store import Issue


def of_issue(app: App, issue: Issue) -> tuple[Check, ...]:
    """The checks of a frozen issue over all its editions, and of its words in the languages it was compiled in."""
    manifest, blocks = app.store.issues.manifest(issue.id), app.store.issues.blocks(issue.id)
    editions = (edition for _, edition, subscribers in app.store.issues.editions(issue.id) if subscribers)
    template = app.template(manifest.newsletter)
    if template.hash == manifest.template_hash:
        words = check_template(template, blocks, [WORDS])
    else:
        words = (Check(WORDS, f"nothing: the template {template.name} was changed since", template=template.name),)
    return (*check_issue(manifest, blocks, editions), *words)


def of_templates(app: App, names: Sequence[str] = ()) -> tuple[Check, ...]:
    """The checks of templates by name, else of those that the project's newsletters use.

    Templates are tried in each language that is offered: those of the newsletters, those for which the project has a
    catalogue of its own, and those in which active subscribers get their mail.
    """
    newsletters = app.settings.newsletters.values()
    chosen = names or dict.fromkeys(newsletter.template for newsletter in newsletters)
    offered = {newsletter.language for newsletter in newsletters} | _own(app)
    asked = {each.interests.language for each in app.store.subscribers.all("active")}
    templates = [Template.load(name, app.root) for name in chosen]
    return tuple(check for each in templates for check in check_template(each, offered | _spoken(asked, each)))


def _own(app: App) -> set[str]:
    return {file.stem.replace("_", "-") for file in (app.root / "templates" / "locale").glob("*.po")}


def _spoken(asked: Collection[str], template: Template) -> set[str]:
    """The languages in which subscribers who asked for these get their mail, as far as the template has them."""
    return {spoken_in(language, template.languages, "") for language in asked} - {""}
