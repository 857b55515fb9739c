"""Notes and establishments: handed in by a unit, corrected when they came back, decided by the office, four eyes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from app.audit.log import record
from app.kernel.actor import Actor
from app.kernel.clock import business_day
from app.kernel.errors import Conflict, NotPermitted, Problem, RuleBroken, raise_if_blocked
from app.kernel.text import clean, one_line
from app.organisation.models import Unit
from app.planning.models import Safeguard, Task
from app.progress.models import Establishment, EstablishmentStage, ProgressNote, ProgressState
from app.progress.rules import STAGE_LABELS, Document, establishment_problems, move_problems, note_problems


def add_note(
    session: Session,
    unit: Unit,
    *,
    task: Task | None,
    safeguard: Safeguard | None,
    text: str,
    noted_on: date | None,
    stage: str,
    documents: Sequence[Document] = (),
    actor: Actor,
    now: datetime,
) -> ProgressNote:
    """A unit's dated note on a task or a safeguard; it counts as evidence once approved."""
    text, papers = clean(text), _tidy(documents)
    raise_if_blocked(note_problems(text, noted_on, business_day(now), papers, stage))
    note = ProgressNote(
        task_id=task.id if task else None, safeguard_id=safeguard.id if safeguard else None, unit_id=unit.id,
        noted_on=noted_on, text=text, stage=stage if stage in STAGE_LABELS else None, documents=_stored(papers),
        created_at=now, created_by_id=actor.user_id,
    )  # fmt: skip
    session.add(note)
    session.flush()
    record(
        session, "note.added", actor=actor, object_type="note", object_code=note.code, now=now,
        payload={"task": task.number if task else None, "safeguard": safeguard.position if safeguard else None},
    )  # fmt: skip
    return note


def correct_note(
    session: Session,
    note: ProgressNote,
    *,
    text: str,
    noted_on: date | None,
    stage: str,
    documents: Sequence[Document] = (),
    actor: Actor,
    now: datetime,
) -> None:
    """Hand a returned note in again. The row stays; the log keeps what it said and why it came back."""
    _only_returned(session, note)
    text, papers = clean(text), _tidy(documents)
    raise_if_blocked(note_problems(text, noted_on, business_day(now), papers, stage))
    assert noted_on is not None
    before, said = _note_plain(note), note.text
    note.text, note.noted_on, note.documents = text, noted_on, _stored(papers)
    note.stage = stage if stage in STAGE_LABELS else None
    _wait_again(note)
    record(
        session, "note.changed", actor=actor, object_type="note", object_code=note.code, now=now,
        payload={"before": before, "after": _note_plain(note)},
        private={"text": said if said != text else "", "reason": note.reason},
    )  # fmt: skip


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
    name, proof = one_line(name), one_line(proof)
    raise_if_blocked(
        establishment_problems(
            kind=kind, level=level, stage=stage, name=name, named_on=named_on, today=business_day(now), proof=proof
        )
    )
    row = Establishment(
        kind=kind, level=level or None, stage=stage, name=name, unit_id=unit.id, proof=proof,
        named_on=named_on if stage == EstablishmentStage.NAMED.value else None, created_at=now,
        created_by_id=actor.user_id,
    )  # fmt: skip
    session.add(row)
    session.flush()
    record(
        session, "establishment.added", actor=actor, object_type="establishment", object_code=row.code, now=now,
        payload={"kind": kind, "level": level or None, "stage": stage},
    )  # fmt: skip
    return row


def correct_establishment(
    session: Session,
    row: Establishment,
    *,
    kind: str,
    level: str,
    stage: str,
    name: str,
    proof: str,
    named_on: date | None,
    actor: Actor,
    now: datetime,
) -> None:
    """Hand a returned establishment in again, as `correct_note` does."""
    _only_returned(session, row)
    name, proof = one_line(name), one_line(proof)
    raise_if_blocked(
        establishment_problems(
            kind=kind, level=level, stage=stage, name=name, named_on=named_on, today=business_day(now), proof=proof
        )
    )
    before, was = _establishment_plain(row), (row.name, row.proof)
    row.kind, row.level, row.stage, row.name, row.proof = kind, level or None, stage, name, proof
    row.named_on = named_on if stage == EstablishmentStage.NAMED.value else None
    _wait_again(row)
    _record_change(session, row, before, was, actor, now)


