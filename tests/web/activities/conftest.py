"""People who are signed in, and activities to act on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.activities.models import Activity, ActivityState
from app.extensions import db
from app.kernel.clock import business_day
from app.kernel.database import transaction
from app.organisation.models import Unit
from tests.cast import make_cast
from tests.factories import make_activity

Visit = Callable[[str], FlaskClient]


@pytest.fixture
def codes(app: Flask) -> dict[str, str]:
    """An activity of the town tomorrow, one of another town, a draft, and units by name."""
    tomorrow = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(days=1)
    with app.app_context(), transaction(db.session) as tx:
        cast = make_cast(tx)
        own = make_activity(tx, host=cast.town, starts_at=tomorrow, kind="exchange", title="石榴红市集")
        foreign = make_activity(tx, host=cast.other_town, starts_at=tomorrow, venue="示例乙镇广场", title="乙镇的市集")
        draft = make_activity(
            tx,
            host=cast.town,
            starts_at=tomorrow,
            state=ActivityState.DRAFT,
            kind="exchange",
            venue="",
            title="羽毛球邻里赛",
        )
        tx.flush()
        units = {f"unit:{unit.name}": unit.code for unit in tx.scalars(select(Unit))}
        return {"own": own.code, "foreign": foreign.code, "draft": draft.code, **units}


@pytest.fixture
def visit(app: Flask, client: FlaskClient, codes: dict[str, str], sign_in: Callable[[FlaskClient, str], None]) -> Visit:
    """A signed-in client for one of the cast, by login; `client` first, since it switches CSRF off."""

    def run(login: str) -> FlaskClient:
        browser = app.test_client()
        sign_in(browser, login)
        return browser

    return run


@pytest.fixture
def typed(codes: dict[str, str]) -> Callable[..., dict[str, Any]]:
    """What an organizer types for a heritage lesson in a week."""
    day = business_day(datetime.now(UTC) + timedelta(days=7)).isoformat()

    def make(**changes: Any) -> dict[str, Any]:
        return {
            "kind": "heritage_visit", "drawn": "heritage_visit", "title": "剪纸进课堂", "date": day, "start": "09:00",
            "end": "10:00", "venue_unit": codes["unit:示例第一小学"], "heritage": "示例剪纸", "audience": "link",
            "takes_registration": "y", "takes_walk_in": "y", "do": "publish", **changes,
        }  # fmt: skip

    return make


@pytest.fixture
def only(app: Flask) -> Callable[[str], Activity]:
    """The one activity of that title, detached, its sessions loaded."""

    def find(title: str) -> Activity:
        with app.app_context():
            activity = db.session.scalars(select(Activity).where(Activity.title == title)).one()
            _ = (activity.sessions, activity.units, activity.related_tasks)
            db.session.expunge_all()
            return activity

    return find
