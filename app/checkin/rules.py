"""The one decision of every door. Pure: facts in, outcome and words out (docs/check-in.md)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

WALK_IN_MOST = 6  # domain.md: one walk-in or family scan carries at most 6; more is a party


class CountAs(StrEnum):
    """What a party's number says; nobody else has a choice.

    FIRST: that many came, and whoever counted knew of nobody here before: it never adds to what another has counted.
    PART: so many more. WHOLE: so many altogether; it stands in place of all that was reported before.
    """

    FIRST = "first"
    PART = "part"
    WHOLE = "whole"


GRADE_BY_METHOD = {
    "ticket_scan": "A",
    "ticket_code": "A",
    "phone_tail": "A",
    "party_confirmed": "A",
    "live_code": "B",
    "venue_code": "B",
    "printed_code": "C",
    # Nothing proves a desk's own count, however honest: see docs/decisions/0005-grades-at-the-desk.md
    "party_own": "D",
    "desk_walk_in": "D",
    "count": "D",
    "paper": "D",
}

METHOD_LABELS = {
    "ticket_scan": "扫报名码", "ticket_code": "签到台报短码", "phone_tail": "签到台报手机尾号", "party_confirmed": "当面核对",
    "party_own": "带队老师报数",
    "live_code": "现场码", "venue_code": "现场短码", "printed_code": "张贴码", "desk_walk_in": "签到台加人", "count": "补录",
    "paper": "纸质签到表",
}  # fmt: skip

UNDO_REASONS = {
    "wrong_person": "扫错了人", "wrong_count": "人数不对", "test": "试扫", "left": "没有参加", "other": "其他",
}  # fmt: skip

HELD_LABELS = {
    "unknown": "没有这个报名码", "revoked": "手机不在配对期内", "impossible_time": "时间不可能", "cancelled": "报名已取消",
    "sealed": "已提交审核", "refused": "不合签到规则",
}  # fmt: skip

# The paper route works outside the window: it is entered afterwards.
_ANY_TIME = ("count", "paper")
# Doors that the participant opens alone.
OWN_DOORS = ("live_code", "venue_code", "printed_code")
SEALED = ("under_review", "approved")  # review states in which no sign-in is added or undone any more
ASKED = "quarantined"  # neither counted nor refused: somebody has to say the number
NO_NUMBER = "这是班级或团体的码，没有报来了几人，还没有计数。"
COUNTED_BEFORE = "这个班刚才已有人报过数，这次没有计数。是又来的一批，请再报一次。"
PARTY_MOST = 2000  # people of one party at once: a typing error, not a limit
_FAR_TIMES, _FAR_MORE = 2, 20  # above the registered number: asked once, since a stepper or a slip may have made it
# A form of address that names nobody: 李女士, 张老师. Anything else is masked on a desk's screen.
_TITLES = (
    "女士",
    "先生",
    "老师",
    "同学",
    "师傅",
    "阿姨",
    "叔叔",
    "大爷",
    "大妈",
    "奶奶",
    "爷爷",
    "同志",
    "小姐",
    "主任",
)


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the decision looks at; times are aware. `most` is the largest head-count of one scan, None without."""

    method: str
    now: datetime
    opens_at: datetime
    closes_at: datetime
    activity_state: str
    review_state: str
    has_registration: bool
    same_activity: bool
    same_session: bool
    registration_state: str
    is_walk_in: bool
    headcount: int
    first_at: datetime | None
    takes_walk_in: bool = True
    most: int | None = None
    is_party: bool = False  # comes in parts: what follows the first adds to it
    count_as: str = CountAs.PART


@dataclass(frozen=True, slots=True)
class Decision:
    """`outcome` is a value of models.Outcome."""

    outcome: str
    message: str

    @property
    def accepted(self) -> bool:
        return self.outcome == "accepted"


def decide_check_in(facts: Facts) -> Decision:
    """In this order: activity, registration, repeat, window, a party's number, size. The first that fits decides."""
    return (
        _activity(facts) or _registration(facts) or _repeat(facts) or _window(facts) or _number(facts) or _size(facts)
        or Decision("accepted", "已签到")
    )  # fmt: skip


def stopped_by(activity_state: str, review_state: str) -> str:
    """Why an activity takes no check-in at whatever time: `cancelled`, `draft`, `under_review`, `approved`, or nothing."""
    if activity_state == "cancelled":
        return "cancelled"
    if activity_state not in ("published", "closed"):
        return "draft"
    return review_state if review_state in SEALED else ""


_SEALED = "这场活动已提交审核，签到记录已封存。"
_STOPPED_WORDS = {
    "cancelled": "这场活动已取消，不用签到。", "draft": "这场活动还没发布，不能签到。", "under_review": _SEALED,
    "approved": _SEALED,
}  # fmt: skip


