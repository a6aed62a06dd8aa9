"""The shape of the house: who may import whom, and how long a thing may be. Read from the source, nothing is run.

Each rule is a function from a package's folder to the sentences that say what breaks it, so that each can be shown to
fail on a small wrong package.
"""

import ast
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "newsletter"

LAYERS: tuple[tuple[str, frozenset[str]], ...] = (
    ("ways in", frozenset({"__main__", "cli", "web"})),
    ("wiring", frozenset({"app"})),
    ("loops", frozenset({"alarm", "delivering", "prepare"})),
    ("messages", frozenset({"checks", "composing"})),
    ("editions", frozenset({"choosing", "render"})),
    ("decisions", frozenset({"links", "schedule", "standing"})),
    ("words", frozenset({"address", "errors", "model", "text", "timezones", "toml"})),
)
"""From top to bottom: a module imports what stands below it."""

SIDEWAYS = frozenset({"ways in", "words"})
"""Layers whose modules may import each other, as long as there is no circle."""

ADAPTERS = frozenset({"config", "key", "preferences", "sources", "store", "transports"})
"""They import words alone, and only the wiring imports them."""

PURE = frozenset({
    "address", "checks", "choosing", "composing", "links", "model", "schedule", "standing", "text", "timezones", "toml",
})
"""What decides from plain values: no clock, chance, network, database or environment."""

OUTSIDE = frozenset({
    "aiosmtplib", "asyncio", "httpx2", "os", "random", "secrets", "smtplib", "socket", "sqlalchemy", "sqlite3",
    "subprocess", "tempfile", "time", "urllib.request",
})
CLOCKS = frozenset({"now", "today", "utcnow"})
EMPTY_NAMES = frozenset({"base", "common", "helper", "helpers", "misc", "shared", "tools", "util", "utils"})
LONGEST_MODULE = 350
LONGEST_FUNCTION = 40
MOST_PARAMETERS = 6
"""Of a function, `self` and `cls` not counted. A longer list is a noun that has no class yet."""


@cache
def modules(package: Path) -> dict[str, str]:
    """The text of every module, by its dotted name below the package; the package's own `__init__` is ""."""
    found = {}
    for file in sorted(package.rglob("*.py")):
        parts = file.relative_to(package).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file.read_text("utf-8")
    return found


@cache
def parsed(package: Path) -> tuple[tuple[str, ast.Module], ...]:
    return tuple((name, ast.parse(text, f"{name or package.name}.py")) for name, text in modules(package).items())


@cache
def imports(package: Path) -> dict[str, set[str]]:
    """What each module imports of its own package, wherever in the file and if only for its types."""
    known = modules(package)
    found: dict[str, set[str]] = {}
    for name, tree in parsed(package):
        aimed: set[str] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                aimed |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{name}:{node.lineno}: write the import in full, from {package.name}.…"
                deeper = {f"{node.module}.{alias.name}" for alias in node.names}
                is_module = {each for each in deeper if each.removeprefix(f"{package.name}.") in known}
                aimed |= is_module | ({node.module or ""} if deeper - is_module else set())
        own = {each.removeprefix(f"{package.name}.") for each in aimed if each.startswith(f"{package.name}.")}
        found[name] = own - {name}
    return found


def top(module: str) -> str:
    return module.partition(".")[0]


def arrows(package: Path) -> Iterator[tuple[str, str]]:
    """(importing, imported) between different top-level modules."""
    for module, targets in imports(package).items():
        for target in sorted(targets):
            if module and top(module) != top(target):
                yield module, target


def layer_of(module: str) -> int | None:
    return next((depth for depth, (_, members) in enumerate(LAYERS) if top(module) in members), None)


# --- The rules -----------------------------------------------------------------------------------------------


def unplaced(package: Path) -> list[str]:
    """Every top-level module has its place, and every place its module."""
    there = {top(module) for module in modules(package) if module}
    placed = ADAPTERS.union(*(members for _, members in LAYERS))
    return [
        *(f"{name} has no place: write it into LAYERS or ADAPTERS of tests/test_shape.py" for name in there - placed),
        *(f"{name} does not exist: take it out of tests/test_shape.py" for name in placed - there),
    ]


