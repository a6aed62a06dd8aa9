"""What must hold before a send: frozen blocks and editions in, what is wrong with them out.

Blocks are looked at once, since all editions share them; what depends on which blocks meet (size, and whether the plain
text has every link) is looked at for every edition.
"""

from newsletter.checks.check import Check
from newsletter.checks.issue import check_issue

__all__ = ["Check", "check_issue"]
