"""A roster that arrives as a spreadsheet: what its rows say against the activity, and all of them or none."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.activities.models import Activity, Attendance
from app.audit.log import record
from app.kernel.actor import Actor
from app.kernel.clock import SHANGHAI
from app.kernel.errors import Conflict, Problem, RuleBroken
from app.kernel.keys import KeyRing
from app.kernel.text import normalise_phone, one_line
from app.organisation.models import UnitKind
from app.organisation.queries import list_units
from app.registration.answers import Asking
from app.registration.bulk import GUARDIAN_FIRST, Tell, register_many, silent, taken_phones
from app.registration.entering import Entry, PartyEntry, list_questions
from app.registration.indexes import phone_index, submission_index
from app.registration.models import Registration, RegistrationState
from app.registration.places import pool_of, with_places
from app.registration.roster_rules import (
    COLUMNS,
    Judged,
    Known,
    KnownSession,
    Row,
    Sort,
    answers_of,
    plain,
    plan_rows,
    session_words,
)
from app.registration.storing import read_seating
from app.sheets import headings as sheet_headings
from app.sheets.reading import Sheet
from app.sheets.rows import Standing

# Headings of a list of pupils: their names are not taken in, only how many they are (domain.md, named minors).
_PUPILS = (
    "班级",
    "年级",
    "年级班级",
    "年级和班",
    "学生姓名",
    "孩子姓名",
    "儿童姓名",
    "小孩姓名",
    "学号",
    "class",
    "student name",
)
_PUPILS_PLAIN = {sheet_headings.plain(word) for word in _PUPILS}


@dataclass(frozen=True, slots=True)
class Reading:
    """The file's rows, and what was left unread: dropped columns, unknown ones, sheets with another heading."""

    rows: list[Row]
    dropped: list[str]
    unknown: list[str]
    ignored: list[str]


@dataclass(frozen=True, slots=True)
class Contact:
    """A party that was made: its ticket is told to the contact once."""

    name: str
    school: str
    classes: int
    secret: str
    waits: bool


@dataclass(frozen=True, slots=True)
class Made:
    """What the import made."""

    registrations: int
    people: int
    waitlisted: int
    aside: int
    parties: list[Contact]


class RowsRefused(RuleBroken):
    """Some rows are neither right nor set aside; nothing was made."""

    def __init__(self, judged: list[Judged]) -> None:
        self.judged = judged
        count = sum(1 for each in judged if each.standing is Standing.BAD)
        super().__init__(Problem("rows_bad", f"还有{count}行有问题，什么都没有导入。"))


def read_rows(
    sheets: Sequence[Sheet], questions: Sequence[Asking], *, takes_parties: bool, names_minors: bool = False
) -> Reading:
    """Rows of both sorts, told apart by their headings. Raises RuleBroken when no sheet has one that we know."""
    found = Reading([], [], [], [])
    for sheet in sheets:
        found.dropped.extend(name for name in sheet.dropped if name not in found.dropped)
        sort, fields = _sort_of(sheet, questions)
        if sort is not Sort.CLASS and any(sheet_headings.plain(name) in _PUPILS_PLAIN for name in sheet.headings):
            raise RuleBroken(
                Problem(
                    "pupils", "表里像是学生名单。这里不收学生的姓名，请按班填人数：学校、班级、学生、联系人、手机号。"
                )
            )
        if sort is None:
            found.ignored.append(sheet.name)
            continue
        if sort is Sort.CLASS and not takes_parties:
            raise RuleBroken(
                Problem("no_parties", "表里是班级，这场活动不收团体报名。要收，请先在报名设置里勾选“收班级和团体”。")
            )
        if sort is Sort.PERSON and names_minors:
            raise RuleBroken(Problem("guardian_first", GUARDIAN_FIRST))
        found.unknown.extend(name for name in sheet.headings if name not in fields)
        for line in sheet.lines:
            cells = {name: line.cells[heading] for heading, name in fields.items()}  # one line each already
            if any(cells.values()):
                found.rows.append(Row(sort, sheet.name, line.number, cells))
    if not found.rows:
        raise RuleBroken(
            Problem("no_heading", "没有认得的表头。第一行要是表头：个人写“称呼、手机号”，班级写“学校、班级、学生”。")
        )
    return found


