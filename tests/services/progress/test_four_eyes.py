"""What one wrote at another unit is not one's own to approve after moving to the office."""

from __future__ import annotations

from datetime import date

import pytest
from flask import Flask

from app.extensions import db
from app.kernel.database import transaction
from app.kernel.errors import NotPermitted
from app.organisation.models import User
from app.organisation.queries import actor_of
from app.progress.models import Establishment, ProgressNote
from app.progress.service import decide
from tests.cast import make_cast
from tests.factories import NOW

DAY = date(2026, 11, 20)


@pytest.mark.parametrize("sort", ["note", "establishment"])
def test_nobody_approves_what_he_wrote_before_he_moved(app: Flask, sort: str) -> None:
    with app.app_context(), transaction(db.session) as tx:
        cast = make_cast(tx)
        writer = cast.reviewer  # at 区文明办 by now
        row: ProgressNote | Establishment = (
            ProgressNote(unit_id=cast.town.id, noted_on=DAY, text="示例", created_at=NOW, created_by_id=writer.id)
            if sort == "note"
            else Establishment(
                kind="bus_line",
                name="示例线",
                unit_id=cast.town.id,
                stage="planned",
                created_at=NOW,
                created_by_id=writer.id,
            )
        )
        tx.add(row)
        tx.flush()
        with pytest.raises(NotPermitted, match="自己填的"):
            decide(tx, row, accept=True, reason="", actor=actor_of(tx, tx.get_one(User, writer.id)), now=NOW)
        decide(tx, row, accept=True, reason="", actor=cast.actor(tx, "second_reader"), now=NOW)
        assert row.state == "approved"
