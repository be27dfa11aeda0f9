"""Supplier codes: look at a file, import it as sealed batches. All good rows go in at once, or nothing does."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.orm import Session

from app.errors import InvalidInput, NotFound, QuantityOutOfRange
from app.models.catalog import Product
from app.models.database import Database
from app.services.audit import AuditLog
from app.services.people.columns import column_letters
from app.services.progress import Progress, unwatched
from app.services.sealing import BlindIndex, Sealer
from app.services.sheets import SheetFile, read_pasted, read_sheet_file
from app.services.supplier_imports.checks import Checker, judged
from app.services.supplier_imports.columns import code_sheet, field_of, table_of, whole_table
from app.services.supplier_imports.rows import (
    CODE_FIELDS,
    FIELDS,
    LARGEST,
    Column,
    ImportResult,
    Preview,
    Problem,
    SupplierCode,
    Table,
    masked,
)
from app.services.supplier_imports.storing import Candidate, Packer, candidate_of, grouped, known, store
from app.topics import Topic
from app.vocabulary import SUPPLIER_FIELDS, word

SAMPLES = 3
STEP = 1_000
"""Rows between two looks at the Cancel button."""
WORKBOOKS = ("xlsx", "xls", "ods")


@dataclass(slots=True)
class _Sorted:
    """A file's rows after the checks."""

    fields: tuple[str, ...]
    fresh: list[Candidate] = field(default_factory=list, repr=False)
    problems: list[Problem] = field(default_factory=list)
    duplicates: int = 0


class SupplierImportService:
    def __init__(self, database: Database, audit: AuditLog, *, sealer: Sealer, blind: BlindIndex) -> None:
        self._database = database
        self._audit = audit
        self._sealer = sealer
        self._blind = blind

    def preview(self, source: Path | str, *, encoding: str | None = None) -> Preview:
        """How a file (or pasted text) is understood. Codes are shown masked. Raises FileUnreadable."""
        file = read_pasted(source) if isinstance(source, str) else read_sheet_file(source, encoding=encoding)
        table = whole_table(code_sheet(file))
        field_at = {at: name for name, at in table.mapping.items()}
        width = max([len(row) for _, row in table.rows[:STEP]] + [len(table.header or ())])
        columns = tuple(_column(table, at, field_at.get(at, "")) for at in range(width))
        return Preview(file.encoding, file.delimiter, table.header, columns, dict(table.mapping), len(table.rows))

    def import_file(
        self,
        path: Path,
        product_id: int,
        *,
        dry_run: bool = False,
        mapping: Mapping[str, int] | None = None,
        encoding: str | None = None,
        progress: Progress = unwatched,
    ) -> ImportResult:
        """Import a file's sheet of codes; `mapping` is field → 0-based column where the guess is not wanted.

        A dry run changes nothing. A cancel leaves nothing. Raises FileUnreadable, NotFound, QuantityOutOfRange, and
        InvalidInput where the product is not a supplier's or no column holds a code.
        """
        self._product(product_id)
        file = read_sheet_file(path, encoding=encoding)
        return self._import(file, product_id, dry_run=dry_run, mapping=mapping, progress=progress)

    def import_text(
        self,
        text: str,
        product_id: int,
        *,
        dry_run: bool = False,
        mapping: Mapping[str, int] | None = None,
        progress: Progress = unwatched,
    ) -> ImportResult:
        """The same for pasted text."""
        self._product(product_id)
        return self._import(read_pasted(text), product_id, dry_run=dry_run, mapping=mapping, progress=progress)

    def _import(
        self,
        file: SheetFile,
        product_id: int,
        *,
        dry_run: bool,
        mapping: Mapping[str, int] | None,
        progress: Progress,
    ) -> ImportResult:
        table = table_of(code_sheet(file), mapping)
        if not table.rows:
            raise InvalidInput("code", "no-rows")
        if len(table.rows) > LARGEST:
            raise QuantityOutOfRange(len(table.rows), LARGEST)
        rows = self._sorted(table, from_workbook=file.kind in WORKBOOKS, progress=_part(progress, 0, 3))
        self._drop_known(rows)
        batch_ids: tuple[int, ...] = ()
        while rows.fresh and not dry_run:
            batch_ids = self._store(rows, table, product_id, file=file, progress=progress)
            if batch_ids:
                break
            self._drop_known(rows)  # another import was quicker with some of these codes
        return ImportResult(
            encoding=file.encoding,
            delimiter=file.delimiter,
            header=table.header,
            read=len(table.rows),
            imported=len(rows.fresh),
            duplicates=rows.duplicates,
            problems=tuple(rows.problems),
            batch_id=batch_ids[0] if batch_ids else None,
            batch_ids=batch_ids,
            unused=_unused(table),
        )

    def _sorted(self, table: Table, *, from_workbook: bool, progress: Progress) -> _Sorted:
        checker = Checker(table, from_workbook=from_workbook)
        rows = _Sorted(checker.used)
        seen: set[bytes] = set()
        for done, row in enumerate(judged(table, checker), 1):
            if isinstance(row, SupplierCode):
                candidate = candidate_of(row, self._blind)
                if candidate.blind in seen:
                    rows.duplicates += 1
                else:
                    seen.add(candidate.blind)
                    rows.fresh.append(candidate)
            else:
                rows.problems.append(row)
            if done % STEP == 0 or done == len(table.rows):
                progress(done, len(table.rows))
        return rows

    def _drop_known(self, rows: _Sorted) -> None:
        with self._database.read() as session:
            stored = known(session, [candidate.blind for candidate in rows.fresh])
        rows.duplicates += len(stored)
        rows.fresh = [candidate for candidate in rows.fresh if candidate.blind not in stored]

    def _store(
        self, rows: _Sorted, table: Table, product_id: int, *, file: SheetFile, progress: Progress
    ) -> tuple[int, ...]:
        """Ids of the new batches; none when a code turned out to be stored meanwhile."""
        packer = Packer(self._sealer, self._blind, rows.fields, _names(table, rows.fields))
        groups = grouped(rows.fresh, self._product(product_id))
        sealing, writing = _part(progress, 1, 3), _part(progress, 2, 3)
        sealed = [packer.sealed(terms, cards, sealing) for terms, cards in groups.items()]
        with self._database.write(Topic.BATCHES, Topic.CARDS, Topic.CATALOG, Topic.OUTBOX, Topic.AUDIT) as session:
            if known(session, [candidate.blind for candidate in rows.fresh]):
                return ()
            product = _supplier_product(session, product_id)
            batches = [store(session, product, group, writing) for group in sealed]
            self._audit.record(
                session,
                "codes.imported",
                subject=batches[0].serial,
                file=file.sha256,
                read=len(table.rows),
                imported=len(rows.fresh),
                duplicates=rows.duplicates,
                problems=len(rows.problems),
                batches=len(batches),
            )
            return tuple(batch.id for batch in batches)

    def _product(self, product_id: int) -> Product:
        with self._database.read() as session:
            return _supplier_product(session, product_id)


