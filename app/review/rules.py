"""Who reads a submission, and what the checklist finds. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from app.kernel.errors import Problem, Severity

EVENT_LABELS = {
    "submitted": "提交", "withdrawn": "撤回", "returned": "退回修改", "approved": "通过", "rejected": "不予计入",
    "reopened": "退回重审",
}  # fmt: skip
# Walk-ins from one phone in one session that need no second look: it signs in friends and family, up to six each time.
# Many more are a class or a group, which has a way of its own; or somebody who sits at home with the code.
ONE_PHONE_MOST = 5
LEAST_READERS = 3  # domain.md, Review: an order of at least three offices


@dataclass(frozen=True, slots=True)
class SlotCheck:
    """One evidence slot: what it wants and what is there."""

    label: str
    required: bool
    at_least: int
    present: int


@dataclass(frozen=True, slots=True)
class ChecklistFacts:
    """All that the checklist looks at."""

    is_practice: bool
    has_ended: bool
    has_primary_task: bool
    recorded: int  # 人次 by check-in
    claimed: int | None
    allows_zero: bool
    slots: Sequence[SlotCheck]
    photos: int
    minors_settled: bool
    publish_settled: bool
    open_matches: int
    keeps_apart: bool
    held_on: date
    period_starts_on: date | None
    open_held: int = 0  # 待核实
    is_draft: bool = False
    waiting: int = 0  # 待同步, as the helpers' phones last told
    busy_phones: Sequence[tuple[int, int]] = ()  # walk-ins and people from one phone in one session, the most first


def choose_reader(order: Sequence[int], involved: Collection[int]) -> int | None:
    """The first reading office that neither hosts nor co-hosts; None when there is none."""
    return next((unit_id for unit_id in order if unit_id not in involved), None)


def checklist(facts: ChecklistFacts) -> list[Problem]:
    """Blockers stop the submission; warnings go with it to the reviewer."""
    return [*_blockers(facts), *_missing_slots(facts), *_warnings(facts)]


def _blockers(facts: ChecklistFacts) -> list[Problem]:
    found = []
    if facts.is_practice:
        found.append(Problem("practice", "这是一场演练，不计入台账，不用提交。"))
    if facts.is_draft:
        found.append(Problem("draft", "这还是草稿，没有发布过。用纸质签到办过的，请用“补录活动”登记。"))
    if not facts.has_ended:
        found.append(Problem("not_ended", "活动还没结束，结束后再提交。"))
    if not facts.has_primary_task:
        found.append(Problem("no_task", "还没选归口任务，请在“修改活动”里选一项。"))
    if facts.recorded == 0 and not facts.allows_zero:
        found.append(Problem("nobody", "还没有任何签到或补录的人数。用过纸质签到表的，请先补录人数。"))
    if facts.photos and not facts.minors_settled:
        found.append(Problem("minors_open", "请先说明照片里有没有未成年人。"))
    if facts.photos and not facts.publish_settled:
        found.append(Problem("publish_open", "请先说明照片能不能公开。"))
    return found


def _missing_slots(facts: ChecklistFacts) -> list[Problem]:
    return [
        Problem("slot_missing", f"还差{slot.label}，至少{slot.at_least}份，现有{slot.present}份。")
        for slot in facts.slots
        if slot.required and slot.present < slot.at_least
    ]


def _warnings(facts: ChecklistFacts) -> list[Problem]:
    found = []

    def warn(code: str, message: str) -> None:
        found.append(Problem(code, message, Severity.WARNING))

    if facts.claimed is not None and facts.claimed != facts.recorded:
        more = facts.claimed - facts.recorded
        word = f"申报比签到多{more}人次" if more > 0 else f"申报比签到少{-more}人次"
        warn("headcount_differs", f"{word}，通过后按签到的{facts.recorded}人次计。")
    if facts.open_held:
        warn("held_open", f"还有{facts.open_held}条扫码记录待核实，没有计入。请在控制台先核实。")
    if facts.waiting:
        warn("phones_waiting", f"签到员手机上还有{facts.waiting}条没有同步，提交后再到的要待核实。")
    if facts.busy_phones:
        warn("one_phone", _one_phone(facts.busy_phones))
    if facts.open_matches:
        warn("photos_match", f"有{facts.open_matches}处照片相同或相似，请比对。")
    if facts.keeps_apart:
        warn("second_write_up", "同一天同一地点另有一场活动，主办单位说不是同一场，请核对。")
    if facts.period_starts_on is not None and facts.held_on < facts.period_starts_on:
        warn("before_plan", "活动日期早于方案印发日期。")
    return found


def _one_phone(busy: Sequence[tuple[int, int]]) -> str:
    times, people = busy[0]
    many = f"有{len(busy)}台手机各在一场里现场登记了{ONE_PHONE_MOST}次以上，最多的一台登记了{times}次、共{people}人"
    one = f"同一台手机在一场里现场登记了{times}次、共{people}人"
    return f"{many if len(busy) > 1 else one}，请核对照片和现场情况。"


def may_decide(
    *,
    actor_unit_id: int | None,
    actor_user_id: int | None,
    reader_unit_id: int,
    named: Collection[int],
    involved: Collection[int],
    submitted_by_id: int,
) -> str:
    """Why this person may not decide this case, or an empty text. Four eyes (domain.md, Review)."""
    if actor_unit_id in involved:
        return "本单位主办或协办的活动，不能由本单位审核。"
    if actor_user_id == submitted_by_id:
        return "自己提交的，不能自己审核。"
    if actor_unit_id != reader_unit_id and actor_user_id not in named:
        return "这一件由别的单位审核。"
    return ""
