"""Chromium at phone size: a class from invitation to “来了 38 人”, a guardian on a second phone, a family that frees a place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from flask import Flask
from playwright.sync_api import Browser, expect
from sqlalchemy import select

from app.activities.models import Activity, ActivityUnit, UnitPart
from app.checkin.models import CheckIn
from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.registration.models import PersonalDetail
from app.web.assets import sync_assets
from tests.cast import make_cast
from tests.conftest import Live
from tests.factories import make_activity
from tests.web.journey.people import Person

# What they send is sent on both databases without a browser: test_party_pages.py, test_guardian_pages.py,
# test_ticket_page.py; make proof walks these on both too.
pytestmark = [pytest.mark.published, pytest.mark.lengthens]
Enter = Callable[..., Person]


@pytest.fixture
def code(app: Flask) -> str:
    """An activity of the town, 100 places, sign-in open, its school invited."""
    sync_assets()
    with app.app_context(), transaction(db.session) as tx:
        cast = make_cast(tx)
        activity = make_activity(tx, host=cast.town, capacity=42, starts_at=now() + timedelta(minutes=30))
        tx.add(ActivityUnit(activity_id=activity.id, unit_id=cast.school.id, part=UnitPart.TAKING_PART.value))
        return activity.code


@pytest.fixture
def enter(code: str, live_server: Live, chromium: Browser) -> Iterator[Enter]:
    """Makes a person with a browser of their own."""
    here: list[Person] = []

    def make(login: str = "", **more: object) -> Person:
        person = Person(chromium, live_server.url, **more)  # type: ignore[arg-type]
        here.append(person)
        if login:
            person.sign_in(login)
        return person

    yield make
    for person in here:
        person.leave()


def switch_on(organizer: Person, code: str, *names: str) -> None:
    """Tick these on 报名设置 and save."""
    organizer.open(f"/activities/{code}/registration")
    for name in names:
        organizer.page.check(f"#{name}")
    organizer.page.locator("#switches").get_by_role("button", name="保存").click()
    expect(organizer.page.get_by_text("已保存报名设置")).to_be_visible()


def test_a_teacher_from_invitation_to_38_people_here(app: Flask, enter: Enter, code: str) -> None:
    organizer = enter("jingban")
    switch_on(organizer, code, "takes_parties", "leaves_school")
    words = organizer.page.locator("#inv-1").input_value()
    assert "示例第一小学的老师" in words
    link = re.search(r"http://[^\s]+", words)
    assert link
    teacher = enter()
    page = teacher.page
    page.goto(link[0])
    page.get_by_label("年级和班").fill("三年级2班")
    page.locator("[name='classes-0-pupils']").fill("37")
    page.locator("[name='classes-0-adults']").fill("1")
    page.get_by_label("联系人").fill("张老师")
    page.get_by_label("手机号").fill("13800138000")
    page.get_by_role("button", name="报名").click()
    expect(page.get_by_text("由学校勾选同意").first).to_be_visible()
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="报名").click()
    expect(page.get_by_role("heading", name="班级码")).to_be_visible()
    for people, words in (("20", "一共20人"), ("18", "一共38人")):
        page.locator("#people").fill(people)
        page.get_by_role("button", name="登记人数").click()
        expect(page.get_by_text(words)).to_be_visible()
    organizer.open(f"/activities/{code}/console")
    parties = organizer.page.locator("#parties")
    expect(parties).to_contain_text("来了38人")
    parties.get_by_role("button", name="核对", exact=True).click()
    expect(organizer.page.locator("#parties")).to_contain_text("已核对")
    with app.app_context():
        row = db.session.scalars(select(CheckIn)).one()
        assert (row.grade_a, row.grade_d) == (38, 0)
        assert list(db.session.scalars(select(PersonalDetail.name))) == ["张老师"]
        db.session.rollback()


def test_a_guardian_consents_on_a_second_phone(app: Flask, enter: Enter, code: str) -> None:
    organizer = enter("jingban")
    switch_on(organizer, code, "names_minors")
    organizer.open(f"/activities/{code}/registrations/minors")
    organizer.page.get_by_role("button", name="生成链接").click()
    link = re.search(r"http://[^\s]+", organizer.page.locator("#ask").input_value())
    assert link
    guardian = enter()
    guardian.page.goto(link[0])
    guardian.page.get_by_label("孩子怎么称呼").fill("小石榴")
    guardian.page.get_by_label("母亲").check()
    guardian.page.get_by_label("监护人手机号").fill("13800138000")
    guardian.page.get_by_role("button", name="同意并报名").click()
    expect(guardian.page.get_by_text("还没有保存")).to_be_visible()
    with app.app_context():
        assert [name for name in db.session.scalars(select(PersonalDetail.name)) if name] == []
        db.session.rollback()
    guardian.page.get_by_role("checkbox").check()
    guardian.page.get_by_role("button", name="同意并报名").click()
    expect(guardian.page.get_by_role("heading", name="报名码")).to_be_visible()
    organizer.open(f"/activities/{code}/registrations")
    expect(organizer.page.get_by_text("小石榴")).to_have_count(0)
    organizer.page.get_by_label("为什么要看未成年人的资料").fill("营前联系家长")
    organizer.page.get_by_role("button", name="显示姓名和手机号").click()
    expect(organizer.page.get_by_text("小石榴")).to_be_visible()


def apply(person: Person, code: str, name: str, adults: int) -> None:
    person.open(f"/a/{code}")
    person.page.get_by_label("怎么称呼您").fill(name)
    person.page.locator("[name=adults]").fill(str(adults))
    person.page.get_by_role("checkbox").check()
    person.page.get_by_role("button", name=re.compile("^(报名|登记候补)$")).click()


def test_a_family_changes_four_to_three_and_the_waitlist_moves(app: Flask, enter: Enter, code: str) -> None:
    with app.app_context(), transaction(db.session) as tx:
        tx.scalars(select(Activity)).one().sessions[0].capacity = 4
    family, waiting = enter(), enter()
    apply(family, code, "李女士", 4)
    expect(family.page.get_by_text("报名成功")).to_be_visible()
    apply(waiting, code, "张先生", 1)
    expect(waiting.page.get_by_role("heading", name="候补")).to_be_visible()
    family.page.get_by_role("link", name="改人数").click()
    family.page.locator("[name=adults]").fill("3")
    family.page.get_by_role("button", name="改好了").click()
    expect(family.page.get_by_text("人数已改好")).to_be_visible()
    waiting.page.reload()
    expect(waiting.page.get_by_text("候补成功")).to_be_visible()
    expect(waiting.page.get_by_role("heading", name="报名码")).to_be_visible()
