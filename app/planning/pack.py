"""Reading a plan pack: strict, with the line of what is wrong; nothing is written here."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from app.kernel.errors import DomainError
from app.planning.models import Measure

FOLDER = Path(__file__).parent / "packs"
TOP = {"code", "document_number", "title", "issuer", "issued_on", "period_starts_on", "period_ends_on", "interim_on",
       "interim_text", "district", "groups", "safeguards", "proposals"}  # fmt: skip
TASK = {"number", "title", "text", "lead", "responsible", "targets"}
PROPOSAL = {"task", "short_title", "counts", "excludes", "platform_note", "indicators"}
INDICATOR = {"slug", "label", "unit_word", "measure", "filters"}
TARGET = {"indicator", "value", "due_on", "text"}
FILTERS = {"kinds", "programme_kinds", "establishment_kinds", "level"}
SAFEGUARD = {"title", "text"}
# What is no text. A text where a list belongs would be read letter by letter: 区, 教, 体 as three offices.
_OTHER: dict[str, tuple[type, str]] = {
    "number": (int, "整数"), "task": (int, "整数"), "value": (int, "整数"), "due_on": (date, "日期"),
    "issued_on": (date, "日期"), "period_starts_on": (date, "日期"), "period_ends_on": (date, "日期"),
    "interim_on": (date, "日期"), "groups": (list, "列表"), "tasks": (list, "列表"), "targets": (list, "列表"),
    "proposals": (list, "列表"), "safeguards": (list, "列表"), "indicators": (list, "列表"), "filters": (dict, "表"),
}  # fmt: skip
_NAMES = {"lead", "responsible", "kinds", "programme_kinds", "establishment_kinds"}


class PackRefused(DomainError):
    """The pack has an error; nothing was loaded."""


@dataclass(frozen=True)
class Pack:
    """A checked pack and the digest of its file."""

    data: dict[str, Any]
    digest: str


def find_pack(name: str) -> Path:
    """A pack of ours by name, or a file by path. Raises PackRefused."""
    path = Path(name)
    if path.suffix == ".toml" and path.exists():
        return path
    path = FOLDER / f"{Path(name).name}.toml"
    if not path.exists():
        raise PackRefused("pack_missing", f"没有名为“{name}”的方案包，什么都没有载入。")
    return path


def read_pack(path: Path, *, words: Mapping[str, Collection[str]] | None = None) -> Pack:
    """Raises PackRefused naming line and reason. `words` are the values that a filter may have, by its name."""
    text = path.read_text(encoding="utf-8")
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PackRefused("pack_syntax", f"方案包有语法错误，什么都没有载入：{error}") from None
    _Checker(text, words or {}).check(data)
    return Pack(data, hashlib.sha256(text.encode()).hexdigest())


class _Checker:
    def __init__(self, text: str, words: Mapping[str, Collection[str]]) -> None:
        self.lines = text.splitlines()
        self.words = words

    def refuse(self, reason: str, *marks: str) -> None:
        """The first line that holds one of the marks, and the reason."""
        number = next((n for n, line in enumerate(self.lines, 1) for mark in marks if mark and mark in line), 0)
        where = f"第{number}行：" if number else ""
        raise PackRefused("pack_wrong", f"方案包有误，什么都没有载入。{where}{reason}")

    def keys(self, row: Any, allowed: set[str], needed: set[str], what: str) -> None:
        if not isinstance(row, dict):
            self.refuse(f"{what}要是一张表，却是“{row}”。", str(row))
        for key, value in row.items():
            if key not in allowed:
                self.refuse(f"{what}里没有“{key}”这一项。", f"{key} =", f"{key}]")
            self._sort(key, value, what)
        for key in sorted(needed - set(row)):
            self.refuse(f"{what}缺少“{key}”。", str(row.get("title") or row.get("slug") or row.get("task") or ""))

    def _sort(self, key: str, value: Any, what: str) -> None:
        sort, word = (list, "几段文字的列表") if key in _NAMES else _OTHER.get(key, (str, "文字"))
        holds = isinstance(value, sort) and not isinstance(value, bool | datetime)
        if not holds or (key in _NAMES and not all(isinstance(item, str) and item.strip() for item in value)):
            self.refuse(f"{what}的“{key}”要是{word}，却是“{value}”。", f"{key} = ")

    def _filters(self, filters: dict[str, Any]) -> None:
        self.keys(filters, FILTERS, set(), "筛选")
        for name, value in filters.items():
            for word in [value] if isinstance(value, str) else value:
                if name in self.words and word not in self.words[name]:
                    self.refuse(f"筛选“{name}”没有“{word}”这个值。", f'"{word}"')

    def check(self, data: dict[str, Any]) -> None:
        self.keys(data, TOP, {"code", "title", "document_number", "issued_on", "district", "groups"}, "方案")
        for row in data.get("safeguards", []):
            self.keys(row, SAFEGUARD, SAFEGUARD, "保障措施")
        slugs = self._proposals(data.get("proposals", []))
        numbers: list[int] = []
        for group in data["groups"]:
            self.keys(group, {"title", "tasks"}, {"title", "tasks"}, "方面")
            for task in group["tasks"]:
                self.keys(task, TASK, {"number", "title", "text", "lead"}, "任务")
                if task["number"] in numbers:
                    self.refuse(f"任务{task['number']}重复了。", f"number = {task['number']}")
                numbers.append(task["number"])
                self._targets(task, slugs.get(task["number"], set()))
        for number in range(1, len(numbers) + 1):
            if number not in numbers:
                self.refuse(f"任务编号不连续，缺少任务{number}。", "[[groups.tasks]]")
        for number in slugs:
            if number not in numbers:
                self.refuse(f"没有任务{number}。", f"task = {number}")

    def _proposals(self, rows: list[dict[str, Any]]) -> dict[int, set[str]]:
        known = {measure.value for measure in Measure}
        found: dict[int, set[str]] = {}
        for row in rows:
            self.keys(row, PROPOSAL, {"task", "short_title"}, "建议")
            slugs = found.setdefault(row["task"], set())
            for indicator in row.get("indicators", []):
                self.keys(indicator, INDICATOR, {"slug", "label", "unit_word", "measure"}, "指标")
                if indicator["measure"] not in known:
                    self.refuse(f"没有“{indicator['measure']}”这种算法。", f'measure = "{indicator["measure"]}"')
                if indicator["slug"] in slugs:
                    self.refuse(f"指标“{indicator['slug']}”重复了。", f'slug = "{indicator["slug"]}"')
                self._filters(indicator.get("filters", {}))
                slugs.add(indicator["slug"])
        return found

    def _targets(self, task: dict[str, Any], slugs: set[str]) -> None:
        for target in task.get("targets", []):
            self.keys(target, TARGET, {"indicator", "value", "text"}, "目标")
            if target["indicator"] not in slugs:
                self.refuse(f"目标指着的指标“{target['indicator']}”不存在。", f'indicator = "{target["indicator"]}"')
            if target["value"] < 1:
                self.refuse("目标值要是1以上的整数。", f"value = {target['value']}")
