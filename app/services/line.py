"""Whether there is a line to the endpoint, as far as the last sync tells."""

from sqlalchemy.orm import Session

from app.services.settings import stored

NO_LINE = ("endpoint-unreachable", "endpoint-not-started")


def has_no_line(session: Session) -> bool:
    return str(stored(session, "cloud.last_problem") or "") in NO_LINE
