"""Faults in a template's sources, found before anything is compiled.

The MJML compiler passes misspelt tags and attributes through without an error, and gives no line for a tag that it
refuses. Here all of them are found at once, in the sources with Jinja masked.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from jinja2 import TemplateSyntaxError, meta, nodes

from newsletter.model import Problem
from newsletter.render import markup, tags
from newsletter.render.environment import EVERYWHERE, IN_ONE, Sandbox, environment
from newsletter.render.placeholders import PLACEHOLDERS
from newsletter.render.style import Fault, faults_of_style
from newsletter.render.template import FRAME, Template, text_twin
from newsletter.text import meant, nearest, quoted

_JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_BODY = re.compile(r"\{\{-?\s*body\s*-?\}\}")
_BODY_CURE = "Write {{ body }} once, where the stories go."
_STYLED = re.compile(r"\{\{-?\s*(tongue|turned)\b")
_MASK = "\ue000"
"""Stands for the output of Jinja."""
_NAME = re.compile(r"</?\s*([A-Za-z][\w:-]*)")
_SHORT_COLOUR = re.compile(r"#[0-9a-fA-F]{3}")
_KNOWN_TAGS = frozenset(tags.ATTRIBUTES) | tags.CHILDREN["mj-attributes"]
_GIVEN = frozenset({"range", "_", "gettext", "ngettext", "pgettext", "npgettext", *EVERYWHERE, *IN_ONE})


def lint(template: Template) -> tuple[Problem, ...]:
    """All faults, each with file, line and fix."""
    return tuple(_faults(template))


def _faults(template: Template) -> Iterator[Problem]:
    jinja = environment(template, template.words("en"), {}, "UTC")
    yield from _theme(template)
    if (count := len(_BODY.findall(template.files[text_twin(FRAME)]))) != 1:
        yield Problem(template.place(text_twin(FRAME)), f"{{{{ body }}}} occurs {count} times", _BODY_CURE)
    for file, source in template.files.items():
        if file.endswith((".mjml", ".txt")):
            for offset, found, cure in _jinja(jinja, template, file, source):
                yield Problem(template.place(file, offset), found, cure)
        if file.endswith(".mjml"):
            for offset, found, cure in _Markup(template, file, source).faults():
                yield Problem(template.place(file, source[:offset].count("\n") + 1), found, cure)


def _theme(template: Template) -> Iterator[Problem]:
    for number, line in enumerate(template.files.get("theme.toml", "").splitlines(), 1):
        if short := re.search(r'"(#(?:[0-9a-fA-F]{3,5}|[0-9a-fA-F]{7,8}))"', line):
            found = f"the colour {short[1]} does not have six digits"
            yield Problem(template.place("theme.toml", number), found, "Write six digits.")


# --- Jinja: here the place of a fault is its line -------------------------------------------------------------


def _jinja(jinja: Sandbox, template: Template, file: str, source: str) -> Iterator[Fault]:
    try:
        tree = jinja.parse(source)
        yield from _filters(tree, jinja)
        jinja.compile(tree, file)
    except TemplateSyntaxError as error:
        yield error.lineno, str(error.message), "Correct the Jinja here or a line above."
        return
    yield from _placeholders(tree)
    yield from _files(tree, template)
    if not file.rpartition("/")[2].startswith("_"):  # a partial also sees the names of the file that includes it
        yield from _names(tree)
    for node in tree.find_all(nodes.ScopedEvalContextModifier):
        yield node.lineno, "the tag autoescape switches escaping", "Remove it: every value is escaped."


def _filters(tree: nodes.Template, jinja: Sandbox) -> Iterator[Fault]:
    """Filters and tests that do not exist, wherever they stand; known ones take their places in the tree.

    Jinja's compiler stops at the first of them, but lets one in a condition through until it is rendered.
    """
    for kind, what, known in ((nodes.Filter, "filter", jinja.filters), (nodes.Test, "test", jinja.tests)):
        for node in tree.find_all(kind):
            if node.name not in known:
                cure = "Write story.body | html, which cleans it." if node.name == "safe" else ""
                cure = cure or meant(nearest(node.name, known)) or f"Remove the {what}."
                yield node.lineno, f"there is no {what} {quoted(node.name)}", cure
                node.name = next(iter(known))


def _placeholders(tree: nodes.Template) -> Iterator[Fault]:
    for node in tree.find_all(nodes.Getattr):
        if isinstance(node.node, nodes.Name) and node.node.name == "slot" and node.attr not in PLACEHOLDERS:
            cure = meant(nearest(node.attr, PLACEHOLDERS)) or f"Use one of: {', '.join(PLACEHOLDERS)}."
            yield node.lineno, f"there is no slot {quoted(node.attr)}", cure


def _files(tree: nodes.Template, template: Template) -> Iterator[Fault]:
    for node in tree.find_all((nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)):
        wanted = None if getattr(node, "ignore_missing", False) else getattr(node, "template", None)
        if isinstance(wanted, nodes.Const) and wanted.value not in template.files:
            known = "Name a file of the template's own folder, or a shared one."
            cure = meant(nearest(str(wanted.value), template.files)) or known
            yield node.lineno, f"there is no file {quoted(str(wanted.value))} in the template", cure


def _names(tree: nodes.Template) -> Iterator[Fault]:
    set_in_the_file = {node.name for node in tree.find_all(nodes.Name) if node.ctx == "store"}  # maybe in one branch
    for name in sorted(meta.find_undeclared_variables(tree) - _GIVEN - set_in_the_file):
        line = min(node.lineno for node in tree.find_all(nodes.Name) if node.name == name)
        cure = meant(nearest(name, _GIVEN)) or f"Use one of: {', '.join(EVERYWHERE + IN_ONE)}."
        yield line, f"{quoted(name)} is unknown", cure


# --- MJML: here the place of a fault is its offset ------------------------------------------------------------


@dataclass
class _Markup:
    """A walk through the tags of one file, with Jinja masked."""

    template: Template
    file: str
    source: str
    open: list[tuple[str, int]] = field(default_factory=list)
    """The elements that are open, the outermost first, each with where it began."""

    @property
    def root(self) -> str:
        """The tag in which the file's output stands; empty if that is not known."""
        kinds = [kind for kind, file in self.template.blocks.items() if file == self.file]
        return {"item": "mj-text"}.get(kinds[0], "mj-body") if kinds else ""

    def faults(self) -> Iterator[Fault]:
        bodies = [found.start() for found in _BODY.finditer(self.source)]
        for token in markup.TOKEN.finditer(_JINJA.sub(_masked, self.source)):
            inside = [offset for offset in bodies if token.start() <= offset < token.end()]
            if inside and (token["text"] is None or self._parent() != "mj-body"):
                yield inside[0], "{{ body }} does not stand directly in mj-body", "Move it out of what is around it."
            yield from self._token(token)
        for name, offset in self.open:
            yield offset, f"<{name}> is not closed in this file", f"Write </{name}> here too."
        if self.file == FRAME and len(bodies) != 1:
            yield 0, f"{{{{ body }}}} occurs {len(bodies)} times", _BODY_CURE

    def _parent(self) -> str:
        return self.open[-1][0] if self.open else self.root

    def _token(self, token: re.Match[str]) -> Iterator[Fault]:
        match token.lastgroup:
            case "comment":
                if "--" in token[0][4:-3]:
                    yield token.start(), "the comment contains --", "Write one dash."
            case "style":
                yield from self._opened(token, token[0][: token[0].index(">") + 1], pushed=False)
                for offset, found, cure in faults_of_style(token[0]):
                    yield token.start() + offset, found, cure
            case "title":
                yield from self._opened(token, token[0][: token[0].index(">") + 1], pushed=False)
                if "<" in token[0][1: token[0].rindex("<")]:
                    yield token.start(), f"{token['head']} contains a tag or <", "Write plain text."
            case "tag":
                ends = token[0].startswith("</")
                yield from self._closed(token) if ends else self._opened(token, token[0])
            case _:
                yield from self._text(token)

    def _text(self, token: re.Match[str]) -> Iterator[Fault]:
        if token[0] == "<":
            cures = {"<![": "Write the text itself, with &lt; for <.", "<!": "Take it out.", "<?": "Take it out."}
            rest = token.string[token.start(): token.start() + 3]
            cure = next((cure for sign, cure in cures.items() if rest.startswith(sign)), "Write &lt;, or close it.")
            yield token.start(), f"{token.string[token.start(): token.start() + 9].split()[0]} is not a tag", cure
        elif self._parent() in tags.CHILDREN and (words := token[0].replace(_MASK, "").strip()):
            start = token.start() + token[0].index(words[0])
            yield start, f"text stands directly in <{self._parent()}>", "Put it into mj-text."

    def _opened(self, token: re.Match[str], tag: str, *, pushed: bool = True) -> Iterator[Fault]:
        name = _name(tag)
        yield from ((token.start(), found, cure) for found, cure in self._element(name))
        yield from ((token.start(), found, cure) for found, cure in _attributes(name, tag))
        if (styled := _STYLED.search(self.source, token.start(), token.end())) and " style=" in tag:
            found = f"the tag has both style and {{{{ {styled[1]} }}}}, which may contain a style too"
            yield token.start(), found, "Write it into mj-style."
        if pushed and not tag.endswith("/>") and name not in markup.VOID:
            self.open.append((name, token.start()))

    def _element(self, name: str) -> Iterator[tuple[str, str]]:
        parent = self._parent()
        if name in tags.REFUSED:
            yield f"<{name}> is not allowed", tags.REFUSED[name]
        elif name.startswith("mj") and name not in _KNOWN_TAGS:
            cure = meant(nearest(name, _KNOWN_TAGS)) or "Remove it, or write HTML into mj-text."
            yield f"<{name}> is not an MJML tag", cure
        elif parent == "mj-class":
            yield "mj-class contains elements", 'Write the attributes on it: <mj-class name="…" color="…" />.'
        elif parent in tags.CHILDREN and name not in tags.CHILDREN[parent]:
            homes = [home for home, children in tags.CHILDREN.items() if name in children and home != "mj-attributes"]
            yield f"<{name}> stands directly in <{parent}>", f"Put it into {' or '.join(homes or ['mj-text'])}."
        elif name.startswith("mj-") and parent and parent not in tags.CHILDREN:
            yield f"<{name}> stands inside <{parent}>", "Close the element around it first."

    def _closed(self, token: re.Match[str]) -> Iterator[Fault]:
        name = _name(token[0])
        if name not in [each for each, _ in self.open]:
            yield token.start(), f"</{name}> closes nothing", f"Remove it, or open <{name}> in this file."
            return
        while (last := self.open.pop())[0] != name:
            yield last[1], f"<{last[0]}> is not closed before </{name}>", f"Write </{last[0]}>."


