"""People in the vault: imported once, found by what one remembers, gone when asked for."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import insert

from app.errors import DeliveriesOpen, JobCancelled, NotFound
from app.models.base import now
from app.models.catalog import Product
from app.models.distribution import Delivery, Distribution
from app.services import Services
from app.services.audit import AuditLog
from app.services.people import PeopleService, PersonFilter, Stored
from app.services.settings import SettingService
from app.services.vault.vaults import OpenVault
from app.topics import Topic

HEAD = "姓名\t手机\t邮箱\t工号\t部门"
Import = Callable[..., Stored]


@pytest.fixture
def people(vault: OpenVault) -> PeopleService:
    return PeopleService(vault.database, AuditLog(vault.database, vault.keys))


@pytest.fixture
def imported(people: PeopleService) -> Import:
    """Store pasted rows below the usual headings."""
    return lambda *rows: people.store(people.check(people.stage("\n".join((HEAD, *rows)))))


def deliver(vault: OpenVault, person_id: int, state: str) -> None:
    with vault.database.write(Topic.DISTRIBUTIONS) as session:
        product = Product(name="卡", kind="fixed", form="voucher", face_minor=100, created_at=now())
        session.add(product)
        session.flush()
        run = Distribution(uid=bytes(16), name="中秋", product_id=product.id, channel="file", created_at=now())
        session.add(run)
        session.flush()
        session.execute(
            insert(Delivery).values(
                distribution_id=run.id, person_id=person_id, channel="file", state=state, message_id="m1"
            )
        )


class TestImporting:
    def test_the_same_list_again_creates_nothing_and_says_so(self, imported: Import) -> None:
        rows = ("张三\t13800138000\t\tE1\t研发", "李四\t13900139000", "王五\t\tw@qq.com")
        first, second = imported(*rows), imported(*rows)
        assert (first.created, first.updated, first.unchanged) == (3, 0, 0)
        assert (second.created, second.updated, second.unchanged) == (0, 0, 3)
        assert second.is_nothing_new
        assert second.person_ids == first.person_ids

    def test_somebody_known_is_brought_up_to_date(self, people: PeopleService, imported: Import) -> None:
        person_id = imported("张三\t13800138000\tz@qq.com\tE1\t研发").person_ids[2]
        after = imported("张三\t13700137000\t\tE1\t市场")
        assert (after.updated, after.person_ids[2]) == (1, person_id)
        contact = people.contact(person_id)
        assert (contact.phone, contact.email, contact.department) == ("13700137000", "z@qq.com", "市场")
        assert people.find("7000")[0].id == person_id

    def test_without_a_number_phone_and_name_tell_who_it_is(self, imported: Import) -> None:
        before = imported("张三\t13800138000\t\tE1")
        assert imported("张三\t13800138000").person_ids == before.person_ids
        assert imported("张四\t13800138000").created == 1

    def test_an_employee_number_given_to_somebody_else_makes_a_new_person(self, imported: Import) -> None:
        imported("张三\t13800138000\t\tE1")
        assert imported("李四\t13900139000\t\tE1").created == 1
        assert imported("李四\t13900139000\t\tE1").is_nothing_new
        assert imported("张三丰\t13800138000\t\tE1").updated == 1

    def test_a_merged_line_answers_to_the_first_person(self, imported: Import) -> None:
        stored = imported("张三\t13800138000", "张三\t13800138000")
        assert stored.created == 1
        assert stored.person_ids[2] == stored.person_ids[3]

    def test_good_rows_come_in_without_the_faulty_ones(self, people: PeopleService) -> None:
        checked = people.check(people.stage(f"{HEAD}\n张三\t13800138000\n李四\t1\n王五\t13900139000"))
        assert set(people.store(checked, lines=[4]).person_ids) == {4}
        assert set(people.store(checked).person_ids) == {2, 4}

    def test_a_cancelled_import_leaves_nothing(self, people: PeopleService) -> None:
        def stop(done: int, total: int) -> None:
            raise JobCancelled

        checked = people.check(people.stage(f"{HEAD}\n张三\t13800138000"))
        with pytest.raises(JobCancelled):
            people.store(checked, progress=stop)
        assert people.ids() == []

    def test_the_audit_log_counts_people_and_names_nobody(self, vault: OpenVault, imported: Import) -> None:
        imported("张三\t13800138000", "李四\t1")
        entry = AuditLog(vault.database, vault.keys).rows(action="people.imported")[0]
        assert entry.details["read"] == 2
        assert entry.details["created"] == 1
        assert len(str(entry.details["file"])) == 64
        assert "张三" not in str(entry.details)
        assert "13800138000" not in str(entry.details)

    def test_a_chosen_mapping_is_remembered_for_these_headings(self, people: PeopleService, vault: OpenVault) -> None:
        people.stage("甲\t乙\n张三\t13800138000", header_row=0, mapping={"name": 0, "phone": 1})
        roster = people.stage("甲\t乙\n李四\t13900139000", header_row=0)
        assert {name: match.state for name, match in roster.mapping.items()} == {"name": "known", "phone": "known"}
        assert SettingService(vault.database, AuditLog(vault.database, vault.keys)).get("people.mappings")

    def test_who_left_is_pointed_out_in_the_next_list(self, people: PeopleService, imported: Import) -> None:
        person_id = imported("张三\t13800138000").person_ids[2]
        people.leave([person_id])
        checked = people.check(people.stage(f"{HEAD}\n张三\t13800138000\n李四\t13900139000"))
        assert [[w.kind for w in row.warnings] for row in checked.rows] == [["person-left"], []]


class TestProblemRows:
    @pytest.mark.parametrize("name", ["problems.csv", "problems.xlsx"])
    def test_carry_a_reason_and_import_again_once_mended(
        self, people: PeopleService, tmp_path: Path, name: str
    ) -> None:
        checked = people.check(people.stage(f"{HEAD}\n张三\t13800138000\n李四\t1390013\t\tE007\t研发\n王五"))
        path = tmp_path / name
        assert people.problem_rows(checked, path) == 2
        roster = people.stage(path)
        assert roster.unused == ("原因",)
        again = people.check(roster, {(2, "phone"): "13900139000"})
        assert again.rows[0].values["employee_no"] == "E007"
        assert again.rows[0].storable
        assert not again.rows[1].storable

    def test_no_cell_is_run_as_a_formula(self, people: PeopleService, tmp_path: Path) -> None:
        checked = people.check(people.stage("姓名\t手机\n=1+1\t+86138\n"))
        people.problem_rows(checked, tmp_path / "p.csv")
        people.problem_rows(checked, tmp_path / "p.xlsx")
        with (tmp_path / "p.csv").open(encoding="utf-8-sig", newline="") as file:
            assert list(csv.reader(file))[1][:2] == ["'=1+1", "'+86138"]
        cells = CalamineWorkbook.from_path(tmp_path / "p.xlsx").get_sheet_by_index(0).to_python()
        assert cells[1][0] == "=1+1"


class TestFinding:
    @pytest.mark.parametrize(
        "text",
        [
            "zx",
            "ZX",
            "zengxiao",
            "cengxiaoxian",
            "小贤",
            "曾 小贤",
            "8888",
            "12348888",
            "13812348888",
            "e77",
            "z@qq.com",
        ],
    )
    def test_by_pinyin_initials_name_phone_tail_or_number(
        self, people: PeopleService, imported: Import, text: str
    ) -> None:
        imported("曾小贤\t13812348888\tz@qq.com\tE77", "李四\t13900139000\tl@qq.com\tA1")
        assert [row.name for row in people.find(text)] == ["曾小贤"]

    def test_wild_signs_are_plain_signs(self, people: PeopleService, imported: Import) -> None:
        imported("张三\t13800138000")
        assert people.find("%") == []
        assert people.find("___") == []
        assert people.find(" ") == []

    def test_lists_are_sorted_by_pinyin_and_masked(self, people: PeopleService, imported: Import) -> None:
        imported(
            "张三\t13800138001", "阿明\t13800138002", "单雄信\t13800138003", "陈四\t13800138004", "王五\t13800138005"
        )
        rows = people.rows_of(people.ids())
        assert [row.name for row in rows] == ["阿明", "陈四", "单雄信", "王五", "张三"]
        assert rows[0].phone_masked == "138****8002"

    def test_a_list_is_narrowed_by_department_and_by_who_left(self, people: PeopleService, imported: Import) -> None:
        ids = imported("张三\t13800138000\t\t\t研发", "李四\t13900139000\t\t\t市场").person_ids
        people.leave([ids[3]])
        assert people.departments() == ["市场", "研发"]
        assert people.ids(PersonFilter(department="研发")) == [ids[2]]
        assert people.ids(PersonFilter(left=True)) == [ids[3]]
        assert people.ids(PersonFilter(left=False)) == [ids[2]]

    def test_nobody_under_a_number_is_told(self, people: PeopleService) -> None:
        with pytest.raises(NotFound):
            people.person(7)
        with pytest.raises(NotFound):
            people.contact(7)


class TestLeavingAndForgetting:
    def test_who_left_can_come_back(self, people: PeopleService, imported: Import) -> None:
        ids = list(imported("张三\t13800138000", "李四\t13900139000").person_ids.values())
        assert list(people.leave(ids)) == ids
        assert people.leave(ids) == {}
        assert people.person(ids[0]).left_at is not None
        assert list(people.rejoin(ids[:1])) == ids[:1]
        assert people.person(ids[0]).left_at is None

    def test_what_is_put_back_is_as_it_was_found(self, people: PeopleService, imported: Import) -> None:
        """Who had left before did so on that day, whatever was done to all of them since."""
        ids = list(imported("张三\t13800138000", "李四\t13900139000", "王五\t13700137000").person_ids.values())
        people.leave(ids[:1])
        before = [people.person(one).left_at for one in ids]
        people.put_back(people.leave(ids))
        assert [people.person(one).left_at for one in ids] == before
        people.put_back(people.rejoin(ids))
        assert [people.person(one).left_at for one in ids] == before

    def test_who_changed_since_then_is_not_put_back(self, people: PeopleService, imported: Import) -> None:
        [one] = imported("张三\t13800138000").person_ids.values()
        people.leave([one])
        rejoined = people.rejoin([one])
        people.leave([one])
        at = people.person(one).left_at
        assert at != rejoined[one]
        people.put_back(rejoined)
        assert people.person(one).left_at == at

    def test_forgetting_keeps_the_row_and_nothing_of_the_person(
        self, people: PeopleService, imported: Import, vault: OpenVault
    ) -> None:
        person_id = imported("张三\t13800138000\tz@qq.com\tE1\t研发").person_ids[2]
        deliver(vault, person_id, "claimed")
        assert people.forget([person_id]) == 1
        assert people.person(person_id).forgotten
        assert people.ids() == people.find("zs") == people.find("8000") == people.departments() == []
        with pytest.raises(NotFound):
            people.contact(person_id)
        assert imported("张三\t13800138000\tz@qq.com\tE1\t研发").created == 1

    def test_with_a_card_underway_nobody_is_forgotten(
        self, people: PeopleService, imported: Import, vault: OpenVault
    ) -> None:
        ids = list(imported("张三\t13800138000", "李四\t13900139000").person_ids.values())
        deliver(vault, ids[0], "prepared")
        with pytest.raises(DeliveriesOpen) as refusal:
            people.forget(ids)
        assert refusal.value.people == 1
        assert people.person(ids[1]).name == "李四"

    def test_the_log_holds_and_names_nobody(self, people: PeopleService, imported: Import, services: Services) -> None:
        person_id = imported("张三\t13800138000").person_ids[2]
        people.leave([person_id])
        people.forget([person_id])
        entries = services.audit.rows()
        assert [entry.action for entry in entries[:3]] == ["person.forgotten", "person.left", "people.imported"]
        assert entries[0].subject == f"person:{person_id}"
        assert services.audit.verify().ok
