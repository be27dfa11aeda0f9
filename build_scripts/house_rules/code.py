"""Rules about code: one door for commits, broad excepts, prints, clocks, sizes, unfinished work."""

import ast
import re
from collections.abc import Iterator

from build_scripts.house_rules.tree import Finding, Tree, called, calls, dotted

DOORS = ("app/models/database.py", "sync/server/database.py")
OUTERMOST = (
    "app/views/jobs.py",  # a job that crashed becomes a crash dialog
    "app/cli/__init__.py",  # a command that crashed is logged, and says so in a sentence
    "sync/server/app.py",  # an answer 500 instead of a dropped connection
    "sync/server/front.py",  # the same for what never reaches the framework
    "sync/server/group.py",  # what one request's work raises goes back to that request, over a thread
    "sync/server/lanes.py",
    "sync/server/writer.py",  # a bug between two pieces of work must not end the thread everybody waits for
)
PRINTERS = ("app/cli.py", "app/cli", "app/__main__.py", "sync/server/cli.py", "sync/server/__main__.py")
CLOCKS = {
    "datetime.utcnow": "naive; use datetime.now(UTC)",
    "datetime.today": "naive; use datetime.now(UTC)",
    "date.today": "the machine's day is not the merchant's; use datetime.now(UTC) and words.zone()",
    "time.time": "time of day is datetime.now(UTC); a duration is time.monotonic() or perf_counter()",
    "time.localtime": "the machine's zone is not the merchant's; use datetime.now(UTC) and words.zone()",
}
CLOCK = "sync/clock.py"
MOVED = ("sync", "app/models", "app/services")
"""Where the time can be moved for a campaign."""
UNFINISHED = re.compile(r"#.*\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
MOST_LINES = 400
MOST_LINES_OF_A_FUNCTION = 40


def commit_at_the_door(tree: Tree) -> Iterator[Finding]:
    for source in tree.below("app", "sync"):
        if source.path in DOORS:
            continue
        for call in calls(source):
            if called(call) == "commit":
                yield Finding(source.path, call.lineno, "commit", "only Database.write() commits; pass the session")


def file_length(tree: Tree) -> Iterator[Finding]:
    for source in tree.sources:
        if len(source.lines) > MOST_LINES:
            why = f"{len(source.lines)} lines, at most {MOST_LINES}: what is the second thing this file does?"
            yield Finding(source.path, 1, "file-length", why)


def function_length(tree: Tree) -> Iterator[Finding]:
    for source in tree.below("app", "sync", "build_scripts"):
        for node in source.nodes:
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > MOST_LINES_OF_A_FUNCTION:
                why = f"{node.name} has {length} lines, at most {MOST_LINES_OF_A_FUNCTION}: name its parts"
                yield Finding(source.path, node.lineno, "function-length", why)


def broad_except(tree: Tree) -> Iterator[Finding]:
    for source in tree.below("app", "sync"):
        if source.path in OUTERMOST:
            continue
        for node in source.nodes:
            if isinstance(node, ast.ExceptHandler) and _is_broad(node.type) and not _passes_on(node):
                why = "name what can happen; a bug must reach the crash dialog"
                yield Finding(source.path, node.lineno, "broad-except", why)


def _is_broad(caught: ast.expr | None) -> bool:
    kinds = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(kind is None or dotted(kind) in {"Exception", "BaseException"} for kind in kinds)


def _passes_on(handler: ast.ExceptHandler) -> bool:
    """Tidying up and raising again swallows nothing."""
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def no_print(tree: Tree) -> Iterator[Finding]:
    for source in tree.below("app", "sync"):
        if source.under(*PRINTERS):
            continue
        for call in calls(source):
            if dotted(call.func) == "print":
                yield Finding(
                    source.path, call.lineno, "print", "log it with the module's logger, or show it in a view"
                )


def one_clock(tree: Tree) -> Iterator[Finding]:
    for source in tree.below("app", "sync"):
        for call in calls(source):
            name = ".".join(dotted(call.func).split(".")[-2:])
            if name in CLOCKS:
                yield Finding(source.path, call.lineno, "clock", f"{name}: {CLOCKS[name]}")
            elif name == "datetime.now" and [dotted(argument) for argument in call.args] not in (
                ["UTC"],
                ["timezone.utc"],
            ):
                yield Finding(source.path, call.lineno, "clock", "datetime.now takes UTC; show it with words.moment()")
            elif name in ("datetime.now", "time.time_ns") and source.under(*MOVED) and source.path != CLOCK:
                yield Finding(source.path, call.lineno, "clock", f"{name}: models.base.now or sync.clock, which moves")


def unfinished(tree: Tree) -> Iterator[Finding]:
    for source in tree.sources:
        for number, line in enumerate(source.lines, 1):
            if UNFINISHED.search(line):
                yield Finding(source.path, number, "unfinished", "finish it, or leave it out of the program")
        for node in source.nodes:
            if isinstance(node, ast.Raise) and node.exc is not None:
                raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
                if dotted(raised) == "NotImplementedError":
                    yield Finding(source.path, node.lineno, "unfinished", "a stub is a promise nobody keeps")


def module_says_what_for(tree: Tree) -> Iterator[Finding]:
    for source in tree.below("app", "sync", "build_scripts"):
        if source.text.strip() and ast.get_docstring(source.module) is None:
            yield Finding(source.path, 1, "docstring", "a module opens with one sentence: what it is for")


RULES = (
    commit_at_the_door,
    file_length,
    function_length,
    broad_except,
    no_print,
    one_clock,
    unfinished,
    module_says_what_for,
)