def _activity(facts: Facts) -> Decision | None:
    stop = stopped_by(facts.activity_state, facts.review_state)
    return Decision("activity_closed", _STOPPED_WORDS[stop]) if stop else None


def _registration(facts: Facts) -> Decision | None:
    if facts.is_walk_in:
        refused = not facts.takes_walk_in and facts.method in OWN_DOORS
        return Decision("not_confirmed", "这场活动要先报名。没报名的，请到签到台问一声。") if refused else None
    if not facts.has_registration:
        return Decision("unknown", "没有找到这个报名。请到签到台，工作人员帮您登记。")
    if not facts.same_activity:
        return Decision("foreign", "这不是本场的报名码，请到签到台。")
    if facts.registration_state == "cancelled":
        more = "想参加，可以按“现场登记”签到。" if facts.takes_walk_in else "想参加，请到签到台问一声。"
        return Decision("cancelled", f"这个报名已经取消。{more}")
    if facts.registration_state == "pending":
        return Decision("not_confirmed", "这个报名还没有确认。请到签到台，工作人员帮您看。")
    if facts.registration_state != "confirmed":
        return Decision("not_confirmed", "这个报名还在候补，没有留名额。请到签到台，有位置就能进。")
    if not facts.same_session:
        return Decision("foreign", "您报的是另一场。要换到这一场，请到签到台。")
    return None


def _repeat(facts: Facts) -> Decision | None:
    if facts.first_at is not None and not facts.is_party:
        return Decision("duplicate", "已签到，这次没有重复计数。")
    return None


def _window(facts: Facts) -> Decision | None:
    if facts.method in _ANY_TIME:
        return None
    if facts.now < facts.opens_at:
        return Decision("too_early", "签到还没开始。")
    if facts.now >= facts.closes_at:
        return Decision("too_late", "签到已经结束。来了没签上的，请告诉主办单位补录。")
    return None


def _number(facts: Facts) -> Decision | None:
    """A party is never assumed to be all who registered, nor to have come twice: where the number is open, it is asked."""
    if not facts.is_party:
        return None
    if facts.headcount == 0:
        return Decision(ASKED, NO_NUMBER)
    return counted_before(facts.first_at, facts.count_as)


def counted_before(first_at: datetime | None, count_as: str) -> Decision | None:
    """A party's first number where another has counted it; whoever asks before the press gets the same answer."""
    return Decision(ASKED, COUNTED_BEFORE) if first_at is not None and count_as == CountAs.FIRST else None


def _size(facts: Facts) -> Decision | None:
    if facts.headcount < 1:
        return Decision("too_many", "人数至少是1。")
    most = WALK_IN_MOST if facts.is_walk_in else facts.most
    if most is not None and facts.method not in _ANY_TIME and facts.headcount > most:
        return Decision("too_many", f"一次最多登记{most}人，人更多请到签到台。")
    return None


def most_of(kind: str, registered: int) -> int | None:
    """The largest head-count of one scan: 6 for a walk-in, a family what it registered, a party what nobody mistypes.

    domain.md, Check-in: one walk-in or family scan carries at most 6; more is a party.
    """
    if kind == "walk_in":
        return WALK_IN_MOST
    if kind == "party":
        return PARTY_MOST
    return max(WALK_IN_MOST, registered) if kind == "individual" else None


def is_far_above(people: int, expected: int) -> bool:
    """Whether a party's number is so far above the registered one that it is asked once more; 0 expected is unknown."""
    return 0 < expected * _FAR_TIMES < people and people > expected + _FAR_MORE


def first_words(outcome: str) -> str:
    """What the same scan was answered the first time, for a retry whose exact sentence is not kept."""
    return _FIRST_WORDS.get(outcome, "这一步已经办过了，没有重复计数。")


_FIRST_WORDS = {
    "accepted": "已签到", "duplicate": "已签到，这次没有重复计数。", "too_early": "签到还没开始。", "too_late": "签到已经结束。",
    "unknown": "没有找到这个报名。请到签到台，工作人员帮您登记。", "foreign": "这不是本场的报名码，请到签到台。",
    "cancelled": "这个报名已经取消。", "not_confirmed": "这个报名没有留名额，请到签到台。", "too_many": "人数太多，请到签到台。",
    "activity_closed": "这场活动不能签到。", ASKED: "人数还没有定，没有计数。请再报一次，或到签到台。",
}  # fmt: skip


def shown_name(name: str) -> str:
    """A form of address as the desk's screen shows it: titles stay, anything that may be a full name is masked."""
    if len(name) <= 5 and name.endswith(_TITLES):
        return name
    return name[:1] + "＊" * min(2, len(name) - 1)
