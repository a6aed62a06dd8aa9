"""The tags and attributes of MJML 5 (npm `mjml` 5.4.1) that mjml-python 1.4.2 compiles as they are meant."""

from collections.abc import Mapping

_PADDING = "padding padding-top padding-right padding-bottom padding-left"
_BORDER = "border border-top border-right border-bottom border-left"
_FONT = "color font-family font-size font-weight line-height"
_TYPE = f"{_FONT} font-style letter-spacing text-decoration"
_LINK = "href name rel target title"
_BOX = f"container-background-color {_PADDING}"
_BACKGROUND = "background-color background-url background-position"
_ICON = "icon-align icon-height icon-width icon-position"
_WRAPPED = "icon-unwrapped-alt icon-unwrapped-url icon-wrapped-alt icon-wrapped-url"
_SECTION = (
    f"{_BACKGROUND} background-position-x background-position-y background-repeat background-size {_BORDER} "
    f"border-radius direction full-width {_PADDING} text-align text-padding"
)
_INNER = "inner-background-color inner-border inner-border-top inner-border-right inner-border-bottom inner-border-left"

_TABLE = {
    "mjml": "lang dir owa",
    "mj-head": "",
    "mj-title": "",
    "mj-preview": "",
    "mj-style": "inline",
    "mj-font": "name href",
    "mj-breakpoint": "width",
    "mj-attributes": "",
    "mj-body": "background-color id width",
    "mj-raw": "",
    "mj-wrapper": _SECTION,
    "mj-section": _SECTION,
    "mj-group": "background-color direction vertical-align width",
    "mj-column": f"background-color {_BORDER} border-radius direction {_INNER} inner-border-radius {_PADDING} "
                 "vertical-align width",
    "mj-hero": f"{_BACKGROUND} background-height background-width border-radius height inner-background-color "
               f"inner-padding mode {_PADDING} vertical-align",
    "mj-text": f"align background-color {_BOX} {_TYPE} height text-transform vertical-align",
    "mj-button": f"align background-color {_BORDER} border-radius {_BOX} {_TYPE} {_LINK} height inner-padding "
                 "text-align text-transform vertical-align width",
    "mj-image": f"align alt {_BORDER} border-radius {_BOX} fluid-on-mobile font-size height {_LINK} max-height sizes "
                "src srcset usemap width",
    "mj-divider": f"align border-color border-style border-width {_BOX} width",
    "mj-spacer": f"{_BORDER} {_BOX} height",
    "mj-table": f"align border cellpadding cellspacing {_BOX} {_FONT} role table-layout vertical-align width",
    "mj-social": f"align border {_BORDER} border-radius {_BOX} {_TYPE} icon-height icon-padding icon-size "
                 "inner-padding mode table-layout text-padding vertical-align",
    "mj-social-element": f"align alt background-color border border-radius {_TYPE} {_LINK} icon-height icon-padding "
                         f"icon-position icon-size {_PADDING} sizes src srcset text-padding vertical-align",
    "mj-navbar": f"align base-url hamburger ico-align ico-close ico-color ico-font-family ico-font-size "
                 f"ico-line-height ico-open ico-padding ico-text-decoration ico-text-transform {_PADDING}",
    "mj-navbar-link": f"{_TYPE} {_LINK} {_PADDING} text-transform",
    "mj-accordion": f"border {_BOX} font-family {_ICON} {_WRAPPED}",
    "mj-accordion-element": f"background-color border font-family {_ICON} {_WRAPPED}",
    "mj-accordion-title": f"background-color {_FONT} {_PADDING}",
    "mj-accordion-text": f"background-color {_FONT} letter-spacing {_PADDING}",
    "mj-carousel": f"align border-radius {_BOX} icon-width left-icon right-icon tb-border tb-border-radius "
                   "tb-hover-border-color tb-selected-border-color tb-width thumbnails",
    "mj-carousel-image": f"alt border-radius {_LINK} src tb-border tb-border-radius thumbnails-src",
}

_EVERYWHERE = frozenset({"css-class", "mj-class"})
_WITHOUT = frozenset({
    "mjml", "mj-head", "mj-title", "mj-preview", "mj-style", "mj-font", "mj-breakpoint", "mj-attributes",
})

ATTRIBUTES: Mapping[str, frozenset[str]] = {
    tag: frozenset(names.split()) | (frozenset() if tag in _WITHOUT else _EVERYWHERE) for tag, names in _TABLE.items()
}
"""The attributes of each tag."""

ANY_ATTRIBUTE = frozenset().union(*ATTRIBUTES.values())
"""Attributes that `mj-all` and `mj-class` may set."""

_CONTENT = frozenset({
    "mj-accordion", "mj-button", "mj-carousel", "mj-divider", "mj-image", "mj-navbar", "mj-raw", "mj-social",
    "mj-spacer", "mj-table", "mj-text",
})

CHILDREN: Mapping[str, frozenset[str]] = {
    "mjml": frozenset({"mj-head", "mj-body"}),
    "mj-head": frozenset({"mj-attributes", "mj-breakpoint", "mj-font", "mj-preview", "mj-raw", "mj-style", "mj-title"}),
    "mj-attributes": frozenset(ATTRIBUTES) | {"mj-all", "mj-class"},
    "mj-body": frozenset({"mj-raw", "mj-section", "mj-wrapper", "mj-hero"}),
    "mj-wrapper": frozenset({"mj-raw", "mj-section", "mj-hero"}),
    "mj-section": frozenset({"mj-column", "mj-group", "mj-raw"}),
    "mj-group": frozenset({"mj-column", "mj-raw"}),
    "mj-column": _CONTENT,
    "mj-hero": _CONTENT,
    "mj-accordion": frozenset({"mj-accordion-element", "mj-raw"}),
    "mj-accordion-element": frozenset({"mj-accordion-title", "mj-accordion-text", "mj-raw"}),
    "mj-carousel": frozenset({"mj-carousel-image"}),
    "mj-navbar": frozenset({"mj-navbar-link", "mj-raw"}),
    "mj-social": frozenset({"mj-social-element", "mj-raw"}),
}
"""The tags that may stand directly in a tag. What is not listed here holds HTML, text or nothing."""

REFUSED: Mapping[str, str] = {
    "mj-include": "Write {% include \"_name.mjml\" %}: mj-include loses the width of the page.",
    "mj-html-attributes": "Write the attributes where they belong; the compiler does not know this tag.",
    "mj-selector": "Write the attributes where they belong; the compiler does not know this tag.",
    "mj-html-attribute": "Write the attributes where they belong; the compiler does not know this tag.",
    "script": "Take it out: mail programs remove it, and some the whole mail.",
    "iframe": "Link to the page instead.",
    "object": "Link to the page instead.",
    "embed": "Link to the page instead.",
    "form": "Link to a page with the form.",
    "video": "Show a picture that links to the video.",
    "audio": "Link to the recording.",
    "svg": "Use a PNG picture: most mail programs remove inline SVG.",
    "base": "Write whole addresses.",
    "link": "Write the style into mj-style: mail programs load no style sheets.",
}
"""Tags that compile to something broken or that mail does not allow, and what to write in their place."""

REFUSED_ATTRIBUTES: Mapping[tuple[str, str], str] = {
    ("mj-raw", "position"): "Take it out: the compiler only knows mj-raw where it stands.",
    ("mj-wrapper", "gap"): "Put a section with mj-spacer between; the compiler ignores it.",
}
"""Attributes that MJML knows and the compiler does not, and what to write in their place."""
