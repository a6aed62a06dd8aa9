"""One subscriber's mail as files."""

import email
import email.policy
from email.message import EmailMessage
from pathlib import Path

from newsletter.app import App, issues
from newsletter.model import Edition, Subscriber, spoken_in
from newsletter.render.compile import Site
from newsletter.render.expand import expand
from newsletter.render.layout import layout
from newsletter.render.template import Template
from newsletter.store import Issue


def write_files(app: App, issue: Issue, subscriber: Subscriber, folder: Path) -> list[Path]:
    """Writes one subscriber's mail to a folder: .eml, .txt and, unless they chose plain text only, .html.

    If the template has not changed since the issue was frozen, also the .mjml that it makes of the edition. Returns the
    files written.
    """
    edition, message = issues.edition_of(app, issue, subscriber), issues.message_for(app, issue, subscriber)
    mail = email.message_from_bytes(message.wire, policy=email.policy.default)
    contents = {".eml": message.wire, ".txt": _part(mail, "plain"), ".html": _part(mail, "html")}
    manifest = app.store.issues.manifest(issue.id)
    template = app.template(manifest.newsletter)
    if template.hash == manifest.template_hash:
        contents[".mjml"] = _expanded(app, issue, template, edition, subscriber).encode()
    folder.mkdir(parents=True, exist_ok=True)
    files = {folder / f"{issue.id}{ending}": content for ending, content in contents.items() if content}
    for path, content in files.items():
        path.write_bytes(content)
    return list(files)


def _part(mail: EmailMessage, kind: str) -> bytes:
    part = mail.get_body((kind,))
    return part.get_content().encode() if part else b""


def _expanded(app: App, issue: Issue, template: Template, edition: Edition, subscriber: Subscriber) -> str:
    manifest, links = app.store.issues.manifest(issue.id), app.links(issue.link_version)
    newsletter = manifest.newsletter
    language = spoken_in(edition.interests.language, template.languages, newsletter.language)
    words = template.words(language)
    personal = {
        "greeting": words.greeting(subscriber.name),
        "unsubscribe_url": links.unsubscribe(newsletter.name, subscriber),
        "preferences_url": links.preferences(newsletter.name, subscriber),
    }
    site = Site(app.settings.site.postal_address, links.web(manifest.issue_id))
    return expand(template, manifest, layout(edition, manifest, words), personal, language=language, site=site)
