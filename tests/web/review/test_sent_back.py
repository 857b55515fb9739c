"""No decision is a dead end: what was not counted or was approved can go back, with a reason that the organizer reads."""

from __future__ import annotations

from sqlalchemy import select

from app.audit.models import AuditEntry
from app.evidence.models import EvidenceItem
from app.extensions import db
from app.review.models import ActivityFact, ReviewEvent
from tests.web.review.conftest import Desk


def _count(desk: Desk, table: type) -> int:
    with desk.app.app_context():
        return len(db.session.scalars(select(table)).all())


def test_a_rejected_activity_is_taken_up_again_and_approved(desk: Desk) -> None:
    assert desk.submit() == 302
    assert desk.decide("shenhe", "reject", "照片不是这一天的") == 302
    assert desk.submit() == 409
    reader = desk.browser("shenhe")
    tab = reader.get("/review?state=rejected").text
    case = tab.split("/review/")[1][:12]
    assert f"/activities/{desk.code}/reopen" in reader.get(f"/review/{case}").text
    assert desk.reopen("shenhe", "") == 422
    assert desk.reopen("shenhe", "换上当天的照片再交") == 302
    assert desk.states() == ("returned", "returned")
    with desk.app.app_context():
        kinds = db.session.scalars(select(ReviewEvent.kind).order_by(ReviewEvent.id)).all()
        actions = db.session.scalars(select(AuditEntry.action).order_by(AuditEntry.seq)).all()
    assert kinds == ["submitted", "rejected", "returned"]
    assert "review.returned" in actions
    assert desk.reopen("shenhe", "再退一次") == 409  # one decision is sent back once
    assert desk.submit() == 302
    assert desk.decide("shenhe", "approve") == 302
    assert desk.states() == ("approved", "approved")


def test_the_organizer_reads_why_it_was_not_counted_and_what_to_do(desk: Desk) -> None:
    desk.submit()
    desk.decide("shenhe", "reject", "照片不是这一天的")
    organizer = desk.browser("jingban")
    for address in ("/workbench", f"/activities/{desk.code}"):
        page = organizer.get(address).text
        assert "照片不是这一天的" in page, address
        assert "请区文明办退回修改" in page, address
    page = organizer.get(f"/activities/{desk.code}").text
    assert f"/activities/{desk.code}/edit" not in page
    assert "照片不是这一天的" in organizer.get(f"/activities/{desk.code}/submit").text
    assert desk.code in organizer.get("/activities?state=rejected").text


def test_nothing_of_a_rejected_activity_changes_by_post(desk: Desk) -> None:
    desk.submit()
    desk.decide("shenhe", "reject", "照片不是这一天的")
    organizer, before = desk.browser("jingban"), _count(desk, EvidenceItem)
    link = organizer.post(f"/activities/{desk.code}/evidence/links/media", data={"link": "https://example.cn/1"})
    assert "不予计入的活动，材料不能改" in link.text
    assert _count(desk, EvidenceItem) == before
    organizer.post(f"/activities/{desk.code}/evidence/settle", data={"minors": "yes", "publish": "no"})
    desk.reopen("shenhe", "可以改了")
    organizer.post(f"/activities/{desk.code}/evidence/links/media", data={"link": "https://example.cn/1"})
    assert _count(desk, EvidenceItem) == before + 1


def test_the_reason_of_a_reopening_reaches_the_organizer(desk: Desk) -> None:
    desk.submit()
    desk.decide("shenhe", "approve")
    assert desk.reopen("shenhe", "场次日期写错了") == 302
    organizer = desk.browser("jingban")
    for address in ("/workbench", f"/activities/{desk.code}", f"/activities/{desk.code}/submit"):
        assert "场次日期写错了" in organizer.get(address).text, address
    with desk.app.app_context():
        fact = db.session.scalars(select(ActivityFact)).one()
        assert fact.withdrawn_at is not None


def test_what_the_first_office_hosts_is_reopened_by_the_office_that_approved_it(office_desk: Desk) -> None:
    assert office_desk.submit("zijiren") == 302
    assert office_desk.decide("fuhe", "approve") == 302
    assert "本单位主办" in office_desk.browser("shenhe").get(f"/activities/{office_desk.code}/reopen").text
    assert office_desk.reopen("shenhe", "自己的") == 403
    assert office_desk.reopen("sanhe", "别的单位") == 403  # a third office does not decide this case
    assert office_desk.states() == ("approved", "approved")
    assert office_desk.reopen("fuhe", "人次有误") == 302
    assert office_desk.states() == ("returned", "returned")
