"""What a note and an establishment must be. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from app.kernel.errors import Problem
from app.kernel.text import ascii_digits

TEXT_MOST = 300
DOCUMENTS_MOST = 3
TITLE_MOST = 100
NUMBER_MOST = 40
PROOF_MOST = 200
# domain.md: never a case, an incident or a person. An ID or mobile number shows that one slipped in.
_PERSON = re.compile(r"(?<!\d)(1[3-9]\d{9}|\d{17}[\dXx])(?!\d)")
_PERSON_WORDS = "有手机号或身份证号。这里不记个人和案件，请删掉再交。"

STAGE_LABELS = {"deployed": "已部署", "issued": "已印发", "established": "已建立", "running": "已运行"}
KIND_LABELS = {
    "practice_base": "教育实践基地", "law_base": "普法宣传教育基地", "red_school": "红石榴学校",
    "red_community": "红石榴社区", "bus_line": "民族团结号公交线路",
}  # fmt: skip
LEVEL_LABELS = {"city": "市级", "district": "区级"}
ESTABLISHMENT_STAGES = {"planned": "谋划中", "under_way": "建设中", "named": "已命名"}


@dataclass(frozen=True, slots=True)
class Document:
    """A document behind a note as it was typed; `dated` is an ISO date or what could not be read as one."""

    title: str = ""
    number: str = ""
    dated: str = ""

    @property
    def is_empty(self) -> bool:
        return not (self.title or self.number or self.dated)

    def stored(self) -> dict[str, str]:
        return {"title": self.title, "number": self.number, "date": self.dated}


def note_problems(
    text: str, noted_on: date | None, today: date, documents: Sequence[Document] = (), stage: str = ""
) -> list[Problem]:
    """What stops a note, each beside its field; `documents` stand where their fields stand, empty ones too."""
    found = []
    if not text:
        found.append(Problem("text_missing", "请写一句进展。", field="text"))
    elif len(text) > TEXT_MOST:
        found.append(Problem("text_long", f"最多{TEXT_MOST}个字，现在{len(text)}个。", field="text"))
    if _PERSON.search(ascii_digits(text)):
        found.append(Problem("person", f"里面像是{_PERSON_WORDS}", field="text"))
    if noted_on is None or noted_on > today:
        found.append(Problem("date", "日期要填，不能晚于今天。", field="noted_on"))
    if stage and stage not in STAGE_LABELS:
        found.append(Problem("stage", "请从列表里选。", field="stage"))
    if len([document for document in documents if not document.is_empty]) > DOCUMENTS_MOST:
        found.append(Problem("documents_many", f"最多写{DOCUMENTS_MOST}份文件。", field="title_1"))
    for place, document in enumerate(documents[:DOCUMENTS_MOST], start=1):
        found += _document_problems(document, place, today)
    return found


def _document_problems(document: Document, place: int, today: date) -> list[Problem]:
    if document.is_empty:
        return []
    found = []
    if not document.title:
        found.append(Problem("title_missing", "填了文号或日期，标题也要填。", field=f"title_{place}"))
    elif len(document.title) > TITLE_MOST:
        found.append(Problem("title_long", f"标题最多{TITLE_MOST}个字。", field=f"title_{place}"))
    elif _PERSON.search(ascii_digits(document.title)):
        found.append(Problem("person", f"标题像是{_PERSON_WORDS}", field=f"title_{place}"))
    if len(document.number) > NUMBER_MOST:
        found.append(Problem("number_long", f"文号最多{NUMBER_MOST}个字。", field=f"number_{place}"))
    if document.dated:
        day = _iso(document.dated)
        if day is None:
            found.append(Problem("dated", "日期没看懂，请写成 2026-11-24 这样。", field=f"dated_{place}"))
        elif day > today:
            found.append(Problem("dated_late", "日期不能晚于今天。", field=f"dated_{place}"))
    return found


def _iso(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def written_this_month(days: Iterable[date], today: date) -> bool:
    """A unit is asked for a note at most once a month: whoever wrote one is not asked again."""
    return any((day.year, day.month) == (today.year, today.month) for day in days)


def asks_for_a_plan(text: str) -> bool:
    """Whether a safeguard's text asks units for an 实施方案 of their own (三、保障措施（二）)."""
    return "制定实施方案" in text


def handed_in(documents: Iterable[dict[str, Any]]) -> dict[str, Any] | None:
    """The 实施方案 among a note's documents, by its title."""
    return next((document for document in documents if "实施方案" in document.get("title", "")), None)


def establishment_problems(
    *, kind: str, level: str, stage: str, name: str, named_on: date | None, today: date, proof: str = ""
) -> list[Problem]:
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
    if named_on is not None and named_on > today:
        found.append(Problem("named_late", "命名日期不能晚于今天。", field="named_on"))
    if len(proof) > PROOF_MOST:
        found.append(Problem("proof_long", f"依据最多{PROOF_MOST}个字。", field="proof"))
    return found


def next_stages(stage: str) -> list[str]:
    """The stages that may follow: 谋划中 → 建设中 → 已命名, never back."""
    order = list(ESTABLISHMENT_STAGES)
    return order[order.index(stage) + 1 :]


def move_problems(
    *, before: str, after: str, reached_on: date | None, earlier: date | None, today: date, proof: str
) -> list[Problem]:
    """What stops a move to a later stage; `earlier` is the day of the stage before, where it is known."""
    found = []
    if after not in next_stages(before):
        found.append(Problem("stage", "请选后面的阶段。", field="stage"))
    if reached_on is None or reached_on > today:
        found.append(Problem("reached_on", "日期要填，不能晚于今天。", field="reached_on"))
    elif earlier is not None and reached_on < earlier:
        found.append(Problem("reached_early", f"日期不能早于上一阶段（{earlier}）。", field="reached_on"))
    if not proof or len(proof) > PROOF_MOST:
        found.append(Problem("proof", f"依据要填（文件标题、文号），最多{PROOF_MOST}个字。", field="proof"))
    return found
