"""The roster import: template, preview by row, corrected in place, all or nothing, once."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from markupsafe import escape
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from app.activities.models import Activity
from app.audit.models import AuditEntry
from app.extensions import db
from app.kernel.database import transaction
from app.registration.entering import Entry, register
from app.registration.models import PersonalDetail, Registration
from app.web.drafts import TOKEN_MOST
from tests.cast import make_cast
from tests.factories import make_activity
from tests.rules.sheets.books import HOSTILE, book
from tests.web.registration.rosters import CLASS_HEAD, DIRTY, GOOD, PEOPLE_HEAD


@pytest.fixture
def code(app: Flask) -> str:
    """An activity of the town with two sessions of four places, one registration in the first."""
    moment = datetime.now(UTC)
    with app.app_context(), transaction(db.session) as tx:
        cast = make_cast(tx)
        activity = make_activity(
            tx, host=cast.town, sessions=2, capacity=4, takes_parties=True, attendance="choose_one",
            starts_at=moment + timedelta(days=1),
        )  # fmt: skip
        entry = Entry(activity.sessions[0].code, "示例已报", 1, 0, "13900000009", True, "", "")
        register(tx, activity, entry, keys=app.extensions["keys"], now=moment)
        return activity.code


@pytest.fixture
def desk(code: str, client: FlaskClient, sign_in: Callable[[FlaskClient, str], None]) -> FlaskClient:
    sign_in(client, "jingban")
    return client


def upload(browser: FlaskClient, code: str, data: bytes, name: str = "名单.xlsx") -> TestResponse:
    form = {"file": (io.BytesIO(data), name)}
    return browser.post(f"/activities/{code}/registrations/import", data=form, content_type="multipart/form-data")


def draft(page: TestResponse) -> str:
    found = re.search(r'name="draft" value="([^"]+)"', page.text)
    assert found, page.text
    return found[1]


def send(browser: FlaskClient, code: str, page: TestResponse, verb: str = "confirm", **more: Any) -> TestResponse:
    run = re.search(r'name="run" value="([^"]+)"', page.text)
    form = {"draft": draft(page), "verb": verb, "consent": "y", "run": run[1] if run else ""} | more
    return browser.post(f"/activities/{code}/registrations/import/rows", data=form)


def stored(app: Flask) -> list[tuple[str, str, int, int | None]]:
    with app.app_context():
        rows = db.session.execute(
            select(
                PersonalDetail.name, Registration.state, Registration.adults + Registration.children, Registration.queue
            )
            .join(Registration, Registration.id == PersonalDetail.registration_id)
            .order_by(Registration.id)
        )
        return [tuple(row) for row in rows]  # type: ignore[misc]


def traces(app: Flask) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(AuditEntry)) or 0


def test_from_the_template_to_a_ticket_at_the_desk(app: Flask, code: str, desk: FlaskClient) -> None:
    template = desk.get(f"/activities/{code}/registrations/import/template.xlsx")
    assert template.data[:2] == b"PK"
    assert "只有表头" in upload(desk, code, template.data).text
    before, trace = stored(app), traces(app)
    page = upload(desk, code, book({"个人": GOOD}))
    assert page.status_code == 200
    assert page.headers["Cache-Control"] == "no-store"
    assert "示例&lt;b&gt;甲" in page.text
    assert "示例<b>" not in page.text
    assert (stored(app), traces(app)) == (before, trace)  # the preview writes nothing
    done = send(desk, code, page)
    assert done.status_code == 200
    assert "登记3份报名" in done.text
    assert stored(app)[1:] == [
        ("示例<b>甲", "confirmed", 1, None), ("示例乙", "confirmed", 3, None), ("示例丙", "confirmed", 1, None),
    ]  # fmt: skip


def test_the_log_holds_counts_and_the_consent_of_the_desk_and_no_name(app: Flask, code: str, desk: FlaskClient) -> None:
    send(desk, code, upload(desk, code, book({"个人": GOOD})))
    with app.app_context():
        entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "roster.imported")).one()
        assert '"people":5,"rows":3,"set_aside":0,"waitlisted":0' in entry.body
        assert "示例" not in entry.body.replace("示例jingban", "")
        versions = db.session.scalars(select(Registration.consent_version).order_by(Registration.id)).all()
    assert versions[1:] == ["desk-2026-11"] * 3


def test_confirming_twice_registers_nobody_twice(app: Flask, code: str, desk: FlaskClient) -> None:
    page = upload(desk, code, book({"个人": GOOD}))
    send(desk, code, page)
    after = stored(app)
    again = send(desk, code, page, aside="0")
    assert again.status_code == 409
    assert "已经导入过" in again.text
    assert stored(app) == after


def test_without_the_consent_nothing_is_registered_and_what_was_typed_stays(
    app: Flask, code: str, desk: FlaskClient
) -> None:
    before = stored(app)
    page = send(desk, code, upload(desk, code, book({"个人": GOOD})), consent="")
    assert page.status_code == 422
    assert 'id="consent-e"' in page.text
    assert stored(app) == before
    assert send(desk, code, page).status_code == 200


@pytest.mark.lengthens
@pytest.mark.parametrize("kind", [kind for kind, (_row, words) in DIRTY.items() if words])
def test_each_dirty_row_is_named_beside_its_cell_and_stops_all(
    app: Flask, code: str, desk: FlaskClient, kind: str
) -> None:
    rows = [DIRTY["first of two"][0], DIRTY[kind][0], ("", "示例好", 1, 0, "第一场", "")]
    page = upload(desk, code, book({"个人": [PEOPLE_HEAD, *rows]}))
    assert re.search(rf'<p class="err" id="c-1-\w+-e">.*?{DIRTY[kind][1]}', page.text, re.S), page.text
    assert page.text.count('class="err"') == 1
    before = stored(app)
    refused = send(desk, code, page)
    assert refused.status_code == 422
    assert "还有1行有问题，什么都没有导入" in refused.text
    assert stored(app) == before
    done = send(desk, code, refused, aside="1")
    assert done.status_code == 200
    assert len(stored(app)) == len(before) + 2


def test_a_cell_is_corrected_in_place(app: Flask, code: str, desk: FlaskClient) -> None:
    page = upload(desk, code, book({"个人": [PEOPLE_HEAD, DIRTY["session"][0], DIRTY["phone"][0]]}))
    again = send(desk, code, page, "check", **{"c-0-session": "第二场", "c-1-phone": "1390000"})
    assert 'value="1390000"' in again.text  # still wrong, and still as typed
    done = send(desk, code, again, **{"c-1-phone": "13900000055"})
    assert done.status_code == 200
    assert [row[0] for row in stored(app)[1:]] == ["示例八", "示例一"]


def test_who_finds_no_place_is_told_before_and_waits_after(app: Flask, code: str, desk: FlaskClient) -> None:
    rows = [("", f"示例{n}", 1, 0, "第一场", "") for n in range(5)]
    page = upload(desk, code, book({"个人": [PEOPLE_HEAD, *rows]}))
    assert page.text.count("会进候补") == 2
    done = send(desk, code, page)
    assert "其中2份进候补" in done.text
    assert [row[1:] for row in stored(app)[4:]] == [("waitlisted", 1, 1), ("waitlisted", 1, 2)]


def test_classes_become_one_party_of_each_contact_with_a_link_shown_once(
    app: Flask, code: str, desk: FlaskClient
) -> None:
    with app.app_context(), transaction(db.session) as tx:
        for row in tx.scalars(select(Activity).where(Activity.code == code)).one().sessions:
            row.capacity = 100
    rows = [
        ("示例第一小学", "三年级1班", 30, 2, 1, "示例王老师", "13900000031", "第一场"),
        ("示例第一小学", "三年级2班", "28人", "", "", "", "13900000031", "第一场"),
        ("示例第一小学", "四年级1班", 25, 1, 0, "示例李老师", "13900000032", "第二场"),
    ]
    page = upload(desk, code, book({"班级": [CLASS_HEAD, *rows]}))
    done = send(desk, code, page)
    assert "登记2份报名" in done.text
    assert [(name, people) for name, _state, people, _queue in stored(app)[1:]] == [
        ("示例王老师", 61),
        ("示例李老师", 26),
    ]
    link = re.search(r"(/t/[A-Za-z0-9_-]{22})", done.text)
    assert link
    ticket = app.test_client().get(link[1])
    assert "三年级2班" in ticket.text


@pytest.mark.lengthens
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({0: "示例甲镇"}, "不是学校"),
        ({1: ""}, "请填年级和班"),
        ({2: "示例小明"}, "不是人数"),
        ({4: 99}, "不拍照的人数不能比学生多"),
        ({5: "示例张老师"}, "联系人却不一样"),
        ({6: ""}, "请留一个称呼|这场活动要留手机号"),
        ({7: "第二场"}, "要在同一场"),
        ({1: "三年级1班"}, "是同一个班"),
    ],
)
def test_a_wrong_class_is_named_beside_its_cell(
    code: str, desk: FlaskClient, change: dict[int, Any], words: str
) -> None:
    first = ["示例第一小学", "三年级1班", 2, 1, 0, "示例王老师", "13900000031", "第一场"]
    second: list[Any] = ["示例第一小学", "三年级2班", 2, 1, 0, "", "13900000031", "第一场"]
    for place, value in change.items():
        second[place] = value
    page = upload(desk, code, book({"班级": [CLASS_HEAD, first, second]}))
    assert re.search(rf'<p class="err" id="c-1-\w+-e">.*?({words})', page.text, re.S), page.text
    second = ["示例第一小学", "三年级2班", 2, 1, 0, "", "13900000031", "第一场"]
    assert 'class="err"' not in upload(desk, code, book({"班级": [CLASS_HEAD, first, second]})).text


@pytest.mark.parametrize("cell", ["50%", "%(n)s", "<h1>3</h1>"])
def test_what_was_typed_is_shown_as_it_is_in_the_sentence_about_it(code: str, desk: FlaskClient, cell: str) -> None:
    row: list[Any] = ["示例第一小学", "三年级1班", cell, 1, 0, "示例王老师", "13900000031", "第一场"]
    page = upload(desk, code, book({"班级": [CLASS_HEAD, row]}))
    assert escape(cell) in re.search(r'<p class="err" id="c-0-\w+-e">(.*?)</p>', page.text, re.S)[1]  # type: ignore[index]


def test_a_list_of_pupils_and_classes_where_none_are_taken_are_refused_in_words(
    app: Flask, code: str, desk: FlaskClient
) -> None:
    pupils = upload(desk, code, book({"名单": [("班级", "姓名"), ("三年级1班", "示例小明")]}))
    assert pupils.status_code == 422
    assert "不收学生的姓名" in pupils.text
    assert "示例小明" not in pupils.text
    with app.app_context(), transaction(db.session) as tx:
        tx.scalars(select(Activity).where(Activity.code == code)).one().takes_parties = False
    refused = upload(
        desk, code, book({"班级": [CLASS_HEAD, ("示例第一小学", "1班", 3, 1, 0, "示例", "13900000031", "1")]})
    )
    assert "收班级和团体" in refused.text


def test_children_by_name_come_in_with_a_guardian_only(app: Flask, code: str, desk: FlaskClient) -> None:
    page = upload(desk, code, book({"个人": GOOD}))
    with app.app_context(), transaction(db.session) as tx:
        tx.scalars(select(Activity).where(Activity.code == code)).one().names_minors = True
    before = stored(app)
    for answer in (upload(desk, code, book({"个人": GOOD})), send(desk, code, page)):
        assert answer.status_code == 422
        assert "要监护人先同意" in answer.text
    assert stored(app) == before


@pytest.mark.lengthens
@pytest.mark.parametrize("what", HOSTILE)
def test_each_hostile_file_ends_in_words_and_writes_nothing(
    app: Flask, code: str, desk: FlaskClient, what: str
) -> None:
    name, make, _code = HOSTILE[what]
    before = stored(app), traces(app)
    page = upload(desk, code, make(), name)
    assert page.status_code == 422
    assert re.search(r'id="file-e" role="alert">.*?。</p>', page.text, re.S)
    assert (stored(app), traces(app)) == before


@pytest.mark.lengthens
@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("mark", [",", "\t", ";"])
def test_text_files_of_each_coding_and_mark_with_english_headings_are_read(
    code: str, desk: FlaskClient, coding: str, mark: str
) -> None:
    lines = [("session", "Name", "Kids", "Mobile"), ("第一场", "示例甲", "1", "１３９００００００４１")]
    text = "\n".join(mark.join(line) for line in lines)
    page = upload(desk, code, text.encode(coding), "名单.csv")
    assert page.status_code == 200
    assert "示例甲" in page.text
    assert 'class="err"' not in page.text


def test_columns_that_are_not_taken_in_are_said_aloud_and_shown_nowhere(code: str, desk: FlaskClient) -> None:
    rows = [(*PEOPLE_HEAD, "民族", "身份证号", "备注"), ("", "示例人", 1, 0, "第一场", "", "某族", "370123", "棋")]
    page = upload(desk, code, book({"个人": rows}))
    assert "不收的列已丢弃：民族、身份证号" in page.text
    assert "没有读的列：备注" in page.text
    assert "某族" not in page.text
    assert "370123" not in page.text


def test_a_preview_that_is_not_ours_or_of_another_activity_or_person_is_refused(
    app: Flask, code: str, desk: FlaskClient, sign_in: Callable[[FlaskClient, str], None]
) -> None:
    page = upload(desk, code, book({"个人": GOOD}))
    with app.app_context(), transaction(db.session) as tx:
        activity = tx.scalars(select(Activity).where(Activity.code == code)).one()
        from app.organisation.models import Unit

        other = make_activity(tx, host=tx.get_one(Unit, activity.host_unit_id), starts_at=activity.starts_at).code
    before = stored(app)
    assert send(desk, other, page).status_code == 422
    for token in ("", "x", "eyJ4IjoxfQ.aaaa.bbbb"):
        form = {"draft": token, "verb": "confirm", "consent": "y"}
        assert desk.post(f"/activities/{code}/registrations/import/rows", data=form).status_code == 422
    chief = app.test_client()
    sign_in(chief, "fuze")
    assert send(chief, code, page).status_code == 422
    assert stored(app) == before
    assert send(desk, code, page).status_code == 200


def test_a_phone_taken_between_preview_and_confirm_stops_all(app: Flask, code: str, desk: FlaskClient) -> None:
    page = upload(desk, code, book({"个人": GOOD}))
    with app.app_context(), transaction(db.session) as tx:
        activity = tx.scalars(select(Activity).where(Activity.code == code)).one()
        entry = Entry(activity.sessions[1].code, "示例快", 1, 0, "13900000001", True, "", "")
        register(tx, activity, entry, keys=app.extensions["keys"], now=datetime.now(UTC))
    before = stored(app)
    refused = send(desk, code, page)
    assert refused.status_code == 422
    assert "此手机号已报名" in refused.text
    assert stored(app) == before


def test_absurd_field_names_change_nothing(code: str, desk: FlaskClient) -> None:
    odd: dict[str, Any] = {
        "c-99999-name": "x",
        "c-²-name": "x",
        "c--": "x",
        "c-0-secret": "x",
        "aside": ["99999999999", "²"],
    }
    assert send(desk, code, upload(desk, code, book({"个人": GOOD})), "check", **odd).status_code == 200


@pytest.mark.lengthens
def test_5000_rows_are_previewed_and_confirmed_in_bounded_time(app: Flask, code: str, desk: FlaskClient) -> None:
    with app.app_context(), transaction(db.session) as tx:
        for row in tx.scalars(select(Activity).where(Activity.code == code)).one().sessions:
            row.capacity = 3000
    rows = [
        (f"13{n * 7919 % 999983:09d}", f"示例人{n}", 1, n % 2, str(n % 2 + 1), "示例第一小学") for n in range(5_000)
    ]
    page = upload(desk, code, book({"个人": [PEOPLE_HEAD, *rows]}))
    assert page.status_code == 200
    assert len(draft(page)) < TOKEN_MOST
    begun = time.monotonic()
    done = send(desk, code, page)
    taken = time.monotonic() - begun
    assert "登记5,000份报名" in done.text
    assert taken < 60  # five seconds on two cores


def test_nobody_without_the_right_opens_or_sends_these_pages(
    app: Flask, code: str, desk: FlaskClient, sign_in: Callable[[FlaskClient, str], None]
) -> None:
    for login in ("shenhe", "fuhe", "lingdao", "shenji", "yizhen"):
        browser = app.test_client()
        sign_in(browser, login)
        assert browser.get(f"/activities/{code}/registrations/import").status_code in (403, 404)
        assert upload(browser, code, book({"个人": GOOD})).status_code in (403, 404)
    assert upload(app.test_client(), code, book({"个人": GOOD})).status_code == 302
    assert desk.get(f"/activities/{code}/registrations/import").status_code == 200
