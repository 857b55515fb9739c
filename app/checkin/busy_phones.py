"""Many walk-ins from one phone: shown to people, never a block (trust.md)."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.checkin.models import CheckIn
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
