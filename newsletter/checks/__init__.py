"""Checks before a send: frozen blocks and editions, or a template, in; a check with its problems for each rule out.

1. `rules` is the table: a rule has an id, a level, a reason, a fix, and a function that finds problems.
2. `links`, `pictures`, `size`, `plaintext` and `templates` are families of rules.
3. `applying` looks at each block once, since all editions share them, and at every edition for what depends on which
   blocks meet.
"""

from newsletter.checks.applying import check_issue, check_template
from newsletter.checks.rule import Check, Level, Rule
from newsletter.checks.rules import RULES, Rules

__all__ = ["RULES", "Check", "Level", "Rule", "Rules", "check_issue", "check_template"]
