"""Days as the program counts them: those of the merchant, whatever day it is where the tests run."""

from datetime import date, timedelta

from app.models.base import now
from app.services.dashboard import Period
from app.words import zone


def today() -> date:
    """Asked for when it is needed: a run of all tests may begin on one day and end on the next."""
    return now().astimezone(zone()).date()


def last_days(count: int) -> Period:
    """So many, of which today is the last."""
    return Period(today() - timedelta(days=count - 1), today())
