"""Headings of the ledger: what each column is called, how wide, what adds up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

LIGHT_WORDS = {"green": "达成", "amber": "临期", "red": "逾期", "grey": "进行中", "none": "方案未定量"}


@dataclass(frozen=True, slots=True)
class TableColumn:
    """Heading, width in characters, whether the foot adds it up, and the cell's kind."""

    title: str
    width: float
    total: bool = False
    kind: str = "text"


@dataclass(frozen=True, slots=True)
class TableSheet:
    """One sheet of rows; the writer in exports reads the same fields."""

    name: str
    title: str
    columns: Sequence[TableColumn]
    rows: Iterable[Sequence[Any]]
    notes: Sequence[str] = ()


def _sum(title: str, width: float = 10) -> TableColumn:
    return TableColumn(title, width, total=True, kind="number")


_GRADES = (
    _sum("人次"),
    _sum("已核验人次", 11),
    _sum("扫码核验"),
    _sum("现场码"),
    _sum("张贴码"),
    _sum("清点/补录", 11),
)


def task_columns(*, whole: bool) -> tuple[TableColumn, ...]:
    """`whole` False says whose light and target it is, in a unit's own ledger."""
    of = "" if whole else "（全区）"
    return (
        TableColumn("任务", 6, kind="number"), TableColumn("任务名称", 34), TableColumn("方面", 30),
        TableColumn(f"灯{of}", 11), TableColumn(f"进度 / 目标{of}", 14), _sum("活动场数"), *_GRADES,
        TableColumn("学校（所）", 10, kind="number"), TableColumn("镇街（个）", 10, kind="number"), _sum("照片"),
        _sum("工作进展（条）", 13),
    )  # fmt: skip


ACTIVITY_COLUMNS = (
    TableColumn("活动", 32), TableColumn("任务", 6, kind="number"), TableColumn("类型", 13),
    TableColumn("日期", 12, kind="date"), TableColumn("主办单位", 20), TableColumn("学校、镇街", 28),
    TableColumn("系列活动", 18), TableColumn("非遗项目", 14), _sum("场次", 7), *_GRADES, _sum("其中未成年人", 13),
    _sum("班级"), _sum("照片"), TableColumn("来源", 11), TableColumn("编号", 15),
)  # fmt: skip
