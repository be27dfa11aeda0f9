"""Days as the program counts them: those of the merchant, whatever day it is where the tests run."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta

import time_machine

from app.models.base import now
from app.services.dashboard import Period
from app.words import zone


@contextmanager
def from_noon() -> Iterator[None]:
    """The merchant's noon of today, and time goes on: no midnight falls between what is made and what is asked."""
    noon = datetime.combine(today(), time(12), zone())
    with time_machine.travel(noon.astimezone(UTC)):  # with a zone of its own it would be the computer's, too
        yield


def today() -> date:
    """Asked for when it is needed: a run of all tests may begin on one day and end on the next."""
    return now().astimezone(zone()).date()


def last_days(count: int) -> Period:
    """So many, of which today is the last."""
    return Period(today() - timedelta(days=count - 1), today())
