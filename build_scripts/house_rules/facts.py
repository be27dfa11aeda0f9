"""Rules about lists that must agree: errors and words, topics and listeners, migrations and golden files."""

import ast
from collections.abc import Iterator
from itertools import pairwise
from string import Formatter

from build_scripts.house_rules.tree import Finding, Source, Tree, called, calls, dotted

MESSAGES = ("app/messages.py", "app/messages")
VOCABULARY = ("app/vocabulary.py", "app/acts.py")
ERRORS = ("app/errors.py", "app/errors")
VERSIONS = {"vault": "app/models/migrations/versions", "endpoint": "sync/server/migrations/versions"}
GOLDEN = "tests/golden"
LISTENERS = ("app/services", "app/views", "app/bootstrap.py")


def errors_have_words(tree: Tree) -> Iterator[Finding]:
    """Every AppError has one sentence, and the sentence asks only for what the error knows."""
    words = tables(tree, "WORDS")
    for name, (path, line, fields) in _app_errors(tree).items():
        if name not in words:
            yield Finding(path, line, "words", f"{name} has no sentence in app/messages.py WORDS")
            continue
        said_in, said_at, text = words[name]
        unknown = {field for _, field, _, _ in Formatter().parse(text) if field} - fields
        if unknown:
            yield Finding(
                said_in, said_at, "words", f"the sentence of {name} asks for {sorted(unknown)}: no such field"
            )


def reasons_have_words(tree: Tree) -> Iterator[Finding]:
    """A reason or noun written into an error has its words."""
    for error, position, keyword, table in (("InvalidInput", 1, "reason", "REASONS"), ("NotFound", 0, "what", "NOUNS")):
        known = tables(tree, table)
        for source in tree.below("app"):
            for call in calls(source):
                if called(call) != error:
                    continue
                given = [item.value for item in call.keywords if item.arg == keyword] or call.args[
                    position : position + 1
                ]
                for value in given:
                    if isinstance(value, ast.Constant) and value.value not in known:
                        why = f"{value.value!r} has no words in app/messages.py {table}"
                        yield Finding(source.path, call.lineno, "words", why)


def acts_have_words(tree: Tree) -> Iterator[Finding]:
    """What goes into the audit log is read there in words: the act, and the name of each detail."""
    acts, details = (tables(tree, name, VOCABULARY) for name in ("ACTIONS", "DETAILS"))
    for source in tree.below("app"):
        for call in calls(source):
            place = {"record": 1, "note": 0}.get(called(call))
            if place is None or len(call.args) <= place or "audit" not in ast.unparse(call.func).lower():
                continue
            act = call.args[place]
            if isinstance(act, ast.Constant) and act.value not in acts:
                yield Finding(source.path, call.lineno, "words", f"{act.value!r} has no words in ACTIONS")
            for given in call.keywords:
                if given.arg not in {"subject", None, *details}:
                    yield Finding(source.path, call.lineno, "words", f"{given.arg!r} has no words in DETAILS")


def topics_live(tree: Tree) -> Iterator[Finding]:
    """Every topic is written by somebody and heard by somebody."""
    source = tree.source("app/topics.py")
    if source is None:
        return
    written, heard = _topics_used(tree)
    for node in source.nodes:
        if not (isinstance(node, ast.ClassDef) and node.name == "Topic"):
            continue
        for line in (item for item in node.body if isinstance(item, ast.Assign)):
            name = dotted(line.targets[0])
            if name not in written:
                yield Finding(source.path, line.lineno, "topics", f"nothing writes Topic.{name}")
            if name not in heard:
                yield Finding(source.path, line.lineno, "topics", f"nothing listens to Topic.{name}")


def migrations_have_golden_files(tree: Tree) -> Iterator[Finding]:
    """A migration is tested on a file made from the golden schema of the version before it."""
    golden = {path.name for path in (tree.root / GOLDEN).glob("*")}
    for whose, folder in VERSIONS.items():
        versions = sorted(source.path for source in tree.below(folder) if not source.path.endswith("__init__.py"))
        for before, version in pairwise(versions):
            number = before.rsplit("/", 1)[1].split("_")[0]
            name = f"{GOLDEN}/{whose}_{number}.sql"
            if name.rpartition("/")[2] not in golden:
                yield Finding(version, 1, "golden", f"needs {name}: the schema as version {number} made it")


