"""Who may register, who fits, who is next in line, until when. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from app.kernel.errors import Problem
from app.kernel.text import normalise_phone, one_line

COMPANIONS_MOST = 6  # domain.md: companions ≤ 6
PEOPLE_MOST = COMPANIONS_MOST + 1
NAME_MOST = 20
NAME_STORED = 40  # code points of the column
CAPACITY_MOST = 100_000
REASON_MOST = 200
CONSENT_VERSION = "2026-11"
PARTY_CONSENT_VERSION = "school-2026-11"
GUARDIAN_CONSENT_VERSION = "guardian-2026-11"
GUARDIANS = {"father": "父亲", "mother": "母亲", "other": "其他监护人"}
CLASSES_MOST, PUPILS_MOST, CLASS_ADULTS_MOST, LABEL_MOST = 30, 100, 30, 30
EMAIL_MOST = 120
GUARDIAN_HOURS = 72  # how long a place waits for a guardian where the organizer set no time
_EMAIL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person typed."""

    name: str
    adults: int
    children: int
    phone: str
    consent: bool
    needs_phone: bool
    email: str = ""


@dataclass(frozen=True, slots=True)
class ClassEntry:
    """One class of a party as typed: 三年级2班, its pupils, the adults with it, how many want no photo."""

    label: str
    pupils: int
    adults: int
    without_photo: int = 0


@dataclass(frozen=True, slots=True)
class InLine:
    """Someone on the waitlist, in order of `queue`; `unit_id` is a party's school or town."""

    id: int
    headcount: int
    unit_id: int | None = None


@dataclass(frozen=True, slots=True)
class Room:
    """One pool of places. `held`: kept free, by the unit they are kept for (None: for nobody yet).

    `quotas`: the most people of a unit, `used`: those of it who have a place. `capacity` None is no limit.
    """

    capacity: int | None
    taken: int
    held: Mapping[int | None, int] = field(default_factory=dict)
    quotas: Mapping[int, int] = field(default_factory=dict)
    used: Mapping[int, int] = field(default_factory=dict)

    def free_for(self, unit_id: int | None) -> int | None:
        """People of this unit who still fit; None without any limit."""
        limits = []
        if self.capacity is not None:
            kept = sum(places for unit, places in self.held.items() if unit is None or unit != unit_id)
            limits.append(self.capacity - self.taken - kept)
        quota = self.quota_left(unit_id)
        if quota is not None:
            limits.append(quota)
        return min(limits) if limits else None

    def quota_left(self, unit_id: int | None) -> int | None:
        """People of this unit whom its quota still lets in; None where it has none."""
        if unit_id is None or unit_id not in self.quotas:
            return None
        return self.quotas[unit_id] - self.used.get(unit_id, 0)

    def has_room(self, headcount: int, unit_id: int | None) -> bool:
        free = self.free_for(unit_id)
        return free is None or headcount <= free

    def seated(self, headcount: int, unit_id: int | None) -> Room:
        """The same pool after these people got their places; what was kept for their unit is used up first."""
        held, used = dict(self.held), dict(self.used)
        if unit_id is not None:
            used[unit_id] = used.get(unit_id, 0) + headcount
            if unit_id in held:
                held[unit_id] = max(0, held[unit_id] - headcount)
        return replace(self, taken=self.taken + headcount, held=held, used=used)


def name_length(name: str) -> int:
    """Letters as people count them: vowel signs and stacked letters (Tibetan, Mongolian) are no letter of their own.

    Hanzi newer than this Python's tables have no category yet and count as one each.
    """
    if name.isalpha():  # neither marks nor signs
        return len(name)
    return sum(1 for char in name if unicodedata.category(char) not in ("Mn", "Mc", "Me", "Cf", "Cc"))


