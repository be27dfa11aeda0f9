"""Views of lists: kept, found again by their list, renamed, replaced, removed."""

import pytest

from app.errors import InvalidInput, NotFound
from app.services import Services
from app.services.list_views import MOST, ListView

FROZEN = ListView("冻结的卡", {"cards": {"frozen": True}}, "changed_at", True, "{}")


def names(services: Services, list_name: str) -> list[str]:
    return [view.name for view in services.list_views.of(list_name)]


def test_a_view_is_found_again_on_its_own_list_only(services: Services) -> None:
    assert services.list_views.add("CardsPage", FROZEN) == [FROZEN]
    assert services.list_views.of("CardsPage") == [FROZEN]
    assert services.list_views.of("PeoplePage") == []


def test_names_are_one_line_of_their_own_and_not_too_long(services: Services) -> None:
    services.list_views.add("CardsPage", ListView("  财务\n月底 ", {}, "serial", True, "{}"))
    assert names(services, "CardsPage") == ["财务 月底"]
    for name, reason in (("财务 月底", "taken"), (" ", "required"), ("长" * 41, "too-long-for-a-tab")):
        with pytest.raises(InvalidInput) as refused:
            services.list_views.add("CardsPage", ListView(name, {}, "serial", True, "{}"))
        assert refused.value.reason == reason
    services.list_views.add("PeoplePage", ListView("财务 月底", {}, "name", False, "{}"))


def test_a_view_is_renamed_replaced_and_removed_in_its_place(services: Services) -> None:
    views = services.list_views
    for name in ("甲", "乙", "丙"):
        views.add("CardsPage", ListView(name, {}, "serial", True, "{}"))
    views.rename("CardsPage", "乙", "丁")
    views.rename("CardsPage", "丁", "丁")
    with pytest.raises(InvalidInput):
        views.rename("CardsPage", "丁", "丙")
    views.replace("CardsPage", ListView("丁", {"cards": {"batch_id": 3}}, "state", False, "{}"))
    assert names(services, "CardsPage") == ["甲", "丁", "丙"]
    assert views.of("CardsPage")[1].question == {"cards": {"batch_id": 3}}
    assert [view.name for view in views.remove("CardsPage", "甲")] == ["丁", "丙"]
    for call in (lambda: views.remove("CardsPage", "甲"), lambda: views.rename("CardsPage", "甲", "戊")):
        with pytest.raises(NotFound):
            call()


def test_a_list_has_so_many_views_and_no_more(services: Services) -> None:
    for number in range(MOST):
        services.list_views.add("CardsPage", ListView(str(number), {}, "serial", True, "{}"))
    with pytest.raises(InvalidInput):
        services.list_views.add("CardsPage", ListView("one more", {}, "serial", True, "{}"))


def test_the_audit_log_knows_of_the_change_and_of_no_name(services: Services) -> None:
    services.list_views.add("PeoplePage", ListView("曾小贤的卡", {"words": "曾小贤"}, "name", False, "{}"))
    (entry,) = services.audit.rows_of(services.audit.ids(action="setting.changed"))
    assert (entry.subject, entry.details) == ("lists.views", {})
