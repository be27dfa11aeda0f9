"""Rules about tests: they wait for a condition, they are never skipped, they do not fake our own code."""

import ast
from collections.abc import Iterator

from build_scripts.house_rules.tree import Finding, Tree, called, calls, dotted

SKIPS = {
    "pytest.skip",
    "pytest.importorskip",
    "pytest.xfail",
    "pytest.mark.skip",
    "pytest.mark.skipif",
    "pytest.mark.xfail",
}
FAKES = {"Mock", "MagicMock", "AsyncMock", "create_autospec"}


def no_sleep(tree: Tree) -> Iterator[Finding]:
    for source in tree.below("tests"):
        for call in calls(source):
            if dotted(call.func) in {"time.sleep", "sleep", "QTest.qSleep", "qtbot.wait"}:
                yield Finding(
                    source.path, call.lineno, "sleep", "wait for a condition: a guess at a time is slow or wrong"
                )


def no_skips(tree: Tree) -> Iterator[Finding]:
    for source in tree.below("tests"):
        for node in source.nodes:
            if isinstance(node, ast.Attribute) and dotted(node) in SKIPS:
                yield Finding(source.path, node.lineno, "skip", "a test that does not run proves nothing")


def no_fakes(tree: Tree) -> Iterator[Finding]:
    for source in tree.below("tests"):
        for call in calls(source):
            if called(call) in FAKES:
                yield Finding(source.path, call.lineno, "fake", "use the real thing, or a small fake by constructor")


RULES = (no_sleep, no_skips, no_fakes)