def upward(package: Path) -> list[str]:
    """Imports go downward."""
    wrong = []
    for module, target in arrows(package):
        above, below = layer_of(module), layer_of(target)
        if above is None or below is None:
            continue
        if below < above or (below == above and LAYERS[above][0] not in SIDEWAYS):
            wrong.append(f"{module} ({LAYERS[above][0]}) imports {target} ({LAYERS[below][0]}), which is not below it")
    return wrong


def adapter_arrows(package: Path) -> list[str]:
    """Adapters import words alone; only the wiring imports adapters."""
    words = dict(LAYERS)["words"]
    wrong = []
    for module, target in arrows(package):
        if top(module) in ADAPTERS and top(target) not in words:
            wrong.append(f"{module} is an adapter and imports {target}; it may import {' and '.join(sorted(words))}")
        elif top(target) in ADAPTERS and top(module) != "app":
            wrong.append(f"{module} imports the adapter {target}; let app hand it over, and name what is needed of it")
    return wrong


def reaching_past_the_verbs(package: Path) -> list[str]:
    """Ways in ask `app` for verbs; none of them reaches for the store behind it."""
    return [
        f"{module}:{node.lineno} reaches for the store; let a verb of app give what is needed"
        for module, tree in parsed(package) if layer_of(module) == 0
        for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "store"
    ]


def circles(package: Path) -> list[str]:
    """No module imports itself by way of others."""
    try:
        TopologicalSorter(imports(package)).prepare()
    except CycleError as error:
        return [" imports ".join(reversed(error.args[1]))]
    return []


def impure(package: Path) -> list[str]:
    """What decides reaches for nothing outside."""
    wrong = []
    for module, tree in parsed(package):
        if top(module) not in PURE:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                wrong += [f"{module} imports {each.name}" for each in node.names if each.name in OUTSIDE]
            elif isinstance(node, ast.ImportFrom) and node.module in OUTSIDE:
                wrong.append(f"{module} imports {node.module}")
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CLOCKS:
                wrong.append(f"{module}:{node.lineno} reads the clock; take the time as an argument")
    return wrong


def too_long(package: Path) -> list[str]:
    """Modules and functions stay short enough to be read at once."""
    wrong = []
    for module, tree in parsed(package):
        lines = len(modules(package)[module].splitlines())
        if lines > LONGEST_MODULE:
            wrong.append(f"{module} has {lines} lines, {LONGEST_MODULE} are the most: which second noun lives in it?")
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > LONGEST_FUNCTION:
                    wrong.append(f"{module}.{node.name} has {length} lines, {LONGEST_FUNCTION} are the most")
    return wrong


def too_many_parameters(package: Path) -> list[str]:
    """What a function is given can be remembered at once."""
    wrong = []
    for module, tree in parsed(package):
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
                count = len([each for each in given if each.arg not in ("self", "cls")])
                if count > MOST_PARAMETERS and not _is_command(node):
                    wrong.append(f"{module}.{node.name} takes {count} parameters, {MOST_PARAMETERS} are the most: "
                                 "which noun holds some of them?")
    return wrong


