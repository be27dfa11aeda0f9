"""Handing out the cards of a batch as a file: masked for lists, plain only by a release the audit log keeps."""

import hashlib
import secrets
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from sqlalchemy import update
from sqlalchemy.orm import Session

from app.errors import BatchUnfinished, BatchVoided, InvalidInput, NotEnoughCards, ReasonMissing
from app.models.base import now
from app.models.batch import Batch, Card
from app.models.database import Database
from app.services import recount
from app.services.audit import AuditLog
from app.services.batches import found
from app.services.cards.codes import CodeReader, OpenBlock
from app.services.exports.card_list import LIST_FORMATS, MONEY, WIDTHS, CardListOrder, ListedCards, list_header
from app.services.exports.rows import FACE, ExportCard, ExportTable, header, table_of
from app.services.hidden import refuse_removed
from app.services.progress import Progress, unwatched
from app.services.secret import Secret
from app.services.settings import SettingService
from app.services.unfinished import Unfinished
from app.services.vault.vaults import file_refusals
from app.services.writers import atomically
from app.services.writers.cards_pdf import CardFace, write_cards_pdf
from app.services.writers.tables import BOM, SheetOut, csv_lines, stream_csv, write_xlsx, zip_member
from app.topics import Topic
from app.words import last_second, moment, ntr, tr, worth
from sync.codes import ALPHABET, canonical, format_code

FORMATS = ("csv", "xlsx", "txt", "zip", "pdf")
PASSWORD_SYMBOLS = 20
"""100 bits: guessing the password of a ZIP needs nobody's leave."""


@dataclass(frozen=True, slots=True)
class ExportOrder:
    """What is to be written where. `plain` releases the codes: it needs the reason and the vault's passphrase."""

    batch_id: int
    format: str
    out: Path
    plain: bool
    reason: str
    passphrase: Secret
    zip_password: Secret | None = None


@dataclass(frozen=True, slots=True)
class Exported:
    """The file that was written; `zip_password` is set for a ZIP only, and made here unless the order brought one."""

    file: str
    rows: int
    sha256: str
    zip_password: Secret | None


class ExportService:
    def __init__(
        self,
        database: Database,
        audit: AuditLog,
        *,
        reader: CodeReader,
        check_passphrase: Callable[[str], None],
        settings: SettingService,
    ) -> None:
        self._database = database
        self._audit = audit
        self._reader = reader
        self._check_passphrase = check_passphrase
        self._settings = settings
        self._unfinished = Unfinished(database)

    def export(self, order: ExportOrder, progress: Progress = unwatched) -> Exported:
        """Write the file; it gets its name once the audit log knows it. A cancel leaves no file and no release.

        Raises InvalidInput, NotFound, BatchUnfinished, BatchVoided, NotEnoughCards, ReasonMissing, WrongPassphrase,
        NotWritable, DiskFull.
        """
        _check_order(order)
        password = None
        if order.format == "zip":
            password = order.zip_password or _new_password()
        table = self._table(order)
        if order.plain:
            if not order.reason.strip():
                raise ReasonMissing
            self._check_passphrase(order.passphrase.reveal())
        with self._unfinished.noted(order.out), atomically(order.out) as beside:
            while True:
                self._write(beside, order, table, password=password, progress=progress)
                digest = _sha256(beside)
                if self._recorded(order, table, digest):
                    break
                table = self._table(order)  # cards were handed out meanwhile: they must not stand in this file
        return Exported(str(order.out), table.rows, digest, password)

    def export_list(self, order: CardListOrder, progress: Progress = unwatched) -> Exported:
        """Write any cards as a masked list; plain codes leave by the release of their batch alone.

        Raises InvalidInput, NotWritable, DiskFull. A cancel leaves no file.
        """
        if order.format not in LIST_FORMATS:
            raise InvalidInput("format", "unknown-kind")
        _check_place(order.out)
        with self._unfinished.noted(order.out), atomically(order.out) as beside:
            with self._database.read() as session:
                listed = ListedCards(session, order, self._reader, progress)
                self._write_list(beside, order, listed)
            digest = _sha256(beside)
            self._audit.note(
                "cards.exported",
                format=order.format,
                file=order.out.name,
                filter=order.asked,
                rows=listed.count,
                sha256=digest,
            )
        return Exported(str(order.out), listed.count, digest, None)

    def _write_list(self, path: Path, order: CardListOrder, listed: ListedCards) -> None:
        if order.format == "csv":
            with path.open("wb") as file:
                stream_csv(file, list_header(), listed.lines())
            return
        facts = [
            (tr("Merchant"), self._settings.merchant().name),
            (tr("Filter"), order.asked),
            (tr("Codes"), tr("Last four only")),
            (tr("Made at"), moment(now())),
        ]
        notes = SheetOut(name=tr("Notes"), header=[tr("Item"), tr("Content")], rows=facts, widths=(40, 40))
        sheet = SheetOut(tr("Cards"), list_header(), listed.cells(), widths=WIDTHS, money_columns=MONEY)
        write_xlsx(path, [sheet, notes])

    def _table(self, order: ExportOrder) -> ExportTable:
        with self._database.read() as session:
            batch = found(session, order.batch_id)
            _refuse(session, batch, plain=order.plain)
            table = table_of(session, batch, plain=order.plain)
            session.expunge(batch)
        if not table.rows:
            raise NotEnoughCards(0, 1, batch.serial)
        return table

    def _write(
        self, path: Path, order: ExportOrder, table: ExportTable, *, password: Secret | None, progress: Progress
    ) -> None:
        blocks = self._watched(table, progress)
        if order.format == "xlsx":
            write_xlsx(path, [self._sheet(table, blocks), self._about(table)])
        elif order.format == "pdf":
            self._write_pdf(path, table, blocks)
        elif password is not None:
            with zip_member(path, f"{order.out.stem}.csv", password) as member:
                _write_csv(member, table, blocks)
        else:
            with path.open("wb") as file:
                if order.format == "csv":
                    _write_csv(file, table, blocks)
                else:
                    file.writelines(table.txt(block) for block in blocks)

    def _watched(self, table: ExportTable, progress: Progress) -> Iterator[OpenBlock]:
        for block in self._reader.blocks(table.batch):
            yield block
            progress(block.first + block.count, table.batch.quantity)

    def _recorded(self, order: ExportOrder, table: ExportTable, digest: str) -> bool:
        """The one transaction in which codes are released and the file is known; False when cards went meanwhile."""
        topics = (Topic.BATCHES, Topic.CARDS, Topic.CATALOG) if order.plain else ()
        with self._database.write(Topic.AUDIT, *topics) as session:
            batch = found(session, order.batch_id)
            if order.plain:
                _refuse(session, batch, plain=True)
                if not np.array_equal(table_of(session, batch, plain=True).kept, table.kept):
                    return False
                with recount.releasing(session, batch.id):
                    _release(session, batch)
                self._audit.record(
                    session,
                    "codes.released",
                    subject=batch.serial,
                    reason=order.reason.strip(),
                    cards=table.rows,
                    left_out=table.left_out,
                )
            self._audit.record(
                session,
                "codes.exported",
                subject=batch.serial,
                format=order.format,
                file=order.out.name,
                plain=order.plain,
                rows=table.rows,
                sha256=digest,
            )
        return True

    def _sheet(self, table: ExportTable, blocks: Iterable[OpenBlock]) -> SheetOut:
        return SheetOut(
            name=table.batch.serial,
            header=header(),
            rows=(card.cells for block in blocks for card in table.cards(block)),
            widths=(20, 36, 12, 8, 20, 10, 28),
            money_columns=frozenset({FACE}),
        )

    def _about(self, table: ExportTable) -> SheetOut:
        """Where the file comes from, for whoever finds it later."""
        facts = [
            (tr("Merchant"), self._settings.merchant().name),
            (tr("Batch"), table.batch.serial),
            (tr("Product"), table.product),
            (tr("Count"), f"{table.rows:,}"),
            (tr("Left out: assigned, redeemed or voided"), f"{table.left_out:,}"),
            (tr("Codes"), tr("Plain") if table.plain else tr("Last four only")),
            (tr("Made at"), moment(now())),
        ]
        return SheetOut(name=tr("Notes"), header=[tr("Item"), tr("Content")], rows=facts, widths=(40, 40))

    def _write_pdf(self, path: Path, table: ExportTable, blocks: Iterable[OpenBlock]) -> None:
        merchant = self._settings.merchant().name
        cards = ntr("{count} card", "{count} cards", table.rows)
        write_cards_pdf(
            path,
            (_face(table, card) for block in blocks for card in table.cards(block)),
            merchant=merchant,
            total=table.rows,
            title=f"{table.product}  {table.batch.serial}",
            watermark=f"{merchant} · {table.batch.serial} · {moment(now())} · {cards}",
        )


