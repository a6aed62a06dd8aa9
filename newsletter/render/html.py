"""MJML to HTML with its CSS inlined: mjml-python, then premailer, and the preparation and cleaning that both need.

Slow to import; only `compile` does.
"""

import os
import re

from newsletter.errors import TemplateError
from newsletter.render import markup
from newsletter.render.lean import lean
from newsletter.text import quoted

# Read when premailer is imported: one cache for all styles and selectors, 128 by default, and slow when it is full.
os.environ.setdefault("PREMAILER_CACHE_MAXSIZE", "4096")

import cssutils
from mjml import mjml2html
from premailer import Premailer

DEEPEST = 100
"""The most elements inside one another. The MJML compiler crashes the process somewhere above 7,000, and the HTML
parser gives up at 256, of which MJML's tables need some."""

# Both are the whole process's: no colour shortened to three digits, no warning for what only Outlook knows.
cssutils.ser.prefs.minimizeColorHash = False
cssutils.log.setLevel("CRITICAL")


def to_html(document: str) -> str:
    """The HTML of an MJML document, every rule of its `mj-style` inlined that can be.

    Raises TemplateError, without a place, if the document is too deep or cannot be compiled.
    """
    if (depth := markup.depth(document)) > DEEPEST:
        raise TemplateError(f"{depth} elements are nested inside one another", cure=f"Nest at most {DEEPEST}.")
    return _inline(_compile(markup.armour(document)))


def _compile(document: str) -> str:
    try:
        return str(mjml2html(document, fonts={}))  # no fonts: MJML would load Ubuntu from Google
    except ValueError as error:
        raise TemplateError(
            f"MJML does not compile: {error}{_near(document, str(error))}",
            cure="Close every tag, quote every attribute, write < as &lt;.",
        ) from error


def _near(document: str, reason: str) -> str:
    """The text before the byte offset that the compiler reports; empty if it reports none."""
    position = re.search(r"position (\d+):(\d+)", reason)
    if not position:
        return ""
    before = document.encode()[: int(position[2])].decode(errors="ignore")
    return f", near {quoted(before[-80:].strip().splitlines()[-1], 80)}" if before.strip() else ""


def _inline(html: str) -> str:
    # premailer knows the doctype in capitals only, and would drop another; MJML's own reset rules stay in the head.
    html = html.replace("<!doctype html>", "<!DOCTYPE html>", 1).replace("<style", '<style data-premailer="ignore"', 1)
    try:
        inlined = Premailer(
            html, strip_important=False, allow_network=False, keep_style_tags=True, disable_validation=True,
            align_floating_images=False, disable_basic_attributes=["width", "height", "align", "valign", "bgcolor"],
        ).transform(pretty_print=False)
    except (TypeError, AttributeError, AssertionError, ValueError) as error:
        raise TemplateError(
            f"the CSS cannot be inlined: {error}",
            cure="Look for a style attribute that reads like a selector; give it a property and a value.",
        ) from error
    return lean(markup.regular(inlined)).rstrip() + "\n"
