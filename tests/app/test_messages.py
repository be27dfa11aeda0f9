"""What an endpoint refuses is told to a user in words, not by its key."""

from app.messages import REASONS
from sync.server.problems import KINDS

TOLD_BY_THE_PHONE = {"gate-required", "gate-wrong", "link-recalled", "link-expired"}


def test_every_refusal_a_desktop_can_meet_has_words() -> None:
    assert set(KINDS) - TOLD_BY_THE_PHONE <= set(REASONS)
