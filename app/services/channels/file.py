"""Delivery as a file: one workbook for the whole run, on wish inside an encrypted ZIP."""

from collections.abc import Sequence
from itertools import compress
from pathlib import Path

from app.services.channels import Envelope, RunHead
from app.services.progress import Progress, unwatched
from app.services.writers.tables import SheetOut, fitting, stream_xlsx, write_xlsx, zip_member
from app.words import last_second, tr

MONEY_COLUMN = 5


class FileChannel:
    def targets(self, head: RunHead) -> tuple[Path, ...]:
        return (head.folder / f"{head.stem}.{'xlsx' if head.zip_password is None else 'zip'}",)

    def write(self, head: RunHead, envelopes: Sequence[Envelope], progress: Progress = unwatched) -> tuple[Path, ...]:
        """Write the whole run; the one file, complete or not at all. Raises NotWritable, DiskFull."""
        progress(0, len(envelopes))
        sheet = _sheet(head, envelopes)
        (path,) = self.targets(head)
        if head.zip_password is None:
            write_xlsx(path, [sheet], progress=progress)
            return (path,)
        with zip_member(path, f"{head.stem}.xlsx", head.zip_password) as member:
            stream_xlsx(member, [sheet], progress=progress)
        return (path,)


def _sheet(head: RunHead, envelopes: Sequence[Envelope]) -> SheetOut:
    fields = list(dict.fromkeys(name for envelope in envelopes for name, _ in envelope.fields))
    with_code = not fields or any(not envelope.fields for envelope in envelopes)
    with_uses = any(envelope.uses is not None for envelope in envelopes)
    with_money = not with_uses or any(envelope.amount_minor is not None for envelope in envelopes)
    header = [
        tr("No."),
        tr("Full name"),
        tr("Department"),
        tr("Phone"),
        tr("Product"),
        *([tr("Amount (yuan)")] if with_money else []),
        *([tr("Uses")] if with_uses else []),
        tr("Serial"),
        *([tr("Code")] if with_code else []),
        *fields,
        tr("Valid until"),
        tr("Note"),
    ]
    ours = [title for title in header if title not in fields]
    if len(ours) + len(fields) < len(header):  # a supplier calls a field of its own as we call one of ours
        at = header.index(tr("Valid until")) - len(fields)
        header[at : at + len(fields)] = [tr("Supplier's {name}", name=name) for name in fields]
    rows = [_row(head, envelope, fields, with_code=with_code, worth=[with_money, with_uses]) for envelope in envelopes]
    money = frozenset({MONEY_COLUMN} if with_money else set())
    return SheetOut(tr("Cards"), header, rows, widths=fitting(header, rows), money_columns=money)


def _row(
    head: RunHead, envelope: Envelope, fields: list[str], *, with_code: bool, worth: Sequence[bool]
) -> list[object]:
    """A card of ours has a code, a supplier's the fields of its supplier; a list may hold both.

    `worth`: whether there is a column for money, and one for uses.
    """
    values = dict(envelope.fields)
    return [
        envelope.no,
        envelope.name,
        envelope.department,
        envelope.phone_masked,
        envelope.product,
        *compress((envelope.amount_minor, envelope.uses), worth),
        envelope.serial,
        *(["" if envelope.fields else envelope.code] if with_code else []),
        *(values.get(name, "") for name in fields),
        last_second(envelope.valid_until) if envelope.valid_until else "",
        head.note,
    ]
