"""先审后发, and two write-ups of one event, through the pages."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from app.activities.models import Activity, ActivityUnit
from app.activities.queries import units_of
from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.organisation.models import Unit
from tests.web.activities.conftest import Visit

Typed = Callable[..., dict[str, Any]]
Only = Callable[[str], Activity]


def test_the_manager_says_yes_and_the_home_page_shows_it(visit: Visit, typed: Typed, only: Only, app: Flask) -> None:
    visit("jingban").post("/activities/new", data=typed(audience="public"))
    lesson, public = only("剪纸进课堂"), app.test_client()
    assert "剪纸进课堂" not in public.get("/").text
    manager = visit("fuze")
    assert "有1场等您同意公开" in manager.get("/workbench").text
    assert "剪纸进课堂" in manager.get("/activities/listing").text
    assert manager.post(f"/activities/{lesson.code}/listing/accept").status_code == 303
    assert "剪纸进课堂" in public.get("/").text
    assert manager.post(f"/activities/{lesson.code}/listing/accept").status_code == 409


def test_no_without_a_reason_is_asked_again_and_with_one_the_organizer_reads_it(
    visit: Visit, typed: Typed, only: Only
) -> None:
    visit("jingban").post("/activities/new", data=typed(audience="public"))
    lesson, office = only("剪纸进课堂"), visit("shenhe")
    refused = office.post(f"/activities/{lesson.code}/listing/decline", data={"reason": ""})
    assert refused.status_code == 422
    assert "要写明原因" in refused.text
    office.post(f"/activities/{lesson.code}/listing/decline", data={"reason": "标题里写了学生姓名"})
    assert "标题里写了学生姓名" in visit("jingban").get(f"/activities/{lesson.code}").text


def test_an_organizer_gives_no_nod_and_a_foreign_manager_sees_nothing(visit: Visit, typed: Typed, only: Only) -> None:
    visit("jingban").post("/activities/new", data=typed(audience="public"))
    lesson = only("剪纸进课堂")
    assert visit("jingban").get("/activities/listing").status_code == 403
    assert visit("jingban").post(f"/activities/{lesson.code}/listing/accept").status_code == 403
    assert only("剪纸进课堂").listing == "waiting"


def test_a_twin_is_asked_about_before_publishing_and_shows_title_and_host_only(
    visit: Visit, typed: Typed, only: Only
) -> None:
    visit("jingban").post("/activities/new", data=typed(summary="只有主办看得到的介绍"))
    other = visit("yizhen")
    answer = other.post("/activities/new", data=typed(title="乙镇也写的剪纸课"))
    draft = only("乙镇也写的剪纸课")
    assert answer.location.endswith(f"/activities/{draft.code}/twins")
    assert draft.state == "draft"
    page = other.get(answer.location).text
    assert "剪纸进课堂" in page
    assert "示例甲镇" in page
    assert "只有主办看得到的介绍" not in page


def test_joining_makes_one_activity_of_two_and_gives_the_draft_up(
    visit: Visit, typed: Typed, only: Only, app: Flask
) -> None:
    visit("jingban").post("/activities/new", data=typed())
    first, other = only("剪纸进课堂"), visit("yizhen")
    other.post("/activities/new", data=typed(title="乙镇也写的剪纸课"))
    draft = only("乙镇也写的剪纸课")
    answer = other.post(f"/activities/{draft.code}/join", data={"other": first.code}, follow_redirects=True)
    assert answer.status_code == 200
    assert "已作为协办单位加入" in answer.text
    assert only("乙镇也写的剪纸课").state == "withdrawn"
    with app.app_context():
        joined = db.session.scalars(select(Activity).where(Activity.code == first.code)).one()
        assert ("示例乙镇", "co_host") in [(unit.name, unit.part) for unit in units_of(db.session(), joined)]


def test_nobody_joins_what_is_no_twin(visit: Visit, typed: Typed, only: Only, codes: dict[str, str]) -> None:
    other = visit("yizhen")
    other.post("/activities/new", data=typed(title="乙镇的剪纸课", do="draft"))
    draft = only("乙镇的剪纸课")
    for code in (codes["own"], "", "nosuchcode12"):
        assert other.post(f"/activities/{draft.code}/join", data={"other": code}).status_code == 404
    assert only("乙镇的剪纸课").state == "draft"
    assert only("石榴红市集").units == []


def test_kept_apart_it_is_published_with_the_flag(visit: Visit, typed: Typed, only: Only) -> None:
    visit("jingban").post("/activities/new", data=typed())
    other = visit("yizhen")
    other.post("/activities/new", data=typed(title="乙镇的剪纸课"))
    draft = only("乙镇的剪纸课")
    answer = other.post(f"/activities/{draft.code}/keep-apart")
    assert answer.location.endswith("/share")
    kept = only("乙镇的剪纸课")
    assert (kept.state, kept.keeps_apart) == ("published", True)


def _co_hosts(app: Flask, code: str) -> list[str]:
    with app.app_context():
        activity = db.session.scalars(select(Activity).where(Activity.code == code)).one()
        return [unit.name for unit in units_of(db.session(), activity) if unit.part == "co_host"]


def test_a_school_and_a_retired_unit_stay_co_hosts_when_the_host_saves_the_form(
    visit: Visit, typed: Typed, only: Only, app: Flask, codes: dict[str, str]
) -> None:
    host = visit("jingban")
    host.post("/activities/new", data=typed())
    code = only("剪纸进课堂").code
    with app.app_context(), transaction(db.session) as tx:
        activity = tx.scalars(select(Activity).where(Activity.code == code)).one()
        units = {unit.name: unit for unit in tx.scalars(select(Unit))}
        for name in ("示例第一小学", "示例乙镇"):
            tx.add(ActivityUnit(activity_id=activity.id, unit_id=units[name].id, part="co_host"))
        units["示例乙镇"].retired_at = now()
    page = host.get(f"/activities/{code}/edit").text
    ticked = re.findall(r'<input[^>]*checked[^>]*name="co_hosts"[^>]*value="([^"]+)"', page)
    version = re.search(r'name="version"[^>]*value="(\d+)"', page)
    assert sorted(ticked) == sorted((codes["unit:示例第一小学"], codes["unit:示例乙镇"]))
    assert version
    answer = host.post(f"/activities/{code}/edit", data=typed(co_hosts=ticked, version=version[1], bring="剪刀"))
    assert answer.status_code == 303, answer.text
    assert sorted(_co_hosts(app, code)) == ["示例乙镇", "示例第一小学"]
    assert only("剪纸进课堂").bring == "剪刀"


def test_who_joins_while_the_hosts_form_is_open_is_not_overwritten(
    visit: Visit, typed: Typed, only: Only, app: Flask
) -> None:
    host, other = visit("jingban"), visit("yizhen")
    host.post("/activities/new", data=typed())
    first = only("剪纸进课堂")
    other.post("/activities/new", data=typed(title="乙镇也写的剪纸课"))
    other.post(f"/activities/{only('乙镇也写的剪纸课').code}/join", data={"other": first.code})
    late = host.post(f"/activities/{first.code}/edit", data=typed(version=str(first.version)))
    assert late.status_code == 409
    assert _co_hosts(app, first.code) == ["示例乙镇"]


@pytest.mark.parametrize("state", ["under_review", "approved", "rejected"])
def test_nobody_joins_what_is_in_review_or_decided(
    visit: Visit, typed: Typed, only: Only, app: Flask, state: str
) -> None:
    visit("jingban").post("/activities/new", data=typed())
    first, other = only("剪纸进课堂"), visit("yizhen")
    other.post("/activities/new", data=typed(title="乙镇也写的剪纸课"))
    with app.app_context(), transaction(db.session) as tx:
        tx.execute(update(Activity).where(Activity.code == first.code).values(review_state=state))
    draft = only("乙镇也写的剪纸课")
    answer = other.post(f"/activities/{draft.code}/join", data={"other": first.code})
    assert answer.status_code == 409
    assert "您的草稿还在" in answer.text
    assert only("乙镇也写的剪纸课").state == "draft"
    assert _co_hosts(app, first.code) == []
