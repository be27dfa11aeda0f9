"""Rules about texts: what people read goes through tr(), and no file names a machine or a registry."""

import ast
import re
from collections.abc import Iterator

from build_scripts.house_rules.tree import Finding, Source, Tree, called, calls

CHINESE = re.compile("[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]")
WORD = re.compile(r"[A-Za-z][a-z]|[a-z][A-Z]")  # CSV and KX-#### are no words
SHOWN_BY = {
    "QAction", "QCheckBox", "QCommandLinkButton", "QDockWidget", "QGroupBox", "QLabel", "QMenu", "QPushButton",
    "QRadioButton", "addAction", "addItem", "addMenu", "addRow", "addTab", "setAccessibleDescription",
    "setAccessibleName", "setButtonText", "setDetailedText", "setHeaderLabels", "setHorizontalHeaderLabels",
    "setInformativeText", "setLabelText", "setPlaceholderText", "setPrefix", "setStatusTip", "setSuffix",
    "setTabText", "setText", "setTitle", "setToolTip", "setWhatsThis", "setWindowTitle", "showMessage",
}  # fmt: skip
CHINESE_ALLOWED = ("app/words.py",)  # the languages' own names
HOSTS = re.compile(
    "|".join(
        name.replace("|", r"\.")
        for name in (
            "pypi|org", "pythonhosted|org", "registry|npmjs|org", "registry|yarnpkg|com", "deb|debian|org",
            "crates|io", "proxy|golang|org", "pypi|tuna|tsinghua", "mirrors|aliyun|com",
        )
    )
)  # fmt: skip
MACHINE_PATH = re.compile(r"(?<![\w.}>/-])/(?:work|root|farm|home)/[A-Za-z]|[A-Z]:\\Users\\[A-Za-z]")
PATHS_ALLOWED = ("resources/notices.json",)  # other people's licence texts, word for word


def no_chinese_in_code(tree: Tree) -> Iterator[Finding]:
    for source in tree.below("app"):
        if source.path in CHINESE_ALLOWED:
            continue
        docstrings = {id(node) for node in _docstrings(source)}
        texts = (node for node in source.nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))
        for node in texts:
            if id(node) not in docstrings and _in_chinese(source, node):
                why = "English is the source text; Chinese lives in resources"
                yield Finding(source.path, node.lineno, "chinese", why)


def shown_text_is_translated(tree: Tree) -> Iterator[Finding]:
    for source in tree.below("app/views"):
        for call in calls(source):
            if called(call) in SHOWN_BY:
                for argument in call.args[:2]:
                    if _is_bare_text(argument):
                        yield Finding(source.path, argument.lineno, "shown-text", f"{called(call)}: use tr(…)")


def no_hosts_no_machine_paths(tree: Tree) -> Iterator[Finding]:
    for path in tree.committed():
        content = (tree.root / path).read_bytes()
        if path in PATHS_ALLOWED or b"\0" in content[:8000]:
            continue
        for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), 1):
            if HOSTS.search(line):
                yield Finding(path, number, "host", "names a package registry: every machine has its own mirror")
            if MACHINE_PATH.search(line):
                yield Finding(path, number, "machine-path", "a path of one machine; others have other folders")


def _docstrings(source: Source) -> Iterator[ast.AST]:
    for node in source.nodes:
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.body:
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                yield first.value


def _in_chinese(source: Source, node: ast.Constant) -> bool:
    """Chinese written as such; an escape like `\\uff0c` is a sign to be handled, nothing to be read."""
    span = range(node.lineno, (node.end_lineno or node.lineno) + 1)
    written = CHINESE.search(str(node.value)) and any(CHINESE.search(source.lines[line - 1]) for line in span)
    return bool(written) and not any(source.allows("chinese", line) for line in span)


def _is_bare_text(node: ast.expr) -> bool:
    """A text in words that nobody translates: a literal, or an f-string with words of its own."""
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and _has_words(node.value)
    if isinstance(node, ast.JoinedStr):
        return any(isinstance(part, ast.Constant) and _has_words(str(part.value)) for part in node.values)
    if isinstance(node, ast.List | ast.Tuple):
        return any(_is_bare_text(item) for item in node.elts)
    if isinstance(node, ast.IfExp):
        return _is_bare_text(node.body) or _is_bare_text(node.orelse)
    if isinstance(node, ast.BinOp):
        return _is_bare_text(node.left) or _is_bare_text(node.right)
    return False


def _has_words(text: str) -> bool:
    text = re.sub(r"https?://\S*|\{.*?\}", "", text)  # an address or a field is the same in every language
    return bool(WORD.search(text) or CHINESE.search(text))


RULES = (no_chinese_in_code, shown_text_is_translated, no_hosts_no_machine_paths)
