"""Who may register, who fits, who is next in line, until when. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.kernel.errors import Problem
from app.kernel.text import normalise_phone, one_line

COMPANIONS_MOST = 6  # domain.md: companions ≤ 6
PEOPLE_MOST = COMPANIONS_MOST + 1
NAME_MOST = 20
NAME_STORED = 40  # code points of the column
CAPACITY_MOST = 100_000
REASON_MOST = 200
CONSENT_VERSION = "2026-11"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person typed."""

    name: str
    adults: int
    children: int
    phone: str
    consent: bool
    needs_phone: bool


@dataclass(frozen=True, slots=True)
class InLine:
    """Someone on the waitlist, in order of `queue`."""

    id: int
    headcount: int


def name_length(name: str) -> int:
    """Letters as people count them: vowel signs and stacked letters (Tibetan, Mongolian) are no letter of their own.

    Hanzi newer than this Python's tables have no category yet and count as one each.
    """
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
    if not asked.consent:
        found.append(Problem("consent_missing", "请勾选同意，主办单位才能为您报名。", field="consent"))
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


def fits(headcount: int, *, capacity: int | None, taken: int, line: Sequence[InLine]) -> bool:
    """Whether a newcomer gets a place: there is room, and nobody in line who fits comes first."""
    if capacity is None:
        return True
    free = capacity - taken
    return headcount <= free and not any(waiting.headcount <= free for waiting in line)


def promote(line: Sequence[InLine], *, capacity: int | None, taken: int) -> list[int]:
    """Ids that move up, in order. A party goes whole or not at all; who is passed keeps the rank."""
    free = None if capacity is None else capacity - taken
    moved = []
    for waiting in line:
        if free is None:
            moved.append(waiting.id)
        elif waiting.headcount <= free:
            moved.append(waiting.id)
            free -= waiting.headcount
    return moved
