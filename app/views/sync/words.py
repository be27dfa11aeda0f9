"""The queue in words: what an entry does, what it is about, why it was refused."""

from app.messages import REASONS
from app.services.cloud import CloudStatus, QueueRow, SyncOutcome
from app.services.cloud.rows import PAIR_AGAIN, Recovering
from app.views.widgets.state_mark import StateMark
from app.vocabulary import word
from app.words import NO_DATA, moment, ntr, tr


def deed(row: QueueRow) -> str:
    """`batch.create@1` as a person says it."""
    known = {
        "batch.create": tr("New batch"),
        "batch.seal": tr("Upload of the cards"),
        "batch.freeze": tr("Freeze a batch"),
        "batch.thaw": tr("Thaw a batch"),
        "batch.void": tr("Void a batch"),
        "batch.close": tr("Close a batch that moves"),
        "batch.open": tr("Open a batch that has come"),
        "card.freeze": tr("Freeze a card"),
        "card.thaw": tr("Thaw a card"),
        "card.void": tr("Void a card"),
        "link.put": tr("Claim link"),
        "link.recall": tr("Take a link back"),
        "merchant.update": tr("Merchant's name and phone"),
        "redeem": tr("Redemption"),
        "reverse": tr("Undone redemption"),
        "card.topup": tr("Top-up"),
        "card.refund": tr("Refund"),
        "redeem.leased": tr("Redemption offline"),
        "lease.take": tr("Lease of cards"),
        "lease.return": tr("Lease given back"),
        "lease.reclaim": tr("Lease reclaimed"),
        "conflict.settle": tr("Conflict settled"),
    }
    return known.get(row.type.partition("@")[0], row.type)


def subject(row: QueueRow) -> str:
    """A batch by its serial, the rest by its number."""
    noun, mark, number = row.subject.partition(":")
    known = {"card": tr("Card"), "delivery": tr("Delivery"), "link": tr("Link"), "batch": tr("Batch")}
    if not mark:
        return NO_DATA if noun == "merchant" else row.subject
    return f"{known[noun]} {number}" if noun in known else NO_DATA


def named(row: QueueRow) -> str:
    """What an entry does and to what."""
    return f"{deed(row)} · {subject(row)}"


def given_up(row: QueueRow) -> str:
    """What it means here that an entry is not sent any more; empty where it means nothing."""
    freezing = tr("What was frozen or thawed stands here again as it does at the endpoint.")
    known = {
        "batch.freeze": freezing,
        "batch.thaw": freezing,
        "batch.open": freezing,
        "card.freeze": freezing,
        "card.thaw": freezing,
        "redeem.leased": tr("It was given out, so it becomes a conflict that people settle."),
        "reverse": tr("The use counts: it was not undone."),
    }
    return known.get(row.type.partition("@")[0], "")


def queue_mark(row: QueueRow) -> StateMark:
    if row.state == "rejected":
        return StateMark("error", tr("Refused"))
    if row.held_back:
        return StateMark("warn", tr("Held back"))
    return StateMark("info", tr("Being sent")) if row.state == "in_flight" else StateMark("neutral", tr("Waiting"))


def reason(row: QueueRow) -> str:
    """Why, in a sentence, and who says so; an entry that waits behind a refused one says that."""
    if row.problem:
        return tr("The endpoint says: {reason}", reason=word(REASONS, row.problem))
    if row.held_back:
        return tr("An earlier entry about the same thing was refused; decide on that one first.")
    return ""


def returned(count: int) -> str:
    """What came back into a vault that was restored from an older backup."""
    return ntr(
        "{count} batch made after the backup came back from the endpoint. Who holds its cards is not known any more, "
        "so all count as given out.",
        "{count} batches made after the backup came back from the endpoint. Who holds their cards is not known any "
        "more, so all count as given out.",
        count,
    )


