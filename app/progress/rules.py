"""What a note and an establishment must be. Pure."""

from __future__ import annotations

import re
from datetime import date

from app.kernel.errors import Problem

TEXT_MOST = 300
DOCUMENTS_MOST = 3
# domain.md: never a case, an incident or a person. An ID or mobile number shows that one slipped in.
_PERSON = re.compile(r"(?<!\d)(1[3-9]\d{9}|\d{17}[\dXx])(?!\d)")

STAGE_LABELS = {"deployed": "已部署", "issued": "已印发", "established": "已建立", "running": "已运行"}
KIND_LABELS = {
    "practice_base": "教育实践基地", "law_base": "普法宣传教育基地", "red_school": "红石榴学校",
    "red_community": "红石榴社区", "bus_line": "民族团结号公交线路",
}  # fmt: skip
LEVEL_LABELS = {"city": "市级", "district": "区级"}
ESTABLISHMENT_STAGES = {"planned": "谋划中", "under_way": "建设中", "named": "已命名"}


def note_problems(text: str, noted_on: date | None, today: date) -> list[Problem]:
    """What stops a note, each beside its field."""
    found = []
    if not text:
        found.append(Problem("text_missing", "请写一句进展。", field="text"))
    elif len(text) > TEXT_MOST:
        found.append(Problem("text_long", f"最多{TEXT_MOST}个字，现在{len(text)}个。", field="text"))
    if _PERSON.search(text):
        found.append(Problem("person", "里面像是有手机号或身份证号。这里不记个人和案件，请删掉再交。", field="text"))
    if noted_on is None or noted_on > today:
        found.append(Problem("date", "日期要填，不能晚于今天。", field="noted_on"))
    return found


def establishment_problems(*, kind: str, level: str, stage: str, name: str, named_on: date | None) -> list[Problem]:
    """What stops an establishment."""
    found = []
    if kind not in KIND_LABELS:
        found.append(Problem("kind", "请选类型。", field="kind"))
    if level and level not in LEVEL_LABELS:
        found.append(Problem("level", "请选级别。", field="level"))
    if stage not in ESTABLISHMENT_STAGES:
        found.append(Problem("stage", "请选阶段。", field="stage"))
    if not name or len(name) > 60:
        found.append(Problem("name", "名称要填，最多60个字。", field="name"))
    if stage == "named" and named_on is None:
        found.append(Problem("named_on", "已命名的要填命名日期。", field="named_on"))
    return found
