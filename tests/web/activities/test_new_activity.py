"""New activity: one form, the template fills the rest, and nothing typed is lost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.activities.kinds import KINDS
from app.activities.models import Activity
from app.audit.models import AuditEntry
from app.checkin.models import CheckInEvent
from app.extensions import db
from app.kernel.clock import business_day
from tests.web.activities.conftest import Visit

Typed = Callable[..., dict[str, Any]]
Only = Callable[[str], Activity]


def count(app: Flask) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(Activity)) or 0


@pytest.mark.parametrize("kind", list(KINDS))
def test_the_form_of_each_kind_asks_for_its_own_details(visit: Visit, kind: str) -> None:
    page = visit("jingban").get(f"/activities/new?kind={kind}").text
    for detail in KINDS[kind].details:
        assert f'name="detail_{detail.key}"' in page
    assert f'value="{kind}" checked' in page


def test_an_unknown_kind_in_the_address_shows_the_choice(visit: Visit) -> None:
    answer = visit("jingban").get("/activities/new?kind=secret")
    assert answer.status_code == 200
    assert "checked" not in answer.text.split('class="kinds"')[1].split("</fieldset>")[0]


def test_a_heritage_lesson_is_published_in_one_go(visit: Visit, typed: Typed, only: Only, app: Flask) -> None:
    answer = visit("jingban").post("/activities/new", data=typed(classes="３", detail_form="上课"))
    lesson = only("剪纸进课堂")
    assert answer.status_code == 303
    assert answer.location.endswith(f"/activities/{lesson.code}/share")
    assert (lesson.state, lesson.classes, lesson.details) == ("published", 3, {"form": "上课"})
    assert lesson.venue == "示例第一小学"  # where a class is visited, the school is the place
    assert lesson.sessions[0].starts_at.hour == 1  # 09:00 in Shanghai
    with app.app_context():
        assert "activity.published" in db.session.scalars(select(AuditEntry.action)).all()


def test_a_draft_needs_a_title_only(visit: Visit, typed: Typed, only: Only) -> None:
    answer = visit("jingban").post("/activities/new", data=typed(date="", venue_unit="", heritage="", do="draft"))
    draft = only("剪纸进课堂")
    assert answer.location.endswith(f"/activities/{draft.code}")
    assert (draft.state, draft.starts_at, draft.sessions) == ("draft", None, [])


@pytest.mark.lengthens
@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"title": ""}, "还没填活动名称"),
        ({"title": "纸" * 61}, "最多60个字"),
        ({"title": "长" * 10_001}, "写得太长了"),
        ({"date": ""}, "还没填日期"),
        ({"date": "明天"}, "日期没看懂"),
        ({"date": "2020-01-01"}, "时间已经过去"),
        ({"start": "九点"}, "开始时间没看懂"),
        ({"end": "08:00"}, "结束时间要晚于开始时间"),
        ({"venue_unit": ""}, "要选学校"),
        ({"heritage": ""}, "要写是哪一项非遗"),
        ({"heritage": "长" * 41}, "最多40个字"),
        ({"capacity": "很多"}, "名额请填整数"),
        ({"capacity": "0"}, "名额请填1到"),
        ({"classes": "-3"}, "请填0到100000的整数"),
        ({"audience": "everyone"}, "请从列表里选"),
        ({"attendance": "some"}, "请从列表里选"),
        ({"host": "nowhere"}, "请从列表里选主办单位"),
        ({"co_hosts": ["nowhere"]}, "选的单位有的已停用"),
        ({"detail_form": "直播"}, "请从列表里选"),
        ({"opens_before": "2000"}, "请填0到1440的整数"),
        ({"kind": "secret", "drawn": "secret"}, "请先选类型"),
    ],
)
def test_a_wrong_field_is_named_in_words_keeps_the_rest_and_writes_nothing(
    visit: Visit, typed: Typed, app: Flask, wrong: dict[str, Any], said: str
) -> None:
    before = count(app)
    answer = visit("jingban").post("/activities/new", data=typed(summary="写了很久的介绍", **wrong))
    assert answer.status_code == 422
    assert said in answer.text
    assert "写了很久的介绍" in answer.text
    assert "已填的内容都在" in answer.text
    assert count(app) == before


def test_a_new_heritage_item_of_a_refused_form_is_not_half_written(visit: Visit, typed: Typed) -> None:
    visit("jingban").post("/activities/new", data=typed(heritage="示例没写成", venue_unit=""))
    assert "示例没写成" not in visit("jingban").get("/activities/new?kind=heritage_visit").text


def test_another_kind_redraws_the_form_with_its_template_and_keeps_what_was_typed(visit: Visit, typed: Typed) -> None:
    browser = visit("jingban")
    answer = browser.post("/activities/new", data=typed(kind="publicity", step="kind"), headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert "<html" not in answer.text
    assert 'name="detail_channel"' in answer.text
    assert 'value="剪纸进课堂"' in answer.text
    assert 'name="drawn" value="publicity"' in answer.text


def test_a_kind_that_was_changed_without_scripts_is_drawn_before_anything_is_published(
    visit: Visit, typed: Typed, app: Flask
) -> None:
    before = count(app)
    answer = visit("jingban").post("/activities/new", data=typed(kind="publicity"))
    assert (answer.status_code, count(app)) == (200, before)
    assert 'name="detail_channel"' in answer.text


def test_one_more_session_is_a_row_and_a_row_without_a_day_is_the_same_day(
    visit: Visit, typed: Typed, only: Only
) -> None:
    browser = visit("jingban")
    more = browser.post("/activities/new", data=typed(step="session", capacity="40"))
    assert 'name="more-0-start"' in more.text
    assert (
        'id="more-0-capacity" inputmode="numeric" maxlength="6" name="more-0-capacity" type="text" value="40"'
        in more.text
    )
    rows = {"more-0-start": "10:30", "more-0-end": "11:30", "more-0-capacity": "20", "attendance": "choose_one"}
    browser.post("/activities/new", data=typed(**rows))
    lesson = only("剪纸进课堂")
    assert [s.label for s in lesson.sessions] == ["第一场", "第二场"]
    assert lesson.sessions[1].starts_at - lesson.sessions[0].starts_at == timedelta(minutes=90)
    assert (lesson.attendance, lesson.sessions[1].capacity) == ("choose_one", 20)


def test_an_empty_row_is_no_session(visit: Visit, typed: Typed, only: Only) -> None:
    visit("jingban").post(
        "/activities/new", data=typed(**{"more-0-date": "", "more-0-start": "", "more-0-capacity": "40"})
    )
    assert len(only("剪纸进课堂").sessions) == 1


def test_a_wrong_row_says_which_session(visit: Visit, typed: Typed) -> None:
    answer = visit("jingban").post("/activities/new", data=typed(**{"more-0-start": "十点", "more-0-end": "11:00"}))
    assert answer.status_code == 422
    assert "第2场开始时间没看懂" in answer.text


def test_co_hosts_and_units_taking_part_are_kept(visit: Visit, typed: Typed, only: Only, codes: dict[str, str]) -> None:
    chosen = {"co_hosts": [codes["unit:区政工部"]], "taking_part": [codes["unit:示例乙镇"]]}
    visit("jingban").post("/activities/new", data=typed(**chosen))
    assert sorted(unit.part for unit in only("剪纸进课堂").units) == ["co_host", "taking_part"]


def test_an_organizer_cannot_hold_an_activity_in_another_towns_name(
    visit: Visit, typed: Typed, codes: dict[str, str], app: Flask
) -> None:
    before = count(app)
    answer = visit("jingban").post("/activities/new", data=typed(host=codes["unit:示例乙镇"]))
    assert (answer.status_code, count(app)) == (422, before)


def test_a_public_listing_waits_for_the_nod_and_says_so(visit: Visit, typed: Typed, only: Only) -> None:
    answer = visit("jingban").post("/activities/new", data=typed(audience="public"), follow_redirects=True)
    assert "上首页日历要等负责人或区文明办同意" in answer.text
    assert only("剪纸进课堂").listing == "waiting"


def test_paper_is_entered_by_count_and_counts_as_such(visit: Visit, typed: Typed, only: Only, app: Flask) -> None:
    day = business_day(datetime.now(UTC) - timedelta(days=2)).isoformat()
    answer = visit("jingban").post("/activities/new?paper=1", data=typed(date=day, adults="30", children="８"))
    lesson = only("剪纸进课堂")
    assert answer.location.endswith(f"/activities/{lesson.code}")
    assert (lesson.origin, lesson.state, lesson.takes_registration) == ("paper", "published", False)
    with app.app_context():
        events = db.session.scalars(select(CheckInEvent).where(CheckInEvent.activity_id == lesson.id)).all()
        assert [(e.headcount, e.grade, e.method) for e in events] == [(38, "D", "paper")]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"adults": ""}, "还没填到场人数"),
        ({"adults": "许多"}, "人数请填整数"),
        ({"date": "2090-01-01"}, "应当已经结束"),
    ],
)
def test_a_wrong_paper_entry_writes_nothing(
    visit: Visit, typed: Typed, app: Flask, wrong: dict[str, str], said: str
) -> None:
    before = count(app)
    day = business_day(datetime.now(UTC) - timedelta(days=2)).isoformat()
    answer = visit("jingban").post("/activities/new?paper=1", data=typed(**{"date": day, "adults": "3", **wrong}))
    assert (answer.status_code, said in answer.text, count(app)) == (422, True, before)


def test_paper_that_looks_like_another_write_up_asks_first_and_may_be_kept_apart(
    visit: Visit, typed: Typed, only: Only, app: Flask
) -> None:
    day = business_day(datetime.now(UTC) - timedelta(days=2)).isoformat()
    browser = visit("jingban")
    browser.post("/activities/new?paper=1", data=typed(date=day, adults="30"))
    again = typed(date=day, adults="5", title="同一天的另一场")
    before = count(app)
    answer = browser.post("/activities/new?paper=1", data=again)
    assert (answer.status_code, count(app)) == (422, before)
    assert "“剪纸进课堂”，示例甲镇" in answer.text
    browser.post("/activities/new?paper=1", data={**again, "keeps_apart": "y"})
    assert only("同一天的另一场").keeps_apart


@pytest.mark.parametrize("login", ["shenhe", "shenji", "lingdao", "guanli"])
def test_who_holds_no_activities_cannot_open_the_form(visit: Visit, typed: Typed, login: str) -> None:
    browser = visit(login)
    assert browser.get("/activities/new").status_code == 403
    assert browser.post("/activities/new", data=typed()).status_code == 403