def problems_of(asked: Asked) -> list[Problem]:
    """What stops this registration, each beside its field."""
    found = []
    name = one_line(asked.name)
    length = name_length(name)
    if not length:
        found.append(Problem("name_missing", "请留一个称呼，如“李女士”，不必写全名。", field="name"))
    elif length > NAME_MOST or len(name) > NAME_STORED:
        found.append(Problem("name_long", f"称呼最多{NAME_MOST}个字，现在{length}个。写短一点就行。", field="name"))
    found.extend(count_problems(asked.adults, asked.children))
    if asked.phone.strip():
        if normalise_phone(asked.phone) is None:
            hint = "" if asked.needs_phone else "，或者留空"
            found.append(Problem("phone_wrong", f"手机号不对，请填11位手机号{hint}。", field="phone"))
    elif asked.needs_phone:
        found.append(Problem("phone_missing", "这场活动要留手机号，方便主办单位联系您。", field="phone"))
    found.extend(email_problems(asked.email))
    if not asked.consent:
        found.append(Problem("consent_missing", "请勾选同意，主办单位才能为您报名。", field="consent"))
    return found


def email_problems(email: str) -> list[Problem]:
    """An address is optional; one that cannot be is said."""
    text = one_line(email)
    if text and (len(text) > EMAIL_MOST or not _EMAIL.fullmatch(text)):
        return [Problem("email_wrong", "邮箱地址不对，请核对，或者留空。", field="email")]
    return []


def contact_problems(name: str, phone: str, email: str, *, consent: bool) -> list[Problem]:
    """The teacher who answers for a party: a form of address and a phone."""
    found = problems_of(Asked(name, 1, 0, phone, True, needs_phone=True, email=email))
    found = [replace(p, message="请留手机号，方便主办单位联系您。") if p.code == "phone_missing" else p for p in found]
    if not consent:
        found.append(Problem("consent_missing", "请由学校勾选同意，没有保存。", field="consent"))
    return found


def minor_problems(name: str, given_as: str, phone: str, *, consent: bool, email: str = "") -> list[Problem]:
    """A child's form of address, the guardian's part and phone, and the consent itself."""
    found = problems_of(Asked(name, 1, 0, phone, True, needs_phone=True, email=email))
    words = {"name_missing": "请填孩子的称呼或姓名。", "phone_missing": "请留监护人的手机号。"}
    found = [replace(p, message=words.get(p.code, p.message)) for p in found]
    if given_as not in GUARDIANS:
        found.append(Problem("given_as", "请选您是孩子的谁。", field="given_as"))
    if not consent:
        found.append(Problem("consent_missing", "监护人同意了才能报名，没有保存任何姓名。", field="consent"))
    return found


def reason_problems(reason: str, *, names_minors: bool) -> list[Problem]:
    """Opening minors' records asks for a reason (未成年人网络保护条例: access approved and recorded)."""
    if names_minors and not 4 <= len(one_line(reason)) <= 100:
        words = "名单里有未成年人。请写明为什么要看（4到100字），会记入日志。"
        return [Problem("reason", words, field="reason")]
    return []


def party_problems(classes: Sequence[ClassEntry]) -> list[Problem]:
    """Each class beside its row; `field` is `classes-<index>-<name>`."""
    if not classes:
        return [Problem("classes_missing", "至少填一个班。", field="classes-0-label")]
    if len(classes) > CLASSES_MOST:
        return [Problem("classes_many", f"一次最多{CLASSES_MOST}个班，请分几次报。", field="classes-0-label")]
    found, seen = [], set[str]()
    for index, each in enumerate(classes):
        at, label = f"classes-{index}", one_line(each.label)
        if not label or len(label) > LABEL_MOST:
            found.append(Problem("label", f"请填年级和班，如“三年级2班”，最多{LABEL_MOST}字。", field=f"{at}-label"))
        elif label in seen:
            found.append(Problem("label_twice", f"“{label}”填了两次，请合成一行。", field=f"{at}-label"))
        seen.add(label)
        if not 1 <= each.pupils <= PUPILS_MOST:
            found.append(Problem("pupils", f"学生人数请填1到{PUPILS_MOST}的整数。", field=f"{at}-pupils"))
        if not 0 <= each.adults <= CLASS_ADULTS_MOST:
            found.append(Problem("class_adults", f"带队人数请填0到{CLASS_ADULTS_MOST}的整数。", field=f"{at}-adults"))
        if not 0 <= each.without_photo <= max(0, each.pupils):
            found.append(Problem("without_photo", "不拍照的人数不能比学生多。", field=f"{at}-without_photo"))
    return found


