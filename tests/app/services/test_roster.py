"""What a list of people should have been: cells, columns, repeated lines; without a vault."""

import csv
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import ColumnDamaged, InvalidInput
from app.services.people.columns import matches, plain_heading
from app.services.people.faults import department_of, email_of, employee_no_of, name_of, phone_of
from app.services.people.masking import mask_email, mask_name, mask_no, mask_phone
from app.services.people.pinyin import readings
from app.services.people.problems import reasons
from app.services.people.roster import DROP, KEEP, MERGE, Checked, Roster, check
from app.services.people.staging import NO_HEADER, staged, with_mapping
from app.services.sheets import DateText, NumberText
from app.words import set_language

PHONES = st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True)
WIDE = str.maketrans(string.digits, "０１２３４５６７８９")


def roster(source: Path | str, **more: object) -> Roster:
    options = {"sheet": None, "encoding": None, "header_row": None, "mapping": None, "kept": {}} | more
    return staged(source, **options)  # type: ignore[arg-type]


def pasted(*rows: str, **more: object) -> Checked:
    return check(roster("\n".join(rows), **more))


class TestPhones:
    @given(
        PHONES, st.sampled_from(["", "+86", "0086", "86", "+86-", "（+86）", "+86 "]), st.sampled_from(["", " ", "-"])
    )
    def test_is_repaired_however_people_write_it(self, phone: str, code: str, gap: str) -> None:
        written = code + gap.join((phone[:3], phone[3:7], phone[7:]))
        assert phone_of(written).value == phone
        assert phone_of(written.translate(WIDE)).value == phone
        assert (phone_of(written).repair is None) == (written == phone)

    @given(PHONES)
    def test_a_repaired_phone_stays_as_it_is(self, phone: str) -> None:
        once = phone_of(f" {phone} ")
        assert phone_of(once.value) == once._replace(repair=None)

    @given(st.text(max_size=30))
    def test_any_text_is_a_phone_a_fault_or_empty(self, text: str) -> None:
        cell = phone_of(text)
        assert cell.fault or not cell.value or phone_of(cell.value).value == cell.value

    @given(PHONES)
    def test_scientific_notation_is_restored_only_with_every_digit(self, phone: str) -> None:
        assert phone_of(f"{phone[0]}.{phone[1:]}E+10").value == phone
        assert phone_of(f"{phone[0]}.{phone[1:3]}E+10").fault == "phone-damaged"

    def test_a_number_cell_is_told_as_repaired(self) -> None:
        assert phone_of(NumberText("13800138000")).repair == "phone-from-number"
        assert phone_of("13800138000.0").value == "13800138000"

    @pytest.mark.parametrize("wrong", ["1380013800", "138001380000", "12800138000", "021-62345678", "1380013800O", "/"])
    def test_what_is_no_mobile_number_is_a_fault(self, wrong: str) -> None:
        assert phone_of(wrong).fault == "phone-wrong"

    def test_a_range_nobody_uses_yet_is_a_warning_only(self) -> None:
        assert phone_of("14012345678").fault is None
        assert phone_of("14012345678").warning == "phone-prefix-unknown"

    def test_two_numbers_in_a_cell_are_not_chosen_between(self) -> None:
        assert phone_of("13800138000/13900139000").fault == "phone-several"

    def test_a_number_abroad_needs_its_country(self) -> None:
        assert phone_of("+852 9123 4567").value == "+85291234567"
        assert phone_of("9123 4567").fault == "phone-wrong"


