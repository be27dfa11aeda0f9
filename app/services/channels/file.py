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
    fields = list(dict.fromkeys(name for envelope in envelopes for name, _ in envelope.fields))
    with_code = not fields or any(not envelope.fields for envelope in envelopes)
    header = [
        tr("No."),
        tr("Name"),
        tr("Department"),
        tr("Phone"),
        tr("Product"),
        tr("Amount (yuan)"),
        tr("Serial"),
        *([tr("Code")] if with_code else []),
        *fields,
        tr("Valid until"),
        tr("Note"),
    ]
    rows = [_row(head, envelope, fields, with_code=with_code) for envelope in envelopes]
    return SheetOut(tr("Cards"), header, rows, money_columns=frozenset({MONEY_COLUMN}))


def _row(head: RunHead, envelope: Envelope, fields: list[str], *, with_code: bool) -> list[object]:
    """A card of ours has a code, a supplier's the fields of its supplier; a list may hold both."""
    values = dict(envelope.fields)
    return [
        str(envelope.no),
        envelope.name,
        envelope.department,
        envelope.phone_masked,
        envelope.product,
        envelope.amount_minor,
        envelope.serial,
        *(["" if envelope.fields else envelope.code] if with_code else []),
        *(values.get(name, "") for name in fields),
        last_second(envelope.valid_until) if envelope.valid_until else "",
        head.note,
    ]
