"""The night's marks as lines for the administrator: what ran, when, and whether it went well."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

LATE = timedelta(hours=26)  # a night that did not come
LITTLE = 1024**3
RESERVE = 64 * 1024**2


@dataclass(frozen=True, slots=True)
class Line:
    """`tone` is good, warn, bad or none; `word` says it, `detail` explains."""

    title: str
    tone: str
    word: str
    detail: str
    at: datetime | None = None


def _read(marks: Mapping[str, str], name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(marks.get(name, "{}"))
    return found


def _at(mark: dict[str, Any]) -> datetime | None:
    return datetime.fromisoformat(mark["at"]) if mark else None


def health_lines(marks: Mapping[str, str], *, backup_hours: int, free: int, now: datetime) -> list[Line]:
    """One line a step, in the order of the night."""
    return [
        _purge(_read(marks, "night.purge"), now),
        _rehash(_read(marks, "night.rehash"), now),
        _backup(_read(marks, "night.backup"), backup_hours, now),
        _disk(free),
    ]


def _purge(mark: dict[str, Any], now: datetime) -> Line:
    title, at = "到期删除个人信息", _at(mark)
    if at is None:
        return Line(title, "warn", "还没有做过", "后台任务每晚三点做一次；也可以运行 flask --app wsgi privacy purge。")
    said = f"上次删除{mark['n']}份报名的个人信息，清掉{mark['files']}个没人用的图片文件。"
    if now - at > LATE:
        return Line(title, "bad", "昨晚没有做", f"{said}请看后台任务 shiliu-worker 是否在运行。", at)
    if not mark["bytes"]:
        return Line(title, "warn", "旧字节没清完", f"{said}{mark['note']}。", at)
    return Line(title, "good", "正常", f"{said}数据库文件已重写。", at)


def _rehash(mark: dict[str, Any], now: datetime) -> Line:
    title, at = "核对照片文件", _at(mark)
    if at is None:
        return Line(title, "warn", "还没有做过", "后台任务每晚把每个照片文件和登记的摘要核对一遍。")
    said = f"核对{mark['count']}个文件"
    if mark["bad"] or mark["missing"]:
        return Line(
            title,
            "bad",
            "有问题",
            f"{said}，{mark['bad']}个被改动，{mark['missing']}个找不到。请从备份恢复，并告诉日志审计员。",
            at,
        )
    if now - at > LATE:
        return Line(title, "bad", "昨晚没有做", "请看后台任务 shiliu-worker 是否在运行。", at)
    return Line(title, "good", "正常", f"{said}，全部一致。", at)


def _backup(mark: dict[str, Any], hours: int, now: datetime) -> Line:
    title, at = "备份和试恢复", _at(mark)
    if not hours and at is None:
        return Line(
            title, "warn", "自动备份关着", "设 SHILIU_BACKUP_HOURS，或者自己定时运行 flask --app wsgi backup make。"
        )
    if at is None:
        return Line(title, "warn", "还没有备份", "后台任务启动后会做第一份；看不到，请看它的日志。")
    said = f"最近一份 {mark['name']}"
    if not mark["holds"]:
        return Line(title, "bad", "试恢复不成功", f"{said}：{mark['note']}。", at)
    if hours and now - at > timedelta(hours=2 * hours + 1):
        return Line(title, "bad", "很久没有备份", f"{said}。请看后台任务 shiliu-worker 的日志。", at)
    note = f"{mark['note']}。" if mark["note"] else ""
    return Line(title, "good", "正常", f"{said}，已试恢复，完好。{note}", at)


def _disk(free: int) -> Line:
    left = f"还剩{free / LITTLE:.1f}GB。"
    if free < RESERVE:
        return Line("磁盘", "bad", "快满了", f"{left}照片先婉拒，签到还能继续。请马上腾出空间。")
    if free < LITTLE:
        return Line("磁盘", "warn", "不多了", f"{left}请尽快腾出空间。")
    return Line("磁盘", "good", "够用", left)