class TestOtherCells:
    @pytest.mark.parametrize(
        ("written", "meant"),
        [
            ("li@gmial.com", "li@gmail.com"),
            ("li@qq.con", "li@qq.com"),
            ("li＠163.com", "li@163.com"),
            ("li @qq.com", "li@qq.com"),
        ],
    )
    def test_slips_in_an_address_are_put_right(self, written: str, meant: str) -> None:
        assert email_of(written).value == meant
        assert email_of(written).repair

    @pytest.mark.parametrize("wrong", ["li@qq", "qq.com", "@qq.com", "a..b@qq.com", "李@qq.com"])
    def test_what_cannot_receive_mail_is_a_fault(self, wrong: str) -> None:
        assert email_of(wrong).fault == "email-wrong"

    def test_an_inner_domain_is_an_address(self) -> None:
        assert email_of("li@mail.local").fault is None

    @pytest.mark.parametrize("name", ["张三", "𠮷田", "阿卜杜拉·买买提", "欧阳娜娜", "Tom Li"])
    def test_rare_signs_and_dots_in_names_stay(self, name: str) -> None:
        assert name_of(name) == (name, None, None, None)

    def test_blanks_in_chinese_names_go(self) -> None:
        assert name_of("张　三").value == "张三"
        assert name_of("古丽 • 买买提").value == "古丽·买买提"

    @pytest.mark.parametrize("error", ["#N/A", "#REF!", "#DIV/0!", "#NAME?", "Err:502"])
    def test_the_error_of_a_formula_is_no_name_number_or_department(self, error: str) -> None:
        for look in (name_of, employee_no_of, department_of):
            assert look(error).fault == "formula-error"
        assert phone_of(error).fault == "phone-wrong"

    @pytest.mark.parametrize("written", ["0", NumberText("0"), "—", "2026", "12 3"])
    def test_a_name_has_a_letter(self, written: str) -> None:
        assert name_of(written).fault == "not-a-name"

    def test_a_rare_name_kept_with_private_signs_is_a_name(self) -> None:
        assert name_of("\ue864").fault is None

    def test_an_employee_number_that_excel_made_a_date_of_is_damaged(self) -> None:
        assert employee_no_of(DateText("2026-09-01")).fault == "number-damaged"
        assert employee_no_of("2026-09-01").fault is None

    def test_lost_signs_are_told(self) -> None:
        assert name_of("张\ufffd").fault == "unreadable"
        assert name_of("张?").warning == "name-odd"

    def test_a_number_rounded_by_a_spreadsheet_is_a_fault(self) -> None:
        assert employee_no_of(NumberText("110101199003070000")).fault == "number-damaged"
        assert employee_no_of("1.10101E+17").fault == "number-damaged"
        assert employee_no_of("1001.0").value == "1001"


class TestMasks:
    def test_hides_what_could_be_used(self) -> None:
        assert [mask_name(name) for name in ("张三", "张三丰", "李", "")] == ["张*", "张*丰", "李", "--"]
        assert mask_phone("13812348888") == "138****8888"
        assert mask_email("123456@163.com") == "123***@163.com"
        assert mask_email("ab@163.com") == "a***@163.com"
        assert mask_no("E10086") == "****86"

    @given(st.text(min_size=2, max_size=30))
    def test_never_shows_the_whole(self, text: str) -> None:
        shown = text.strip()
        if len(shown) > 1 and set(shown) != {"*"} and "*" not in shown:
            assert mask_phone(shown) != shown


class TestReadings:
    def test_both_readings_and_their_initials_are_indexed(self) -> None:
        key, search = readings("曾小贤")
        assert key == "zeng xiao xian"
        assert {"曾小贤", "zengxiaoxian", "zxx", "cengxiaoxian", "cxx"} <= set(search.split())

    @pytest.mark.parametrize(
        ("name", "key"),
        [
            ("单雄信", "shan xiong xin"),
            ("解缙", "xie jin"),
            ("仇英", "qiu ying"),
            ("万俟卨", "mo qi xie"),
            ("尉迟恭", "yu chi gong"),
        ],
    )
    def test_surnames_are_read_as_surnames(self, name: str, key: str) -> None:
        assert readings(name)[0] == key

    def test_names_in_other_letters_have_readings_too(self) -> None:
        assert readings("Tom Li") == ("tomli", "tomli t")
        assert readings("吕布")[1].split()[1:] == ["lvbu", "lb", "lubu"]


