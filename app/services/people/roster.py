"""A list of people as staged from a file, and what checking it finds. Nothing here touches the vault."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field

from app.errors import ColumnDamaged, InvalidInput
from app.services.people.columns import CONTACTS, FIELDS, Match, Refused, is_total
from app.services.people.faults import CHECKS, EMPTY, Cell
from app.services.sheets import NumberText

FAULT, REPAIR, WARNING = "fault", "repair", "warning"
MERGE, KEEP, DROP = "merge", "keep", "drop"
"""What to do with a line that repeats an earlier one: take it as the same person, as another, or leave it out."""
SAMPLES = 3
Place = tuple[int, str]
"""(line, field)."""


@dataclass(frozen=True, slots=True)
class Roster:
    """A staged list: how the file was understood and which column is what. Columns and rows count from 0."""

    source: str
    """File name; empty when pasted."""
    kind: str
    encoding: str
    delimiter: str
    sheet_names: tuple[str, ...]
    sheet: int
    header_row: int | None
    """None: the list has no header."""
    headings: tuple[str, ...]
    mapping: Mapping[str, Match]
    unused: tuple[str, ...]
    """Headings of filled columns that are not read, the refused ones among them."""
    refused: tuple[Refused, ...]
    sha256: str
    rows: Sequence[list[str]] = field(repr=False)
    """All rows of the sheet; `body` are those below the header."""

    def body(self) -> Iterator[tuple[int, list[str]]]:
        """(line, cells) of rows that are not empty. Lines count from 1, as the spreadsheet shows them."""
        first = 0 if self.header_row is None else self.header_row + 1
        for no in range(first, len(self.rows)):
            if self.rows[no]:
                yield no + 1, self.rows[no]

    def samples(self, column: int) -> tuple[str, ...]:
        """The first filled cells of a column."""
        found: list[str] = []
        for _, cells in self.body():
            if len(cells) > column and cells[column].strip():
                found.append(cells[column].strip())
            if len(found) == SAMPLES:
                break
        return tuple(found)

    @property
    def missing(self) -> tuple[str, ...]:
        """What has no column yet and must have one: `name`, `contact` (a phone, an e-mail or an employee number)."""
        lacks_contact = not any(name in self.mapping for name in CONTACTS)
        return (("name",) if "name" not in self.mapping else ()) + (("contact",) if lacks_contact else ())


@dataclass(frozen=True, slots=True)
class Repair:
    """`after` stands in the list instead of `before`; `kind` is a key of vocabulary.REPAIRS."""

    field: str
    kind: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong (vocabulary.ROW_FAULTS) or odd (vocabulary.ROW_WARNINGS) with one field of a row."""

    field: str
    kind: str


@dataclass(frozen=True, slots=True)
class CheckedRow:
    """A row as it would be stored. `merged_into` is the earlier line of the same person."""

    line: int
    values: Mapping[str, str]
    repairs: tuple[Repair, ...] = ()
    faults: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()
    merged_into: int | None = None
    dropped: bool = False

    @property
    def storable(self) -> bool:
        """Whether this row becomes a person of its own."""
        return not self.faults and self.merged_into is None and not self.dropped


@dataclass(frozen=True, slots=True)
class Group:
    """Lines with one kind of finding. `sort` is fault, repair or warning; `repairable` lines need one click."""

    sort: str
    field: str
    kind: str
    lines: tuple[int, ...]
    repairable: tuple[int, ...] = ()
    """Lines whose repair was undone and can be done again."""


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Lines that share a phone, an e-mail or an employee number, in the order of the list."""

    field: str
    lines: tuple[int, ...]
    same_name: bool
    """One name and no two employee numbers: all lines are one person, merged unless told otherwise. In a mixed group
    those of the first line's name are merged, and the others are faults."""


@dataclass(frozen=True, slots=True)
class Counts:
    """read = good + faulty + merged + dropped; `warned` and `repaired` are counted among all of them."""

    read: int
    good: int
    faulty: int
    merged: int
    dropped: int
    warned: int
    repaired: int


@dataclass(frozen=True, slots=True)
class Left:
    """How people who have left are recognised in a list."""

    employee_nos: frozenset[str] = frozenset()
    named: frozenset[tuple[str, str]] = frozenset()
    """(phone or lower-case e-mail, name)."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A roster with every row looked at."""

    roster: Roster
    rows: tuple[CheckedRow, ...]
    groups: tuple[Group, ...]
    duplicates: tuple[Duplicate, ...]
    counts: Counts

    def row(self, line: int) -> CheckedRow | None:
        return next((row for row in self.rows if row.line == line), None)


