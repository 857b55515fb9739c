"""Walk-ins from one phone, many or beside its own registration: shown to people, never a block (trust.md)."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.checkin.models import CheckIn
from app.checkin.parties import Reported
from app.checkin.rules import OWN_DOORS
from app.registration.models import Registration, RegistrationKind


def list_busy_phones(session: Session, activity_id: int, *, most: int) -> list[tuple[int, int]]:
    """(walk-ins, people) of each browser that signed in more walk-ins than `most` in one session, the most first.

    Own doors only: a desk adds as many as come. Whose browser it is, nobody knows.
    """
    heads = CheckIn.grade_a + CheckIn.grade_b + CheckIn.grade_c + CheckIn.grade_d
    times, people = func.count(), func.sum(heads)
    rows = session.execute(
        select(times, people)
        .select_from(CheckIn)
        .join(Registration, Registration.id == CheckIn.registration_id)
        .where(
            CheckIn.activity_id == activity_id, CheckIn.method.in_(OWN_DOORS),
            Registration.kind == RegistrationKind.WALK_IN.value, Registration.browser_index.is_not(None),
        )
        .group_by(CheckIn.session_id, Registration.browser_index)
        .having(times > most)
        .order_by(times.desc(), people.desc())
    )  # fmt: skip
    return [(int(row[0]), int(row[1])) for row in rows]


def find_walk_ins_beside(session: Session, registration_id: int, session_id: int) -> Reported | None:
    """Who came in as walk-ins from the phone that made this registration of persons; None without any.

    Whoever waited for a place or an approval may have come in so, or have signed in somebody else: only they know.
    """
    heads = CheckIn.grade_a + CheckIn.grade_b + CheckIn.grade_c + CheckIn.grade_d
    phone = select(Registration.browser_index).where(
        Registration.id == registration_id, Registration.kind == RegistrationKind.INDIVIDUAL.value
    )
    people, first_at = session.execute(
        select(func.sum(heads), func.min(CheckIn.first_at))
        .join(Registration, Registration.id == CheckIn.registration_id)
        .where(
            CheckIn.session_id == session_id, Registration.kind == RegistrationKind.WALK_IN.value,
            Registration.browser_index == phone.scalar_subquery(),
        )
    ).one()  # fmt: skip
    return Reported(int(people), first_at) if people else None
