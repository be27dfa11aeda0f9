"""Rules about Qt: no attribute or method of ours hides one of Qt's, and no layout is asked for its items."""

import ast
import importlib
from collections.abc import Iterator
from functools import cache

from build_scripts.house_rules.tree import Finding, Source, Tree, called, calls, dotted

# Qt calls these itself, so to define one is to answer it. PySide6 does not tell which methods are virtual.
VIRTUAL = frozenset(
    """
    accept addItem boundingRect canDropMimeData canFetchMore columnCount count createEditor data displayText done
    dropMimeData editorEvent event eventFilter expandingDirections fetchMore filterAcceptsColumn filterAcceptsRow fixup
    flags focusNextPrevChild hasChildren hasHeightForWidth headerData heightForWidth helpEvent hidePopup highlightBlock
    hitButton index initStyleOption insertRows invalidate itemAt itemData keyboardSearch lessThan loadResource
    mapFromSource mapToSource mimeData mimeTypes minimumSize minimumSizeHint moveCursor moveRows nativeEvent notify
    openPersistentEditor paint parent pixelMetric polish redo reject removeRows resizeContents roleNames rowCount run
    scrollContentsBy scrollTo selectionCommand setData setEditorData setGeometry setHeaderData setItemData setModel
    setModelData setSelection setSelectionModel setVisible shape showPopup sibling sizeHint sizeHintForColumn
    sizeHintForIndex sizeHintForRow sort spacerItem span standardIcon stepBy stepEnabled styleHint
    subControlRect submit supportedDragActions supportedDropActions takeAt textFromValue tabSizeHint undo unpolish
    updateEditorGeometry updateGeometries validate valueFromText viewportEvent viewportSizeHint visualRect
    """.split()  # noqa: SIM905
)
VIRTUAL_IN = {  # words too common to be let through in every class
    "QHeaderView": {"paintSection", "sectionSizeFromContents"},
    "QIconEngine": {"actualSize", "addPixmap", "availableSizes", "clone", "iconName", "isNull", "key", "pixmap", "read",
                    "scaledPixmap", "write"},
    "QStyle": {"drawComplexControl", "drawControl", "drawItemText", "drawPrimitive", "generatedIconPixmap",
               "sizeFromContents", "standardPalette", "subElementRect"},
    "QProxyStyle": {"drawComplexControl", "drawControl", "drawItemText", "drawPrimitive", "sizeFromContents",
                    "standardPalette", "subElementRect"},
}  # fmt: skip
QT_PACKAGES = ("PySide6", "pyqtgraph", "superqt", "qtawesome")


def hides_qt(tree: Tree) -> Iterator[Finding]:
    views = list(tree.below("app/views"))
    ours = {node.name: (source, node) for source in views for node in source.nodes if isinstance(node, ast.ClassDef)}
    for source, node in ours.values():
        names = _qt_names(node, source, ours, seen=frozenset())
        if not names:
            continue
        for line, name in _defined(node):
            if name in names and not _may_override(name, names[name]):
                why = f"{node.name}.{name} hides a method of {names[name]}; give it a name of its own"
                yield Finding(source.path, line, "hides-qt", why)


def no_items_of_layouts(tree: Tree) -> Iterator[Finding]:
    """PySide6 6.11 does not hear that Qt deleted a layout's item; what is made at its address later crashes the program
    when Qt deletes that in turn."""
    for source in tree.below("app", "tests"):
        for call in calls(source):
            if called(call) in ("itemAt", "itemAtPosition"):
                why = "the item may outlive Qt's own and crash the program; ask indexOf() or findChildren()"
                yield Finding(source.path, call.lineno, "layout-item", why)


def _may_override(name: str, owner: str) -> bool:
    return name in VIRTUAL or name in VIRTUAL_IN.get(owner, ()) or name.endswith("Event")


def _qt_names(
    node: ast.ClassDef, source: Source, ours: dict[str, tuple[Source, ast.ClassDef]], *, seen: frozenset[str]
) -> dict[str, str]:
    """Public names that the Qt bases of a class bring, each with the class it comes from."""
    names: dict[str, str] = {}
    imported = _imports(source)
    for base in node.bases:
        written = dotted(base)
        head, _, rest = written.partition(".")
        if written in ours and written not in seen:
            owner, parent = ours[written]
            names.update(_qt_names(parent, owner, ours, seen=seen | {node.name}))
        elif head in imported:
            names.update(_names_of(imported[head], rest))
    return names


def _imports(source: Source) -> dict[str, str]:
    """Names bound by imports from Qt's packages → dotted path of the thing."""
    found: dict[str, str] = {}
    for node in source.nodes:
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in QT_PACKAGES:
            found.update({item.asname or item.name: f"{node.module}.{item.name}" for item in node.names})
        elif isinstance(node, ast.Import):
            for item in node.names:
                if item.name.split(".")[0] in QT_PACKAGES:
                    found[item.asname or item.name.split(".")[0]] = item.name
    return found


@cache
def _names_of(path: str, rest: str) -> dict[str, str]:
    thing: object
    try:
        thing = importlib.import_module(path)
    except ModuleNotFoundError:
        module, _, name = path.rpartition(".")
        thing = getattr(importlib.import_module(module), name)
    for name in rest.split(".") if rest else ():
        thing = getattr(thing, name)
    if not isinstance(thing, type):
        return {}
    qt = [kind for kind in thing.__mro__ if kind.__module__.startswith("PySide6")]
    return {name: kind.__name__ for kind in reversed(qt) for name in vars(kind) if not name.startswith("__")}


def _defined(node: ast.ClassDef) -> Iterator[tuple[int, str]]:
    """What a class defines: methods, class attributes and `self.name = …`."""
    for item in node.body:
        if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef):
            yield item.lineno, item.name
            yield from _assigned(item)
        elif isinstance(item, ast.Assign):
            yield from ((item.lineno, dotted(target)) for target in item.targets)
        elif isinstance(item, ast.AnnAssign):
            yield item.lineno, dotted(item.target)


def _assigned(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[tuple[int, str]]:
    for node in ast.walk(function):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and dotted(node.value) == "self":
            yield node.lineno, node.attr


RULES = (hides_qt, no_items_of_layouts)
