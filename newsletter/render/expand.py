"""One edition for one subscriber as the MJML that its template makes: the slow way.

Nothing is sent from here. It shows an editor what Jinja made, and is what the tests compare blocks with.
"""

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from newsletter.model import Manifest
from newsletter.render.compile import Part, Site, body, names, parts_of
from newsletter.render.environment import environment, render
from newsletter.render.layout import Placed
from newsletter.render.template import FRAME, Template


def expand(
    template: Template, manifest: Manifest, placed: Sequence[Placed], personal: Mapping[str, str], *, language: str,
    site: Site,
) -> str:
    """The edition that `layout` laid out, with the subscriber's own values (`personal`), before mjml2html."""
    words = template.words(language)
    jinja = environment(template, words, names(template, manifest, words, site, {}), manifest.slot.zone)
    parts = {part.key: part for part in parts_of(manifest, language)}

    def rendered(part: Part, values: Mapping[str, str]) -> str:
        jinja.globals["slot"] = {**values, **personal}
        return body(jinja, template, part, template.blocks.get(part.kind, ""))

    head, *between, _ = placed
    whole = "".join(rendered(parts[each.key], each.values) for each in between)
    jinja.globals["slot"] = {**head.values, **personal}
    return render(jinja, template, FRAME, {"body": Markup(whole)})  # noqa: S704 - each part was escaped as it was made
