"""The log's payload in the auditor's words: keys, and values that are codes."""

from __future__ import annotations

from typing import Any

from app.activities.rules import AUDIENCE_LABELS
from app.checkin.rules import HELD_LABELS
from app.feedback.rules import SORT_LABELS
from app.kernel.actor import ROLE_LABELS

FIELDS = {
    "after": "之后", "audience": "面向", "before": "之前", "classes": "班级", "count": "条数", "decision": "结论",
    "digest": "摘要", "events": "签到记录（条）", "expires": "有效到", "fields": "改动项", "form": "摘要格式", "findings": "疑点",
    "headcount": "人数", "holds": "链完整", "host": "主办单位", "indicator": "指标", "kind": "类型", "level": "级别",
    "minors": "有未成年人", "name": "称呼", "pack": "方案包", "parent": "上级单位", "participations": "人次",
    "publish": "可以公开", "reader": "审核单位", "reason": "原因", "registrations": "报名数", "role": "角色",
    "roles": "角色", "root": "树根摘要", "rows": "行数", "safeguard": "保障措施", "same": "是同一张", "seal": "封存摘要",
    "second_factor": "用了动态口令", "session": "场次", "set_aside": "搁置", "sha256": "照片摘要", "size": "条数",
    "slot": "材料", "source": "原活动", "stage": "阶段", "state": "状态", "targets": "目标数", "task": "任务",
    "tasks": "任务数", "unit": "单位", "units": "单位数", "users": "人数", "version": "第几版", "year": "年份",
    "activities": "活动数", "check_ins": "签到次数", "days": "用了几天", "sort": "投诉还是建议",
    "accounts": "账号", "bad": "对不上", "consents": "监护人同意", "feedback": "投诉建议", "made_at": "备份时间",
    "people": "人数", "waitlisted": "候补（条）", "device": "手机编号", "sealed": "文件校验过",
    "missing": "找不到", "pictures": "图片", "texts": "手写的原因",
    # keys inside before and after
    "attendance": "参加方式", "capacity": "名额", "co_hosts": "协办单位", "details": "类型内容", "due_on": "期限",
    "ends_on": "结束日期", "heritage_item": "非遗项目", "keeps_apart": "分开填报", "needs_phone": "要手机号",
    "pairs": "结对", "period": "起止", "primary_task": "归口任务", "programme": "系列活动", "reach": "估计覆盖",
    "sessions": "时间", "starts_on": "开始日期", "title": "名称", "value": "目标值", "venue_unit": "场地单位",
    "walk_in": "现场登记", "listing": "公开展示",
    "documents": "文件数", "named_on": "命名日期", "noted_on": "日期", "planned_on": "谋划日期", "proof": "依据",
    "text": "原文字", "under_way_on": "开工日期",
}  # fmt: skip

_VALUES = {role.value: label for role, label in ROLE_LABELS.items()} | AUDIENCE_LABELS | SORT_LABELS | HELD_LABELS


def field_word(name: str) -> str:
    """The key on screen; an old key that nobody writes any more stays as it is."""
    return FIELDS.get(name, name)


def value_words(value: Any) -> str:
    """A payload's value on screen."""
    if value is None or value == "":
        return "无"
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, list):
        return "、".join(value_words(item) for item in value) or "无"
    return _VALUES.get(str(value), str(value))
