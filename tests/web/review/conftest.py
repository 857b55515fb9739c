"""A publicity activity that is over, with its two photos and a reader: what every test of a decision begins with."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.activities.models import Activity
from app.evidence.models import EvidenceItem
from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.planning.models import Task
from app.review.models import ReviewCase
from tests.cast import make_cast
from tests.factories import make_activity, make_user
from tests.plan import make_plan


@dataclass
class Desk:
    """One browser for each person; the steps of a review over HTTP."""

    app: Flask
    code: str
    enter: Callable[[FlaskClient, str], None]

    def browser(self, login: str) -> FlaskClient:
        browser = self.app.test_client()
        self.enter(browser, login)
        return browser

    def submit(self, login: str = "jingban") -> int:
        """The status of handing it in."""
        return self.browser(login).post(f"/activities/{self.code}/submit", data={"claimed": "0"}).status_code

    def decide(self, login: str, verb: str, reason: str = "") -> int:
        reader = self.browser(login)
        case = re.search(r"/review/([a-z0-9]{12})", reader.get("/review").text)
        assert case, "the queue is empty"
        return reader.post(f"/review/{case[1]}/{verb}", data={"reason": reason}).status_code

    def reopen(self, login: str, reason: str) -> int:
        return self.browser(login).post(f"/activities/{self.code}/reopen", data={"reason": reason}).status_code

    def states(self) -> tuple[str, str]:
        """Of the activity's review, and of its newest case."""
        with self.app.app_context():
            activity = db.session.scalars(select(Activity).where(Activity.code == self.code)).one()
            case = db.session.scalars(select(ReviewCase).order_by(ReviewCase.id.desc())).first()
            return activity.review_state, case.state if case else ""


def make_desk(app: Flask, enter: Callable[[FlaskClient, str], None], host: str) -> Desk:
    """`host` is a field of the cast."""
    with app.app_context(), transaction(db.session) as tx:
        moment, cast = now(), make_cast(tx)
        make_plan(tx, now=moment)
        if host != "town":
            make_user(tx, unit=getattr(cast, host), login="zijiren")
        activity = make_activity(
            tx, host=getattr(cast, host), kind="publicity", starts_at=moment - timedelta(days=1),
            photos_show_minors=False, photos_may_publish=True, primary_task_id=tx.scalar(select(Task.id).limit(1)),
        )  # fmt: skip
        for number in range(2):
            tx.add(EvidenceItem(activity_id=activity.id, slot="photos", kind="photo", uploaded_at=moment, original_sha256=f"{number}" * 64))  # fmt: skip
        return Desk(app, activity.code, enter)


@pytest.fixture
def desk(app: Flask, client: FlaskClient, sign_in: Callable[[FlaskClient, str], None]) -> Desk:
    """An activity of 示例甲镇, read by 区文明办."""
    return make_desk(app, sign_in, "town")


@pytest.fixture
def office_desk(app: Flask, client: FlaskClient, sign_in: Callable[[FlaskClient, str], None]) -> Desk:
    """An activity that 区文明办 hosts itself, by its organizer `zijiren`: read by 区政工部."""
    return make_desk(app, sign_in, "wenming")
