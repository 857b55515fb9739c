"""An activity and its case never part: no withdrawing or discarding after it was handed in, no approval of what is gone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from app.activities.models import Activity
from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from tests.web.review.conftest import Desk


def _set(desk: Desk, **columns: object) -> None:
    with desk.app.app_context(), transaction(db.session) as tx:
        tx.execute(update(Activity).where(Activity.code == desk.code).values(**columns))


def _state(desk: Desk) -> str:
    with desk.app.app_context():
        return db.session.scalars(select(Activity.state).where(Activity.code == desk.code)).one()


@pytest.mark.parametrize("state", ["under_review", "returned", "approved", "rejected"])
def test_what_was_handed_in_is_neither_withdrawn_to_a_draft_nor_discarded(desk: Desk, state: str) -> None:
    organizer = desk.browser("jingban")
    _set(desk, review_state=state)
    assert organizer.post(f"/activities/{desk.code}/withdraw").status_code == 409
    assert _state(desk) == "published"
    _set(desk, state="draft")
    assert organizer.post(f"/activities/{desk.code}/discard").status_code == 409
    assert _state(desk) == "draft"


@pytest.mark.parametrize("state", ["cancelled", "draft", "withdrawn"])
def test_what_is_no_longer_held_is_not_approved(desk: Desk, state: str) -> None:
    assert desk.submit() == 302
    _set(desk, state=state)
    assert desk.decide("shenhe", "approve") == 409
    assert desk.states() == ("under_review", "under_review")
    assert desk.decide("shenhe", "return", "活动已取消") == 302  # the reader is not stuck with it


def test_a_draft_whose_day_has_passed_is_not_handed_in(desk: Desk) -> None:
    _set(desk, state="draft", published_at=None)
    page = desk.browser("jingban").post(f"/activities/{desk.code}/submit", data={"claimed": "0"})
    assert page.status_code == 422
    assert "这还是草稿" in page.text
    assert desk.states() == ("not_submitted", "")


def test_the_reviewer_reads_what_was_redated_after_the_start_and_why(desk: Desk) -> None:
    organizer = desk.browser("jingban")
    earlier = (now() - timedelta(days=2)).date().isoformat()
    form = organizer.get(f"/activities/{desk.code}/edit").text
    version = form.split('name="version"')[1].split('value="')[1].split('"')[0]
    data = {
        "title": "剪纸进课堂", "date": earlier, "start": "09:00", "end": "10:00", "venue": "示例广场", "audience": "link",
        "primary_task": "1", "version": version, "attendance": "all", "opens_before": "60", "closes_after": "30",
    }  # fmt: skip
    assert organizer.post(f"/activities/{desk.code}/edit", data=data).status_code == 422  # no reason, no change
    saved = organizer.post(f"/activities/{desk.code}/edit", data={**data, "reason": "前一天下雨，提前到周日办"})
    assert saved.status_code == 303, saved.text
    assert desk.submit() == 302
    reader = desk.browser("shenhe")
    case = reader.get("/review").text.split("/review/")[1][:12]
    page = reader.get(f"/review/{case}").text
    assert "前一天下雨，提前到周日办" in page
    assert "示例小学礼堂" in page
    assert "活动开始以后改的" in page
    assert (
        "前一天下雨" not in reader.get(f"/a/{desk.code}").text
    )  # participants read the change, not the office's reason