def tables(tree: Tree, name: str, where: tuple[str, ...] = MESSAGES) -> dict[str, tuple[str, int, str]]:
    """Entries of the dict called `name`: last word of the key → (path, line, text)."""
    found: dict[str, tuple[str, int, str]] = {}
    for source in tree.below(*where):
        for key, value in _entries(source, name):
            if isinstance(value, ast.Constant):
                label = str(key.value) if isinstance(key, ast.Constant) else dotted(key).rsplit(".", 1)[-1]
                found[label] = (source.path, value.lineno, str(value.value))
    return found


def _entries(source: Source, name: str) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Keys and values of a module's dict literal."""
    for node in source.module.body:
        if isinstance(node, ast.AnnAssign):
            target: ast.expr = node.target
            value = node.value
        elif isinstance(node, ast.Assign):
            target, value = node.targets[0], node.value
        else:
            continue
        if dotted(target) == name and isinstance(value, ast.Dict):
            yield from ((key, item) for key, item in zip(value.keys, value.values, strict=True) if key is not None)


def _app_errors(tree: Tree) -> dict[str, tuple[str, int, set[str]]]:
    """Every class that is an AppError, with where it stands and the names of its fields."""
    classes = [
        (source, node)
        for source in tree.below(*ERRORS)
        for node in source.module.body
        if isinstance(node, ast.ClassDef)
    ]
    fields: dict[str, set[str]] = {"AppError": set()}
    found: dict[str, tuple[str, int, set[str]]] = {}
    for source, node in classes:
        bases = [dotted(base).rsplit(".", 1)[-1] for base in node.bases]
        if not any(base in fields for base in bases):
            continue
        own = {dotted(item.target) for item in node.body if isinstance(item, ast.AnnAssign)}
        fields[node.name] = own.union(*(fields.get(base, set()) for base in bases))
        if node.name != "AppError":
            found[node.name] = (source.path, node.lineno, fields[node.name])
    return found


def _topics_used(tree: Tree) -> tuple[set[str], set[str]]:
    written: set[str] = set()
    heard: set[str] = set()
    for source in tree.below("app"):
        in_writes = {id(node) for node in _written_nodes(source)}
        for node in source.nodes:
            if isinstance(node, ast.Attribute) and dotted(node.value) == "Topic":
                if id(node) in in_writes:
                    written.add(node.attr)
                elif source.under(*LISTENERS):
                    heard.add(node.attr)
    return written, heard


def _written_nodes(source: Source) -> Iterator[ast.AST]:
    """Everything inside the arguments of `write(…)`, also through a constant: `write(*CHANGED)`."""
    starred: set[str] = set()
    for call in calls(source):
        if called(call) == "write":
            for argument in call.args:
                yield from ast.walk(argument)
                if isinstance(argument, ast.Starred):
                    starred.add(dotted(argument.value).rsplit(".", 1)[-1])
    for node in source.nodes:
        if isinstance(node, ast.Assign) and dotted(node.targets[0]) in starred:
            yield from ast.walk(node.value)


def points_are_listed(tree: Tree) -> Iterator[Finding]:
    """Every fault point that the code passes stands in the one list, and none stands there that nobody passes."""
    listed = tables(tree, "POINTS", ("sync/points.py",))
    passed: set[str] = set()
    for source in tree.below("app", "sync"):
        for call in calls(source):
            if dotted(call.func) != "points.passed":
                continue
            point = call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else None
            passed.add(str(point))
            if point not in listed:
                yield Finding(source.path, call.lineno, "points", f"{point!r} is not in POINTS of sync/points.py")
    for name in listed:
        if name not in passed:
            path, line, _ = listed[name]
            yield Finding(path, line, "points", f"nothing passes {name!r}")


RULES = (
    errors_have_words,
    reasons_have_words,
    acts_have_words,
    topics_live,
    migrations_have_golden_files,
    points_are_listed,
)