class TestColumns:
    def test_known_headings_are_mapped_and_the_rest_is_listed(self) -> None:
        checked = pasted("员工姓名\t联系电话\tDept\t备注", "张三\t13800138000\t研发\t好")
        states = {name: (match.column, match.state) for name, match in checked.roster.mapping.items()}
        assert states == {"name": (0, "known"), "phone": (1, "known"), "department": (2, "known")}
        assert checked.roster.unused == ("备注",)

    def test_a_likely_heading_is_marked_as_guessed(self) -> None:
        found = matches(["*客户姓名（必填）", "Mobile Phonee", "紧急联系人电话"], [])
        assert {name: (match.column, match.state) for name, match in found.items()} == {
            "name": (0, "guessed"),
            "phone": (1, "guessed"),
        }

    def test_a_list_without_headings_is_mapped_by_its_cells(self) -> None:
        checked = pasted("张三\t13800138000", "李四\t13900139000")
        assert checked.roster.header_row is None
        assert (checked.counts.read, checked.counts.good) == (2, 2)

    def test_a_title_above_the_headings_is_no_row(self) -> None:
        checked = pasted("中秋福利名单", "", "姓名\t手机", "张三\t13800138000")
        assert checked.roster.header_row == 2
        assert [row.line for row in checked.rows] == [4]

    def test_headings_are_compared_without_marks(self) -> None:
        assert plain_heading("*E-mail（必填）：") == "email"

    def test_a_used_mapping_is_found_again_by_its_headings(self) -> None:
        first = roster("甲\t乙\n张三\t13800138000", header_row=0, mapping={"name": 0, "phone": 1})
        kept = with_mapping({}, first)
        assert kept is not None
        again = roster("乙\t甲\n13800138000\t张三", header_row=0, kept=kept)
        found = {field: (match.column, match.state) for field, match in again.mapping.items()}
        assert found == {"name": (1, "guessed"), "phone": (0, "guessed")}, "those are other headings"
        same = roster("甲\t乙\n李四\t13900139000", header_row=0, kept=kept)
        assert {match.state for match in same.mapping.values()} == {"known"}
        assert with_mapping(kept, same) is None

    def test_a_needed_column_without_any_is_refused(self) -> None:
        with pytest.raises(InvalidInput) as refusal:
            check(roster("姓名\t部门\n张三\t研发"))
        assert refusal.value.reason == "column-missing"
        assert roster("张三\t13800138000", header_row=NO_HEADER).missing == ()

    def test_an_id_column_damaged_by_a_spreadsheet_is_refused_and_counted(self) -> None:
        ids = ["110101199003070000", "1.10101E+17"]
        found = roster(f"姓名\t手机\t身份证号\n张三\t13800138000\t{ids[0]}\n李四\t13900139000\t{ids[1]}")
        assert [(each.heading, each.count) for each in found.refused] == [("身份证号", 2)]
        assert check(found).counts.good == 2
        chosen = roster(f"姓名\t手机\t身份证号\n张三\t13800138000\t{ids[0]}", mapping={"name": 0, "employee_no": 2})
        with pytest.raises(ColumnDamaged):
            check(chosen)

    def test_rounded_phones_are_faults_of_their_rows_not_of_the_column(self) -> None:
        found = roster("客户姓名\t客户的联系电话\n张三\t13800138000\n李四\t1.38E+10")
        assert not found.refused
        assert check(found).rows[1].faults[0].kind == "phone-damaged"


