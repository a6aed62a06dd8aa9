"""The gallery shows every template in every scheme, and nothing that is no more."""

from gallery.__main__ import FOLDER, page, sheet_name
from gallery.schemes import SCHEMES
from gallery.specimen import templates

HEAVIEST = 6_500_000
"""Bytes of all pictures: they stay in the repository for ever, with every older version."""


def test_its_page_is_what_the_program_writes() -> None:
    assert (FOLDER / "README.md").read_text("utf-8") == page()


def test_every_sheet_hangs_and_no_other() -> None:
    sheets = {sheet_name(template, scheme) for template in templates() for scheme in SCHEMES}
    sheets |= {sheet_name(template, "light", "ar") for template in templates()}
    assert {file.name for file in FOLDER.glob("*.webp")} == sheets
    assert {file.name.partition("-")[0] for file in FOLDER.glob("blocks/*.webp")} == set(templates())


def test_it_stays_light() -> None:
    assert sum(file.stat().st_size for file in FOLDER.rglob("*.webp")) < HEAVIEST
