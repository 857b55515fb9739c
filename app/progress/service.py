"""Notes and establishments: handed in by a unit, decided by the office, four eyes."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy.orm import Session

from app.audit.log import record
from app.kernel.actor import Actor
from app.kernel.clock import business_day
from app.kernel.errors import Conflict, NotPermitted, Problem, RuleBroken, raise_if_blocked
from app.kernel.text import clean, one_line
from app.organisation.models import Unit
from app.planning.models import Safeguard, Task
from app.progress.models import Establishment, ProgressNote, ProgressState
from app.progress.rules import STAGE_LABELS, establishment_problems, note_problems


def add_note(
    session: Session,
    unit: Unit,
    *,
    task: Task | None,
    safeguard: Safeguard | None,
    text: str,
    noted_on: date | None,
    stage: str,
    actor: Actor,
    now: datetime,
) -> ProgressNote:
    """A unit's dated note on a task or a safeguard; it counts as evidence once approved."""
    text = clean(text)
    raise_if_blocked(note_problems(text, noted_on, business_day(now)))
    note = ProgressNote(
        task_id=task.id if task else None, safeguard_id=safeguard.id if safeguard else None, unit_id=unit.id,
        noted_on=noted_on, text=text, stage=stage if stage in STAGE_LABELS else None, documents=[], created_at=now,
        created_by_id=actor.user_id,
    )  # fmt: skip
    session.add(note)
    session.flush()
    record(
        session, "note.added", actor=actor, object_type="note", object_code=note.code, now=now,
        payload={"task": task.number if task else None, "safeguard": safeguard.position if safeguard else None},
    )  # fmt: skip
    return note


def add_establishment(
    session: Session,
    unit: Unit,
    *,
    kind: str,
    level: str,
    stage: str,
    name: str,
    proof: str,
    named_on: date | None,
    actor: Actor,
    now: datetime,
) -> Establishment:
    """A thing set up and kept; counted once named and approved."""
    name = one_line(name)
    raise_if_blocked(establishment_problems(kind=kind, level=level, stage=stage, name=name, named_on=named_on))
    row = Establishment(
        kind=kind, level=level or None, stage=stage, name=name, unit_id=unit.id, proof=one_line(proof)[:200],
        named_on=named_on, created_at=now, created_by_id=actor.user_id,
    )  # fmt: skip
    session.add(row)
    session.flush()
    record(
        session, "establishment.added", actor=actor, object_type="establishment", object_code=row.code, now=now,
        payload={"kind": kind, "level": level or None, "stage": stage},
    )  # fmt: skip
    return row


def decide(
    session: Session,
    row: ProgressNote | Establishment,
    *,
    accept: bool,
    reason: str,
    actor: Actor,
    now: datetime,
) -> None:
    """Approve or return; never one's own unit's."""
    session.refresh(row)
    if row.state != ProgressState.UNDER_REVIEW.value:
        raise Conflict("decided_already", "这一条已经处理过了。")
    if row.unit_id == actor.unit_id:
        raise NotPermitted("本单位填的，不能由本单位审核。")
    reason = clean(reason)[:200]
    if not accept and not reason:
        raise RuleBroken(Problem("reason_missing", "退回要写明原因。", field="reason"))
    row.state = (ProgressState.APPROVED if accept else ProgressState.RETURNED).value
    row.reason, row.decided_at, row.decided_by_id = ("" if accept else reason), now, actor.user_id
    kind = "note" if isinstance(row, ProgressNote) else "establishment"
    record(
        session, f"{kind}.decided", actor=actor, object_type=kind, object_code=row.code, now=now,
        payload={"decision": row.state}, private=None if accept else {"reason": reason},
    )  # fmt: skip
