"""系列活动: verbs and lists; and 非遗项目, a list that grows by use."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.activities.models import Activity, ActivityState, HeritageItem, Listing, Programme, ProgrammeKind
from app.activities.queries import ActivityRow, row_columns
from app.activities.rules import SUMMARY_MOST, TITLE_MOST
from app.audit.log import record
from app.kernel.actor import Actor
from app.kernel.errors import NotFound, Problem, RuleBroken, raise_if_blocked
from app.kernel.text import clean, one_line
from app.organisation.models import Unit

HERITAGE_MOST = 40


def _problems(title: str, intro: str, starts_on: date, ends_on: date) -> list[Problem]:
    found = []
    if not title or len(title) > TITLE_MOST:
        found.append(Problem("title", f"名称要填，最多{TITLE_MOST}个字。", field="title"))
    if len(intro) > SUMMARY_MOST:
        found.append(Problem("intro_long", f"介绍最多{SUMMARY_MOST}个字，现在{len(intro)}个。", field="intro"))
    if ends_on < starts_on:
        found.append(Problem("period", "结束日期不能早于开始日期。", field="ends_on"))
    return found


def create_programme(
    session: Session,
    *,
    kind: ProgrammeKind,
    title: str,
    intro: str,
    starts_on: date,
    ends_on: date,
    host: Unit,
    actor: Actor,
    now: datetime,
) -> Programme:
    """A series of activities over a period."""
    title, intro = one_line(title), clean(intro)
    raise_if_blocked(_problems(title, intro, starts_on, ends_on))
    programme = Programme(
        kind=kind.value, title=title, intro=intro, starts_on=starts_on, ends_on=ends_on,
        host_unit_id=host.id, created_at=now, created_by_id=actor.user_id,
    )  # fmt: skip
    session.add(programme)
    session.flush()
    record(
        session, "programme.created", actor=actor, object_type="programme", object_code=programme.code, now=now,
        payload={"kind": kind.value},
    )  # fmt: skip
    return programme


def change_programme(
    session: Session,
    programme: Programme,
    *,
    kind: ProgrammeKind,
    title: str,
    intro: str,
    starts_on: date,
    ends_on: date,
    actor: Actor,
    now: datetime,
) -> None:
    """Kind and period count in figures, so both stand in the log before and after."""
    title, intro = one_line(title), clean(intro)
    raise_if_blocked(_problems(title, intro, starts_on, ends_on))
    before = {"kind": programme.kind, "period": [str(programme.starts_on), str(programme.ends_on)]}
    programme.kind, programme.title, programme.intro = kind.value, title, intro
    programme.starts_on, programme.ends_on = starts_on, ends_on
    record(
        session, "programme.changed", actor=actor, object_type="programme", object_code=programme.code, now=now,
        payload={"before": before, "after": {"kind": kind.value, "period": [str(starts_on), str(ends_on)]}},
    )  # fmt: skip


def find_or_add_heritage_item(session: Session, name: str) -> HeritageItem | None:
    """The item of that name; a new name becomes a new item. None for an empty name. Raises RuleBroken."""
    name = one_line(name)
    if not name:
        return None
    if len(name) > HERITAGE_MOST:
        raise RuleBroken(Problem("heritage_long", f"非遗项目名称最多{HERITAGE_MOST}个字。", field="heritage"))
    item = session.scalar(select(HeritageItem).where(HeritageItem.name == name))
    if item is None:
        item = HeritageItem(name=name)
        session.add(item)
        session.flush()
    return item


def list_programmes(session: Session) -> list[Programme]:
    """Newest period first."""
    return list(session.scalars(select(Programme).order_by(Programme.starts_on.desc(), Programme.id.desc())))


def get_programme(session: Session, code: str) -> Programme:
    """Raises NotFound."""
    programme = session.scalar(select(Programme).where(Programme.code == code))
    if programme is None:
        raise NotFound("没有找到这个系列活动。")
    return programme


def list_of_programme(
    session: Session, programme: Programme, *, states: Sequence[ActivityState], only_listed: bool = False
) -> list[ActivityRow]:
    """Its activities by start; `only_listed` keeps what the public calendar shows, and what is done."""
    statement = (
        select(*row_columns())
        .join(Unit, Unit.id == Activity.host_unit_id)
        .where(
            Activity.programme_id == programme.id,
            Activity.is_practice.is_(False),
            Activity.state.in_([state.value for state in states]),
        )
    )
    if only_listed:
        statement = statement.where(Activity.listing == Listing.LISTED.value)
    rows = session.execute(statement.order_by(Activity.starts_at, Activity.id).limit(500))
    return [ActivityRow(**row._mapping) for row in rows]


def count_by_programme(session: Session) -> dict[int, int]:
    """Activities that stand, by programme id."""
    rows = session.execute(
        select(Activity.programme_id, func.count())
        .where(
            Activity.programme_id.is_not(None),
            Activity.is_practice.is_(False),
            Activity.state.in_((ActivityState.PUBLISHED.value, ActivityState.CLOSED.value)),
        )
        .group_by(Activity.programme_id)
    )
    return {int(programme_id): int(count) for programme_id, count in rows if programme_id is not None}
