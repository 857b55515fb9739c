"""The ledger's tables from facts: overview by task, and one row an activity."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.activities.kinds import KINDS
from app.kernel.clock import SHANGHAI
from app.metrics.board import Board, load_board
from app.metrics.queries import FactFilter, count_facts, stream_facts
from app.metrics.sheets import ACTIVITY_COLUMNS, LIGHT_WORDS, TableSheet, task_columns
from app.metrics.tree import load_tree
from app.planning.models import Task

OWN_NOTE = "只含本单位和下级单位主办、协办的活动，和它们填的工作进展；灯和进度 / 目标是全区的。"
ORIGIN_WORDS = {"live": "线上签到", "paper": "纸质补录", "imported": "历史导入"}


@dataclass(frozen=True, slots=True)
class LedgerTables:
    """Sheets ready for the writer, and how many activities they hold."""

    sheets: Sequence[TableSheet]
    rows: int


def ledger_tables(
    session: Session, *, year: int, today: date, host_paths: list[str] | None, moment: datetime
) -> LedgerTables:
    """`host_paths` None is the district; else the subtrees of all units whose ledger the actor may export."""
    hosts = None if host_paths is None else tuple(host_paths)
    stamp = f"截至 {moment.astimezone(SHANGHAI):%Y-%m-%d %H:%M}。人次不是人数：同一人参加两场算两次。"
    tree = load_tree(session)
    board = load_board(session, year=year, today=today, hosts=hosts, tree=tree)
    whole = board if hosts is None else load_board(session, year=year, today=today, tree=tree)
    notes = (stamp,) if hosts is None else (OWN_NOTE, stamp)
    wanted = FactFilter(year=year, hosts=hosts)
    numbers = {row.id: row.number for row in session.execute(select(Task.id, Task.number))}
    count = count_facts(session, wanted)
    title = f"{board.plan.title if board.plan else ''}台账（{year}年）"
    return LedgerTables(
        sheets=(
            TableSheet("各任务", title, task_columns(whole=hosts is None), list(_task_rows(board, whole)), notes),
            TableSheet("活动明细", title, ACTIVITY_COLUMNS, _activity_rows(session, wanted, numbers), notes),
        ),
        rows=count,
    )


def _task_rows(board: Board, whole: Board) -> Iterator[tuple[object, ...]]:
    """A unit's own counts; light and target are the district's: a part against the whole's target says nothing."""
    districts = {line.id: line for line in whole.tasks}
    for group in board.groups:
        for line in group.tasks:
            district = districts[line.id]
            target = district.target
            yield (
                line.number, line.title, group.title, LIGHT_WORDS[district.light],
                f"{target.value} / {target.target}{target.unit_word}" if target else "方案未定量",
                line.activities, line.grades.total, line.grades.verified, line.grades.a, line.grades.b,
                line.grades.c, line.grades.d, line.schools, line.towns, line.photos, line.notes,
            )  # fmt: skip


def _activity_rows(session: Session, wanted: FactFilter, numbers: dict[int, int]) -> Iterator[tuple[object, ...]]:
    for row, units in stream_facts(session, wanted):
        (_id, kind, counted_on, task_id, sessions, a, b, c, d, children, classes, photos, origin,
         code, title, host, heritage, programme) = row  # fmt: skip
        yield (
            title, numbers.get(task_id), KINDS[kind].label, counted_on, host, "、".join(units), programme, heritage,
            sessions, a + b + c + d, a + b, a, b, c, d, children, classes, photos,
            ORIGIN_WORDS.get(origin, origin), code,
        )  # fmt: skip
