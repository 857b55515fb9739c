"""Units and people that arrive in one spreadsheet: what its rows say, and all of them or none."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.audit.log import record
from app.kernel.actor import Actor
from app.kernel.errors import Conflict, Problem, RuleBroken
from app.kernel.text import one_line
from app.organisation.accounts import invite
from app.organisation.models import RoleGrant, Unit, UnitKind, User
from app.organisation.queries import lock_district
from app.organisation.rules import Judged, Known, KnownPerson, KnownUnit, Row, Sort, kind_of, plan_rows, roles_of
from app.organisation.service import create_unit, create_user
from app.sheets.headings import plain
from app.sheets.reading import Sheet
from app.sheets.rows import Standing

NEW_MOST = 1_000  # about five seconds; nobody else writes meanwhile

# field: the headings that name it, the template's own first
UNIT_COLUMNS: dict[str, tuple[str, ...]] = {
    "name": ("名称", "单位名称", "学校名称", "name"),
    "kind": ("类型", "单位类型", "kind", "type"),
    "parent": ("上级单位", "上级", "主管单位", "parent"),
}
PERSON_COLUMNS: dict[str, tuple[str, ...]] = {
    "login": ("登录名", "账号", "用户名", "login", "user"),
    "name": ("称呼", "姓名", "name"),
    "unit": ("单位", "所在单位", "单位名称", "unit"),
    "roles": ("角色", "role", "roles"),
    "at": ("角色所在单位", "在哪个单位", "role unit"),
}
COLUMNS = {Sort.UNIT: UNIT_COLUMNS, Sort.PERSON: PERSON_COLUMNS}


@dataclass(frozen=True, slots=True)
class Reading:
    """The file's rows, and what was left unread: dropped columns, unknown ones, sheets with another heading."""

    rows: list[Row]
    dropped: list[str]
    unknown: list[str]
    ignored: list[str]


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A new account with the secret of its one-time link; it is stored nowhere."""

    name: str
    login: str
    unit: str
    secret: str


@dataclass(frozen=True, slots=True)
class Made:
    """What the import made, for its one page."""

    units: list[tuple[str, str]]  # name and kind
    people: list[Newcomer]
    there: int
    aside: int


class RowsRefused(RuleBroken):
    """Some rows are neither right nor set aside; nothing was made."""

    def __init__(self, judged: list[Judged]) -> None:
        self.judged = judged
        count = sum(1 for each in judged if each.standing is Standing.BAD)
        super().__init__(Problem("rows_bad", f"还有{count}行有问题，什么都没有导入。"))


def read_rows(sheets: Sequence[Sheet]) -> Reading:
    """Rows of both sorts, told apart by their headings. Raises RuleBroken when no sheet has one that we know."""
    found = Reading([], [], [], [])
    for sheet in sheets:
        found.dropped.extend(name for name in sheet.dropped if name not in found.dropped)
        sort, fields = _sort_of(sheet)
        if sort is None:
            found.ignored.append(sheet.name)
            continue
        found.unknown.extend(name for name in sheet.headings if name not in fields)
        for line in sheet.lines:
            cells = {fields[heading]: one_line(text) for heading, text in line.cells.items() if heading in fields}
            if any(cells.values()):
                found.rows.append(Row(sort, sheet.name, line.number, cells))
    if not found.rows:
        raise RuleBroken(
            Problem(
                "no_heading",
                "没有认得的表头。第一行要是表头：单位表要有“名称、类型”，人员表要有“登录名、称呼、单位、角色”。",
            )
        )
    return found


def _sort_of(sheet: Sheet) -> tuple[Sort | None, dict[str, str]]:
    """People when there is a login, units when there is a name and a kind."""
    for sort, needed in ((Sort.PERSON, {"login", "unit"}), (Sort.UNIT, {"name", "kind"})):
        fields = _fields(sheet.headings, COLUMNS[sort])
        if needed <= set(fields.values()):
            return sort, fields
    return None, {}


def _fields(headings: Sequence[str], columns: dict[str, tuple[str, ...]]) -> dict[str, str]:
    """Heading → field; each field is taken once, by the heading that comes first in our list."""
    found: dict[str, str] = {}
    by_plain = {plain(heading): heading for heading in headings}
    for name, words in columns.items():
        heading = next((by_plain[plain(word)] for word in words if plain(word) in by_plain), None)
        if heading is not None and heading not in found:
            found[heading] = name
    return found


def read_known(session: Session) -> Known:
    """Units and accounts as they are now; three statements."""
    units = {unit.id: unit for unit in session.scalars(select(Unit))}
    held: dict[int, set[tuple[str, str]]] = {}
    for user_id, role, at in session.execute(select(RoleGrant.user_id, RoleGrant.role, RoleGrant.unit_id)):
        held.setdefault(user_id, set()).add((role, units[at].name))
    district = next((unit for unit in units.values() if unit.kind == UnitKind.DISTRICT.value), None)
    return Known(
        district=district.name if district else "",
        units={
            unit.name: KnownUnit(
                unit.kind, units[unit.parent_id].name if unit.parent_id else "", unit.path.count("/") - 1,
                unit.retired_at is not None,
            )
            for unit in units.values()
        },
        people={
            row.login: KnownPerson(row.name, units[row.unit_id].name, frozenset(held.get(row.id, ())))
            for row in session.execute(select(User.id, User.login, User.name, User.unit_id))
        },
    )  # fmt: skip


def judge(session: Session, rows: Sequence[Row], *, aside: Collection[int] = ()) -> list[Judged]:
    """Every row with its problems, against the district as it is now. Writes nothing."""
    return plan_rows(rows, read_known(session), aside)


def edit_row(row: Row, changes: dict[str, str]) -> Row:
    """The row with some cells typed anew; a field that this sort of row lacks is ignored."""
    known = COLUMNS[row.sort]
    return replace(row, cells=row.cells | {name: one_line(text) for name, text in changes.items() if name in known})


def bring_in(session: Session, rows: Sequence[Row], *, aside: Collection[int], actor: Actor, now: datetime) -> Made:
    """Make every row that is new, or nothing at all.

    Raises RowsRefused for a row that is wrong and not set aside, RuleBroken for too many at once, Conflict when
    all of it is there already.
    """
    # One import at a time: the second one finds what the first has made.
    district = lock_district(session)
    if district is None:
        raise RuleBroken(Problem("no_district", "还没有区这一级单位。请先载入实施方案。"))
    judged = judge(session, rows, aside=aside)
    if any(each.standing is Standing.BAD for each in judged):
        raise RowsRefused(judged)
    new = [each for each in judged if each.standing is Standing.NEW]
    if len(new) > NEW_MOST:
        raise RuleBroken(
            Problem("too_many_new", f"一次最多新建{NEW_MOST:,}行，这次有{len(new):,}行。请分成几个文件，一次导入一个。")
        )
    if not new:
        raise Conflict("nothing_new", "这些行都已经有了，没有新建任何内容。")
    units = {unit.name: unit for unit in session.scalars(select(Unit))}
    made = Made(
        units=_make_units(session, new, units, district, actor=actor, now=now),
        people=_make_people(session, new, units, actor=actor, now=now),
        there=sum(1 for each in judged if each.standing is Standing.THERE),
        aside=sum(1 for each in judged if each.standing is Standing.ASIDE),
    )
    record(
        session, "organisation.imported", actor=actor, object_type="unit", object_code=district.code, now=now,
        payload={"units": len(made.units), "users": len(made.people), "set_aside": made.aside},
    )  # fmt: skip
    return made


def _make_units(
    session: Session, new: Sequence[Judged], units: dict[str, Unit], district: Unit, *, actor: Actor, now: datetime
) -> list[tuple[str, str]]:
    """Parents before children; on screen they stand in the order of the file."""
    wanted = [each for each in new if each.row.sort is Sort.UNIT]
    after = session.scalar(select(func.max(Unit.position))) or 0
    for each in sorted(wanted, key=lambda each: (each.depth, each.index)):
        row = each.row
        units[row.cell("name")] = create_unit(
            session, name=row.cell("name"), kind=UnitKind(kind_of(row.cell("kind"))),
            parent=units[row.cell("parent")] if row.cell("parent") else district, actor=actor, now=now,
            position=after + 1 + wanted.index(each),
        )  # fmt: skip
    return [(each.row.cell("name"), kind_of(each.row.cell("kind"))) for each in wanted]


def _make_people(
    session: Session, new: Sequence[Judged], units: dict[str, Unit], *, actor: Actor, now: datetime
) -> list[Newcomer]:
    made = []
    for each in new:
        row = each.row
        if row.sort is not Sort.PERSON:
            continue
        at = units[row.cell("at") or row.cell("unit")]
        user = create_user(
            session, login=row.cell("login"), name=row.cell("name"), unit=units[row.cell("unit")],
            roles=[(role, at) for role in roles_of(row.cell("roles")) or []], actor=actor, now=now,
        )  # fmt: skip
        secret = invite(session, user, actor=actor, now=now)
        made.append(Newcomer(user.name, user.login, row.cell("unit"), secret))
    return made
