"""`people import`, `people list`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.removals import add_bin
from app.cli.shell import Shell
from app.errors import ColumnDamaged
from app.messages import sentence
from app.services.people import PersonFilter, Stored
from app.services.people.columns import column_name
from app.services.people.masking import mask
from app.services.people.problems import told
from app.services.people.roster import Checked, CheckedRow, Roster
from app.vocabulary import ROW_FAULTS, ROW_REPAIRS, ROW_WARNINGS, word
from app.words import ntr, tr

Document = dict[str, Any]


def add_to(cli: typer.Typer) -> None:
    people = typer.Typer(help="People who can receive cards.", no_args_is_help=True)
    people.command("import")(import_)
    people.command("list")(list_)
    add_bin(people, "person")
    cli.add_typer(people, name="people")


def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="CSV, TSV, XLSX, XLS or ODS.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Look only; store nothing.")] = False,
    sheet: Annotated[str | None, typer.Option(help="Name of the sheet; the fullest one by itself.")] = None,
    encoding: Annotated[str | None, typer.Option(help="Like gb18030, when the guess is wrong.")] = None,
    header_line: Annotated[int | None, typer.Option(help="Line of the headings; 0 for none.")] = None,
    problems: Annotated[Path | None, typer.Option(help="Write the faulty rows to this CSV or XLSX.")] = None,
) -> None:
    """Import a list of people: good rows come in, faulty ones are told with their line."""
    shell: Shell = context.obj
    header_row = None if header_line is None else header_line - 1
    with shell.open() as services:
        roster = services.people.stage(file, sheet=sheet, encoding=encoding, header_row=header_row)
        checked = services.people.check(roster)
        stored = None if dry_run else services.people.store(checked, progress=shell.progress)
        if problems is not None:
            services.people.problem_rows(checked, problems)
    shell.tell(_understood(roster) | found(checked) | _done(stored), list(_lines(checked, stored)))


def list_(
    context: typer.Context,
    text: Annotated[str, typer.Option(help="Name, pinyin, initials, phone tail or employee number.")] = "",
    department: Annotated[str | None, typer.Option()] = None,
) -> None:
    """People, sorted by pinyin; phones and mails are masked."""
    shell: Shell = context.obj
    with shell.open() as services:
        rows = services.people.rows_of(services.people.ids(PersonFilter(text, department)))
    fields = ("id", "name", "employee_no", "department", "phone_masked", "email_masked", "left_at")
    document = [{name: getattr(row, name) for name in fields} for row in rows]
    lines = [f"{row.id}  {row.name}  {row.employee_no}  {row.department}  {row.phone_masked}" for row in rows]
    shell.tell({"people": document}, lines)


def _understood(roster: Roster) -> Document:
    """How the file was read. `header` is the line of the headings, null for none."""
    columns = {
        name: {"column": column_name(roster.headings, match.column), "state": match.state}
        for name, match in roster.mapping.items()
    }
    refused = [
        {"column": each.heading, "count": each.count, "message": sentence(ColumnDamaged(each.heading, each.count))}
        for each in roster.refused
    ]
    return {
        "kind": roster.kind,
        "encoding": roster.encoding,
        "sheet": roster.sheet_names[roster.sheet],
        "header": None if roster.header_row is None else roster.header_row + 1,
        "columns": columns,
        "unused": roster.unused,
        "refused_columns": refused,
    }


def found(checked: Checked) -> Document:
    """What a list held, and every row of it that is not taken, with the reason."""
    counts = checked.counts
    shared = [{"lines": d.lines, "field": d.field, "same_name": d.same_name} for d in checked.duplicates]
    warnings = [
        {"line": row.line, "field": warning.field, "kind": warning.kind, "reason": word(ROW_WARNINGS, warning.kind)}
        for row in checked.rows
        for warning in row.warnings
    ]
    return {
        "read": counts.read,
        "good": counts.good,
        "faulty": counts.faulty,
        "merged": counts.merged,
        "repaired": [repair for row in checked.rows for repair in _repairs(row)],
        "problems": [problem for row in checked.rows for problem in _problems(row)],
        "warnings": warnings,
        "duplicates": shared,
    }


def _repairs(row: CheckedRow) -> Iterator[Document]:
    for repair in row.repairs:
        yield {
            "line": row.line,
            "field": repair.field,
            "kind": repair.kind,
            "reason": word(ROW_REPAIRS, repair.kind),
            "was_masked": mask(repair.field, repair.before),
            "now_masked": mask(repair.field, repair.after),
        }


def _problems(row: CheckedRow) -> Iterator[Document]:
    for fault in row.faults:
        yield {
            "line": row.line,
            "field": fault.field,
            "kind": fault.kind,
            "reason": word(ROW_FAULTS, fault.kind),
            "value_masked": mask(fault.field, row.values.get(fault.field)),
        }


def _done(stored: Stored | None) -> Document:
    """`imported` counts what came in, new or changed; who is there already as listed is `unchanged`."""
    if stored is None:
        return {
            "dry_run": True,
            "imported": 0,
            "created": 0,
            "updated": 0,
            "unchanged": 0,
            "restored": 0,
            "nothing_new": False,
        }
    counts = {"created": stored.created, "updated": stored.updated, "unchanged": stored.unchanged}
    return {
        "dry_run": False,
        "imported": stored.created + stored.updated,
        **counts,
        "restored": stored.restored,
        "nothing_new": stored.is_nothing_new,
    }


def _lines(checked: Checked, stored: Stored | None) -> Iterator[str]:
    counts, roster = checked.counts, checked.roster
    sheet = f" · {roster.sheet_names[roster.sheet]}" if len(roster.sheet_names) > 1 else ""
    read = ntr("{count} row read", "{count} rows read", counts.read)
    yield read + f" · {roster.kind} {roster.encoding}".rstrip() + sheet
    for refused in roster.refused:
        yield sentence(ColumnDamaged(refused.heading, refused.count))
    if roster.unused:
        yield tr("Columns not used: {columns}", columns=", ".join(roster.unused))
    yield from left_out(checked)
    yield summary(checked)
    yield ntr("{count} row repaired", "{count} rows repaired", counts.repaired)
    if stored is None:
        return
    if stored.is_nothing_new:
        yield tr("Nothing new: everybody on this list is there already.")
    else:
        yield tr(
            "{created} new, {updated} changed, {same} as before",
            created=stored.created,
            updated=stored.updated,
            same=stored.unchanged,
        )
    if stored.restored:
        yield ntr(
            "{count} person is back from the recycle bin",
            "{count} people are back from the recycle bin",
            stored.restored,
        )


def left_out(checked: Checked) -> Iterator[str]:
    """A line for every fault of a row."""
    for row in checked.rows:
        for fault in row.faults:
            where = tr("Line {line}", line=row.line)
            yield f"{where}  {told(ROW_FAULTS, fault.field, fault.kind)}"


def summary(checked: Checked) -> str:
    good, faulty, merged = checked.counts.good, checked.counts.faulty, checked.counts.merged
    return tr("{good} good, {faulty} faulty, {merged} merged", good=good, faulty=faulty, merged=merged)
