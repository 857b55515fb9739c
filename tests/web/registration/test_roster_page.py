"""The organizer's list through the client: masked, opened with a trace, places, desk, sheet, access."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from app.activities.models import Activity
from app.audit.models import AuditEntry
from app.extensions import db
from app.kernel.actor import SYSTEM
from app.kernel.database import transaction
from app.registration.approval import expire_offers
from app.registration.entering import Entry, register
from app.registration.models import PersonalDetail, Registration
from app.registration.queries import find_by_ticket_code
from app.registration.service import cancel_registration, change_capacity
from app.registration.settings import add_question
from tests.cast import make_cast
from tests.factories import make_activity

NAMES = ("示例王女士", "示例李师傅", "示例赵先生")
Visit = Callable[[str], FlaskClient]


@pytest.fixture
def codes(app: Flask) -> dict[str, str]:
    """An activity of the town with three who registered for two places, and one of another town."""
    moment = datetime.now(UTC)
    with app.app_context(), transaction(db.session) as tx:
        cast = make_cast(tx)
        own = make_activity(tx, host=cast.town, capacity=2, starts_at=moment + timedelta(days=1))
        foreign = make_activity(tx, host=cast.other_town, starts_at=moment + timedelta(days=1))
        for number, name in enumerate(NAMES):
            entry = Entry(None, name, 1, 0, f"1380013800{number}", True, "", "")
            done = register(tx, own, entry, keys=app.extensions["keys"], now=moment)
        return {
            "own": own.code, "foreign": foreign.code, "session": own.sessions[0].code,
            "foreign_session": foreign.sessions[0].code, "waiting": done.registration.code,
        }  # fmt: skip


@pytest.fixture
def visit(app: Flask, codes: dict[str, str], sign_in: Callable[[FlaskClient, str], None]) -> Visit:
    """A signed-in client for one of the cast, by login."""

    def run(login: str) -> FlaskClient:
        client = app.test_client()
        sign_in(client, login)
        return client

    return run


def press(client: FlaskClient, address: str, page: str, **data: Any) -> TestResponse:
    found = re.search(r'name="csrf_token" value="([^"]*)"', client.get(page).text)
    return client.post(address, data={"csrf_token": found[1] if found else "", **data})


def state_of(app: Flask, code: str) -> str:
    with app.app_context():
        return db.session.scalars(select(Registration.state).where(Registration.code == code)).one()


def opened(app: Flask) -> int:
    with app.app_context():
        statement = select(func.count()).select_from(AuditEntry).where(AuditEntry.action == "roster.read")
        return db.session.scalar(statement) or 0


def test_a_get_shows_masked_names_and_leaves_no_trace(app: Flask, codes: dict[str, str], visit: Visit) -> None:
    client = visit("jingban")
    for state in ("confirmed", "waitlisted", "cancelled", "nonsense"):
        page = client.get(f"/activities/{codes['own']}/registrations?state={state}&page=1")
        assert page.status_code == 200
        assert not any(name in page.text for name in NAMES)
        assert "1380013" not in page.text
    assert "示＊＊" in client.get(f"/activities/{codes['own']}/registrations").text
    assert opened(app) == 0


def test_opening_the_names_is_a_step_that_the_log_keeps(app: Flask, codes: dict[str, str], visit: Visit) -> None:
    client, here = visit("jingban"), f"/activities/{codes['own']}/registrations"
    page = press(client, here + "/names?state=waitlisted", here)
    assert page.status_code == 200
    assert "示例赵先生" in page.text
    assert "13800138002" in page.text
    assert "示例王女士" not in page.text
    assert opened(app) == 1


def test_cancelling_one_moves_the_next_up(app: Flask, codes: dict[str, str], visit: Visit) -> None:
    client, here = visit("jingban"), f"/activities/{codes['own']}/registrations"
    first = re.findall(r"/registrations/([0-9a-z]{12})/cancel", client.get(here).text)[0]
    assert "取消这个报名？" in client.get(f"{here}/{first}/cancel").text
    assert state_of(app, first) == "confirmed"
    assert press(client, f"{here}/{first}/cancel", f"{here}/{first}/cancel").status_code == 303
    assert (state_of(app, first), state_of(app, codes["waiting"])) == ("cancelled", "confirmed")


def test_more_places_reach_the_line_at_once(app: Flask, codes: dict[str, str], visit: Visit) -> None:
    client, here = visit("jingban"), f"/activities/{codes['own']}/registrations"
    assert press(client, f"{here}/places/{codes['session']}", here, capacity="３").status_code == 303
    assert state_of(app, codes["waiting"]) == "confirmed"
    assert press(client, f"{here}/places/{codes['session']}", here, capacity="").status_code == 303


@pytest.mark.parametrize("typed", ["0", "-3", "两", "1.5", "99999999999999", "=1+1", "9" * 5000])
def test_wrong_places_are_refused_in_words(app: Flask, codes: dict[str, str], visit: Visit, typed: str) -> None:
    client, here = visit("jingban"), f"/activities/{codes['own']}/registrations"
    refused = press(client, f"{here}/places/{codes['session']}", here, capacity=typed)
    assert refused.status_code == 422
    assert "名额请填" in refused.text
    with app.app_context():
        activity = db.session.scalars(select(Activity).where(Activity.code == codes["own"])).one()
        assert activity.sessions[0].capacity == 2


def test_places_of_a_foreign_session_cannot_be_changed_through_ones_own_activity(
    app: Flask, codes: dict[str, str], visit: Visit
) -> None:
    client, here = visit("jingban"), f"/activities/{codes['own']}/registrations"
    assert press(client, f"{here}/places/{codes['foreign_session']}", here, capacity="9").status_code == 404


def test_who_telephones_is_registered_by_hand_and_gets_a_ticket_code(
    app: Flask, codes: dict[str, str], visit: Visit
) -> None:
    client, here = visit("jingban"), f"/activities/{codes['own']}/registrations"
    data = {"name": "示例周奶奶", "adults": "1", "children": "0", "phone": "13900139000", "consent": "y"}
    assert press(client, f"{here}/new", f"{here}/new", **{**data, "consent": ""}).status_code == 422
    assert press(client, f"{here}/new", f"{here}/new", **{**data, "phone": "13800138000"}).status_code == 409
    assert press(client, f"{here}/new", f"{here}/new", **data).status_code == 303
    told = re.search(r"报名码 ([2-9A-Z]{4}) ([2-9A-Z]{4})", client.get(here).text)
    assert told
    with app.app_context():
        activity = db.session.scalars(select(Activity).where(Activity.code == codes["own"])).one()
        found = find_by_ticket_code(
            db.session(), activity.id, activity.code, told[1] + told[2], keys=app.extensions["keys"]
        )
        assert found is not None
        assert found.state == "waitlisted"
        made = db.session.scalars(
            select(AuditEntry).where(AuditEntry.object_code == found.code, AuditEntry.action == "registration.made")
        ).one()
        assert made.actor_kind == "user"


def test_the_sheet_prints_with_names_by_a_logged_step_and_blank_without(
    app: Flask, codes: dict[str, str], visit: Visit
) -> None:
    client, here = visit("jingban"), f"/activities/{codes['own']}/registrations"
    blank = client.get(here + "/sheet")
    assert blank.status_code == 200
    assert not any(name in blank.text for name in NAMES)
    assert opened(app) == 0
    named = press(client, here + "/sheet", here)
    assert "示例王女士" in named.text
    assert "示例赵先生" not in named.text  # who waits has no place on the sheet
    assert "13800138000" not in named.text
    assert opened(app) == 1


def test_each_page_of_the_sheet_has_its_number_a_code_and_lines_for_those_who_just_came(
    app: Flask, codes: dict[str, str], visit: Visit
) -> None:
    moment = datetime.now(UTC)
    with app.app_context(), transaction(db.session) as tx:
        activity = tx.scalars(select(Activity).where(Activity.code == codes["own"])).one()
        change_capacity(tx, activity.sessions[0], capacity=30, actor=SYSTEM, now=moment)
        for number in range(25):
            entry = Entry(None, f"示例{number}号", 1, 0, "", True, "", "")
            register(tx, activity, entry, keys=app.extensions["keys"], now=moment)
    client, here = visit("jingban"), f"/activities/{codes['own']}/registrations"
    sheet = press(client, here + "/sheet", here).text
    assert sheet.count('class="signs"') == 2
    assert "第1页，共2页" in sheet
    assert "第2页，共2页" in sheet
    assert sheet.count("自己签到的二维码") == 2
    assert "输入大屏上的数字" in sheet
    assert re.findall(r"<tr><td>(\d+)</td><td></td>", sheet) == [str(n) for n in range(29, 41)]
    with app.app_context(), transaction(db.session) as tx:
        tx.scalars(select(Activity).where(Activity.code == codes["own"])).one().printed_code_on = True
    assert "扫码签到，不用写" in client.get(here + "/sheet").text


@pytest.mark.parametrize(
    ("login", "own", "foreign"),
    [
        ("jingban", 200, 404), ("fuze", 200, 404), ("yizhen", 404, 200), ("shenhe", 403, 403), ("fuhe", 403, 403),
        ("shenji", 403, 403), ("lingdao", 403, 403), ("guanli", 403, 403),
    ],
)  # fmt: skip
def test_only_the_hosts_own_people_see_a_roster(
    app: Flask, codes: dict[str, str], visit: Visit, login: str, own: int, foreign: int
) -> None:
    client = visit(login)
    for part in ("", "/new", "/sheet"):
        assert client.get(f"/activities/{codes['own']}/registrations{part}").status_code == own
        assert client.get(f"/activities/{codes['foreign']}/registrations{part}").status_code == foreign
    assert client.get("/activities/aaaaaaaaaaaa/registrations").status_code == (403 if own == 403 else 404)


def test_a_stranger_is_sent_to_the_sign_in_page(app: Flask, codes: dict[str, str]) -> None:
    response = app.test_client().get(f"/activities/{codes['own']}/registrations")
    assert response.status_code == 302
    assert response.location.endswith("/login")


def test_staff_who_scan_a_ticket_read_no_name_and_no_phone_there(
    app: Flask, codes: dict[str, str], visit: Visit
) -> None:
    moment = datetime.now(UTC)
    with app.app_context(), transaction(db.session) as tx:
        activity = tx.scalars(select(Activity).where(Activity.code == codes["own"])).one()
        entry = Entry(None, "示例孙老师", 1, 0, "13700137000", True, "", "")
        secret = register(tx, activity, entry, keys=app.extensions["keys"], now=moment).secret
    staff = visit("jingban")
    page = staff.get(f"/t/{secret}")
    assert page.status_code == 200
    assert "示例孙老师" not in page.text
    assert "取消报名" not in page.text
    for part in ("/data", "/data.json", "/erase"):
        assert staff.get(f"/t/{secret}{part}").status_code == 404
    stranger = visit("yizhen").get(f"/t/{secret}/data")
    assert stranger.status_code == 200  # a foreign unit's account is a person like any other with the link


@pytest.fixture
def offered(app: Flask, codes: dict[str, str]) -> str:
    """The one who waited has been offered a place, for two hours; registered by hand, without a link to answer by."""
    with app.app_context(), transaction(db.session) as tx:
        activity = tx.scalars(select(Activity).where(Activity.code == codes["own"])).one()
        activity.offer_hours = 2
        holder = tx.scalars(select(Registration).where(Registration.state == "confirmed")).first()
        assert holder is not None
        cancel_registration(tx, holder, actor=SYSTEM, now=datetime.now(UTC))
    assert state_of(app, codes["waiting"]) == "pending"
    return codes["waiting"]


def test_the_organizer_answers_for_who_has_no_link(
    app: Flask, visit: Visit, codes: dict[str, str], offered: str
) -> None:
    staff, page = visit("jingban"), f"/activities/{codes['own']}/registrations?state=pending"
    address = f"/activities/{codes['own']}/registrations/{offered}"
    text = staff.get(page).text
    for link in ("accept", "relink", "cancel"):
        assert f"{address}/{link}" in text
    assert "等回复到" in text
    assert f"{address}/approve" not in text
    assert press(staff, f"{address}/accept", page).status_code == 303
    assert state_of(app, offered) == "confirmed"
    with app.app_context():
        entry = db.session.scalars(
            select(AuditEntry).where(AuditEntry.action == "registration.offer_accepted")
        ).one()  # fmt: skip
        assert "user" in entry.body
        assert expire_offers(db.session(), now=datetime.now(UTC) + timedelta(hours=3)) == 0


def test_an_offer_that_is_over_is_not_answered_by_the_organizer_either(
    app: Flask, visit: Visit, codes: dict[str, str], offered: str
) -> None:
    staff, page = visit("jingban"), f"/activities/{codes['own']}/registrations?state=pending"
    with app.app_context(), transaction(db.session) as tx:
        row = tx.scalars(select(Registration).where(Registration.code == offered)).one()
        row.offered_until = datetime.now(UTC) - timedelta(minutes=1)
    late = press(staff, f"/activities/{codes['own']}/registrations/{offered}/accept", page)
    assert late.status_code == 409
    assert state_of(app, offered) == "pending"


def test_an_offered_place_is_given_back_by_the_organizer(
    app: Flask, visit: Visit, codes: dict[str, str], offered: str
) -> None:
    staff, page = visit("jingban"), f"/activities/{codes['own']}/registrations?state=pending"
    answer = press(staff, f"/activities/{codes['own']}/registrations/{offered}/cancel", page)
    assert answer.status_code == 303
    assert state_of(app, offered) == "cancelled"


def test_the_desk_asks_what_the_form_asks(app: Flask, visit: Visit, codes: dict[str, str]) -> None:
    with app.app_context(), transaction(db.session) as tx:
        activity = tx.scalars(select(Activity).where(Activity.code == codes["own"])).one()
        question = add_question(
            tx, activity, sort="one_of", wording="想学哪种", options=["剪纸", "面塑"], is_required=True, actor=SYSTEM,
            now=datetime.now(UTC),
        )  # fmt: skip
        field = f"q_{question.code}"
    staff, page = visit("jingban"), f"/activities/{codes['own']}/registrations/new"
    assert f'name="{field}"' in staff.get(page).text
    typed = {"name": "示例孙阿姨", "adults": "1", "children": "0", "phone": "", "consent": "y"}
    refused = press(staff, page, page, **typed)
    assert refused.status_code == 422
    assert "请回答“想学哪种”" in refused.text
    assert "示例孙阿姨" in refused.text
    again = press(staff, page, page, **{**typed, "phone": "12", field: "面塑"})
    assert again.status_code == 422
    assert re.search(r'value="面塑" checked', again.text)
    assert press(staff, page, page, **typed, **{field: "面塑"}).status_code == 303
    with app.app_context():
        answers = db.session.scalars(select(PersonalDetail.answers).order_by(PersonalDetail.registration_id.desc()))
        assert list((answers.first() or {}).values()) == ["面塑"]


def test_the_desk_is_told_that_a_registration_still_waits_for_the_nod(
    app: Flask, visit: Visit, codes: dict[str, str]
) -> None:
    with app.app_context(), transaction(db.session) as tx:
        activity = tx.scalars(select(Activity).where(Activity.code == codes["own"])).one()
        change_capacity(tx, activity.sessions[0], capacity=None, actor=SYSTEM, now=datetime.now(UTC))
        activity.needs_approval = True
    staff, page = visit("jingban"), f"/activities/{codes['own']}/registrations/new"
    typed = {"name": "示例孙阿姨", "adults": "1", "children": "0", "phone": "", "consent": "y"}
    assert "等您确认" in staff.get(press(staff, page, page, **typed).headers["Location"]).text
