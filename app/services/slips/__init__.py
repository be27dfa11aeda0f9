"""Signed slips of what this counter redeemed: made, laid out, saved, and checked, all without a line."""

from contextlib import suppress
from pathlib import Path

from sqlalchemy.orm import Session

from app.errors import EndpointNotStarted, EndpointRefused, EndpointUnreachable, InvalidInput, NotFound, SlipRefused
from app.models.database import Database
from app.services.audit import AuditLog
from app.services.cloud import CloudService
from app.services.cloud.connection import Connection
from app.services.cloud.device_keys import KnownDevice, hear_now, known_device
from app.services.settings import SettingService
from app.services.slips.entries import ACTS, Entry, booked, decided_here, entry_of
from app.services.slips.rows import Booked, Receipt, Said, SlipVerdict, receipt_number
from app.services.slips.words import in_words
from app.services.writers.slip import Layout, laid_out, write_slip_pdf
from sync import slips
from sync.slips import Slip, SlipUnreadable, is_slip


class SlipService:
    def __init__(
        self,
        database: Database,
        audit: AuditLog,
        *,
        connection: Connection,
        cloud: CloudService,
        settings: SettingService,
    ) -> None:
        self._database = database
        self._audit = audit
        self._connection = connection
        self._cloud = cloud
        self._settings = settings

    def receipt(self, redemption_id: str) -> Receipt:
        """Of a use, or of its undoing, that was decided at this computer. Raises NotFound, SlipRefused."""
        merchant = self._settings.merchant()
        who = self._connection.identity()
        with self._database.read() as session:
            entry = self._entry(session, redemption_id)
            if who is None:
                raise SlipRefused("slip-no-key")
            device = known_device(session, who.device_id)
        slip = slips.slip_of(
            merchant_id=merchant.id,
            op_id=entry.id,
            device_id=who.device_id,
            kind=entry.kind,
            serial=entry.serial,
            amount_minor=entry.amount_minor,
            uses=entry.uses,
            remaining_minor=entry.remaining_minor,
            remaining_uses=entry.remaining_uses,
            at=entry.at,
            place=entry.place,
            leased=entry.leased,
        )
        name = device.name if device is not None else ""
        return _receipt(entry, slips.written(slip, who.key), merchant=merchant.name, counter=name, device=who.device_id)

    def layout(self, receipt: Receipt) -> Layout:
        """As it is printed, for whoever draws it."""
        return laid_out(in_words(receipt))

    def save(self, redemption_id: str, path: Path) -> Receipt:
        """As PDF for a printer of 80 mm. Raises what `receipt` raises, DiskFull, NotWritable."""
        receipt = self.receipt(redemption_id)
        write_slip_pdf(path, slip=in_words(receipt))
        self._audit.note("slip.saved", subject=_subject(receipt), op=receipt.redemption_id, file=str(path))
        return receipt

    def note_printed(self, receipt: Receipt) -> None:
        self._audit.note("slip.printed", subject=_subject(receipt), op=receipt.redemption_id)

    def check(self, text: str) -> SlipVerdict:
        """Whether a slip is genuine, whose it is, and what this ledger has of it; it redeems nothing.

        Of a device that this vault has not heard of the endpoint is asked, if it answers. Raises InvalidInput for what
        is no slip at all.
        """
        if not is_slip(text):
            raise InvalidInput("receipt", "no-receipt")
        try:
            slip, signature = slips.read(text)
        except SlipUnreadable:
            return SlipVerdict("damaged")
        if slip.merchant_id != self._settings.merchant().id:
            return SlipVerdict("other-merchant")
        device, own = self._device(slip.device_id)
        if device is None:
            return SlipVerdict("device-unknown", slip.device_id)
        said: Said | None = None
        stands: Booked | None = None
        if genuine := slips.is_genuine(slip, signature, device.public_key):
            said = _said(slip)
            with self._database.read() as session:
                stands = booked(session, slip.op_id, kind=slip.kind, amount_minor=slip.amount_minor, uses=slip.uses)
        reason = None if genuine else "changed"
        return SlipVerdict(reason, device.id, device.name, device.state, own=own, said=said, booked=stands)

    # --- the parts ---

    def _entry(self, session: Session, redemption_id: str) -> Entry:
        """Raises NotFound, SlipRefused."""
        entry = entry_of(session, redemption_id)
        if entry is None:
            raise NotFound("redemption", redemption_id)
        if entry.kind not in ACTS:
            raise SlipRefused("slip-of-no-use")
        if not decided_here(session, entry):
            raise SlipRefused("slip-of-another")
        return entry

    def _device(self, device_id: str) -> tuple[KnownDevice | None, bool]:
        """The device and whether it is this one, whose key nobody has to tell."""
        who = self._connection.identity()
        own = who is not None and who.device_id == device_id
        with self._database.read() as session:
            known = known_device(session, device_id)
        if own and who is not None:
            name, state = (known.name, known.state) if known is not None else ("", "")
            return KnownDevice(device_id, name, who.key.public_key().public_bytes_raw(), state), True
        if known is None:
            with suppress(EndpointUnreachable, EndpointRefused, EndpointNotStarted):
                self._cloud.ask(lambda client: hear_now(self._database, client))
            with self._database.read() as session:
                known = known_device(session, device_id)
        return known, False


def _receipt(entry: Entry, text: str, *, merchant: str, counter: str, device: str) -> Receipt:
    return Receipt(
        redemption_id=entry.id,
        number=receipt_number(entry.id),
        kind=entry.kind,
        merchant=merchant,
        counter=counter,
        device_id=device,
        place=entry.place,
        product=entry.product,
        serial=entry.serial,
        amount_minor=entry.amount_minor,
        uses=entry.uses,
        remaining_minor=entry.remaining_minor,
        remaining_uses=entry.remaining_uses,
        at=entry.at,
        leased=entry.leased,
        waits=entry.waits,
        text=text,
    )


def _said(slip: Slip) -> Said:
    return Said(
        redemption_id=slip.op_id,
        number=receipt_number(slip.op_id),
        kind=slip.kind,
        serial=slip.serial,
        amount_minor=slip.amount_minor,
        uses=slip.uses,
        remaining_minor=slip.remaining_minor,
        remaining_uses=slip.remaining_uses,
        at=slip.at,
        place=slip.place,
        leased=slip.leased,
    )


def _subject(receipt: Receipt) -> str:
    return receipt.serial or receipt.number


__all__ = ["Layout", "Receipt", "SlipService", "SlipVerdict", "is_slip", "receipt_number"]
