"""The project's files as the rules see them: parsed once, with the lines that ask for an exception."""

import ast
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

PACKAGES = ("app", "sync", "build_scripts", "tests")
EXCEPTION = re.compile(r"# allow(?P<file>-file)? (?P<rule>[a-z-]+): \S")


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    path: str
    line: int
    rule: str
    why: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line} {self.rule} — {self.why}"


Rule = Callable[["Tree"], Iterator[Finding]]


class Source:
    """One Python file. `path` is relative to the root and written with `/`."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text
        self.lines = text.splitlines()

    @cached_property
    def module(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        return tuple(ast.walk(self.module))

    def under(self, *folders: str) -> bool:
        return any(self.path == folder or self.path.startswith(folder.rstrip("/") + "/") for folder in folders)

    def allows(self, rule: str, line: int) -> bool:
        """`# allow RULE: why` on the line itself, `# allow-file RULE: why` anywhere."""
        here = EXCEPTION.search(self.lines[line - 1]) if 0 < line <= len(self.lines) else None
        if here and here["rule"] == rule:
            return True
        return any(found["file"] and found["rule"] == rule for found in EXCEPTION.finditer(self.text))


class Tree:
    """The working tree below `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @cached_property
    def sources(self) -> tuple[Source, ...]:
        paths = [path for package in PACKAGES for path in sorted((self.root / package).rglob("*.py"))]
        return tuple(Source(path.relative_to(self.root).as_posix(), path.read_text("utf-8")) for path in paths)

    def source(self, path: str) -> Source | None:
        return next((source for source in self.sources if source.path == path), None)

    def below(self, *folders: str) -> Iterator[Source]:
        return (source for source in self.sources if source.under(*folders))

    def committed(self) -> list[str]:
        """Paths of every file git knows, or will once it is added; all files where there is no repository."""
        if not (self.root / ".git").exists():
            return [path.relative_to(self.root).as_posix() for path in sorted(self.root.rglob("*")) if path.is_file()]
        command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
        listed = subprocess.run(command, cwd=self.root, check=True, capture_output=True, text=True).stdout
        return [path for path in listed.split("\0") if path and (self.root / path).is_file()]


def dotted(node: ast.AST) -> str:
    """`a.b.c` of a name or attribute chain; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        head = dotted(node.value)
        return f"{head}.{node.attr}" if head else ""
    return ""


def called(node: ast.Call) -> str:
    """The last word of what is called: `write` in `self._database.write(…)`."""
    return node.func.attr if isinstance(node.func, ast.Attribute) else dotted(node.func)


def calls(source: Source) -> Iterator[ast.Call]:
    return (node for node in source.nodes if isinstance(node, ast.Call))
