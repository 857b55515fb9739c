"""Reading a plan pack: strict, with the line of what is wrong; nothing is written here."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
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


def read_pack(path: Path) -> Pack:
    """Raises PackRefused naming line and reason."""
    text = path.read_text(encoding="utf-8")
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PackRefused("pack_syntax", f"方案包有语法错误，什么都没有载入：{error}") from None
    _Checker(text).check(data)
    return Pack(data, hashlib.sha256(text.encode()).hexdigest())


class _Checker:
    def __init__(self, text: str) -> None:
        self.lines = text.splitlines()

    def refuse(self, reason: str, *marks: str) -> None:
        """The first line that holds one of the marks, and the reason."""
        number = next((n for n, line in enumerate(self.lines, 1) for mark in marks if mark and mark in line), 0)
        where = f"第{number}行：" if number else ""
        raise PackRefused("pack_wrong", f"方案包有误，什么都没有载入。{where}{reason}")

    def keys(self, row: dict[str, Any], allowed: set[str], needed: set[str], what: str) -> None:
        for key in row:
            if key not in allowed:
                self.refuse(f"{what}里没有“{key}”这一项。", f"{key} =", f"{key}]")
        for key in sorted(needed - set(row)):
            self.refuse(f"{what}缺少“{key}”。", str(row.get("title") or row.get("slug") or row.get("task") or ""))

    def check(self, data: dict[str, Any]) -> None:
        self.keys(data, TOP, {"code", "title", "document_number", "issued_on", "district", "groups"}, "方案")
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
                self.keys(indicator.get("filters", {}), FILTERS, set(), "筛选")
                slugs.add(indicator["slug"])
        return found

    def _targets(self, task: dict[str, Any], slugs: set[str]) -> None:
        for target in task.get("targets", []):
            self.keys(target, TARGET, {"indicator", "value", "text"}, "目标")
            if target["indicator"] not in slugs:
                self.refuse(f"目标指着的指标“{target['indicator']}”不存在。", f'indicator = "{target["indicator"]}"')
            if not isinstance(target["value"], int) or target["value"] < 1:
                self.refuse("目标值要是1以上的整数。", f"value = {target['value']}")
