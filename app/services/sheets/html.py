"""Tables in HTML: many a downloaded `.xls` is a web page with another name."""

from html.parser import HTMLParser

from app.services.sheets.rows import Sheet, trimmed, without_empty_end

MOST_SPANNED = 1000
"""Columns one cell may span; Excel's own exports stay far below."""


def tables_of(page: str) -> tuple[Sheet, ...]:
    """Every table of a page as a sheet of its own."""
    reader = _Tables()
    reader.feed(page)
    reader.close()
    reader.end_row()
    return tuple(
        Sheet(f"table {no}", rows) for no, table in enumerate(reader.tables, 1) if (rows := without_empty_end(table))
    )


class _Tables(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self._row: list[str] | None = None
        self._cell: list[str] | None = None
        self._span = 1

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self.end_row()
            self.tables.append([])
        elif tag == "tr":
            self.end_row()
            self._row = []
        elif tag in ("td", "th"):
            self._end_cell()
            span = dict(attrs).get("colspan") or "1"
            self._span = min(int(span), MOST_SPANNED) if span.isdecimal() else 1
            self._cell = []
        elif tag == "br" and self._cell is not None:
            self._cell.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._end_cell()
        elif tag in ("tr", "table"):
            self.end_row()

    def handle_data(self, data: str) -> None:
        if self._cell is not None:
            self._cell.append(data)

    def end_row(self) -> None:
        self._end_cell()
        if self._row is not None and self.tables:
            self.tables[-1].append(trimmed(self._row))
        self._row = None

    def _end_cell(self) -> None:
        if self._cell is not None and self._row is not None:
            text = "".join(self._cell).replace("\xa0", " ").strip()
            self._row += [text] + [""] * (self._span - 1)
        self._cell, self._span = None, 1
