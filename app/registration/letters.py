"""The words of the letters, as plain text: what happened, when, where, what to bring, where to look; no address, no name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.kernel.clock import SHANGHAI
from app.registration.models import MailKind, RegistrationState

WEEKDAYS = "一二三四五六日"
PROBLEM_WORDS = {
    "unreachable": "连不上邮件服务器",
    "no_tls": "邮件服务器不支持加密连接，没有发",
    "login": "邮件服务器不认这个账号或密码",
    "busy": "邮件服务器暂时不收",
    "refused": "对方地址不收",
    "rejected": "邮件服务器拒收这封信",
    "erased": "资料已删除，不用发",
    "outdated": "情况已变，不用发",
}
# Nothing to do about these: the address is wrong or gone, or the news is old.
FINAL = frozenset({"refused", "erased", "outdated"})


@dataclass(frozen=True, slots=True)
class Facts:
    """What a letter says. No name stands in it: a wrong address must not learn who comes."""

    title: str
    host: str
    times: tuple[tuple[datetime, datetime], ...]
    venue: str
    bring: str
    headcount: int
    page: str  # the activity's page; the ticket's own address is stored nowhere
    reason: str = ""
    until: datetime | None = None
    is_off: bool = False  # the whole activity was cancelled


@dataclass(frozen=True, slots=True)
class Letter:
    """Ready to send."""

    subject: str
    body: str


def is_outdated(kind: MailKind, *, state: str, is_cancelled: bool, is_declined: bool, is_over: bool) -> bool:
    """Whether the news is no longer true when the letter's turn comes."""
    if kind is MailKind.CANCELLED:  # the activity, or this registration alone
        return not is_cancelled and state != RegistrationState.CANCELLED.value
    if is_cancelled or is_over:
        return True
    if kind is MailKind.DECLINED:
        return not is_declined
    if kind is MailKind.WAITLISTED:
        return state != RegistrationState.WAITLISTED.value
    if kind is MailKind.REMINDER:
        return state != RegistrationState.CONFIRMED.value
    if kind is MailKind.CHANGED:
        return state == RegistrationState.CANCELLED.value
    return state not in (RegistrationState.CONFIRMED.value, RegistrationState.PENDING.value)


def compose(kind: MailKind, facts: Facts, *, state: str) -> Letter:
    """The letter of this kind for a registration in this state."""
    subject, opening = _opening(kind, facts, state)
    parts = [opening, "", f"活动：{facts.title}"]
    parts += [f"时间：{span_words(start, end)}" for start, end in facts.times]
    parts += [f"地点：{facts.venue}", f"人数：{facts.headcount}人"]
    if facts.bring and kind not in (MailKind.CANCELLED, MailKind.DECLINED):
        parts.append(f"自带：{facts.bring}")
    parts += [f"主办：{facts.host}", "", f"活动介绍：{facts.page}", *_ending(kind)]
    return Letter(f"{subject}：{facts.title}", "\n".join(parts) + "\n")


def _opening(kind: MailKind, facts: Facts, state: str) -> tuple[str, str]:
    if kind is MailKind.WAITLISTED:
        return "已排上候补", "名额满了，已为您排上候补。有人取消就按先后自动递补，到时再写信告诉您。"
    if kind is MailKind.CANCELLED:
        return _gone(facts)
    if kind is MailKind.DECLINED:
        return "报名没有确认", f"主办单位没有确认这个报名。原因：{facts.reason}"
    if kind is MailKind.CHANGED:
        return "时间或地点有改动", "活动的时间或地点改了，请以下面为准。"
    if kind is MailKind.REMINDER:
        return "明天见", "您报名的活动就在明天。来不了请取消报名，把名额让给候补的人。"
    if facts.until is not None:
        return "有名额了，请回复", f"有名额了，给您留到{moment_words(facts.until)}。请打开报名时的那一页，点“我来”。"
    if state == RegistrationState.PENDING.value:
        return "已提交报名", "报名已提交，等主办单位确认。"
    if kind is MailKind.PROMOTED:
        return "候补成功", "有人取消，您递补上了，名额已经留好。"
    return "报名成功", "您报名成功，名额已经留好。"


def _gone(facts: Facts) -> tuple[str, str]:
    """The whole activity was cancelled, or this registration alone: by the organizer, or by an answer that never came."""
    if facts.is_off:
        return "活动取消", f"这场活动取消了，不用来了。原因：{facts.reason}"
    if facts.until is not None:
        words = f"给您留的名额过了答复时间（{moment_words(facts.until)}），已经给了后面的人。还想来可以重新报名。"
        return "名额已让出", words
    return "报名已取消", "主办单位取消了您的这个报名，不用来了。活动照常，有疑问请联系主办单位。"


def _ending(kind: MailKind) -> list[str]:
    lines = ["", "这封信由系统发出，不用回复。收错了请不用理会。"]
    if kind in (MailKind.CANCELLED, MailKind.DECLINED):
        return lines
    return ["要改人数、取消或出示报名码，请打开报名时的那一页（信里没有它的网址，免得转发给别人）。", *lines]


def moment_words(moment: datetime) -> str:
    """`11月25日 周三 09:00`."""
    here = moment.astimezone(SHANGHAI)
    return f"{here.month}月{here.day}日 周{WEEKDAYS[here.weekday()]} {here:%H:%M}"


def span_words(start: datetime, end: datetime) -> str:
    """`11月25日 周三 09:00–10:00`, across days both dates."""
    same_day = start.astimezone(SHANGHAI).date() == end.astimezone(SHANGHAI).date()
    return f"{moment_words(start)}–{end.astimezone(SHANGHAI):%H:%M}" if same_day else (
        f"{moment_words(start)}–{moment_words(end)}"
    )  # fmt: skip
