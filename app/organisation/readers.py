"""The order of reading offices: who reads there, who stands in, and every change of it written down."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.audit.log import record
from app.kernel.actor import Actor, Role
from app.kernel.errors import NotFound, raise_if_blocked
from app.organisation.models import ReaderOrder, RoleGrant, Unit, User
from app.organisation.queries import lock_district
from app.organisation.rules import Seat, check_seats

READING = (Role.REVIEWER.value, Role.SECOND_READER.value)


def list_members(session: Session) -> dict[int, list[User]]:
    """By unit: its accounts that may read, without the disabled ones."""
    found: dict[int, list[User]] = {}
    may_read = select(RoleGrant.user_id).where(RoleGrant.role.in_(READING))
    for user in session.scalars(
        select(User).where(User.id.in_(may_read), User.disabled_at.is_(None)).order_by(User.id)
    ):
        found.setdefault(user.unit_id, []).append(user)
    return found


def read_seats(session: Session) -> list[Seat]:
    """The order as it stands, by codes."""
    entries = session.scalars(select(ReaderOrder).order_by(ReaderOrder.position)).all()
    offices = {
        unit.id: unit.code for unit in session.scalars(select(Unit).where(Unit.id.in_([e.unit_id for e in entries])))
    }
    named = {user for entry in entries for user in (entry.reader_id, entry.stand_in_id) if user}
    people = {row.id: row.code for row in session.execute(select(User.id, User.code).where(User.id.in_(named)))}
    return [
        Seat(offices[entry.unit_id], people.get(entry.reader_id or 0, ""), people.get(entry.stand_in_id or 0, ""))
        for entry in entries
    ]


def change_order(
    session: Session,
    change: Callable[[list[Seat]], list[Seat]],
    *,
    busy: Collection[str] = (),
    actor: Actor,
    now: datetime,
) -> None:
    """Put `change` of the present order in its place. `busy` are codes of offices that have cases open.

    Raises RuleBroken (too few, the same person twice, not of the office), NotFound for an absent office.
    """
    lock_district(session)
    session.expire_all()  # what was read before the lock may be gone
    before = read_seats(session)
    after = change(list(before))
    if after == before:
        return
    units = {unit.code: unit for unit in session.scalars(select(Unit).where(Unit.code.in_([s.office for s in after])))}
    if any(
        seat.office not in units or units[seat.office].retired_at is not None for seat in after if seat not in before
    ):
        raise NotFound("没有找到这个单位。")
    members = {unit_id: {user.code: user.id for user in users} for unit_id, users in list_members(session).items()}
    by_office = {code: members.get(unit.id, {}) for code, unit in units.items()}
    raise_if_blocked(check_seats(after, by_office, before=before, busy=busy))
    _write(session, after, units)
    record(
        session, "readers.ordered", actor=actor, object_type="unit", object_code=after[0].office, now=now,
        payload={"before": [_words(seat) for seat in before], "after": [_words(seat) for seat in after]},
    )  # fmt: skip


def _write(session: Session, seats: list[Seat], units: dict[str, Unit]) -> None:
    """All rows anew: positions are unique, so that moving them one by one would collide."""
    named = {code for seat in seats for code in (seat.reader, seat.stand_in) if code}
    ids = {row.code: row.id for row in session.execute(select(User.code, User.id).where(User.code.in_(named)))}
    session.execute(delete(ReaderOrder).execution_options(synchronize_session="fetch"))
    for position, seat in enumerate(seats, start=1):
        session.add(
            ReaderOrder(
                position=position, unit_id=units[seat.office].id, reader_id=ids.get(seat.reader),
                stand_in_id=ids.get(seat.stand_in),
            )
        )  # fmt: skip
    session.flush()


def _words(seat: Seat) -> str:
    """Codes only: names stay out of the log."""
    return "/".join(code for code in (seat.office, seat.reader, seat.stand_in) if code)


def able_offices(session: Session) -> list[int]:
    """Ids of the reading offices in their order, without those where nobody could read just now."""
    members = list_members(session)
    rows = session.execute(
        select(ReaderOrder.unit_id, ReaderOrder.reader_id, ReaderOrder.stand_in_id)
        .join(Unit, Unit.id == ReaderOrder.unit_id)
        .where(Unit.retired_at.is_(None))
        .order_by(ReaderOrder.position)
    ).all()
    active = {user.id for users in members.values() for user in users}
    return [row.unit_id for row in rows if members.get(row.unit_id) or {row.reader_id, row.stand_in_id} & active]
