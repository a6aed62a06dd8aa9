"""What every template makes of one issue in every language, kept in tests/golden for eyes that read a change.

    pytest tests/contract/test_golden.py --rewrite-golden

writes all of it anew. A file of HTML has more line ends than the mail, one between any two tags.
"""

import pytest

from gallery.specimen import LANGUAGES, templates
from newsletter.model import Manifest
from newsletter.render.compile import compile
from newsletter.render.template import Template
from tests.conftest import DATA
from tests.contract.test_render_compile import SITE, filled

GOLDEN = DATA.parent / "golden"
KINDS = {"html": "html", "text": "txt"}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", templates())
def test_an_edition_is_what_it_was(
    name: str, language: str, manifest: Manifest, request: pytest.FixtureRequest,
) -> None:
    template = Template.load(name, DATA.parent.parent)
    compiled = compile(template, manifest, language=language, site=SITE)
    made = {
        "html": filled(template, manifest, compiled.html, language).replace("><", ">\n<"),
        "text": filled(template, manifest, compiled.text, language),
    }
    for kind, text in made.items():
        file = GOLDEN / f"{name}-{language}.{KINDS[kind]}"
        if request.config.getoption("--rewrite-golden"):
            file.write_text(text, "utf-8")
        assert text == file.read_text("utf-8")


def test_there_is_a_file_for_nothing_else() -> None:
    names = {f"{name}-{language}.{end}" for name in templates() for language in LANGUAGES for end in KINDS.values()}
    assert {file.name for file in GOLDEN.iterdir()} <= names
