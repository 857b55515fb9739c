"""What a kind says of itself: details, tasks, evidence slots, ways of taking part, its ledger line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from app.kernel.errors import Problem
from app.kernel.text import one_line


class Described(Protocol):
    """What a ledger line reads of an activity."""

    details: dict[str, Any]
    classes: int
    pairs: int
    reach: int


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for evidence. At most two photos are ever required (domain.md, Evidence)."""

    key: str
    label: str
    evidence_kind: str  # photo | document | link
    required: bool
    at_least: int
    at_most: int


@dataclass(frozen=True, slots=True)
class DetailField:
    """One own detail of a kind. `sort`: text, choice, number, lines (one value a line)."""

    key: str
    label: str
    sort: str = "text"
    choices: tuple[str, ...] = ()
    hint: str = ""
    most: int = 60


PHOTOS = Slot("photos", "活动照片", "photo", True, 2, 9)
NOTICE = Slot("notice", "通知或方案", "document", False, 0, 3)
BRIEF = Slot("brief", "简报", "document", False, 0, 3)
SHEET = Slot("sheet", "签到表照片", "photo", False, 0, 5)
MEDIA = Slot("media", "媒体链接", "link", False, 0, 9)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of activity."""

    key: str
    position: int
    label: str
    blurb: str
    icon: str
    default_task: int
    related_tasks: tuple[int, ...]
    details: tuple[DetailField, ...]
    slots: tuple[Slot, ...]
    individual: bool = True
    party: bool = True
    walk_in: bool = True
    count_only: bool = False
    minors: bool = False  # preset of “shows minors”
    publish: bool = True  # preset of “may be published”
    allows_zero: bool = False
    counts: tuple[str, ...] = ()  # columns asked for: classes, pairs, reach
    needs_school: bool = False
    needs_heritage: bool = False
    read: Callable[[Described], str] = field(default=lambda _: "")

    def reading(self, activity: Described) -> str:
        """Its line in the ledger."""
        return self.read(activity)

    def clean_details(self, raw: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
        """Only this kind's own details, trimmed and checked; unknown keys are dropped."""
        kept: dict[str, Any] = {}
        problems: list[Problem] = []
        for detail in self.details:
            value, problem = _clean_one(detail, raw.get(detail.key))
            if problem:
                problems.append(Problem("detail_wrong", problem, field=f"detail_{detail.key}"))
            elif value not in (None, "", []):
                kept[detail.key] = value
        return kept, problems


def _clean_one(detail: DetailField, raw: Any) -> tuple[Any, str]:
    text = raw if isinstance(raw, str) else "\n".join(map(str, raw)) if isinstance(raw, list) else str(raw or "")
    if detail.sort == "lines":
        lines = [one_line(line) for line in text.splitlines() if one_line(line)]
        if len(lines) > 30 or any(len(line) > 300 for line in lines):
            return None, f"{detail.label}最多30行，每行最多300个字。"
        return lines, ""
    value = one_line(text)
    if not value:
        return None, ""
    if detail.sort == "number":
        if not value.isascii() or not value.isdigit() or int(value) > 100_000:
            return None, f"{detail.label}请填0到100000的整数。"
        return int(value), ""
    if detail.sort == "choice" and value not in detail.choices:
        return None, f"{detail.label}请从列表里选。"
    if len(value) > detail.most:
        return None, f"{detail.label}最多{detail.most}个字，现在{len(value)}个。"
    return value, ""


def joined(*parts: Any) -> str:
    """The parts that say something, with Chinese commas."""
    return "，".join(str(part) for part in parts if part)