def _supplier_product(session: Session, product_id: int) -> Product:
    product = session.get(Product, product_id)
    if product is None:
        raise NotFound("product", str(product_id))
    if product.kind != "supplier":
        raise InvalidInput("product", "not-from-a-supplier")
    return product


def _names(table: Table, fields: tuple[str, ...]) -> tuple[str, ...]:
    """What a recipient reads before each value: the file's own heading where it has one, no two alike."""
    headings = table.header or ()
    own = [headings[table.mapping[name]] if table.mapping[name] < len(headings) else "" for name in fields]
    names: list[str] = []
    for heading, name in zip(own, fields, strict=True):
        shown = plain = heading or word(SUPPLIER_FIELDS, name)
        again = 1
        while shown in names:
            again += 1
            shown = f"{plain} {again}"
        names.append(shown)
    return tuple(names)


def _unused(table: Table) -> tuple[str, ...]:
    """Headings of filled columns that are not read; their letters where they have none."""
    filled = {at for _, row in table.rows for at, cell in enumerate(row) if cell.strip()}
    headings = table.header or ()
    free = sorted(filled - set(table.mapping.values()))
    return tuple((headings[at] if at < len(headings) else "") or column_letters(at) for at in free)


def _column(table: Table, at: int, name: str) -> Column:
    cells = [row[at].strip() for _, row in table.rows[:STEP] if at < len(row) and row[at].strip()][:SAMPLES]
    samples = tuple(cells if name in ("valid_until", "face") else map(masked, cells))
    heading = table.header[at] if table.header and at < len(table.header) else ""
    return Column(at, heading, samples, name)


def _part(progress: Progress, no: int, parts: int) -> Progress:
    """Part `no` of a longer way."""

    def told(done: int, total: int) -> None:
        progress(no * total + done, parts * total)

    return told


__all__ = [
    "CODE_FIELDS",
    "FIELDS",
    "Column",
    "ImportResult",
    "Preview",
    "Problem",
    "SupplierImportService",
    "field_of",
]