NOBODY = Left()


def check(
    roster: Roster,
    edits: Mapping[Place, str] | None = None,
    *,
    undone: Set[Place] = frozenset(),
    choices: Mapping[int, str] | None = None,
    left: Left = NOBODY,
    in_bin: Left = NOBODY,
) -> Checked:
    """Look at every row. Pure.

    `edits` stand instead of cells, `undone` cells are taken as they are written, `choices` (line → merge, keep or
    drop) decide on repeated lines. Raises InvalidInput when a needed column has none, ColumnDamaged when a mapped one
    was refused.
    """
    _require_columns(roster)
    rows, redo = _looked_at(roster, edits or {}, undone)
    _warn_of_lost_zeros(roster, rows)
    duplicates = _resolve_duplicates(rows, choices or {})
    _warn_of(rows, left, "person-left")
    _warn_of(rows, in_bin, "person-removed")
    frozen = tuple(_frozen(row) for row in rows)
    return Checked(roster, frozen, _groups(frozen, redo), duplicates, _counts(frozen))


def _require_columns(roster: Roster) -> None:
    refused = {column.column: column for column in roster.refused}
    for match in roster.mapping.values():
        if match.column in refused:
            column = refused[match.column]
            raise ColumnDamaged(column.heading, column.count)
    for name in roster.missing:
        raise InvalidInput("full_name" if name == "name" else name, "column-missing")


class _Row:
    """A row while it is being checked."""

    __slots__ = ("dropped", "faults", "line", "merged_into", "repairs", "values", "warnings")

    def __init__(self, line: int) -> None:
        self.line = line
        self.values: dict[str, str] = {}
        self.repairs: list[Repair] = []
        self.faults: list[Finding] = []
        self.warnings: list[Finding] = []
        self.merged_into: int | None = None
        self.dropped = False


def _frozen(row: _Row) -> CheckedRow:
    repairs, faults, warnings = tuple(row.repairs), tuple(row.faults), tuple(row.warnings)
    return CheckedRow(row.line, row.values, repairs, faults, warnings, row.merged_into, row.dropped)


def _looked_at(roster: Roster, edits: Mapping[Place, str], undone: Set[Place]) -> tuple[list[_Row], dict[Place, str]]:
    """The rows, and the kind of repair that each undone cell would have."""
    columns = [(name, roster.mapping[name].column, CHECKS[name]) for name in FIELDS if name in roster.mapping]
    contacts = [name for name in CONTACTS if name in roster.mapping]
    watched = bool(edits or undone)
    rows: list[_Row] = []
    redo: dict[Place, str] = {}
    for line, cells in roster.body():
        row, width = _Row(line), len(cells)
        for name, column, look in columns:
            raw = cells[column] if column < width else ""
            if watched:
                raw = edits.get((line, name), raw)
            cell = look(raw) if raw or name == "name" else EMPTY
            if watched and cell.repair and (line, name) in undone:
                redo[line, name] = cell.repair
                cell = _as_written(name, raw)
            row.values[name] = cell.value
            if cell.repair or cell.fault or cell.warning:
                _note(row, name, raw, cell)
        if not (row.values.get("phone") or row.values.get("email")) and is_total(cells):
            row.faults = [Finding("name", "total-line")]
        elif not any(row.values[name] for name in contacts):
            row.faults.append(Finding(contacts[0], "no-contact"))
        rows.append(row)
    return rows, redo


def _as_written(name: str, raw: str) -> Cell:
    """An undone cell: its own text, which for a phone is a fault unless it is one already."""
    text = raw.strip()
    fault = "phone-wrong" if name == "phone" and CHECKS["phone"](str(text)).value != text else None
    return Cell(text, None, fault)


def _note(row: _Row, name: str, raw: str, cell: Cell) -> None:
    if cell.repair:
        row.repairs.append(Repair(name, cell.repair, str(raw), cell.value))
    if cell.fault:
        row.faults.append(Finding(name, cell.fault))
    if cell.warning:
        row.warnings.append(Finding(name, cell.warning))


