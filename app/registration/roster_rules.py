"""What the rows of a roster must be like: persons row by row, classes as one party per school and contact. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from app.kernel.errors import Problem
from app.kernel.text import ascii_digits, one_line
from app.organisation.rules import name_problem
from app.registration.answers import Asking, read_answers
from app.registration.rules import CLASSES_MOST, LABEL_MOST, NAME_STORED, Asked, ClassEntry, party_problems, problems_of
from app.sheets import rows
from app.sheets.rows import Standing

_NUMBER = re.compile(r"(\d{1,6})(?:\.0+)?[人名位个]?")
_SEPARATORS = re.compile(r"[、,，;；/|]+")
_ENDS = re.compile(r"\s*(?:[、,，;；/|]|$)")


class Sort(StrEnum):
    PERSON = "person"
    CLASS = "class"


Row = rows.Row[Sort]

# field: the headings that name it, the template's own first
PERSON_COLUMNS: dict[str, tuple[str, ...]] = {
    "name": ("称呼", "姓名", "名字", "报名人", "参加人", "联系人", "name", "full name"),
    "phone": ("手机号", "手机", "手机号码", "电话", "联系电话", "电话号码", "联系方式", "phone", "mobile", "phone number", "tel"),
    "adults": ("大人", "成人", "大人人数", "人数", "参加人数", "adults", "people"),
    "children": ("孩子", "儿童", "小孩", "孩子人数", "children", "kids"),
    "session": ("场次", "选场", "session"),
    "unit": ("单位", "学校", "学校或单位", "学校/单位", "所在单位", "社区", "unit", "school"),
}  # fmt: skip
CLASS_COLUMNS: dict[str, tuple[str, ...]] = {
    "unit": ("学校", "学校名称", "单位", "school", "unit"),
    "label": ("班级", "年级和班", "年级班级", "class"),
    "pupils": ("学生", "学生人数", "学生数", "人数", "pupils", "students"),
    "adults": ("带队", "带队老师", "带队人数", "老师", "大人", "adults", "teachers"),
    "without_photo": ("不拍照", "不拍照人数", "不拍照的学生", "no photo"),
    "name": ("联系人", "称呼", "联系老师", "班主任", "contact", "name"),
    "phone": PERSON_COLUMNS["phone"],
    "session": PERSON_COLUMNS["session"],
}
COLUMNS = {Sort.PERSON: PERSON_COLUMNS, Sort.CLASS: CLASS_COLUMNS}


@dataclass(frozen=True, slots=True)
class KnownSession:
    """A session that may be chosen by its label, its time or its number."""

    code: str
    words: frozenset[str]
    is_over: bool


@dataclass(frozen=True, slots=True)
class Known:
    """What the activity and the district are like now.

    `phones`: each phone cell of the file as a number, or nothing. `taken`: numbers that are registered already.
    """

    sessions: Sequence[KnownSession]  # empty where one registration covers all
    units: Mapping[str, tuple[int, bool]]  # by full and by plain name: id, and whether it is a school
    questions: Sequence[Asking]
    needs_phone: bool
    phones: Mapping[str, str]
    taken: Collection[str]
    found: dict[str, tuple[KnownSession, ...]] = field(default_factory=dict)  # sessions by a word met before

    def named(self, word: str) -> tuple[KnownSession, ...]:
        """The sessions that this word may mean; a file says the same few words thousands of times."""
        if word not in self.found:
            wanted = plain(word)
            self.found[word] = tuple(row for row in self.sessions if wanted in row.words)
        return self.found[word]


@dataclass(slots=True)
class Judged:
    """A row with what is wrong in each of its cells, and what it comes to."""

    index: int
    row: Row
    standing: Standing = Standing.NEW
    problems: dict[str, str] = field(default_factory=dict)
    session: str | None = None
    unit_id: int | None = None
    adults: int = 0
    children: int = 0
    without_photo: int = 0
    phone: str = ""
    leads: bool = True  # False: one more class of the party that an earlier row began
    waits: bool = False  # no place is left: it would join the line

    def blame(self, name: str, message: str) -> None:
        """The first finding about a cell is the one that helps."""
        self.problems.setdefault(name, message)
        self.standing = Standing.BAD

    @property
    def people(self) -> int:
        return self.adults + self.children

    def class_entry(self) -> ClassEntry:
        """The class of a row that is about one."""
        return ClassEntry(self.row.cell("label"), self.children, self.adults, self.without_photo)


def plain(text: str) -> str:
    """A session's or unit's name as it is compared: half width, without blanks and brackets' width."""
    return (
        re.sub(r"\s+", "", ascii_digits(one_line(text))).lower().replace("：", ":").replace("—", "-").replace("–", "-")
    )