def recovering(waits: Recovering) -> str:
    """How far an endpoint is that was put back from a backup."""
    return ntr(
        "The endpoint was put back from a backup and first hears what it missed; until then nothing is redeemed. "
        "{done} of {devices} computers have told it, {count} entry came back. Sync on the others.",
        "The endpoint was put back from a backup and first hears what it missed; until then nothing is redeemed. "
        "{done} of {devices} computers have told it, {count} entries came back. Sync on the others.",
        waits.entries,
        done=waits.done,
        devices=waits.devices,
    )


def last_problem(status: CloudStatus) -> str:
    """Why the last sync stopped, in a sentence; empty when it did not."""
    known = {
        "endpoint-unreachable": tr("The last sync did not reach the endpoint. What waits goes out next time."),
        "endpoint-refused": tr("The endpoint refused the last sync. Sync again to see why."),
        "endpoint-not-started": tr("The endpoint on this machine did not start. Start it below."),
    }
    return known.get(status.last_problem, tr("The last sync did not finish.")) if status.last_problem else ""


def differing(status: CloudStatus) -> str:
    """Which ledgers do not agree with the endpoint's."""
    return ntr(
        "The sums of {count} batch differ from the endpoint's: {serials}. Nothing was written over. "
        "Sync again; if it stays, call who runs the endpoint.",
        "The sums of {count} batches differ from the endpoint's: {serials}. Nothing was written over. "
        "Sync again; if it stays, call who runs the endpoint.",
        len(status.differences),
        serials=", ".join(status.differences),
    )


def standing(status: CloudStatus) -> StateMark:
    """How the vault stands with its endpoint, in one mark."""
    if status.mode == "none" and not status.running:
        return StateMark("neutral", tr("Not connected"), "cloud-off")
    if not status.running:
        return StateMark("warn", tr("Not running"), "cloud-off")
    if status.last_problem in PAIR_AGAIN:
        return StateMark("error", tr("Pair again"), "circle-x")
    if status.last_problem:
        return StateMark("error", tr("Last sync failed"), "circle-x")
    if status.recovery is not None:
        return StateMark("warn", tr("Hears what it missed"), "archive-restore")
    if status.twin_since is not None:
        return StateMark("warn", tr("Lives twice"), "triangle-alert")
    if status.differences:
        return StateMark("warn", tr("Differences found"), "triangle-alert")
    if status.rejected:
        return StateMark("error", tr("Entries refused"), "circle-alert")
    if status.pending:
        return StateMark("info", tr("Something waits"), "clock")
    return StateMark("ok", tr("In step"), "circle-check")


def conflicts(status: CloudStatus) -> str:
    """On the button that leads there; nothing is counted where there is none."""
    return tr("Conflicts ({count})", count=f"{status.conflicts:,}") if status.conflicts else tr("Conflicts")


def mode(status: CloudStatus) -> str:
    known = {"embedded": tr("Endpoint on this machine"), "cloud": tr("Endpoint in the cloud")}
    return known.get(status.mode, NO_DATA)


def counted(status: CloudStatus) -> str:
    """What waits, how fresh that is and where it goes, in one line: the end of it may be cut."""
    parts = (
        ntr("{count} entry waits", "{count} entries wait", status.pending),
        ntr("{count} was refused", "{count} were refused", status.rejected) if status.rejected else "",
        tr("Last sync {when}", when=moment(status.last_sync_at)) if status.last_sync_at else "",
        mode(status),
        status.url,
    )
    return " · ".join(filter(None, parts))


def lan_host(status: CloudStatus) -> str:
    """The LAN address the embedded endpoint answers at, empty for this machine only."""
    host = status.url.partition("://")[2].partition(":")[0] if status.mode == "embedded" else ""
    return "" if host in ("127.0.0.1", "localhost") else host


def told(outcome: SyncOutcome) -> str:
    return tr(
        "Synced: {pushed} sent, {pulled} received, {rejected} refused",
        pushed=f"{outcome.pushed:,}",
        pulled=f"{outcome.pulled:,}",
        rejected=f"{outcome.rejected:,}",
    )
