"""An endpoint that was put back from a backup hears what it missed before anybody redeems there again."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest
import requests

from sync.client import Refused
from sync.protocol import (
    EventsPage,
    OpResult,
    b64,
    new_op_id,
    unb64,
)
from sync.receipts import GivenBack, is_genuine
from sync.server.database import Store, opened
from sync.server.secret_files import load_or_make
from sync.server.verifying import verify
from tests.drivers.endpoint import ROOT, Desktop, MadeBatch, new_merchant, paired, running
from tests.drivers.postgres import new_database
from tests.drivers.quick import quick_python


@dataclass
class Life:
    """One endpoint's databases, and who works with it: `database` is the one that serves."""

    database: str
    secrets: Path
    copied: Callable[[str], str]
    desktops: list[Desktop]

    @contextmanager
    def serving(self) -> Iterator[Desktop]:
        with running(self.database, self.secrets) as url:
            for desktop in self.desktops:
                desktop.url = desktop.client.base_url = url
            if not self.desktops:
                self.desktops = [paired(url, new_merchant(self.database))]
            yield self.desktops[0]

    def joined(self) -> Desktop:
        """A second desktop of the merchant; the endpoint runs."""
        first = self.desktops[0]
        self.desktops.append(paired(first.url, new_merchant(self.database, merchant_id=first.merchant_id)))
        return self.desktops[-1]

    def said(self, *arguments: str, code: int = 0) -> str:
        command = [quick_python(), "-m", "sync.server", *arguments, "--database", self.database]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout + done.stderr

    def is_whole(self) -> bool:
        store = Store(self.database)
        secrets = load_or_make(self.secrets)
        verdict = store.read_now(lambda transaction: verify(transaction, deep=True, secrets=secrets))
        store.stop()
        assert verdict.findings == []
        return verdict.ok


@pytest.fixture(params=["sqlite", "postgres"])
def life(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Life]:
    def copy_of(database: str) -> str:
        if request.param == "sqlite":
            return str(shutil.copy(database, tmp_path / f"{uuid4().hex}.db"))
        url = request.getfixturevalue("postgres_url")
        return new_database(url, f"kaxia_{uuid4().hex[:12]}", like=database.rpartition("/")[2])

    if request.param == "sqlite":
        database = str(tmp_path / "endpoint.db")
    else:
        database = new_database(request.getfixturevalue("postgres_url"), f"kaxia_{uuid4().hex[:12]}")
    made = Life(database, tmp_path / "secrets.json", copy_of, [])
    yield made
    for desktop in made.desktops:
        desktop.client.close()


def key_of(answer: requests.Response) -> str:
    return str(answer.json()["type"]).rpartition("/")[2]


def entries_of(page: EventsPage) -> list[GivenBack]:
    """As a desktop keeps them."""
    wanted = ("batch_id", "card_no", "amount_minor", "uses", "remaining_minor", "remaining_uses", "reverses", "reason")
    found = []
    for event in page.events:
        if event.type in ("redeemed@1", "reversed@1"):
            body = json.loads(bytes(event.body))
            told = {name: body[name] for name in (*wanted, "entry", "place") if body.get(name) is not None}
            told |= {name: body[name] for name in ("remaining_minor", "remaining_uses")}
            kind = event.type.partition("@")[0]
            found.append(GivenBack(op_id=event.op_id, kind=kind, at=event.at, receipt=event.receipt, **told))
    return found


@dataclass
class Lost:
    """What happened behind the backup."""

    batch: MadeBatch
    op_id: str
    whole: str
    page: EventsPage


