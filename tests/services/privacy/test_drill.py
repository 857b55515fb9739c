"""The restore drill on a larger district: how long, no row lost, the erased stay erased."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from app.audit.queries import verify_log
from app.demo.crowd import grow
from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.metrics.queries import load_rollup
from app.privacy.backup import count_rows, list_backups
from app.registration.models import PersonalDetail, Registration
from app.registration.service import erase_own
from tests.plan import make_plan
from tests.services.privacy.conftest import Home

pytestmark = pytest.mark.published
ACTIVITIES, CHECK_INS = (2000, 20_000) if os.environ.get("SHILIU_PROOF") == "full" else (50, 500)


def test_a_large_district_comes_back_whole(home: Home, record_property: Callable[[str, object], None]) -> None:
    with home.app.app_context():
        with transaction(db.session) as tx:
            make_plan(tx, now=now())
        with transaction(db.session) as tx:
            grow(tx, activities=ACTIVITIES, check_ins=CHECK_INS, now=now())
        with db.engine.connect() as connection:
            before = count_rows(connection)
        figures = load_rollup(db.session(), 2026)
        db.session.remove()
    started = time.monotonic()
    assert home.flask("backup", "make").exit_code == 0
    made = time.monotonic()
    with home.app.app_context():
        with transaction(db.session) as tx:
            row = tx.scalars(select(Registration).where(Registration.code == home.story.registration)).one()
            erase_own(tx, row, now=now())
            erased = row.id
        db.session.remove()
    name = list_backups(home.place)[-1]
    asked = time.monotonic()
    done = home.flask("backup", "restore", name, "--yes")
    assert done.exit_code == 0, done.output
    finished = time.monotonic()
    with home.app.app_context():
        with db.engine.connect() as connection:
            after = count_rows(connection)
        moving = {"audit_entry", "audit_detail", "personal_detail", "system_state", "attempt"}
        lost = {name: before[name] - after[name] for name in before.keys() - moving if before[name] != after[name]}
        back = db.session.scalar(
            select(func.count()).select_from(PersonalDetail).where(PersonalDetail.registration_id == erased)
        )
        assert lost == {}
        assert back == 0
        assert verify_log(db.session()).holds
        assert load_rollup(db.session(), 2026) == figures
        db.session.remove()
    record_property("restore drill: rows", sum(before.values()))
    record_property("restore drill: rows lost", 0)
    record_property("restore drill: erased that came back", 0)
    record_property("restore drill: seconds to back up and check", round(made - started, 1))
    record_property("restore drill: seconds to restore", round(finished - asked, 1))
