"""Faults in the CSS of a template."""

import re
from collections.abc import Iterator

from newsletter.text import quoted

Fault = tuple[int, str, str]
"""The offset, what was found, and the cure."""

_BRACE = re.compile(r"([^{};]*)([{};])")
_PLACE_AMONG_SIBLINGS = re.compile(
    r"[+~]|:(?:first|last|only)-(?:child|of-type)|:nth-[\w-]+|:has\(", re.IGNORECASE,
)


def faults_of_style(element: str) -> Iterator[Fault]:
    """The faults of a whole `mj-style` or `style` element, at offsets in it."""
    start, end = element.index(">") + 1, element.rindex("<")
    css = element[start:end]
    if "<" in css:
        yield start + css.index("<"), "< in a style", "Take it out, from comments too."
    # U+E000 stands for what Jinja will write.
    if odd := re.search(r"[^\x00-\x7f\ue000]", css):
        yield start + odd.start(), f"{quoted(odd[0])} in a style", r"Write it as an escape (\201C), or use plain ASCII."
    yield from ((start + offset, found, cure) for offset, found, cure in _rules(_blank_comments(css)))


def _blank_comments(css: str) -> str:
    return re.sub(r"/\*.*?\*/", lambda comment: " " * len(comment[0]), css, flags=re.DOTALL)


def _rules(css: str) -> Iterator[Fault]:
    depth, at_rules = 0, list[int]()
    for part in _BRACE.finditer(css):
        prelude, sign = part[1].strip(), part[2]
        offset = part.start() + len(part[1]) - len(part[1].lstrip())
        if sign == "{":
            depth += 1
            if prelude.startswith("@"):
                if at_rules:
                    cure = "Write one after the other: Gmail drops the whole style."
                    yield offset, f"{prelude.split()[0]} inside another at-rule", cure
                at_rules.append(depth)
            else:
                yield from ((offset, found, cure) for found, cure in _selector(prelude))
        elif sign == "}":
            if at_rules and at_rules[-1] == depth:
                at_rules.pop()
            depth -= 1
    if depth:
        yield 0, "braces that do not match", "Close each { with a }."


def _selector(selector: str) -> Iterator[tuple[str, str]]:
    bare = re.sub(r"\[[^\]]*\]", "", selector)
    if odd := _PLACE_AMONG_SIBLINGS.search(bare):
        yield (f"{quoted(odd[0])} in the selector {quoted(selector)}",
               "Give the element a css-class: stories are compiled alone, and their neighbours differ between readers.")