def lost(life: Life, *, desktops: int = 1) -> Lost:
    """A backup is taken, then card 0 gives 700, card 1 all it has, which is reversed; then the backup is put back."""
    with life.serving() as desktop:
        for _ in range(desktops - 1):
            life.joined()
        batch = desktop.batch(4)
        desktop.redeem(batch.records[3], 1)
    backup = life.copied(life.database)
    with life.serving():
        op_id, whole = new_op_id(), new_op_id()
        assert desktop.redeem(batch.records[0], 700, op_id=op_id).status_code == 200
        assert desktop.redeem(batch.records[1], op_id=whole).json()["redeemed_minor"] == 10_000
        desktop.push("reverse@1", {"redemption_id": whole, "reason": "错"})
        page = desktop.client.events("")
    life.database = backup
    return Lost(batch, op_id, whole, page)


def test_nobody_redeems_until_the_desktops_have_given_back_what_the_backup_lacks(life: Life) -> None:
    gone = lost(life, desktops=2)
    assert "1 of its merchants wait" in life.said("restored")
    with life.serving() as desktop:
        hello = desktop.client.hello()
        assert hello.mode == "recovering"
        assert hello.recovery is not None
        assert (hello.recovery.devices, hello.recovery.done) == (2, 0)
        assert (hello.feed.epoch == gone.page.epoch, hello.feed.restored_at) == (False, hello.feed.head - 1)
        refused = desktop.redeem(gone.batch.records[0], 10_000)
        assert (refused.status_code, key_of(refused), refused.json()["retryable"]) == (503, "recovering", True)
        for type_, body in (
            ("redeem@1", {"d": b64(gone.batch.records[0]), "amount_minor": 10_000}),
            ("reverse@1", {"redemption_id": gone.op_id, "reason": "x"}),
        ):
            told = desktop.push(type_, body)
            assert isinstance(told, OpResult)
            assert told.problem is not None
            assert told.problem.key == "recovering"
        with pytest.raises(Refused, match="recovering"):
            desktop.client.look_up(gone.batch.records[0])
        entries = entries_of(gone.page)
        answer = desktop.client.give_back(entries, done=True)
        assert (answer.results, answer.mode) == (["known", "entered", "entered", "entered"], "recovering")
        assert desktop.redeem(gone.batch.records[2], 1).status_code == 503
        assert life.desktops[1].client.give_back(entries, done=True).mode == "normal"
        again = desktop.redeem(gone.batch.records[0], 700, op_id=gone.op_id).json()
        assert (again["redeemed_minor"], again["at"]) == (700, entries[1].at)
        assert desktop.redeem(gone.batch.records[1], op_id=gone.whole).json()["redeemed_minor"] == 10_000
        assert key_of(desktop.redeem(gone.batch.records[0], 701, op_id=gone.op_id)) == "op-id-reused"
        assert key_of(desktop.redeem(gone.batch.records[0], 9_301)) == "insufficient-balance"
        assert desktop.redeem(gone.batch.records[1], 10_000).status_code == 200
        told = [event.type for event in desktop.client.events("").events][hello.feed.restored_at :]
        back = ["recovery.begun@1", "redeemed@1", "redeemed@1", "reversed@1", "recovery.lifted@1", "redeemed@1"]
        assert told == back
    assert life.is_whole()


def test_only_what_the_endpoint_itself_has_said_comes_back(life: Life) -> None:
    gone = lost(life)
    life.said("restored")
    with life.serving() as desktop:
        entry = entries_of(gone.page)[1]
        falsified = (
            {"amount_minor": 600},
            {"remaining_minor": 9_999},
            {"card_no": 2},
            {"batch_id": str(uuid4())},
            {"op_id": new_op_id()},
            {"at": "2026-01-01T00:00:00.000Z"},
            {"kind": "reversed"},
            {"receipt": b64(b"x" * 32)},
        )
        wrong = [msgspec.structs.replace(entry, **change) for change in falsified]
        assert desktop.client.give_back(wrong).results == ["receipt-wrong"] * len(falsified)
        other = paired(desktop.url, new_merchant(life.database))
        assert other.client.give_back([entry]).results == ["receipt-wrong"]
        other.client.close()
        assert desktop.client.give_back([entry]).results == ["entered"]
        assert desktop.client.give_back([entry]).results == ["known"]
        assert desktop.client.hello().recovery is not None
    assert life.is_whole()


