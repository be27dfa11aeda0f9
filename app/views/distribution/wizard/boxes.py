"""The boxes of a rule: one takes a product, the other several departments of the list with their people."""

from collections.abc import Mapping

from PySide6.QtCore import QEvent, QModelIndex, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPaintEvent, QStandardItem, QStandardItemModel, QWheelEvent
from PySide6.QtWidgets import QComboBox, QStyle, QStyledItemDelegate, QStyleOptionComboBox, QStylePainter

from app.services.catalog import ProductRow
from app.words import tr, yuan

LEAST_PX = 120
TEXT_MARGIN = 8
NOTHING = 0
"""In place of the id of a product."""


class Box(QComboBox):
    """As narrow as there is room for: what it shows ends in an ellipsis, and the wheel scrolls the page instead."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setMinimumWidth(LEAST_PX)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(4)

    @property
    def words(self) -> str:
        return self.currentText()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QStylePainter(self)
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        room = self.style().subControlRect(
            QStyle.ComplexControl.CC_ComboBox, option, QStyle.SubControl.SC_ComboBoxEditField, self
        )
        option.currentText = self.fontMetrics().elidedText(
            self.words, Qt.TextElideMode.ElideRight, room.width() - TEXT_MARGIN
        )
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)
        painter.end()

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()


class ProductBox(Box):
    """The products and their faces; the first line is nothing at all."""

    def __init__(self) -> None:
        super().__init__(tr("Product"))
        self.currentTextChanged.connect(self.setToolTip)

    def show_products(self, products: Mapping[int, ProductRow], chosen: ProductRow | None) -> None:
        self.blockSignals(True)
        self.clear()
        self.addItem(tr("No card"), NOTHING)
        for product in products.values():
            face = f" {yuan(product.face_minor)}" if product.kind == "fixed" else ""
            self.addItem(f"{product.name}{face}", product.id)
        self.setCurrentIndex(max(0, self.findData(chosen.id if chosen else NOTHING)))
        self.setToolTip(self.currentText())
        self.blockSignals(False)


class DepartmentBox(Box):
    """The list stays open while it is ticked; Space ticks, Enter and Esc close it. `ticked` comes after each change."""

    ticked = Signal()

    def __init__(self) -> None:
        super().__init__(tr("Departments"))
        self._items = QStandardItemModel(self)
        self._pressed = False
        self.setModel(self._items)
        self.setItemDelegate(QStyledItemDelegate(self))  # a box's own draws no ticks
        self.view().viewport().installEventFilter(self)
        self.view().installEventFilter(self)

    def show_departments(self, known: Mapping[str, int], chosen: tuple[str, ...], taken: Mapping[str, int]) -> None:
        """`taken`: department → number of the other rule that has it already; it decides, so it cannot be ticked."""
        while self._items.rowCount() > len(known):
            self._items.removeRow(self._items.rowCount() - 1)
        while self._items.rowCount() < len(known):
            self._items.appendRow(QStandardItem())
        for at, (name, people) in enumerate(known.items()):
            item, rule = self._items.item(at), taken.get(name)
            words = tr("{name} · {count}", name=department_words(name), count=f"{people:,}")
            item.setText(words if rule is None else tr("{words} · in rule {number}", words=words, number=rule))
            item.setData(name, Qt.ItemDataRole.UserRole)
            item.setFlags(Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEnabled if rule is None else Qt.ItemFlag(0))
            item.setCheckState(Qt.CheckState.Checked if name in chosen else Qt.CheckState.Unchecked)
        self._name()

    @property
    def departments(self) -> tuple[str, ...]:
        items = (self._items.item(at) for at in range(self._items.rowCount()))
        return tuple(
            item.data(Qt.ItemDataRole.UserRole) for item in items if item.checkState() is Qt.CheckState.Checked
        )

    def tick(self, name: str) -> None:
        """What a click on the line of a department does."""
        for at in range(self._items.rowCount()):
            if self._items.item(at).data(Qt.ItemDataRole.UserRole) == name:
                self._toggle(self._items.index(at, 0))

    @property
    def words(self) -> str:
        return tr(", ").join(department_words(name) for name in self.departments) or tr("Choose departments")

    # --- Qt ---

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QMouseEvent) and watched is self.view().viewport():
            if event.type() is QEvent.Type.MouseButtonPress:
                self._pressed = True
            elif event.type() is QEvent.Type.MouseButtonRelease:
                if self._pressed:  # else it is the end of the click that opened the list
                    self._toggle(self.view().indexAt(event.position().toPoint()))
                self._pressed = False
                return True
        elif (
            isinstance(event, QKeyEvent)
            and event.type() is QEvent.Type.KeyPress
            and watched is self.view()
            and event.key() == Qt.Key.Key_Space
        ):
            self._toggle(self.view().currentIndex())
            return True
        return super().eventFilter(watched, event)

    def _toggle(self, index: QModelIndex) -> None:
        item = self._items.itemFromIndex(index)
        if item is None or not item.flags() & Qt.ItemFlag.ItemIsEnabled:
            return
        on = item.checkState() is Qt.CheckState.Checked
        item.setCheckState(Qt.CheckState.Unchecked if on else Qt.CheckState.Checked)
        self._name()
        self.ticked.emit()

    def _name(self) -> None:
        self.setToolTip(self.words)
        self.setAccessibleDescription(self.words)
        self.update()


def department_words(name: str) -> str:
    """People without a department stand together, too."""
    return name or tr("No department")
