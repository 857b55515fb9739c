"""Who gets a submission: the first office in order that is not involved and where somebody can read."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from app.activities.models import Activity
from app.evidence.models import EvidenceItem
from app.extensions import db
from app.kernel.actor import SYSTEM
from app.kernel.database import transaction
from app.kernel.errors import RuleBroken
from app.organisation.accounts import set_disabled
from app.organisation.models import Unit, User
from app.organisation.queries import actor_of
from app.planning.models import Task
from app.review.service import submit
from tests.cast import make_cast
from tests.factories import NOW, make_activity
from tests.plan import make_plan


@pytest.fixture
def activity_code(app: Flask) -> str:
    """A publicity activity of 示例甲镇, over, with its two photos: nothing stops its submission."""
    with app.app_context(), transaction(db.session) as tx:
        cast = make_cast(tx)
        make_plan(tx, now=NOW)
        activity = make_activity(
            tx, host=cast.town, kind="publicity", starts_at=NOW - timedelta(days=1), photos_show_minors=False,
            photos_may_publish=True, primary_task_id=tx.scalar(select(Task.id).limit(1)),
        )  # fmt: skip
        for number in range(2):
            tx.add(EvidenceItem(activity_id=activity.id, slot="photos", kind="photo", uploaded_at=NOW, original_sha256=f"{number}" * 64))  # fmt: skip
        return activity.code


def hand_in(code: str) -> str:
    """The office that gets it; nothing is kept."""
    name = ""
    try:
        with transaction(db.session) as tx:
            activity = tx.scalars(select(Activity).where(Activity.code == code)).one()
            organizer = actor_of(tx, tx.scalars(select(User).where(User.login == "jingban")).one())
            case = submit(tx, activity, claimed_headcount=None, remark="", actor=organizer, now=NOW)
            name = tx.get_one(Unit, case.reader_unit_id).name
            raise ZeroDivisionError
    except ZeroDivisionError:
        return name


def disable(login: str) -> None:
    with transaction(db.session) as tx:
        user = tx.scalars(select(User).where(User.login == login)).one()
        set_disabled(tx, user, disabled=True, actor=SYSTEM, now=NOW)


def test_an_office_whose_readers_are_all_disabled_is_passed_over(app: Flask, activity_code: str) -> None:
    with app.app_context():
        assert hand_in(activity_code) == "区文明办"
        disable("shenhe")
        assert hand_in(activity_code) == "区政工部"
        disable("fuhe")
        assert hand_in(activity_code) == "区教体中心"
        disable("sanhe")
        with pytest.raises(RuleBroken, match="没有能审这一件的单位"):
            hand_in(activity_code)