def move_establishment(
    session: Session,
    row: Establishment,
    *,
    stage: str,
    reached_on: date | None,
    proof: str,
    actor: Actor,
    now: datetime,
) -> None:
    """An approved one reaches a later stage, with its day and proof; it is reviewed again."""
    session.refresh(row, with_for_update=True)
    if row.state != ProgressState.APPROVED.value:
        raise Conflict("not_approved", "这一处还没有审核通过，先不能改阶段。")
    proof = one_line(proof)
    raise_if_blocked(
        move_problems(
            before=row.stage, after=stage, reached_on=reached_on, earlier=row.under_way_on or row.planned_on,
            today=business_day(now), proof=proof,
        )
    )  # fmt: skip
    before, was = _establishment_plain(row), (row.name, row.proof)
    row.stage, row.proof = stage, proof
    if stage == EstablishmentStage.NAMED.value:
        row.named_on = reached_on
    else:
        row.under_way_on = reached_on
    _wait_again(row)
    _record_change(session, row, before, was, actor, now)


def decide(
    session: Session,
    row: ProgressNote | Establishment,
    *,
    accept: bool,
    reason: str,
    actor: Actor,
    now: datetime,
) -> None:
    """Approve or return; never one's own unit's, and never what one wrote oneself before moving to another."""
    session.refresh(row, with_for_update=True)
    if row.state != ProgressState.UNDER_REVIEW.value:
        raise Conflict("decided_already", "这一条已经处理过了。")
    if row.unit_id == actor.unit_id:
        raise NotPermitted("本单位填的，不能由本单位审核。")
    if row.created_by_id is not None and row.created_by_id == actor.user_id:
        raise NotPermitted("自己填的，不能自己审核。")
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


def _only_returned(session: Session, row: ProgressNote | Establishment) -> None:
    """Raises Conflict: what waits or is approved stays as the office read it."""
    session.refresh(row, with_for_update=True)
    if row.state != ProgressState.RETURNED.value:
        raise Conflict("not_returned", "这一条没有被退回，不用修改。")


def _wait_again(row: ProgressNote | Establishment) -> None:
    """The reviewer's sentence stays, so that whoever reads next sees what was asked for."""
    row.state, row.decided_at, row.decided_by_id = ProgressState.UNDER_REVIEW.value, None, None


def _tidy(documents: Sequence[Document]) -> list[Document]:
    return [Document(one_line(d.title), one_line(d.number), clean(d.dated)) for d in documents]


def _stored(documents: Sequence[Document]) -> list[dict[str, Any]]:
    return [document.stored() for document in documents if not document.is_empty]


def _note_plain(note: ProgressNote) -> dict[str, Any]:
    return {"noted_on": note.noted_on.isoformat(), "stage": note.stage, "documents": len(note.documents)}


def _establishment_plain(row: Establishment) -> dict[str, Any]:
    days = {name: getattr(row, name) for name in ("planned_on", "under_way_on", "named_on")}
    return {
        "kind": row.kind, "level": row.level, "stage": row.stage,
        **{name: day.isoformat() for name, day in days.items() if day is not None},
    }  # fmt: skip


def _record_change(
    session: Session, row: Establishment, before: dict[str, Any], was: tuple[str, str], actor: Actor, now: datetime
) -> None:
    record(
        session, "establishment.changed", actor=actor, object_type="establishment", object_code=row.code, now=now,
        payload={"before": before, "after": _establishment_plain(row)},
        private={
            "name": was[0] if was[0] != row.name else "", "proof": was[1] if was[1] != row.proof else "",
            "reason": row.reason,
        },
    )  # fmt: skip
