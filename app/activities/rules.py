"""Rules of activities: shown states, windows, what publishing asks, twins. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.kernel.errors import Problem

TITLE_MOST = 60
VENUE_MOST = 80
SUMMARY_MOST = 300
BRING_MOST = 100
SESSIONS_MOST = 30
CAPACITY_MOST = 100_000
LONGEST = timedelta(days=31)
PRACTICE_SHOWN = timedelta(days=7)  # after its end a practice leaves the lists (domain.md, Activities)
SUBMIT_WITHIN = timedelta(days=7)  # after the end; asked for on the workbench, never enforced

STATE_LABELS = {
    "draft": "草稿", "published": "已发布", "ended": "已结束", "closed": "已办结", "cancelled": "已取消",
    "withdrawn": "已撤回",
}  # fmt: skip
AUDIENCE_LABELS = {"link": "有链接的人", "unit": "本单位", "public": "公开（先审后发）"}
LISTING_LABELS = {"none": "不公开展示", "waiting": "等待同意公开", "listed": "已公开展示", "declined": "未同意公开"}
ATTENDANCE_LABELS = {"all": "一次报名，每场都参加", "choose_one": "每人任选一场"}
PROGRAMME_LABELS = {
    "publicity_month": "宣传月", "youth_exchange": "各族青少年交流计划", "tourism_exchange": "旅游促进交往交流交融计划",
    "heritage_season": "非遗季", "series": "普通系列",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class PlannedSession:
    """A session as asked for; `capacity` None means no limit."""

    starts_at: datetime
    ends_at: datetime
    capacity: int | None = None
    label: str = ""


def shown_state(state: str, ends_at: datetime | None, now: datetime) -> str:
    """The stored state, or `ended` once the last session of a published one is over."""
    if state == "published" and ends_at is not None and ends_at <= now:
        return "ended"
    return state


def window(
    *,
    starts_at: datetime,
    ends_at: datetime,
    opens_before_min: int,
    closes_after_min: int,
    opened_at: datetime | None = None,
    closes_at: datetime | None = None,
) -> tuple[datetime, datetime]:
    """When sign-in is open: 60 min before to 30 min after, unless set by hand (domain.md, Check-in).

    By hand is for this occasion: an end that lies before the planned beginning is of a trial, and void with it.
    """
    opens = starts_at - timedelta(minutes=opens_before_min)
    closes = ends_at + timedelta(minutes=closes_after_min)
    if closes_at is not None and closes_at <= opens:
        return opens, closes
    return min(opens, opened_at) if opened_at else opens, closes_at or closes


def text_problems(*, title: str, venue: str, summary: str = "", bring: str = "") -> list[Problem]:
    """Texts that are missing or longer than they may be; even a draft has a title."""
    found = [] if title else [Problem("title_missing", "还没填活动名称。", field="title")]
    for name, label, text, most in (
        ("title", "活动名称", title, TITLE_MOST), ("venue", "地点", venue, VENUE_MOST),
        ("summary", "介绍", summary, SUMMARY_MOST), ("bring", "自带物品", bring, BRING_MOST),
    ):  # fmt: skip
        if len(text) > most:
            found.append(Problem(f"{name}_long", f"{label}最多{most}个字，现在{len(text)}个。", field=name))
    return found


def problems_of(
    *, title: str, venue: str, sessions: Sequence[PlannedSession], is_paper: bool, now: datetime | None
) -> list[Problem]:
    """What stops this from being published (or entered after paper); `now` None skips past and future."""
    found = text_problems(title=title, venue=venue)
    if not venue:
        found.append(Problem("venue_missing", "还没填地点。已填的内容都在，没有丢。", field="venue"))
    found.extend(session_problems(sessions))
    if sessions and not found and now is not None:
        last = max(session.ends_at for session in sessions)
        if is_paper and last > now:
            found.append(Problem("paper_future", "补录的活动应当已经结束，请检查日期。", field="date"))
        if not is_paper and last <= now:
            found.append(Problem("past", "时间已经过去。用纸质签到办过的，请用“补录活动”。", field="date"))
    return found


def session_problems(sessions: Sequence[PlannedSession]) -> list[Problem]:
    """Times that cannot be."""
    if not sessions:
        return [Problem("time_missing", "还没填日期和时间。", field="date")]
    if len(sessions) > SESSIONS_MOST:
        return [Problem("sessions_many", f"一次活动最多{SESSIONS_MOST}场。", field="date")]
    found = []
    for number, session in enumerate(sessions, start=1):
        where = f"第{number}场" if len(sessions) > 1 else ""
        if session.ends_at <= session.starts_at:
            found.append(Problem("time_order", f"{where}结束时间要晚于开始时间。", field="end"))
        elif session.ends_at - session.starts_at > LONGEST:
            found.append(Problem("time_long", f"{where}一场最长31天，请分成几场。", field="end"))
        if session.capacity is not None and not 1 <= session.capacity <= CAPACITY_MOST:
            found.append(Problem("capacity", f"{where}名额请填1到{CAPACITY_MOST}；不限名额就留空。", field="capacity"))
    return found


def same_venue(left: str, right: str) -> bool:
    """Whether two venue texts name one place: punctuation, blanks and width do not matter."""
    return bool(left) and _bare(left) == _bare(right)


def _bare(text: str) -> str:
    return re.sub(r"[\s，,。.·（）()\-—、]", "", text).lower()
