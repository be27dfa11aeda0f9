"""What the tests of supplier imports share: workbooks to import, and what the vault then holds."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import xlsxwriter
from sqlalchemy import func, select

from app.models.batch import Batch, CodeBlock, card_key
from app.services.cards.codes import CodeReader
from app.services.sealing import Sealer
from app.services.supplier_imports import ImportResult
from app.services.vault.vaults import OpenVault


def fields_of(vault: OpenVault, batch_id: int) -> list[list[list[str]]]:
    """The stored fields of every card of a batch, in order."""
    reader = CodeReader(vault.database, Sealer(vault.keys))
    with vault.database.read() as session:
        batch = session.get_one(Batch, batch_id)
    return [block.fields(at) for block in reader.blocks(batch) for at in range(block.count)]


def values_of(vault: OpenVault, result: ImportResult) -> list[tuple[str, ...]]:
    return [tuple(v for _, v in card) for batch_id in result.batch_ids for card in fields_of(vault, batch_id)]


def stored(vault: OpenVault) -> tuple[int, int, int]:
    """(batches, blocks, index entries) the vault holds."""
    with vault.database.read() as session:
        counts = [session.scalar(select(func.count()).select_from(table)) for table in (Batch, CodeBlock, card_key)]
    return counts[0] or 0, counts[1] or 0, counts[2] or 0


def write_xlsx(path: Path, lines: Sequence[Sequence[object]]) -> Path:
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        for at, line in enumerate(lines):
            for column, cell in enumerate(line):
                if isinstance(cell, date):
                    sheet.write_datetime(at, column, cell, day)
                elif isinstance(cell, str):
                    sheet.write_string(at, column, cell)
                else:
                    sheet.write(at, column, cell)
    return path