def _sort_of(sheet: Sheet, questions: Sequence[Asking]) -> tuple[Sort | None, dict[str, str]]:
    """Classes when there is a class and its pupils, persons when there is a name."""
    for sort, needed in ((Sort.CLASS, {"label", "pupils"}), (Sort.PERSON, {"name"})):
        fields = _fields(sheet.headings, COLUMNS[sort])
        if needed <= set(fields.values()):
            if sort is Sort.PERSON:
                fields |= _fields(sheet.headings, {each.field: (each.wording,) for each in questions}, fields)
            return sort, fields
    return None, {}


def _fields(
    headings: Sequence[str], columns: Mapping[str, tuple[str, ...]], used: Collection[str] = ()
) -> dict[str, str]:
    """Heading → field; each field is taken once, by the heading that comes first in our list."""
    found: dict[str, str] = {}
    by_plain = {sheet_headings.plain(heading): heading for heading in headings if heading not in used}
    for name, words in columns.items():
        plains = [sheet_headings.plain(word) for word in words]
        heading = next((by_plain[word] for word in plains if by_plain.get(word, "") not in (*found, "")), None)
        if heading is not None:
            found[heading] = name
    return found


def edit_row(row: Row, changes: Mapping[str, str], questions: Sequence[Asking]) -> Row:
    """The row with some cells typed anew; a field that this sort of row lacks is ignored."""
    known = {*COLUMNS[row.sort], *(each.field for each in questions)}
    return replace(row, cells=row.cells | {name: one_line(text) for name, text in changes.items() if name in known})


def read_known(session: Session, activity: Activity, rows: Sequence[Row], *, keys: KeyRing, now: datetime) -> Known:
    """The activity, the units, and which of the file's phones are registered already."""
    chooses = activity.attendance == Attendance.CHOOSE_ONE.value
    sessions = [
        KnownSession(
            s.code,
            session_words(s.label, s.position, s.starts_at.astimezone(SHANGHAI), s.ends_at.astimezone(SHANGHAI)),
            s.ends_at <= now,
        )
        for s in activity.sessions
        if chooses
    ]
    phones = {text: normalise_phone(text) or "" for text in {row.cell("phone") for row in rows}}
    indexes = {phone: phone_index(keys, activity.code, phone) for phone in set(phones.values()) - {""}}
    taken = taken_phones(session, activity.id, list(indexes.values()))
    units = {unit.name: (unit.id, unit.kind == UnitKind.SCHOOL.value) for unit in list_units(session)}
    return Known(
        sessions=sessions,
        units={plain(name): unit for name, unit in units.items()} | units,
        questions=list_questions(session, activity),
        needs_phone=activity.needs_phone,
        phones=phones,
        taken={phone for phone, index in indexes.items() if index in taken},
    )


def judge(
    session: Session, activity: Activity, rows: Sequence[Row], *, aside: Collection[int] = (), keys: KeyRing,
    now: datetime,
) -> list[Judged]:  # fmt: skip
    """Every row with its problems, and who would have to wait, against the activity as it is now. Writes nothing."""
    judged = plan_rows(rows, read_known(session, activity, rows, keys=keys, now=now), aside)
    seating, _holds = read_seating(session, activity)
    ids = {row.code: row.id for row in activity.sessions}
    for first, *others in grouped(judged):
        pool = pool_of(activity, ids.get(first.session or ""))
        people = first.people + sum(each.people for each in others)
        first.waits = not seating.seat(pool, first.unit_id, people)
    return judged