class TestChecking:
    HEAD = "姓名\t手机\t邮箱\t工号"

    def test_a_row_needs_a_name_and_a_way_to_reach_it(self) -> None:
        checked = pasted(self.HEAD, "\t13800138000", "张三\t\t\t", "李四\t\t\tE1")
        assert [[fault.kind for fault in row.faults] for row in checked.rows] == [["name-missing"], ["no-contact"], []]

    def test_one_person_twice_is_merged_into_the_first_line(self) -> None:
        checked = pasted(self.HEAD, "张三\t13800138000", "李四\t13900139000", "张 三\t138 0013 8000")
        assert [row.merged_into for row in checked.rows] == [None, None, 2]
        assert [(each.lines, each.same_name) for each in checked.duplicates] == [((2, 4), True)]
        assert (checked.counts.good, checked.counts.merged) == (2, 1)

    def test_a_phone_under_another_name_is_a_fault_of_the_later_line(self) -> None:
        checked = pasted(self.HEAD, "张三\t13800138000", "李四\t13800138000")
        assert [row.storable for row in checked.rows] == [True, False]
        assert checked.rows[1].faults[0].kind == "duplicate-phone"

    def test_of_three_lines_with_one_phone_only_the_other_name_is_a_fault(self) -> None:
        checked = pasted(self.HEAD, "张三\t13800138000", "张三\t13800138000", "李四\t13800138000")
        assert [row.merged_into for row in checked.rows] == [None, 2, None]
        assert [bool(row.faults) for row in checked.rows] == [False, False, True]
        assert not checked.duplicates[0].same_name

    def test_one_name_under_two_employee_numbers_is_not_one_person(self) -> None:
        checked = pasted(self.HEAD, "张三\t13800138000\t\tE1", "张三\t13800138000\t\tE2")
        assert not checked.duplicates[0].same_name

    @pytest.mark.parametrize(("choice", "good", "merged"), [(KEEP, 2, 0), (MERGE, 1, 1), (DROP, 1, 0)])
    def test_the_user_decides_on_repeated_lines(self, choice: str, good: int, merged: int) -> None:
        staged_list = roster(f"{self.HEAD}\n张三\t13800138000\n李四\t13800138000")
        checked = check(staged_list, choices={3: choice})
        assert (checked.counts.good, checked.counts.merged, checked.counts.faulty) == (good, merged, 0)

    def test_lines_are_merged_through_to_the_first(self) -> None:
        checked = pasted(
            self.HEAD, "张三\t13800138000\t\t", "张三\t13800138000\ta@qq.com\t", "张三\t13900139000\ta@qq.com\t"
        )
        assert [row.merged_into for row in checked.rows] == [None, 2, 2]

    def test_an_edit_mends_a_row(self) -> None:
        staged_list = roster(f"{self.HEAD}\n张三\t1380013800")
        assert check(staged_list).counts.faulty == 1
        assert check(staged_list, {(2, "phone"): "13800138000"}).counts.good == 1

    def test_a_repair_is_listed_and_can_be_undone_and_done_again(self) -> None:
        staged_list = roster(f"{self.HEAD}\n张三\t138-0013-8000\tli@gmial.com")
        repaired = check(staged_list)
        assert {(r.field, r.before, r.after) for r in repaired.rows[0].repairs} == {
            ("phone", "138-0013-8000", "13800138000"),
            ("email", "li@gmial.com", "li@gmail.com"),
        }
        undone = check(staged_list, undone={(2, "phone"), (2, "email")})
        assert undone.rows[0].values["email"] == "li@gmial.com"
        assert undone.rows[0].faults[0].kind == "phone-wrong"
        assert {group.kind: group.repairable for group in undone.groups if group.repairable} == {
            "phone-normalised": (2,),
            "email-typo": (2,),
        }

    def test_faults_come_first_among_the_groups(self) -> None:
        checked = pasted(self.HEAD, "张三\t138 0013 8000", "李四\t1", "王五\t14012345678")
        assert [group.sort for group in checked.groups] == ["fault", "repair", "warning"]

    def test_eaten_zeros_are_suspected_beside_a_number_that_has_them(self) -> None:
        rows = [["姓名", "工号"], ["张三", "00123"], ["李四", NumberText("124")]]
        staged_list = roster("姓名\t工号\n张三\t00123\n李四\t124")
        object.__setattr__(staged_list, "rows", rows)
        assert [warning.kind for warning in check(staged_list).rows[1].warnings] == ["employee-no-zeros"]

    def test_a_gbk_list_of_500_with_damaged_phones_and_repeated_people(self, tmp_path: Path) -> None:
        rows = [[f"员工{chr(0x4E00 + no)}", f"138{no:08d}", "研发部", "备注"] for no in range(500)]
        for no in (10, 20, 30):
            rows[no][1] = f"+86 138-{no:08d}"
        rows[40][1], rows[50][1], rows[60][1] = "1.38E+10", "1380000", ""
        rows[100] = list(rows[99])
        rows[200][1] = rows[199][1]
        path = tmp_path / "名单.csv"
        with path.open("w", encoding="gbk", newline="") as file:
            csv.writer(file).writerows([["员工姓名", "联系电话", "Dept", "备注"], *rows])
        checked = check(roster(path))
        counts = checked.counts
        assert (counts.read, counts.good, counts.faulty, counts.merged, counts.repaired) == (500, 495, 4, 1, 3)
        assert {row.line: row.faults[0].kind for row in checked.rows if row.faults} == {
            42: "phone-damaged",
            52: "phone-wrong",
            62: "no-contact",
            202: "duplicate-phone",
        }
        assert [each.lines for each in checked.duplicates] == [(101, 102), (201, 202)]


class TestTotals:
    @pytest.mark.parametrize(
        "line", ["合计\t500人\t", "\t合 计：\t", "Total\t500\t", "\t小计\t88", "共计500人\t500\t"], ids=repr
    )
    def test_a_line_that_sums_up_is_nobody(self, line: str) -> None:
        checked = pasted("工号\t姓名\t手机", "A1\t张三\t13800138000", line)
        assert checked.counts.good == 1
        assert checked.rows[1].faults

    def test_somebody_with_a_phone_may_be_called_so(self) -> None:
        assert pasted("工号\t姓名\t手机", "A1\tSum\t13800138000").counts.good == 1


class TestReasons:
    @pytest.mark.parametrize(
        ("language", "expected"),
        [
            ("zh_CN", ["姓名为空", "手机：不是手机号", "没有手机、邮箱或工号"]),
            (
                "en",
                ["The name is empty", "Mobile phone: Not a mobile number", "There is no phone, e-mail or employee no."],
            ),
        ],
    )
    def test_a_field_is_named_once(self, language: str, expected: list[str]) -> None:
        set_language(language)
        checked = pasted("姓名\t手机", "\t13800138000", "李四\t12", "王五\t")
        assert [reasons(row) for row in checked.rows] == expected