def test_an_entry_whose_card_cannot_pay_any_more_is_told_and_not_put_in(life: Life) -> None:
    gone = lost(life)
    with life.serving() as desktop:  # nobody has said anything: it answers as it did when the copy was made
        assert desktop.redeem(gone.batch.records[0], 10_000).status_code == 200
        before = desktop.client.hello().feed.head
        answer = desktop.client.give_back(entries_of(gone.page), done=True)
        assert (answer.results, answer.mode) == (["known", "card-spent", "entered", "entered"], "normal")
        assert desktop.client.hello().feed.head == before + 2
    assert life.is_whole()


def test_an_owner_lifts_it_by_hand_with_a_reason_and_so_does_the_operator(life: Life) -> None:
    gone = lost(life)
    life.said("restored")
    with life.serving() as desktop:
        for reason, key in (("", "invalid"), ("  ", "invalid"), ("旧电脑坏了", ""), ("again", "not-recovering")):
            told = desktop.push("recovery.lift@1", {"reason": reason})
            assert isinstance(told, OpResult)
            assert (told.problem.key if told.problem else "") == key
        lifted = [json.loads(bytes(e.body)) for e in desktop.client.events("").events if e.type == "recovery.lifted@1"]
        assert [(one["reason"], one["done"], one["devices"]) for one in lifted] == [("旧电脑坏了", 0, 1)]
        assert desktop.redeem(gone.batch.records[2], 1).status_code == 200
        merchant = str(desktop.merchant_id)
        assert "not recovering" in life.said("lift", "--merchant", merchant, "--reason", "x", code=1)
        life.said("restored")
        assert desktop.redeem(gone.batch.records[2], 1).status_code == 503
        assert "redeems again" in life.said("lift", "--merchant", merchant, "--reason", "x")
        assert desktop.redeem(gone.batch.records[2], 1).status_code == 200
        answer = desktop.client.give_back(entries_of(gone.page), done=True)  # its word stands, however late it comes
        assert (answer.results, answer.mode) == (["known", *["entered"] * 3], "normal")
    assert life.is_whole()


def test_a_checkpoint_says_what_the_feed_was_and_only_its_endpoint_can_have_made_it(life: Life) -> None:
    with life.serving() as desktop:
        desktop.redeem(desktop.batch(1).records[0])
        page, hello = desktop.client.events(""), desktop.client.hello()
        told = page.checkpoint
        assert told is not None
        assert (told.epoch, told.seq, told.hash) == (page.epoch, page.head, page.events[-1].hash)
        key = unb64(hello.public_key)
        assert is_genuine(told, str(desktop.merchant_id), key)
        changes = ({"seq": told.seq + 1}, {"epoch": "fe_x"}, {"hash": b64(b"x" * 32)}, {"at": hello.server_time + "0"})
        forged = [msgspec.structs.replace(told, **change) for change in changes]
        assert not any(is_genuine(one, str(desktop.merchant_id), key) for one in forged)
        assert not is_genuine(told, str(uuid4()), key)
        assert desktop.client.witness(told).verdict == "agrees"
        for one in forged:
            with pytest.raises(Refused, match="receipt-wrong"):
                desktop.client.witness(one)
        assert desktop.client.hello().mode == "normal"


def test_an_endpoint_learns_by_its_own_checkpoint_that_it_was_put_back(life: Life) -> None:
    gone = lost(life)
    told = gone.page.checkpoint
    assert told is not None
    with life.serving() as desktop:
        answer = desktop.client.witness(told)
        assert (answer.verdict, answer.epoch == told.epoch) == ("restored", False)
        assert desktop.client.hello().mode == "recovering"
        assert desktop.redeem(gone.batch.records[0]).status_code == 503
        assert desktop.client.witness(told).verdict == "past"
        assert desktop.client.give_back(entries_of(gone.page), done=True).mode == "normal"
        newer = desktop.client.events("").checkpoint
    life.database = life.copied(life.database)
    assert newer is not None
    with life.serving() as desktop:
        assert desktop.client.witness(newer).verdict == "agrees"
    assert life.is_whole()


