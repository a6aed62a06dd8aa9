"""The checks that an editor runs before sending hold for every specimen: size, links, a plain text with them all."""

from gallery.specimen import Specimen
from newsletter.checks import check_issue


def test_every_check_holds(specimen: Specimen) -> None:
    checks = check_issue(specimen.manifest, {specimen.language: specimen.blocks}, [specimen.edition])
    assert [str(problem) for check in checks for problem in check.problems] == []


def test_the_whole_message_is_small(specimen: Specimen) -> None:
    """500 kB is what a mail should not pass; a digest stays far below."""
    assert len(specimen.wire) < 120_000