def _check_order(order: ExportOrder) -> None:
    if order.format not in FORMATS:
        raise InvalidInput("format", "unknown-kind")
    _check_place(order.out)
    if order.zip_password is not None and order.format != "zip":
        raise InvalidInput("zip_password", "zip-only")


def _check_place(out: Path) -> None:
    with file_refusals(out):
        if out.is_dir() or not out.parent.is_dir():
            raise InvalidInput("out", "no-folder")


def _refuse(session: Session, batch: Batch, *, plain: bool) -> None:
    refuse_removed(session, "batch", batch.id, batch.serial)
    if batch.state == "generating":
        raise BatchUnfinished(batch.serial)
    if plain and batch.state == "voided":
        raise BatchVoided(batch.serial)


def _release(session: Session, batch: Batch) -> None:
    """The codes are in the world from now on: nothing of this batch is stock any more."""
    at = now()
    session.execute(
        update(Batch)
        .where(Batch.id == batch.id)
        .values(released_at=batch.released_at or at, taken=batch.quantity)
        .execution_options(synchronize_session=False)
    )
    session.execute(
        update(Card)
        .where(Card.batch_id == batch.id, Card.state == "in_stock")
        .values(state="active", changed_at=at)
        .execution_options(synchronize_session=False)
    )


def _write_csv(file: IO[bytes], table: ExportTable, blocks: Iterable[OpenBlock]) -> None:
    file.write(BOM + csv_lines([header()]))
    file.writelines(table.csv(block) for block in blocks)


def _face(table: ExportTable, card: ExportCard) -> CardFace:
    """A plain generated code is also a QR code, in canonical form: the counter scans it."""
    return CardFace(
        product=card.product,
        amount=worth(card.face_minor, table.batch.uses if table.batch.uses > 1 else None),
        serial=card.serial,
        code=card.code,
        valid=last_second(table.batch.valid_until) if table.batch.valid_until else "",
        holder="",
        qr=_scanned(card.code) if table.plain and not card.fields else None,
        lines=card.fields,
    )


def _scanned(code: str) -> str:
    try:
        return canonical(code)
    except ValueError:  # a pattern with a charset of its own is scanned as it stands
        return code


def _new_password() -> Secret:
    return Secret(format_code("".join(secrets.choice(ALPHABET) for _ in range(PASSWORD_SYMBOLS))))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


__all__ = ["FORMATS", "CardListOrder", "ExportOrder", "ExportService", "Exported"]
