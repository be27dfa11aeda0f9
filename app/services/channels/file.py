"""Delivery as a file: one workbook for the whole run, on wish inside an encrypted ZIP."""

import io
from collections.abc import Sequence
from pathlib import Path

from app.services.channels import Envelope, RunHead
from app.services.progress import Progress, unwatched
from app.services.writers.tables import SheetOut, stream_xlsx, write_xlsx, write_zip
from app.words import last_second, tr

MONEY_COLUMN = 5


class FileChannel:
    def write(self, head: RunHead, envelopes: Sequence[Envelope], progress: Progress = unwatched) -> tuple[Path, ...]:
        """Write the whole run; the one file, complete or not at all. Raises NotWritable, DiskFull."""
        sheet = _sheet(head, envelopes)
        if head.zip_password is None:
            path = head.folder / f"{head.stem}.xlsx"
            write_xlsx(path, [sheet], progress=progress)
            return (path,)
        plain = io.BytesIO()
        stream_xlsx(plain, [sheet], progress=progress)
        path = head.folder / f"{head.stem}.zip"
        write_zip(path, {f"{head.stem}.xlsx": plain.getvalue()}, head.zip_password)
        return (path,)


def _sheet(head: RunHead, envelopes: Sequence[Envelope]) -> SheetOut:
    own_fields = next(([name for name, _ in envelope.fields] for envelope in envelopes if envelope.fields), None)
    header = [
        tr("No."),
        tr("Name"),
        tr("Department"),
        tr("Phone"),
        tr("Product"),
        tr("Amount (yuan)"),
        tr("Serial"),
        *(own_fields or [tr("Code")]),
        tr("Valid until"),
        tr("Note"),
    ]
    rows = [_row(head, envelope, own_fields) for envelope in envelopes]
    return SheetOut(tr("Cards"), header, rows, money_columns=frozenset({MONEY_COLUMN}))


def _row(head: RunHead, envelope: Envelope, own_fields: list[str] | None) -> list[object]:
    values = dict(envelope.fields)
    return [
        str(envelope.no),
        envelope.name,
        envelope.department,
        envelope.phone_masked,
        envelope.product,
        envelope.amount_minor,
        envelope.serial,
        *([envelope.code] if own_fields is None else [values.get(name, "") for name in own_fields]),
        last_second(envelope.valid_until) if envelope.valid_until else "",
        head.note,
    ]