def session_words(label: str, position: int, starts_at: datetime, ends_at: datetime) -> frozenset[str]:
    """All that a file may call a session; times are the local ones."""
    start, end = f"{starts_at:%H:%M}", f"{ends_at:%H:%M}"
    day, words = (
        f"{starts_at.month}月{starts_at.day}日",
        {str(position), f"第{position}场", f"第{'一二三四五六七八九十'[position - 1 : position]}场"},
    )
    words |= {start, f"{start}-{end}", f"{day}{start}", f"{day}{start}-{end}", f"{starts_at:%Y-%m-%d}{start}", label}
    return frozenset(plain(word) for word in words if word)


def plan_rows(rows: Sequence[Row], known: Known, aside: Collection[int] = ()) -> list[Judged]:
    """Every row judged, in the order of the file; rows set aside count for nothing."""
    judged = [Judged(index, row) for index, row in enumerate(rows)]
    for each in judged:
        if each.index in aside:
            each.standing = Standing.ASIDE
    live = [each for each in judged if each.standing is not Standing.ASIDE]
    for each in live:
        _read_session(each, known)
        _read_unit(each, known)
        if each.row.sort is Sort.PERSON:
            _judge_person(each, known)
        else:
            _judge_class(each, known)
    _judge_phones(live, known)
    return judged


def _read_session(each: Judged, known: Known) -> None:
    if not known.sessions:
        return
    word = each.row.cell("session")
    coming = [row for row in known.sessions if not row.is_over]
    if not word and len(coming) == 1:
        each.session = coming[0].code
        return
    if not word:
        each.blame("session", "没有填场次。")
        return
    found = known.named(word)
    if len(found) != 1:
        each.blame("session", f"“{word[:12]}”有几场，请写得再细一点。" if found else f"没有“{word[:12]}”这一场。")
    elif found[0].is_over:
        each.blame("session", "这一场已经结束，请改成别的场次。")
    else:
        each.session = found[0].code


def _read_unit(each: Judged, known: Known) -> None:
    word = each.row.cell("unit")
    if not word:
        if each.row.sort is Sort.CLASS:
            each.blame("unit", "没有填学校。")
        return
    found = known.units.get(word) or known.units.get(plain(word))
    if found is None:
        each.blame("unit", f"没有“{word[:16]}”，请写单位的全称。")
    elif each.row.sort is Sort.CLASS and not found[1]:
        each.blame("unit", "不是学校。班级表只收学校。")
    else:
        each.unit_id = found[0]


def _count(each: Judged, name: str, empty: int | None) -> int | None:
    """The number in a cell, `empty` where it was left out; None, with the finding, where there is none."""
    text = each.row.cell(name)
    if text.isascii() and text.isdigit() and len(text) < 7:
        return int(text)
    text = ascii_digits(text).replace(" ", "")
    if not text and empty is not None:
        return empty
    found = _NUMBER.fullmatch(text)
    if found is None:
        each.blame(name, "没有填。" if not text else f"“{text[:12]}”不是人数，请填整数。")
        return None
    return int(found[1])


def _judge_person(each: Judged, known: Known) -> None:
    adults = _count(each, "adults", 1)
    children = _count(each, "children", 0)
    name = each.row.cell("name")
    each.phone = known.phones.get(each.row.cell("phone"), "")
    phone = each.phone or each.row.cell("phone")
    if name and (wrong := name_problem(name, NAME_STORED)):
        each.blame("name", wrong)
    found = problems_of(
        Asked(name, 1 if adults is None else adults, children or 0, phone, True, needs_phone=known.needs_phone)
    )
    read_answers(known.questions, answers_of(each.row, known.questions), found)
    _blame_all(each, found)
    each.adults, each.children = adults or 0, children or 0


