"""What units, people and the order of readers must be like. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from app.kernel.actor import ROLE_LABELS, Role
from app.kernel.errors import Problem
from app.kernel.text import ascii_digits
from app.sheets import rows
from app.sheets.rows import Standing

NAME_MOST, LOGIN_LEAST, LOGIN_MOST, PERSON_MOST = 60, 2, 40, 40
LEVELS_MOST = 6  # the district is the first; a unit's path has to fit its column
LEAST_READERS = 3  # domain.md, Review: an order of at least three offices

KIND_WORDS = {
    "区直部门": "office", "部门": "office", "机关": "office", "镇（街道）": "town", "镇": "town", "乡": "town", "乡镇": "town",
    "街道": "town", "镇街": "town", "社区（村）": "community", "社区": "community", "村": "community", "学校": "school",
    "小学": "school", "中学": "school", "幼儿园": "school", "其他单位": "other", "其他": "other", "企业": "other",
}  # fmt: skip
ROLE_WORDS = {label: role for role, label in ROLE_LABELS.items()}

_LOGIN = re.compile(r"[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?")
_IDENTITY = re.compile(r"(?<!\d)\d{17}[\dXx](?!\d)")


class Sort(StrEnum):
    UNIT = "unit"
    PERSON = "person"


Row = rows.Row[Sort]


@dataclass(frozen=True, slots=True)
class KnownUnit:
    """A unit of the district; `depth` counts the levels from the district (1)."""

    kind: str
    parent: str
    depth: int
    retired: bool = False


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """An account, with its roles as (role, name of the unit)."""

    name: str
    unit: str
    roles: frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Known:
    """What the district has already. `district` is the name of its root."""

    district: str
    units: Mapping[str, KnownUnit]
    people: Mapping[str, KnownPerson]


@dataclass(slots=True)
class Judged:
    """A row with what is wrong in each of its cells, and what will become of it."""

    index: int
    row: Row
    standing: Standing = Standing.NEW
    problems: dict[str, str] = field(default_factory=dict)
    depth: int = 0

    def blame(self, name: str, message: str) -> None:
        """The first finding about a cell is the one that helps."""
        self.problems.setdefault(name, message)
        self.standing = Standing.BAD


def kind_of(word: str) -> str:
    """The unit kind that a cell names, or an empty text."""
    return KIND_WORDS.get(word.replace("(", "（").replace(")", "）").replace(" ", ""), "")


def roles_of(text: str) -> list[Role] | None:
    """The roles that a cell names, several with 、 between; None when a word is none."""
    words = [word for word in re.split(r"[、,，;；/\s]+", text) if word]
    if any(word not in ROLE_WORDS for word in words):
        return None
    return list(dict.fromkeys(ROLE_WORDS[word] for word in words))


def login_of(text: str) -> str:
    """As it is stored: half width, lower case."""
    return ascii_digits(text).strip().lower()


def plan_rows(rows: Sequence[Row], known: Known, aside: Collection[int] = ()) -> list[Judged]:
    """Every row judged, in the order of the file; rows set aside count for nothing, not even as a parent."""
    judged = [Judged(index, row) for index, row in enumerate(rows)]
    for each in judged:
        if each.index in aside:
            each.standing = Standing.ASIDE
    units = [each for each in judged if each.row.sort is Sort.UNIT and each.index not in aside]
    people = [each for each in judged if each.row.sort is Sort.PERSON and each.index not in aside]
    _judge_units(units, known)
    _judge_people(people, known, units)
    return judged


def name_problem(name: str, most: int) -> str:
    """What is wrong with a unit's or person's name, or an empty text."""
    if not name:
        return "没有填。"
    if len(name) > most:
        return f"最多{most}个字，现在{len(name)}个。"
    if name[0] in "=+-@":
        return "像公式，请去掉开头的符号。"
    if _IDENTITY.search(name):
        return "像身份证号，这里不收。"
    return ""


def login_problem(login: str) -> str:
    """What is wrong with a login, or an empty text."""
    if not login:
        return "没有填。"
    if not LOGIN_LEAST <= len(login) <= LOGIN_MOST:
        return f"要{LOGIN_LEAST}–{LOGIN_MOST}个字符，现在{len(login)}个。"
    if _IDENTITY.search(login):
        return "像身份证号，这里不收。"
    if not _LOGIN.fullmatch(login):
        return "只用字母、数字和 . _ -，开头结尾是字母或数字。"
    return ""


def _judge_units(units: list[Judged], known: Known) -> None:
    first: dict[str, Judged] = {}
    for each in units:
        name, kind = each.row.cell("name"), kind_of(each.row.cell("kind"))
        if problem := name_problem(name, NAME_MOST):
            each.blame("name", problem)
        elif name in first:
            each.blame("name", f"与第{first[name].row.number}行重名。")
        else:
            first[name] = each
        if not kind:
            word = each.row.cell("kind")
            each.blame("kind", "没有填。" if not word else f"没有“{word[:12]}”这种类型。")
        if name in known.units and name in first and first[name] is each:
            _compare_unit(each, known, kind)
    _place(units, first, known)


def _compare_unit(each: Judged, known: Known, kind: str) -> None:
    """The name is taken: by the same unit, which is fine, or by another one."""
    old = known.units[each.row.cell("name")]
    if old.retired:
        each.blame("name", "已有同名单位，已停用。请换个名称，或先恢复它。")
    elif kind and old.kind != kind:
        each.blame("kind", "已有同名单位，类型不一样。")
    elif (each.row.cell("parent") or known.district) != (old.parent or known.district):
        each.blame("parent", f"已有同名单位，上级是“{old.parent}”。")
    elif each.standing is Standing.NEW:
        each.standing = Standing.THERE


def _place(units: list[Judged], first: Mapping[str, Judged], known: Known) -> None:
    """Give each new unit its level, however the file orders parents and children."""
    depths = {name: unit.depth for name, unit in known.units.items() if not unit.retired}
    waiting = [each for each in units if each.standing is Standing.NEW]
    for _level in range(LEVELS_MOST):
        for each in waiting:
            parent = each.row.cell("parent") or known.district
            each.depth = depths[parent] + 1 if parent in depths else 0
        depths |= {each.row.cell("name"): each.depth for each in waiting if each.depth}
        waiting = [each for each in waiting if not each.depth]
    for each in units:
        if each.standing is Standing.NEW and each.depth > LEVELS_MOST:
            each.blame("parent", f"层级太多，最多{LEVELS_MOST}级。")
    for each in waiting:
        parent = each.row.cell("parent")
        if parent in known.units:
            each.blame("parent", f"“{parent[:20]}”已停用。")
        elif parent not in first:
            each.blame("parent", f"没有“{parent[:20]}”这个单位。")
    _blame_below(units, first)
    for each in waiting:
        if each.standing is Standing.NEW:
            each.blame("parent", f"上级绕成了圈，或者超过{LEVELS_MOST}级。")


def _blame_below(units: list[Judged], first: Mapping[str, Judged]) -> None:
    """Who stands below a row that is wrong cannot be made either."""
    below: dict[str, list[Judged]] = {}
    for each in units:
        if each.standing is Standing.NEW:
            below.setdefault(each.row.cell("parent"), []).append(each)
    wrong = [each for each in first.values() if each.standing is Standing.BAD]
    while wrong:
        parent = wrong.pop()
        for each in below.pop(parent.row.cell("name"), []):
            if each.standing is Standing.NEW and not each.depth:
                each.blame("parent", f"上级（第{parent.row.number}行）还有问题。")
                wrong.append(each)


def _judge_people(people: list[Judged], known: Known, units: Sequence[Judged]) -> None:
    in_file: dict[str, Judged] = {}
    for unit in units:
        in_file.setdefault(unit.row.cell("name"), unit)
    first: dict[str, Judged] = {}
    for each in people:
        login = login_of(each.row.cell("login"))
        if problem := login_problem(login):
            each.blame("login", problem)
        elif login in first:
            number = first[login].row.number
            each.blame("login", f"与第{number}行重复。一人多个角色请写在一格，用“、”隔开。")
        else:
            first[login] = each
        _judge_person(each, known, in_file)
        if login in known.people and first.get(login) is each:
            _compare_person(each, known.people[login])


def _judge_person(each: Judged, known: Known, in_file: Mapping[str, Judged]) -> None:
    row = each.row
    if problem := name_problem(row.cell("name"), PERSON_MOST):
        each.blame("name", problem)
    if not row.cell("unit"):
        each.blame("unit", "没有填。")
    for cell in ("unit", "at"):
        if problem := _unit_problem(row.cell(cell), known, in_file):
            each.blame(cell, problem)
    roles = roles_of(row.cell("roles"))
    if roles is None:
        each.blame("roles", f"没有“{row.cell('roles')[:12]}”这个角色。")
    elif not roles:
        each.blame("roles", "没有填。")


def _unit_problem(name: str, known: Known, in_file: Mapping[str, Judged]) -> str:
    if not name or (name in known.units and not known.units[name].retired):
        return ""
    if name in known.units:
        return f"“{name[:20]}”已停用。"
    if name not in in_file:
        return f"没有“{name[:20]}”这个单位。"
    if in_file[name].standing is Standing.BAD:
        return f"“{name[:20]}”那一行（第{in_file[name].row.number}行）还有问题。"
    return ""


def _compare_person(each: Judged, old: KnownPerson) -> None:
    """The login is taken: by the same person, which is fine, or by another one."""
    row = each.row
    if (old.name, old.unit) != (row.cell("name"), row.cell("unit")):
        each.blame("login", "登录名已有人用，请换一个。")
        return
    wanted = {(role.value, row.cell("at") or row.cell("unit")) for role in roles_of(row.cell("roles")) or []}
    if not wanted <= old.roles:
        each.blame("roles", "已有这个账号。加角色请到“账号”里授予。")
    elif each.standing is Standing.NEW:
        each.standing = Standing.THERE


@dataclass(frozen=True, slots=True)
class Seat:
    """One place in the order of readers, by codes; empty means nobody named."""

    office: str
    reader: str = ""
    stand_in: str = ""


def check_seats(
    seats: Sequence[Seat],
    members: Mapping[str, Collection[str]],
    *,
    before: Collection[Seat] = (),
    busy: Collection[str] = (),
) -> list[Problem]:
    """What is wrong with an order of readers.

    `members` are those of each office who may read, `before` the seats as they stand (somebody disabled since
    must not stop a move), `busy` the offices that have cases open.
    """
    found = []
    if len(seats) < min(LEAST_READERS, len(before)):  # the first three are added one by one
        found.append(Problem("too_few", f"审核顺序里至少要有{LEAST_READERS}个单位，没有改。", field="order"))
    if len({seat.office for seat in seats}) < len(seats):
        found.append(Problem("office_twice", "这个单位已经在审核顺序里了。", field="office"))
    if set(busy) - {seat.office for seat in seats}:
        found.append(Problem("cases_open", "这个单位还有没审完的送审件，审完再移出，没有改。", field="order"))
    for seat in seats:
        if seat not in before:
            found.extend(_check_seat(seat, members.get(seat.office, ()), {old.office for old in before}))
    return found


def _check_seat(seat: Seat, may_read: Collection[str], offices_before: Collection[str]) -> list[Problem]:
    found = []
    if seat.office not in offices_before and not may_read:
        found.append(
            Problem(
                "nobody_reads", "这个单位还没有能审的人。请先在“账号”里给本单位的人授予审核人或复核人。", field="office"
            )
        )
    for name, person in (("reader", seat.reader), ("stand_in", seat.stand_in)):
        if person and person not in may_read:
            found.append(Problem("not_a_reader", "只能选本单位里有审核人或复核人角色、没有停用的人。", field=name))
    if seat.reader and seat.reader == seat.stand_in:
        found.append(Problem("same_person", "审核人和代审人要是两个人。", field="stand_in"))
    if seat.stand_in and not seat.reader:
        found.append(Problem("stand_in_alone", "先选审核人，再选代审人。", field="reader"))
    return found