def count_problems(adults: int, children: int) -> list[Problem]:
    """At least one adult; with companions at most seven people."""
    if adults < 1:
        return [Problem("adults_missing", "至少有1位大人。", field="adults")]
    if children < 0:
        return [Problem("children_wrong", "孩子人数请填0或以上的整数。", field="children")]
    if adults + children > PEOPLE_MOST:
        return [
            Problem(
                "too_many",
                f"一次最多报{PEOPLE_MOST}人（您和{COMPANIONS_MOST}位同行）。人更多请联系主办单位按团体报名。",
                field="adults",
            )
        ]  # fmt: skip
    return []


def capacity_problems(capacity: int | None) -> list[Problem]:
    """Places are a whole number from 1, or None for no limit."""
    if capacity is not None and not 1 <= capacity <= CAPACITY_MOST:
        return [Problem("capacity", f"名额请填1到{CAPACITY_MOST}；不限名额就留空。", field="capacity")]
    return []


def closed_problem(*, state: str, takes_registration: bool, ends_at: datetime | None, now: datetime) -> Problem | None:
    """Why nobody can register any more, or None. A full activity is not closed: it has a waitlist."""
    if state == "cancelled":
        return Problem("cancelled", "这场活动已取消，不能报名了。")
    if not takes_registration:
        return Problem("no_registration", "这场活动不用报名，到时直接来就行。")
    if state not in ("published", "closed"):
        return Problem("not_open", "这场活动还没有开始报名。")
    if state == "closed" or ends_at is None or ends_at <= now:
        return Problem("over", "这场活动已经结束，不能报名了。")
    return None


def change_problem(
    *,
    activity_state: str,
    is_cancelled: bool,
    starts_at: datetime | None,
    ends_at: datetime | None,
    by_staff: bool,
    now: datetime,
) -> Problem | None:
    """Why a registration can no longer be changed or cancelled, or None.

    Its owner may until the start (screens.md: change or cancel until the start), the organizer until the end.
    """  # fmt: skip
    if is_cancelled:
        return Problem("cancelled", "这个报名已经取消，不能再改。可以重新报名。")
    if activity_state == "cancelled":
        return Problem("activity_cancelled", "这场活动已取消，不用再改。")
    if activity_state == "closed" or (ends_at is not None and ends_at <= now):
        return Problem("over", "活动已经结束，不能再改。")
    if not by_staff and starts_at is not None and starts_at <= now:
        return Problem("started", "活动已经开始，不能再改。来不了也没关系，不用办任何手续。")
    return None


def answer_until(hours: int, *, starts_at: datetime | None, ends_at: datetime | None, now: datetime) -> datetime:
    """Until when a place waits for an answer: these hours, but not beyond the start; once begun, the end."""
    until = now + timedelta(hours=hours)
    limit = starts_at if starts_at is not None and starts_at > now else ends_at
    return until if limit is None else min(until, limit)


def fits(headcount: int, *, unit_id: int | None = None, room: Room, line: Sequence[InLine]) -> bool:
    """Whether a newcomer gets a place: there is room, and nobody in line who fits comes first.

    Of each unit the smallest in line is enough: if that one does not fit, no other does.
    """
    if not room.has_room(headcount, unit_id):
        return False
    return not any(room.has_room(waiting.headcount, waiting.unit_id) for waiting in line)


def promote(line: Sequence[InLine], *, room: Room) -> list[int]:
    """Ids that move up, in order. A party goes whole or not at all; who is passed keeps the rank."""
    moved = []
    for waiting in line:
        if room.has_room(waiting.headcount, waiting.unit_id):
            moved.append(waiting.id)
            room = room.seated(waiting.headcount, waiting.unit_id)
    return moved
