"""The screenshots of docs/gallery, its page, and the README's picture: scripts/gallery [TEMPLATE ...]."""

import sys
import tempfile
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser

from gallery import blocks
from gallery.schemes import INVERT, SCHEMES, WIDTHS, Scheme, chromium, received, window
from gallery.specimen import specimens, templates

FOLDER = Path(__file__).parents[1] / "docs" / "gallery"
TOPICS = ("artificial-intelligence", "cybersecurity", "online-safety", "computing")
"""The topics of the subscriber whose mail is shown."""
GAP = 24
"""Pixels around each mail of a sheet."""
FACE = ("weekly", 1180)
"""The template of the README's picture, and the picture's height in pixels."""
COLOURS = 256
"""In a picture: nobody sees the difference, and a sixth of the bytes is saved."""

CAPTIONS = {
    "light": "As most programs show it by day.",
    "dark": "In a program that obeys `prefers-color-scheme`, as Apple Mail does.",
    "inverted": "In a program that inverts colours by force, as Outlook on the web does.",
    "no-pictures": "With pictures blocked, as in many programs until the subscriber asks for them.",
    "no-style": "Without any `<style>`, as in Gmail's application for accounts of other providers.",
}
SHEET = """<!DOCTYPE html><html><head><meta name="color-scheme" content="light dark"><style>
body { margin: 0; display: flex; align-items: flex-start; gap: %(gap)dpx; padding: %(gap)dpx; background: #8a8f94; }
iframe { border: 0; flex: none; }
</style></head><body>%(frames)s</body></html>"""
FILL = """async (mails) => {
    for (const frame of document.querySelectorAll("iframe")) {
        await new Promise((done) => { frame.onload = done; frame.srcdoc = mails; });
        frame.style.height = frame.contentDocument.documentElement.scrollHeight + "px";
    }
}"""


def main(arguments: list[str]) -> int:
    """Makes the pictures of the named templates, by default of all. Returns the exit code."""
    known = templates()
    if unknown := [name for name in arguments if name not in known]:
        print(f"gallery: there is no template {unknown[0]}; there is: {', '.join(known)}", file=sys.stderr)
        return 2
    (FOLDER / "blocks").mkdir(parents=True, exist_ok=True)
    names = arguments or known
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        for specimen in specimens(Path(folder) / "few", names, ["en", "ar"], TOPICS):
            schemes = SCHEMES if specimen.language == "en" else SCHEMES[:1]
            sheets = {scheme: sheet(browser, specimen.html, scheme) for scheme in schemes}
            for scheme, picture in sheets.items():
                hang(picture, sheet_name(specimen.template, scheme, specimen.language))
            if (specimen.template, specimen.language) == (FACE[0], "en"):
                hang(face(sheets["light"], sheets["dark"]), "../edition.webp")
        for specimen in specimens(Path(folder) / "all", names, ["en"]):
            for kind, picture in blocks.pictures(browser, specimen):
                hang(picture, f"blocks/{specimen.template}-{kind}.webp")
    (FOLDER / "README.md").write_text(page(), "utf-8")
    return 0


def hang(picture: Image.Image, name: str) -> None:
    """Writes a picture in few colours."""
    file = FOLDER / name
    picture.quantize(COLOURS, dither=Image.Dither.NONE).convert("RGB").save(file, lossless=True, quality=75, method=4)
    print(f"{name}: {file.stat().st_size // 1000} kB")


def sheet_name(template: str, scheme: Scheme, language: str = "en") -> str:
    """The file of a sheet: "weekly-dark.webp", "weekly-light-ar.webp"."""
    return f"{template}-{scheme}{'' if language == 'en' else f'-{language}'}.webp"


def sheet(browser: Browser, html: str, scheme: Scheme) -> Image.Image:
    """The mail at each width, side by side."""
    frames = "".join(f'<iframe width="{width}"></iframe>' for width in WIDTHS)
    with window(browser, scheme, sum(WIDTHS) + GAP * (len(WIDTHS) + 1)) as page:
        page.set_content(SHEET % {"gap": GAP, "frames": frames})
        page.evaluate(FILL, received(html, scheme))
        if scheme == "inverted":
            for frame in page.frames[1:]:
                frame.evaluate(INVERT)
        return Image.open(BytesIO(page.screenshot(full_page=True))).convert("RGB")


def face(light: Image.Image, dark: Image.Image) -> Image.Image:
    """The README's picture: the beginning of a mail, wide by day and narrow by night."""
    wide, narrow = _mail(light, len(WIDTHS) - 1), _mail(dark, len(WIDTHS) - 2)
    picture = Image.new("RGB", (wide.width + narrow.width + 3 * GAP, FACE[1]), "#8a8f94")
    picture.paste(wide, (GAP, GAP))
    picture.paste(narrow, (wide.width + 2 * GAP, GAP))
    return picture


def _mail(sheet: Image.Image, number: int) -> Image.Image:
    """One mail of a sheet."""
    left = sum(WIDTHS[:number]) + GAP * (number + 1)
    return sheet.crop((left, GAP, left + WIDTHS[number], FACE[1]))


def page() -> str:
    """The gallery's page."""
    widths = ", ".join(map(str, WIDTHS[:-1])) + f" and {WIDTHS[-1]}"
    lines = [
        "# Gallery", "",
        f"Each template as subscribers may see it, at {widths} pixels: mails of the sample project, to a subscriber",
        "of four topics. `scripts/gallery` makes the pictures and this page anew; `tests/mail` measures the same.",
    ]
    for template in templates():
        lines += ["", f"## {template}"]
        for scheme in SCHEMES:
            lines += ["", f"### {template}: {scheme.replace('-', ' ')}", "", CAPTIONS[scheme], "",
                      f"![{template}, {scheme}]({sheet_name(template, scheme)})"]
        lines += ["", f"### {template}: from right to left", "", "In Arabic; stories keep their language.", "",
                  f"![{template} in Arabic]({sheet_name(template, 'light', 'ar')})"]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
