"""The devices of this merchant at the endpoint: letting one in, revoking it, its role and name. Nothing of it waits in
the queue: whoever asks is told at once."""

from dataclasses import dataclass
from datetime import datetime

from app.errors import EndpointRefused, InvalidInput, NotFound
from app.models.base import now
from app.services.audit import AuditLog
from app.services.cloud import CloudService
from app.services.secret import Secret
from app.services.texts import one_line
from sync.client import SyncClient
from sync.devices import MANAGED, DevicesAnswer, PairingAnswer, PairingRequest
from sync.protocol import Op, OpResult, from_wire, new_op_id, to_wire

ROLES = ("owner", "manager", "distributor", "clerk", "auditor")
"""From the one who may most to the one who may least."""
SHORTEST = 4
"""Signs of an id that may stand for it."""
TRIES = 3


@dataclass(frozen=True, slots=True)
class DeviceRow:
    id: str
    name: str
    role: str
    state: str
    """active or revoked."""
    enrolled_at: datetime
    seen_at: datetime | None
    """To the minute."""
    is_this: bool


@dataclass(frozen=True, slots=True)
class Invitation:
    """What another desktop needs to become a device of this merchant. The code is told once."""

    url: str
    code: Secret
    role: str
    name: str
    good_for_s: int


class DeviceService:
    """Each act raises EndpointUnreachable, EndpointNotStarted, and EndpointRefused where this device may not do it."""

    def __init__(self, cloud: CloudService, audit: AuditLog) -> None:
        self._cloud = cloud
        self._audit = audit

    def listed(self) -> list[DeviceRow]:
        """Those that work first, revoked ones behind them, each in the order they came."""
        answer = self._cloud.ask(SyncClient.devices)
        assert isinstance(answer, DevicesAnswer), "what was asked for"
        rows = [
            DeviceRow(
                id=card.id,
                name=card.name,
                role=card.role,
                state=card.state,
                enrolled_at=from_wire(card.enrolled_at),
                seen_at=from_wire(card.seen_at) if card.seen_at else None,
                is_this=card.you,
            )
            for card in answer.devices
        ]
        return sorted(rows, key=lambda row: row.state)

    def find(self, typed: str) -> DeviceRow:
        """By the beginning of its id. Raises NotFound, also where it could be several."""
        wanted = typed.strip().lower()
        found = [row for row in self.listed() if len(wanted) >= SHORTEST and row.id.startswith(wanted)]
        if len(found) != 1:
            raise NotFound("device", typed)
        return found[0]

    def invite(self, role: str, name: str) -> Invitation:
        """A one-time code for another desktop. Raises InvalidInput, EndpointRefused, EndpointUnreachable."""
        _check(role)
        name = one_line("device", name)
        answer = self._made(role, name)
        self._audit.note("device.invited", subject=name, role=role)
        url = self._cloud.public_url() or ""
        return Invitation(url, Secret(answer.pairing_code), answer.role, answer.name, answer.good_for_s)

    def revoke(self, row: DeviceRow) -> None:
        """It is refused from its next request on."""
        self._apply("device.revoke@1", row)
        self._audit.note("device.revoked", subject=row.name, device=row.id)

    def change_role(self, row: DeviceRow, role: str) -> None:
        _check(role)
        self._apply("device.role@1", row, role=role)
        self._audit.note("device.role-changed", subject=row.name, device=row.id, before=row.role, after=role)

    def rename(self, row: DeviceRow, name: str) -> None:
        name = one_line("device", name)
        self._apply("device.rename@1", row, name=name)
        self._audit.note("device.renamed", subject=name, device=row.id, before=row.name, after=name)

    def _made(self, role: str, name: str) -> PairingAnswer:
        """An answer that was lost is told to nobody: then another code is asked for, and that one stays unused."""
        for left in reversed(range(TRIES)):
            try:
                answer = self._cloud.ask(lambda client: client.make_pairing(PairingRequest(new_op_id(), role, name)))
            except EndpointRefused as refused:
                if refused.reason != "pairing-told" or not left:
                    raise
            else:
                assert isinstance(answer, PairingAnswer), "what was asked for"
                return answer
        raise AssertionError("the loop returns or raises")

    def _apply(self, type_: str, row: DeviceRow, **more: str) -> None:
        op = Op(new_op_id(), type_, to_wire(now()), {"device_id": row.id, **more})
        result = self._cloud.ask(lambda client: client.push([op]).results[0])
        assert isinstance(result, OpResult), "what was asked for"
        if result.problem is not None:
            raise EndpointRefused(result.problem.key)


def roles_given_by(role: str) -> list[str]:
    """Which roles a device of that role lets in and changes, the least first: most new devices are counters."""
    return [
        other for other in ("clerk", "distributor", "auditor", "manager", "owner") if other in MANAGED.get(role, ())
    ]


def _check(role: str) -> None:
    if role not in ROLES:
        raise InvalidInput("role", "unknown-kind")