def test_another_history_at_the_same_place_is_told(life: Life) -> None:
    gone = lost(life)
    told = gone.page.checkpoint
    assert told is not None
    with life.serving() as desktop:
        while desktop.client.hello().feed.head < told.seq:
            desktop.redeem(gone.batch.records[2], 1)
        answer = desktop.client.witness(told)
        assert (answer.verdict, answer.epoch) == ("differs", told.epoch)
        assert desktop.client.hello().mode == "normal"


def test_what_is_answered_to_a_phone_and_a_counter_is_what_the_feed_says(life: Life) -> None:
    with life.serving() as desktop:
        batch = desktop.batch(2)
        phone = desktop.redeem(batch.records[0], 700).json()
        counter = desktop.push("redeem@1", {"d": b64(batch.records[1]), "amount_minor": 100})
        undone = desktop.push("reverse@1", {"redemption_id": phone["op_id"], "reason": "错"})
        assert isinstance(counter, OpResult)
        assert isinstance(undone, OpResult)
        assert counter.outcome is not None
        assert undone.outcome is not None
        receipts = [event.receipt for event in desktop.client.events("").events if event.type.startswith("re")]
        assert receipts == [phone["receipt"], counter.outcome["receipt"], undone.outcome["receipt"]]
        again = desktop.redeem(batch.records[0], 700, op_id=phone["op_id"]).json()
        asked = requests.get(f"{desktop.url}/h5/v1/redeem/{phone['op_id']}", timeout=60).json()
        assert again == asked == phone


def test_a_receipt_or_an_event_that_was_changed_is_found(life: Life) -> None:
    lost(life)
    secrets = load_or_make(life.secrets)
    changes = {
        "receipt": "UPDATE feed SET receipt = hash WHERE type = 'redeemed@1'",
        "chain": "UPDATE feed SET receipt = NULL WHERE type = 'redeemed@1'",
        "entry-event": "UPDATE feed SET body = replace(body, '\"amount_minor\":1,', '\"amount_minor\":0,') "
        "WHERE type = 'redeemed@1'",
    }
    for kind, change in changes.items():
        database = life.copied(life.database)
        with opened(database) as store:
            where = " ON feed" if store.on_postgres else ""
            store.write_now(lambda t, where=where: t.run(f"DROP TRIGGER feed_no_update{where}"))  # type: ignore[misc]
            assert store.write_now(lambda t, change=change: t.run(change)) == 1  # type: ignore[misc]
            verdict = store.read_now(lambda t: verify(t, deep=True, secrets=secrets))
        assert kind in {finding.what for finding in verdict.findings}
    said = life.said("verify", "--deep", "--secrets", str(life.secrets))
    assert said.startswith("whole")
    assert "not looked at" not in said


def test_a_database_that_was_never_served_is_not_restored(tmp_path: Path) -> None:
    life = Life(str(tmp_path / "endpoint.db"), tmp_path / "secrets.json", str, [])
    life.said("migrate")
    assert "never served" in life.said("restored", code=1)


@pytest.mark.parametrize("command", [("restored",), ("lift", "--merchant", str(uuid4()), "--reason", "x")])
def test_a_name_that_was_mistyped_makes_no_database(tmp_path: Path, command: tuple[str, ...]) -> None:
    life = Life(str(tmp_path / "endpiont.db"), tmp_path / "secrets.json", str, [])
    assert "There is no database" in life.said(*command, code=1)
    assert list(tmp_path.iterdir()) == []


def test_to_end_the_waiting_takes_a_reason(life: Life) -> None:
    assert "say why" in life.said("lift", "--merchant", str(uuid4()), "--reason", "  ", code=2)
