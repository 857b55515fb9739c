"""One activity for its staff: the next step, edit, cancel, copy, practice; and who may not."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.activities.models import Activity, ActivityChange, ActivityState, Question, ReviewState
from app.extensions import db
from app.kernel.actor import SYSTEM
from app.kernel.database import transaction
from app.organisation.models import Unit
from app.registration.entering import Entry, register
from app.registration.models import Registration
from app.registration.settings import add_question, hold_places, list_holds, list_quotas, set_quota
from tests.factories import make_activity
from tests.web.activities.conftest import Visit

Only = Callable[[str], Activity]


def set_columns(app: Flask, code: str, **columns: Any) -> None:
    with app.app_context(), transaction(db.session) as tx:
        activity = tx.scalars(select(Activity).where(Activity.code == code)).one()
        moved = columns.pop("moved", None)
        for name, value in columns.items():
            setattr(activity, name, value)
        if moved is not None:
            for row in (activity, *activity.sessions):
                row.starts_at, row.ends_at = row.starts_at + moved, row.ends_at + moved  # type: ignore[operator]


def sign_up(app: Flask, code: str, name: str = "示例李女士", people: int = 1) -> None:
    with app.app_context(), transaction(db.session) as tx:
        activity = tx.scalars(select(Activity).where(Activity.code == code)).one()
        entry = Entry(None, name, people, 0, "", True, "", "")
        register(tx, activity, entry, keys=app.extensions["keys"], now=datetime.now(UTC))


def main_action(page: str) -> str:
    found = re.search(r'class="btn main-act[^"]*"[^>]*>(?:<svg.*?</svg>)?([^<]+)', page)
    return found[1] if found else ""


def form_of(visit_page: str) -> dict[str, Any]:
    """What a browser would send of the edit form: its filled fields."""
    data: dict[str, Any] = {}
    for tag in re.findall(r"<input[^>]*>", visit_page.split('id="entry"')[1]):
        attributes = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        kind = attributes.get("type", "text")
        if kind in ("radio", "checkbox") and " checked" not in tag:
            continue
        if "name" in attributes:
            data[attributes["name"]] = attributes.get("value", "y")
    for name, body in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', visit_page, re.DOTALL):
        chosen = re.search(r'<option selected value="([^"]*)"', body)
        data[name] = chosen[1] if chosen else ""
    for name, body in re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>\s*(.*?)</textarea>', visit_page, re.DOTALL):
        data[name] = body
    data.pop("keeps_apart", None)
    return data


@pytest.mark.parametrize(
    ("state", "moved", "action"),
    [
        ({}, timedelta(days=3), "去分享"),
        ({}, timedelta(hours=-23), "打开现场控制台"),
        ({}, timedelta(days=-3), "补录人数"),
        ({"state": ActivityState.DRAFT.value}, None, "发布"),
        ({"review_state": ReviewState.RETURNED.value}, timedelta(days=-3), "去修改"),
        ({"review_state": ReviewState.UNDER_REVIEW.value}, timedelta(days=-3), ""),
        ({"state": ActivityState.CANCELLED.value, "cancel_reason": "下雨"}, None, ""),
    ],
)
def test_the_page_offers_the_one_next_step(
    visit: Visit, app: Flask, codes: dict[str, str], state: dict[str, Any], moved: timedelta | None, action: str
) -> None:
    set_columns(app, codes["own"], moved=moved, **state)
    answer = visit("jingban").get(f"/activities/{codes['own']}")
    assert answer.status_code == 200
    assert main_action(answer.text) == action


@pytest.mark.parametrize(
    "address",
    ["", "/edit", "/cancel", "/withdraw", "/discard", "/copy", "/share", "/qr.png", "/preview", "/twins", "/poster"],
)
def test_a_foreign_activity_is_absent_in_the_same_words(visit: Visit, codes: dict[str, str], address: str) -> None:
    browser = visit("jingban")
    foreign = browser.get(f"/activities/{codes['foreign']}{address}")
    absent = browser.get(f"/activities/nosuchcode12{address}")
    assert (foreign.status_code, absent.status_code) == (404, 404)


@pytest.mark.parametrize("verb", ["publish", "cancel", "withdraw", "discard", "copy", "practice", "keep-apart", "join"])
def test_nobody_acts_on_a_foreign_activity(visit: Visit, codes: dict[str, str], only: Only, verb: str) -> None:
    answer = visit("jingban").post(
        f"/activities/{codes['foreign']}/{verb}", data={"reason": "x", "other": codes["own"]}
    )
    assert answer.status_code == 404
    assert only("乙镇的市集").state == "published"


@pytest.mark.parametrize(("login", "status"), [("shenhe", 200), ("lingdao", 200), ("shenji", 403), ("guanli", 403)])
def test_who_reads_the_district_opens_it_without_buttons_that_write(
    visit: Visit, codes: dict[str, str], login: str, status: int
) -> None:
    browser = visit(login)
    answer = browser.get(f"/activities/{codes['own']}")
    assert answer.status_code == status
    assert "/edit" not in answer.text
    assert browser.get(f"/activities/{codes['own']}/edit").status_code == 403


def test_a_co_hosting_unit_reads_it_and_changes_nothing(visit: Visit, codes: dict[str, str], app: Flask) -> None:
    browser = visit("yizhen")
    assert browser.get(f"/activities/{codes['own']}").status_code == 404
    page = visit("jingban").get(f"/activities/{codes['own']}/edit").text
    data = {**form_of(page), "co_hosts": [codes["unit:示例乙镇"]], "do": "save"}
    assert visit("jingban").post(f"/activities/{codes['own']}/edit", data=data).status_code == 303
    assert browser.get(f"/activities/{codes['own']}").status_code == 200
    assert browser.get(f"/activities/{codes['own']}/edit").status_code == 404
    assert "石榴红市集" in browser.get("/activities").text


def test_the_edit_form_gives_back_what_it_was_given(visit: Visit, codes: dict[str, str], only: Only) -> None:
    browser = visit("jingban")
    before = only("石榴红市集")
    page = browser.get(f"/activities/{codes['own']}/edit")
    answer = browser.post(f"/activities/{codes['own']}/edit", data={**form_of(page.text), "do": "save"})
    assert answer.status_code == 303
    after = only("石榴红市集")
    unchanged = ("venue", "starts_at", "ends_at", "audience", "takes_registration", "takes_walk_in", "kind", "details")
    assert [getattr(after, name) for name in unchanged] == [getattr(before, name) for name in unchanged]
    assert [s.capacity for s in after.sessions] == [50]
    assert after.version == before.version + 1


def test_a_moved_place_is_told_to_participants(visit: Visit, codes: dict[str, str], app: Flask) -> None:
    browser = visit("jingban")
    data = {**form_of(browser.get(f"/activities/{codes['own']}/edit").text), "venue": "示例体育馆"}
    browser.post(f"/activities/{codes['own']}/edit", data=data)
    with app.app_context():
        assert [c.after for c in db.session.scalars(select(ActivityChange))] == ["示例体育馆"]
    page = app.test_client().get(f"/a/{codes['own']}").text
    assert "时间或地点改过" in page
    assert "示例小学礼堂" in page


def test_a_stale_form_keeps_what_was_typed_and_overwrites_nothing(
    visit: Visit, codes: dict[str, str], only: Only
) -> None:
    browser, address = visit("jingban"), f"/activities/{codes['own']}/edit"
    stale = form_of(browser.get(address).text)
    browser.post(address, data={**stale, "bring": "水杯"})
    answer = browser.post(address, data={**stale, "bring": "雨伞"})
    assert answer.status_code == 409
    assert "别人刚改过这场活动" in answer.text
    assert 'value="雨伞"' in answer.text
    assert only("石榴红市集").bring == "水杯"


@pytest.mark.parametrize("version", ["", "-1", "abc", "99999999999999999999"])
def test_a_form_without_a_sound_version_is_stale(visit: Visit, codes: dict[str, str], version: str) -> None:
    browser, address = visit("jingban"), f"/activities/{codes['own']}/edit"
    data = {**form_of(browser.get(address).text), "version": version}
    assert browser.post(address, data=data).status_code == 409


def test_more_places_go_to_the_waiting_at_once(visit: Visit, codes: dict[str, str], app: Flask) -> None:
    browser, address = visit("jingban"), f"/activities/{codes['own']}/edit"
    browser.post(address, data={**form_of(browser.get(address).text), "capacity": "1"})
    for name in ("示例甲", "示例乙"):
        sign_up(app, codes["own"], name)
    browser.post(address, data={**form_of(browser.get(address).text), "capacity": "2"})
    with app.app_context():
        assert set(db.session.scalars(select(Registration.state))) == {"confirmed"}


def test_a_published_activity_keeps_its_kind(visit: Visit, codes: dict[str, str], only: Only) -> None:
    browser, address = visit("jingban"), f"/activities/{codes['own']}/edit"
    data = {**form_of(browser.get(address).text), "kind": "training"}
    browser.post(address, data=data)
    assert only("石榴红市集").kind == "exchange"


def test_publishing_a_draft_that_lacks_a_place_opens_the_form_with_the_reason(
    visit: Visit, codes: dict[str, str], only: Only
) -> None:
    answer = visit("jingban").post(f"/activities/{codes['draft']}/publish")
    assert answer.status_code == 422
    assert "还没填地点" in answer.text
    assert only("羽毛球邻里赛").state == "draft"


def test_cancelling_needs_a_reason_that_the_public_page_shows(
    visit: Visit, codes: dict[str, str], app: Flask, only: Only
) -> None:
    browser, address = visit("jingban"), f"/activities/{codes['own']}/cancel"
    sign_up(app, codes["own"], people=3)
    assert "已有3人报名" in browser.get(address).text
    assert browser.post(address, data={"reason": " "}).status_code == 422
    assert only("石榴红市集").state == "published"
    browser.post(address, data={"reason": "场地停电，改到下周"})
    assert "场地停电，改到下周" in app.test_client().get(f"/a/{codes['own']}").text


def test_withdrawing_is_for_what_nobody_registered_for(
    visit: Visit, codes: dict[str, str], app: Flask, only: Only
) -> None:
    browser, address = visit("jingban"), f"/activities/{codes['own']}/withdraw"
    sign_up(app, codes["own"])
    assert browser.post(address).status_code == 409
    with app.app_context(), transaction(db.session) as tx:
        for registration in tx.scalars(select(Registration)):
            registration.state = "cancelled"
    assert browser.post(address).status_code == 303
    assert only("石榴红市集").state == "draft"
    assert app.test_client().get(f"/a/{codes['own']}").status_code == 404


def test_a_copy_proposes_the_same_weekday_and_moves_the_times(visit: Visit, codes: dict[str, str], app: Flask) -> None:
    browser, address = visit("jingban"), f"/activities/{codes['own']}/copy"
    page = browser.get(address).text
    proposed = re.search(r'name="date"[^>]*value="([^"]+)"', page)
    assert proposed is not None
    answer = browser.post(address, data={"date": proposed[1], "start": "14:30"})
    assert answer.status_code == 303
    with app.app_context():
        newest = db.session.scalars(select(Activity).order_by(Activity.id.desc())).first()
        assert newest is not None
        assert newest.starts_at is not None
        assert newest.starts_at.strftime("%H:%M") == "06:30"
        assert newest.state == "draft"
    wrong = browser.post(address, data={"date": "下周", "start": "下午"})
    assert wrong.status_code == 422
    assert "日期没看懂" in wrong.text
    assert "开始时间没看懂" in wrong.text


def test_a_practice_opens_its_sign_in_now_and_stays_out_of_the_public(
    visit: Visit, codes: dict[str, str], app: Flask
) -> None:
    answer = visit("jingban").post(f"/activities/{codes['own']}/practice")
    assert answer.status_code == 303
    with app.app_context():
        practice = db.session.scalars(select(Activity).where(Activity.is_practice)).one()
        moment = datetime.now(UTC)
        assert practice.starts_at is not None
        assert practice.starts_at - timedelta(minutes=60) < moment < practice.starts_at
        assert (practice.state, practice.listing) == ("published", "none")
        code = practice.code
    assert "不是真的活动" in app.test_client().get(f"/a/{code}").text


def test_the_list_narrows_by_state_kind_unit_and_month_and_pages(
    visit: Visit, codes: dict[str, str], app: Flask
) -> None:
    with app.app_context(), transaction(db.session) as tx:
        host = tx.scalars(select(Activity).where(Activity.code == codes["own"])).one().host_unit_id
        town = tx.get_one(Unit, host)
        for number in range(22):
            make_activity(
                tx, host=town, title=f"示例第{number}课", starts_at=datetime(2026, 3, 1 + number, 2, tzinfo=UTC)
            )
    browser = visit("jingban")

    def titles(query: str) -> list[str]:
        return re.findall(r'class="t" href="/activities/[^"]+">([^<]+)', browser.get(f"/activities?{query}").text)

    assert len(titles("")) == 20
    assert len(titles("page=2")) == 4
    assert titles("month=2026-03&page=2") == ["示例第1课", "示例第0课"]
    assert titles("state=draft") == ["羽毛球邻里赛"]
    assert titles("state=published") == ["石榴红市集"]
    assert len(titles("state=ended&kind=heritage_visit")) == 20
    assert titles("kind=training") == []
    assert "没有符合条件的活动" in browser.get("/activities?kind=training").text
    assert len(titles("month=never&state=never&kind=never&unit=never&page=-1")) == 20


@pytest.mark.parametrize(
    "path",
    [
        "/activities",
        "/activities/{own}",
        "/activities/{draft}",
        "/activities/{own}/edit",
        "/workbench",
        "/activities/new?kind=exchange",
        "/activities/{own}/share",
    ],
)
def test_a_staff_page_costs_at_most_twelve_statements(
    visit: Visit, codes: dict[str, str], statements: list[str], path: str
) -> None:
    browser = visit("fuze")
    statements.clear()
    assert browser.get(path.format(**codes)).status_code == 200
    assert len(statements) <= 12


def test_how_several_sessions_are_registered_is_fixed_once_somebody_registered(
    visit: Visit, app: Flask, codes: dict[str, str], only: Only
) -> None:
    with app.app_context(), transaction(db.session) as tx:
        host = tx.scalars(select(Activity).where(Activity.code == codes["own"])).one().host_unit_id
        start = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(days=2)
        camp = make_activity(
            tx, host=tx.get_one(Unit, host), title="三场", sessions=3, kind="exchange", starts_at=start
        ).code  # fmt: skip
    staff, edit = visit("jingban"), f"/activities/{camp}/edit"
    free = staff.get(edit).text
    assert "不能再改" not in free
    stale = {**form_of(free), "attendance": "choose_one", "summary": "写了半天的介绍"}
    sign_up(app, camp)
    refused = staff.post(edit, data=stale)
    assert refused.status_code == 422
    assert "“几场怎么报名”不能再改" in refused.text
    assert "写了半天的介绍" in refused.text
    assert only("三场").attendance == "all"
    fixed = staff.get(edit).text
    assert re.search(r'<fieldset class="field" disabled aria-describedby="attendance-why">', fixed)
    again = {**form_of(refused.text), "attendance": "all"}
    assert staff.post(edit, data=again).status_code == 303
    assert only("三场").summary == "写了半天的介绍"


def test_a_copy_keeps_questions_and_quotas_and_says_that_kept_places_are_not_there(
    visit: Visit, app: Flask, codes: dict[str, str]
) -> None:
    with app.app_context(), transaction(db.session) as tx:
        own = tx.scalars(select(Activity).where(Activity.code == codes["own"])).one()
        school = tx.scalars(select(Unit).where(Unit.name == "示例第一小学")).one()
        more = {"actor": SYSTEM, "now": datetime.now(UTC)}
        for wording in ("想学哪种", "几点到"):
            add_question(
                tx, own, sort="one_of", wording=wording, options=["甲", "乙"], is_required=True, **more
            )  # fmt: skip
        set_quota(tx, own, school, 20, **more)
        hold_places(tx, own, school, 5, session_id=None, **more)
    staff = visit("jingban")
    answer = staff.post(f"/activities/{codes['own']}/copy", data={"date": "2031-01-08", "start": "09:00"})
    assert answer.status_code == 303
    page = staff.get(answer.headers["Location"]).text
    assert "设置、问题和单位名额都在" in page
    assert "预留的名额没有带过来" in page
    with app.app_context():
        copy = db.session.scalars(select(Activity).order_by(Activity.id.desc())).first()
        assert copy is not None
        assert answer.headers["Location"].endswith(copy.code)
        asked = db.session.scalars(
            select(Question).where(Question.activity_id == copy.id).order_by(Question.position)
        ).all()  # fmt: skip
        assert [(q.wording, q.options, q.is_required) for q in asked] == [
            ("想学哪种", ["甲", "乙"], True), ("几点到", ["甲", "乙"], True),
        ]  # fmt: skip
        assert [unit.name for unit, _places, _used in list_quotas(db.session(), copy)] == ["示例第一小学"]
        assert list_holds(db.session(), copy) == []
