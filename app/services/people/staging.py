"""From a file or pasted cells to a staged list: which sheet, which header, which column is what."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from app.errors import InvalidInput
from app.services.people.columns import (
    CHOSEN,
    FIELDS,
    Match,
    column_name,
    is_heading,
    is_likely_heading,
    matches,
    plain_heading,
    refused_columns,
    remembered,
)
from app.services.people.roster import Roster
from app.services.sheets import Sheet, SheetFile, guess_header, read_pasted, read_sheet_file

NO_HEADER = -1
"""As `header_row`: the list begins with its first row."""
MOST_REMEMBERED = 50


def staged(
    source: Path | str,
    *,
    sheet: str | int | None,
    encoding: str | None,
    header_row: int | None,
    mapping: Mapping[str, int] | None,
    kept: Mapping[str, Any],
) -> Roster:
    """The list as understood. `kept` holds mappings used before; see PeopleService.stage for the rest."""
    file = read_sheet_file(source, encoding=encoding) if isinstance(source, Path) else read_pasted(source)
    no = _sheet_no(file, sheet)
    rows = file.sheets[no].rows
    header = _header(file.sheets[no], header_row)
    headings = tuple(cell.strip() for cell in rows[header]) if header is not None else ()
    body = rows[header + 1 :] if header is not None else rows
    refused = refused_columns(headings, body)
    if mapping is not None:
        matched = _chosen(mapping)
    else:
        usual = remembered(headings, kept[key]) if (key := key_of(headings)) in kept else None
        matched = usual or matches(headings, body, refused=[column.column for column in refused])
    return Roster(
        source=source.name if isinstance(source, Path) else "",
        kind=file.kind,
        encoding=file.encoding,
        delimiter=file.delimiter,
        sheet_names=tuple(each.name for each in file.sheets),
        sheet=no,
        header_row=header,
        headings=headings,
        mapping=matched,
        unused=_unused(headings, body, matched),
        refused=refused,
        sha256=file.sha256,
        rows=rows,
    )


def key_of(headings: Sequence[str]) -> str:
    """One key for one set of headings, whatever marks stand around them."""
    return hashlib.sha256("\x1f".join(map(plain_heading, headings)).encode()).hexdigest()[:32]


def with_mapping(kept: Mapping[str, Any], roster: Roster) -> dict[str, Any] | None:
    """`kept` with this list's mapping as the latest; None if nothing changes or its headings do not tell columns."""
    plain = [plain_heading(heading) for heading in roster.headings]
    used: dict[str, str] = {}
    for name, match in roster.mapping.items():
        heading = plain[match.column] if match.column < len(plain) else ""
        if not heading or plain.count(heading) > 1:
            return None
        used[name] = heading
    key = key_of(roster.headings)
    if kept.get(key) == used:
        return None
    others = [(other, value) for other, value in kept.items() if other != key]
    return dict([*others[1 - MOST_REMEMBERED :], (key, used)])


def _sheet_no(file: SheetFile, sheet: str | int | None) -> int:
    names = [each.name for each in file.sheets]
    if sheet is None:
        return next(no for no, each in enumerate(file.sheets) if each is file.main)
    if isinstance(sheet, int) and 0 <= sheet < len(names):
        return sheet
    if isinstance(sheet, str) and sheet in names:
        return names.index(sheet)
    raise InvalidInput("sheet", "unknown-kind")


def _header(sheet: Sheet, asked: int | None) -> int | None:
    if asked is not None:
        if not NO_HEADER <= asked < len(sheet.rows):
            raise InvalidInput("header_row", "out-of-range")
        return None if asked == NO_HEADER else asked
    found = guess_header(sheet, is_heading)
    return found if found is not None else guess_header(sheet, is_likely_heading)


def _chosen(mapping: Mapping[str, int]) -> dict[str, Match]:
    for name, column in mapping.items():
        if name not in FIELDS or column < 0:
            raise InvalidInput(name, "unknown-kind")
    return {name: Match(mapping[name], CHOSEN) for name in FIELDS if name in mapping}


def _unused(headings: Sequence[str], body: Sequence[list[str]], matched: Mapping[str, Match]) -> tuple[str, ...]:
    filled = {column for row in body for column, cell in enumerate(row) if cell}
    filled.update(column for column, heading in enumerate(headings) if heading)
    return tuple(
        column_name(headings, column) for column in sorted(filled - {match.column for match in matched.values()})
    )