def _masked(jinja: re.Match[str]) -> str:
    return re.sub(r"[^\n]", _MASK if jinja[0].startswith("{{") else " ", jinja[0])


def _name(tag: str) -> str:
    found = _NAME.match(tag)
    return found[1].lower() if found else ""


def _attributes(name: str, tag: str) -> Iterator[tuple[str, str]]:
    known = tags.ANY_ATTRIBUTE | {"name"} if name in ("mj-all", "mj-class") else tags.ATTRIBUTES.get(name)
    for attribute in markup.ATTRIBUTE.finditer(tag):
        written, value = attribute[1], markup.value_of(attribute)
        if cure := tags.REFUSED_ATTRIBUTES.get((name, written)):
            yield f"the attribute {quoted(written)} on {name} is not allowed", cure
        elif known is not None and written not in known and _MASK not in written:
            cure = meant(nearest(written, known)) or f"It has: {', '.join(sorted(known))}."
            yield f"{name} has no attribute {quoted(written)}", cure
        if _SHORT_COLOUR.fullmatch(value):
            six = "".join(digit * 2 for digit in value[1:])
            yield f"the colour {value} has three digits", f"Write six digits: #{six}."
    bare = markup.ATTRIBUTE.sub("", tag[len(name) + 1: -1]).replace(_MASK, "").strip(" \n\t/")
    if bare:
        yield f"{bare.split()[0]} in <{name}> has no value in quotes", 'Write name="value".'