def grouped(judged: Sequence[Judged]) -> list[list[Judged]]:
    """The rows that would be made, as registrations: a person, or all classes of a party."""
    found: list[list[Judged]] = []
    parties: dict[str, list[Judged]] = {}
    for each in judged:
        if each.standing is not Standing.NEW:
            continue
        if each.row.sort is Sort.CLASS and each.phone in parties:
            parties[each.phone].append(each)
            continue
        found.append([each])
        if each.row.sort is Sort.CLASS:
            parties[each.phone] = found[-1]
    return found


def bring_in(
    session: Session, activity: Activity, rows: Sequence[Row], *, aside: Collection[int], draft: str, consent: bool,
    keys: KeyRing, actor: Actor, now: datetime, tell: Tell = silent,
) -> Made:  # fmt: skip
    """Register every row, or none at all. `draft` is the preview's own random id: it is imported once.

    `tell` hears how many registrations there are, of how many, and may raise to stop it all.

    Raises RowsRefused for a row that is wrong and not set aside, Conflict when this preview was imported already.
    """
    if not consent:
        raise RuleBroken(Problem("consent_missing", "请先告知本人并勾选，没有导入。", field="consent"))
    with with_places(session, activity.id) as locked:
        _refuse_again(session, locked, draft, keys)
        judged = judge(session, locked, rows, aside=aside, keys=keys, now=now)
        if any(each.standing is Standing.BAD for each in judged):
            raise RowsRefused(judged)
        made = _register(session, locked, judged, draft, keys=keys, actor=actor, now=now, tell=tell)
        record(
            session, "roster.imported", actor=actor, object_type="activity", object_code=locked.code, now=now,
            payload={
                "rows": len(rows) - made.aside, "people": made.people, "waitlisted": made.waitlisted,
                "set_aside": made.aside,
            },
        )  # fmt: skip
    return made


def _register(
    session: Session, activity: Activity, judged: Sequence[Judged], draft: str, *, keys: KeyRing, actor: Actor,
    now: datetime, tell: Tell,
) -> Made:  # fmt: skip
    groups = grouped(judged)
    if not groups:
        raise RuleBroken(Problem("nothing", "没有要导入的行，什么都没有导入。"))
    questions = list_questions(session, activity)
    entries = [_entry(group, questions) for group in groups]
    # The first one carries the preview's id, which is unique in the activity.
    entries[0] = replace(entries[0], submission=draft)
    seated = register_many(session, activity, entries, keys=keys, now=now, actor=actor, tell=tell)
    return Made(
        registrations=len(groups),
        people=sum(each.people for group in groups for each in group),
        waitlisted=sum(1 for each in seated if each.state == RegistrationState.WAITLISTED.value),
        aside=sum(1 for each in judged if each.standing is Standing.ASIDE),
        parties=[
            Contact(
                group[0].row.cell("name"), group[0].row.cell("unit"), len(group), each.secret,
                each.state == RegistrationState.WAITLISTED.value,
            )
            for group, each in zip(groups, seated, strict=True)
            if group[0].row.sort is Sort.CLASS
        ],
    )  # fmt: skip


def _refuse_again(session: Session, activity: Activity, draft: str, keys: KeyRing) -> None:
    mark = submission_index(keys, activity.code, "", draft)
    there = select(Registration.id).where(Registration.activity_id == activity.id, Registration.submission == mark)
    if session.scalar(there) is not None:
        raise Conflict("imported", "这份名单已经导入过了，没有重复登记。")


def _entry(group: Sequence[Judged], questions: Sequence[Asking]) -> Entry | PartyEntry:
    first = group[0]
    name, phone = first.row.cell("name"), first.row.cell("phone")
    if first.row.sort is Sort.CLASS:
        assert first.unit_id is not None
        classes = tuple(each.class_entry() for each in group)
        return PartyEntry(first.session, first.unit_id, classes, name, phone, True, "", "")
    return Entry(
        first.session, name, first.adults, first.children, phone, True, "", "", unit_id=first.unit_id,
        answers=answers_of(first.row, questions),
    )  # fmt: skip