def _is_command(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """A command's parameters are its options, each annotated as one."""
    annotated = [each.annotation for each in (*node.args.args, *node.args.kwonlyargs)]
    return any(isinstance(each, ast.Subscript) and "typer." in ast.unparse(each) for each in annotated)


def empty_names(package: Path) -> list[str]:
    """A module is called by a noun of the field."""
    return [
        f"{module}: such a name says nothing; which noun of the field is it?"
        for module in modules(package) if EMPTY_NAMES & set(module.split("."))
    ]


Rule = Callable[[Path], list[str]]
RULES: tuple[Rule, ...] = (
    unplaced, upward, adapter_arrows, reaching_past_the_verbs, circles, impure, too_long, too_many_parameters,
    empty_names,
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_house_keeps_its_rules(rule: Rule) -> None:
    assert rule(PACKAGE) == []


def test_each_module_stands_in_one_place() -> None:
    names = [name for members in (*(members for _, members in LAYERS), ADAPTERS) for name in members]
    assert len(names) == len(set(names))


# --- Each rule can fail --------------------------------------------------------------------------------------


def house(folder: Path, files: Mapping[str, str]) -> Path:
    """A package called newsletter with these files."""
    package = folder / "newsletter"
    for name, content in files.items():
        file = package / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, "utf-8")
    return package


@pytest.mark.parametrize(("rule", "files", "said"), [
    (unplaced, {"novelty.py": ""}, "novelty has no place: write it into LAYERS or ADAPTERS of tests/test_shape.py"),
    (unplaced, {"model.py": ""}, "prepare does not exist"),
    (upward, {"links.py": "from newsletter import prepare", "prepare.py": ""}, "links (decisions) imports prepare"),
    (upward, {"links.py": "from newsletter.schedule import x", "schedule.py": ""}, "links (decisions) imports"),
    (upward, {"model/story.py": "import newsletter.render"}, "model.story (words) imports render"),
    (upward, {"alarm.py": "from newsletter.prepare import x", "prepare.py": ""}, "alarm (loops) imports prepare"),
    (upward, {"app.py": "def f():\n    from newsletter.cli import main", "cli/__init__.py": ""}, "app (wiring)"),
    (adapter_arrows, {"store/rows.py": "from newsletter.choosing.topics import x"}, "store.rows is an adapter"),
    (adapter_arrows, {"sources/web.py": "from newsletter.store import x"}, "sources.web is an adapter"),
    (adapter_arrows, {"prepare.py": "from newsletter.store.rows import x"}, "prepare imports the adapter store.rows"),
    (adapter_arrows, {"web/page.py": "import newsletter.transports.smtp"}, "web.page imports the adapter"),
    (reaching_past_the_verbs, {"cli/show.py": "x = app.store.issues"}, "cli.show:1 reaches for the store"),
    (circles, {"a.py": "from newsletter import b", "b.py": "from newsletter.a import x"}, " imports "),
    (circles, {"a/b.py": "from newsletter.a import c", "a/c.py": "def f():\n  import newsletter.a.b"}, "a.b"),
    (impure, {"links.py": "import random"}, "links imports random"),
    (impure, {"model/story.py": "from os import environ"}, "model.story imports os"),
    (impure, {"schedule.py": "from datetime import datetime\nx = datetime.now()"}, "schedule:2 reads the clock"),
    (too_long, {"links.py": "x = 1\n" * 351}, "links has 351 lines"),
    (too_long, {"links.py": "class A:\n  async def f():\n" + "    x = 1\n" * 40}, "links.f has 41 lines"),
    (too_many_parameters, {"links.py": "def f(a, b, c, *, d, e, f, g): pass"}, "links.f takes 7"),
    (empty_names, {"utils.py": ""}, "utils: such a name says nothing"),
    (empty_names, {"store/helpers/rows.py": ""}, "store.helpers.rows"),
])
def test_each_rule_sees_what_breaks_it(tmp_path: Path, rule: Rule, files: Mapping[str, str], said: str) -> None:
    told = rule(house(tmp_path, files))
    assert any(said in sentence for sentence in told), told


def test_a_package_that_keeps_the_rules_is_not_blamed(tmp_path: Path) -> None:
    package = house(tmp_path, {
        "__init__.py": "", "errors.py": "", "model/__init__.py": "from newsletter.model.story import x",
        "model/story.py": "", "choosing/topics.py": "from newsletter.model import x\nfrom newsletter import errors",
        "prepare.py": "from newsletter.choosing import topics", "store.py": "from newsletter.model import x",
        "app.py": "from newsletter import prepare, store", "cli/__init__.py": "from newsletter.app import x",
    })
    assert [said for rule in RULES if rule is not unplaced for said in rule(package)] == []
