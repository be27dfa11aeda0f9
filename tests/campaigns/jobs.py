"""The jobs that are killed, by name; what they make and how it is judged stands in stock, giving and cloud."""

from dataclasses import dataclass

from tests.campaigns import cloud, giving, stock
from tests.campaigns.kill import Job


@dataclass(frozen=True, slots=True)
class Size:
    """How much work each job has."""

    cards: int
    rows: int
    given: int
    printed: int
    mailed: int
    uploaded: int


LONG = Size(cards=100_000, rows=10_000, given=2_000, printed=400, mailed=40, uploaded=200_000)
SHORT = Size(cards=20_000, rows=400, given=100, printed=24, mailed=6, uploaded=12_000)


def jobs(size: Size) -> dict[str, Job]:
    return {
        "generate": stock.generate(size.cards),
        "window": stock.window(size.cards),
        "people": stock.people_list(size.rows),
        "codes": stock.codes(size.rows),
        "file": giving.file(size.given),
        "print": giving.printed(size.printed),
        "mail": giving.mail(size.mailed),
        "mail-endpoint": giving.mail_endpoint(size.mailed),
        "upload": cloud.upload(size.uploaded),
        "upload-endpoint": cloud.upload_endpoint(size.uploaded),
        "sync": cloud.sync(size.uploaded // 10),
        "sync-endpoint": cloud.sync_endpoint(size.uploaded // 10),
        "ending": cloud.ending(size.uploaded // 400),
    }
