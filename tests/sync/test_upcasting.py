"""Messages of earlier versions: whoever acts on them finds today's form."""

import pytest

from sync import upcasting
from sync.upcasting import LATER, upcast


@pytest.fixture
def changed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if `opened` had been renamed once and cut in two another time."""
    steps = {
        "opened@0": lambda body: {"link_id": body["link"], "who": body["who"]},
        "opened@1": lambda body: {"link_id": body["link_id"], "by": {"name": body["who"]}},
    }
    monkeypatch.setattr(upcasting, "STEPS", steps)
    monkeypatch.setattr(upcasting, "LATER", {"opened@2": {"place": ""}})


@pytest.mark.usefixtures("changed")
def test_each_version_is_led_to_the_next_and_what_came_later_is_filled_in() -> None:
    first = {"link": "x", "who": "王芳"}
    today = ("opened@2", {"place": "", "link_id": "x", "by": {"name": "王芳"}})
    assert upcast("opened@0", first) == today
    assert first == {"link": "x", "who": "王芳"}
    assert upcast("opened@1", {"link_id": "x", "who": "王芳"}) == today
    assert upcast("opened@2", {"link_id": "x", "by": {"name": "王芳"}, "place": "东门"})[1]["place"] == "东门"


@pytest.mark.parametrize(("type_", "body"), [("unheard-of@7", {"a": 1}), ("redeemed@1", [1, 2]), ("", {})])
def test_what_nobody_knows_stays_as_it_came(type_: str, body: object) -> None:
    assert upcast(type_, body) == (type_, body)


def test_what_a_body_says_itself_counts_even_nothing() -> None:
    assert upcast("reverse@1", {"redemption_id": "x"})[1] == {"redemption_id": "x", "reason": ""}
    assert upcast("redeem@1", {"d": "x", "place": None})[1]["place"] is None
    assert all(type_.endswith("@1") for type_ in LATER)
