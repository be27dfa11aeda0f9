"""The products as big choices beside each other: one for everybody on the list."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QGridLayout, QWidget

from app.services.catalog import ProductRow
from app.views.distribution.wizard.choice_tile import ChoiceTile
from app.vocabulary import KINDS, word
from app.words import tr, yuan

ACROSS = 3
SYMBOLS = {"fixed": "credit-card", "variable": "wallet", "exchange": "ticket", "supplier": "key-round"}


class ProductTiles(QWidget):
    """`chosen` carries the id of a product somebody took."""

    chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.tiles: Mapping[int, ChoiceTile] = {}
        self.group = QButtonGroup(self)
        self.group.idToggled.connect(lambda product_id, on: self.chosen.emit(product_id) if on else None)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(8)
        for at in range(ACROSS):
            self._grid.setColumnStretch(at, 1)

    def show_products(self, products: Sequence[ProductRow], chosen_id: int | None) -> None:
        """Anew, with their stock as it is; nothing is said about the one that was chosen before."""
        for tile in self.tiles.values():
            self.group.removeButton(tile)
            tile.hide()
            tile.deleteLater()
        self.tiles = {product.id: _tile(product) for product in products}
        for at, (product_id, tile) in enumerate(self.tiles.items()):
            self.group.addButton(tile, product_id)
            self._grid.addWidget(tile, at // ACROSS, at % ACROSS)
        if chosen_id in self.tiles:
            self.group.blockSignals(True)
            self.tiles[chosen_id].setChecked(True)
            self.group.blockSignals(False)

    @property
    def has_focus(self) -> bool:
        return any(tile.hasFocus() for tile in self.tiles.values())

    def first(self, chosen_id: int | None) -> QWidget | None:
        """Where the keyboard begins."""
        return self.tiles.get(chosen_id or 0) or next(iter(self.tiles.values()), None)


def _tile(product: ProductRow) -> ChoiceTile:
    amount = yuan(product.face_minor) if product.face_minor else word(KINDS, product.kind)
    stock = tr("{count} in stock", count=f"{product.to_give:,}")
    return ChoiceTile(SYMBOLS.get(product.kind, "package"), product.name, amount, stock, warns=not product.to_give)
