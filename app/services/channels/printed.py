"""Delivery on paper: a PDF of cards in the order of the envelopes, and the sheet to tick them off on."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from app.models.base import now
from app.services.channels import Envelope, RunHead
from app.services.progress import Progress, unwatched
from app.services.writers.cards_pdf import CardFace, write_cards_pdf
from app.services.writers.sheets_pdf import write_control_sheet
from app.words import last_second, moment, tr, worth

TAIL = 6
PRODUCT_AT = 4
"""Where the product stands on a control sheet of several."""


class PrintChannel:
    def targets(self, head: RunHead) -> tuple[Path, ...]:
        return head.folder / f"{head.stem}.pdf", head.folder / f"{head.stem} {tr('control sheet')}.pdf"

    def write(self, head: RunHead, envelopes: Sequence[Envelope], progress: Progress = unwatched) -> tuple[Path, ...]:
        """The control sheet, then the cards; both complete or none at all. Raises NotWritable, DiskFull.

        The cards come last: where the sheet cannot be written, no code may lie in a file that nobody knows of.
        """
        cards, control = self.targets(head)
        several = len({envelope.product for envelope in envelopes}) > 1
        columns = [tr("No."), tr("Full name"), tr("Department"), tr("Phone")]
        columns += [tr("Card"), tr("Face value"), tr("Signature")]
        if several:
            columns.insert(PRODUCT_AT, tr("Product"))
        write_control_sheet(
            control,
            title=head.title,
            merchant=head.merchant,
            columns=columns,
            rows=[_line(envelope, several=several) for envelope in envelopes],
            note=head.note,
        )
        try:
            write_cards_pdf(
                cards,
                [_face(envelope) for envelope in envelopes],
                merchant=head.merchant,
                total=len(envelopes),
                title=head.title,
                watermark=f"{head.merchant} · {head.title} · {moment(now())}",
                progress=progress,
            )
        except BaseException:
            with suppress(OSError):  # somebody looks at it: a sheet without cards tells no code
                control.unlink()
            raise
        return cards, control


def _face(envelope: Envelope) -> CardFace:
    return CardFace(
        product=envelope.product,
        amount=worth(envelope.amount_minor, envelope.uses),
        serial=envelope.serial,
        code=envelope.code,
        valid=last_second(envelope.valid_until) if envelope.valid_until else "",
        holder=envelope.name,
        qr=envelope.code.replace("-", "") if not envelope.fields else envelope.code,
        lines=envelope.fields,
    )


def _line(envelope: Envelope, *, several: bool) -> list[str]:
    return [
        str(envelope.no),
        envelope.name,
        envelope.department,
        envelope.phone_masked,
        *([envelope.product] if several else []),
        envelope.serial[-TAIL:],
        worth(envelope.amount_minor, envelope.uses),
        "",
    ]