def _blame_all(each: Judged, found: Sequence[Problem]) -> None:
    for problem in found:
        each.blame(problem.field, problem.message)


def answers_of(row: Row, questions: Sequence[Asking]) -> dict[str, list[str]]:
    """What the row answers, by the question's code; several choices stand in one cell with 、 between."""
    found = {}
    for question in questions:
        text = row.cell(question.field)
        found[question.code] = _choices(text, question.options) if question.sort == "several_of" else [text]
    return found


def _choices(text: str, options: Sequence[str]) -> list[str]:
    """The choices of one cell. An option may hold a separator itself (剪纸/窗花): the longest one that stands there wins."""
    found, rest = [], one_line(text)
    ordered = sorted(options, key=len, reverse=True)
    while rest := rest.lstrip(" 、,，;；/|"):
        whole = next((o for o in ordered if rest.startswith(o) and _ENDS.match(rest, len(o))), None)
        choice = whole or _SEPARATORS.split(rest, maxsplit=1)[0]
        found.append(choice)
        rest = rest[len(choice) :]
    return found


def _judge_class(each: Judged, known: Known) -> None:
    pupils = _count(each, "pupils", None)
    adults = _count(each, "adults", 1)
    without = _count(each, "without_photo", 0)
    each.children, each.adults, each.without_photo = pupils or 0, adults or 0, without or 0
    each.phone = known.phones.get(each.row.cell("phone"), "")
    label = each.row.cell("label")
    if label and (wrong := name_problem(label, LABEL_MOST)):
        each.blame("label", wrong)
    for problem in party_problems([each.class_entry()]):
        each.blame(problem.field.rpartition("-")[2], problem.message)


def _judge_phones(live: Sequence[Judged], known: Known) -> None:
    """A person's phone stands once; a contact's phone once for all classes of the school."""
    first: dict[str, Judged] = {}
    parties: dict[str, list[Judged]] = {}
    for each in live:
        if each.phone and each.phone in known.taken:
            each.blame("phone", "此手机号已报名。同一个人就搁置这一行。")
        before = first.setdefault(each.phone, each) if each.phone else each
        if each.row.sort is Sort.CLASS:
            if before is not each and before.row.sort is Sort.CLASS:
                _join(each, before)
            else:
                _judge_contact(each)
            parties.setdefault(each.phone, []).append(each)
        if before is not each and Sort.PERSON in (each.row.sort, before.row.sort):
            each.blame("phone", f"与第{before.row.number}行的手机号一样。")
    for phone, classes in parties.items():
        if phone:
            _judge_party(classes)


def _judge_contact(each: Judged) -> None:
    """The first row of a party has to name who answers for it."""
    name, phone = each.row.cell("name"), each.row.cell("phone")
    if name and (wrong := name_problem(name, NAME_STORED)):
        each.blame("name", wrong)
    _blame_all(each, problems_of(Asked(name, 1, 0, phone, True, needs_phone=True)))


def _join(each: Judged, first: Judged) -> None:
    """One more class under the contact of `first`: same school, same session, same person."""
    each.leads = False
    if first.unit_id is not None and each.unit_id not in (None, first.unit_id):
        each.blame("unit", f"与第{first.row.number}行同一个手机号，学校却不一样。")
    if each.session != first.session and each.session and first.session:
        each.blame("session", f"与第{first.row.number}行同一个联系人，要在同一场。")
    name = each.row.cell("name")
    if name and name != first.row.cell("name"):
        each.blame("name", f"与第{first.row.number}行同一个手机号，联系人却不一样。")


def _judge_party(classes: Sequence[Judged]) -> None:
    labels: dict[str, Judged] = {}
    for place, each in enumerate(classes):
        before = labels.setdefault(each.row.cell("label"), each)
        if before is not each and each.row.cell("label"):
            each.blame("label", f"与第{before.row.number}行是同一个班。")
        if place >= CLASSES_MOST:
            each.blame("label", f"同一个联系人最多{CLASSES_MOST}个班。")