def _warn_of_lost_zeros(roster: Roster, rows: Sequence[_Row]) -> None:
    """Numbers shorter than a neighbour that begins with 0 have probably lost their zeros to a spreadsheet."""
    match = roster.mapping.get("employee_no")
    if match is None:
        return
    padded = max(
        (len(row.values["employee_no"]) for row in rows if row.values["employee_no"].startswith("0")), default=0
    )
    if not padded:
        return
    for row in rows:
        cells = roster.rows[row.line - 1]
        cell = cells[match.column] if match.column < len(cells) else ""
        is_short = row.values["employee_no"] == cell and len(cell) < padded
        if isinstance(cell, NumberText) and is_short:
            row.warnings.append(Finding("employee_no", "employee-no-zeros"))


def _resolve_duplicates(rows: Sequence[_Row], choices: Mapping[int, str]) -> tuple[Duplicate, ...]:
    """Find lines that repeat each other; merge, fault or keep the later ones. Faulty rows take no part."""
    sound = [row for row in rows if not row.faults]
    found: list[Duplicate] = []
    seen: set[tuple[int, ...]] = set()
    by_line = {row.line: row for row in sound}
    for name in ("employee_no", "phone", "email"):
        for lines in _shared(sound, name):
            if lines in seen:
                continue
            seen.add(lines)
            same = [by_line[line] for line in lines]
            duplicate = Duplicate(name, lines, _is_one_person(same))
            found.append(duplicate)
            for row in same[1:]:
                _settle(row, same[0], name, choices.get(row.line))
    for row in sound:
        while row.merged_into is not None and (further := by_line[row.merged_into].merged_into) is not None:
            row.merged_into = further
    return tuple(sorted(found, key=lambda duplicate: duplicate.lines))


def _shared(rows: Sequence[_Row], name: str) -> list[tuple[int, ...]]:
    first: dict[str, int] = {}
    more: dict[str, list[int]] = {}
    for row in rows:
        value = row.values.get(name)
        if not value:
            continue
        key = value.lower() if name == "email" else value
        if key in first:
            more.setdefault(key, [first[key]]).append(row.line)
        else:
            first[key] = row.line
    return [tuple(lines) for lines in more.values()]


def _is_one_person(rows: Sequence[_Row]) -> bool:
    names = {row.values["name"].lower() for row in rows}
    numbers = {row.values["employee_no"] for row in rows if row.values.get("employee_no")}
    return len(names) == 1 and len(numbers) < 2


def _settle(row: _Row, first: _Row, name: str, choice: str | None) -> None:
    if choice == DROP:
        row.dropped = True
    elif choice == MERGE or (choice is None and _is_one_person((first, row))):
        if row.merged_into is None and first.merged_into != row.line:
            row.merged_into = first.line
    elif choice is None:
        row.faults.append(Finding(name, f"duplicate-{name.replace('_', '-')}"))


def _warn_of(rows: Sequence[_Row], left: Left, kind: str) -> None:
    if not (left.employee_nos or left.named):
        return
    for row in rows:
        values = row.values
        name = values["name"]
        keys = {(values.get("phone", ""), name), (values.get("email", "").lower(), name)}
        if values.get("employee_no") in left.employee_nos or keys & left.named:
            row.warnings.append(Finding("name", kind))


def _groups(rows: Sequence[CheckedRow], redo: Mapping[Place, str]) -> tuple[Group, ...]:
    """Faults first, then repairs, then warnings; the larger group first."""
    lines: dict[tuple[str, str, str], list[int]] = {}
    for row in rows:
        if row.repairs or row.faults or row.warnings:
            for sort, findings in ((FAULT, row.faults), (REPAIR, row.repairs), (WARNING, row.warnings)):
                for finding in findings:
                    lines.setdefault((sort, finding.field, finding.kind), []).append(row.line)
    undone: dict[tuple[str, str, str], list[int]] = {}
    for (line, name), kind in redo.items():
        undone.setdefault((REPAIR, name, kind), []).append(line)
    order = (FAULT, REPAIR, WARNING)
    groups = [Group(*key, tuple(lines.get(key, ())), tuple(undone.get(key, ()))) for key in {**lines, **undone}]
    return tuple(sorted(groups, key=lambda group: (order.index(group.sort), -len(group.lines))))


def _counts(rows: Sequence[CheckedRow]) -> Counts:
    states = Counter(
        "faulty" if row.faults else "dropped" if row.dropped else "merged" if row.merged_into else "good"
        for row in rows
    )
    return Counts(
        read=len(rows),
        good=states["good"],
        faulty=states["faulty"],
        merged=states["merged"],
        dropped=states["dropped"],
        warned=sum(bool(row.warnings) for row in rows),
        repaired=sum(bool(row.repairs) for row in rows),
    )
