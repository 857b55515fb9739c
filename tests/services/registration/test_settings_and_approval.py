"""Approval, offers with a deadline, questions, quotas and holds: the organizer's verbs, each with what it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.activities.models import Activity, Question
from app.extensions import db
from app.kernel.actor import PARTICIPANT, Actor
from app.kernel.database import transaction
from app.kernel.errors import Conflict, NotFound, RuleBroken
from app.kernel.keys import KeyRing
from app.organisation.models import UnitKind
from app.registration.approval import accept_offer, approve_registration, decline_registration, expire_offers
from app.registration.entering import Entry, PartyEntry, list_questions, register, register_party
from app.registration.models import MailNotice, PersonalDetail, Registration
from app.registration.places import places
from app.registration.queries import count_answers, read_stored
from app.registration.rules import ClassEntry
from app.registration.service import cancel_activity, cancel_registration, change_classes
from app.registration.settings import (
    RegistrationSettings,
    add_question,
    change_settings,
    hold_places,
    list_quotas,
    release_hold,
    remove_question,
    set_quota,
)
from tests.factories import NOW, make_activity, make_unit

STAFF = Actor(kind="user", name="示例经办人", user_code="staff0000001")


class Stage:
    """One open transaction, one activity, short words."""

    def __init__(self, session: Session, keys: KeyRing, **columns: object) -> None:
        self.session, self.keys = session, keys
        columns.setdefault("capacity", 10)
        columns.setdefault("starts_at", NOW + timedelta(days=5))
        self.activity: Activity = make_activity(session, takes_parties=True, **columns)  # type: ignore[arg-type]

    def person(self, people: int = 1, **more: object) -> Registration:
        entry = Entry(None, "李女士", people, 0, "", True, "", "", **more)  # type: ignore[arg-type]
        return register(self.session, self.activity, entry, keys=self.keys, now=NOW).registration

    def ask(self, sort: str, wording: str, *options: str, required: bool = False) -> Question:
        return add_question(
            self.session,
            self.activity,
            sort=sort,
            wording=wording,
            options=options,
            is_required=required,
            actor=STAFF,
            now=NOW,
        )

    def taken(self) -> int:
        """Places that are not free: registered, or kept for somebody."""
        found = places(self.session, self.activity)[None]
        return found.taken + found.kept


@pytest.fixture
def stage(app: Flask) -> Iterator[Stage]:
    with app.app_context(), transaction(db.session) as tx:
        yield Stage(tx, app.extensions["keys"])


def test_what_needs_approval_holds_its_place_until_it_is_decided(stage: Stage) -> None:
    stage.activity.needs_approval = True
    first, second = stage.person(4), stage.person(6)
    third = stage.person(2)
    assert [first.state, second.state, third.state] == ["pending", "pending", "waitlisted"]
    approve_registration(stage.session, first, actor=STAFF, now=NOW)
    approve_registration(stage.session, first, actor=STAFF, now=NOW)
    assert first.state == "confirmed"
    decline_registration(stage.session, second, reason="这次只收本社区的。", actor=STAFF, now=NOW)
    assert (second.state, second.decline_reason) == ("cancelled", "这次只收本社区的。")
    assert third.state == "pending"  # moved up, and waits for the organizer like everybody
    with pytest.raises(Conflict):
        approve_registration(stage.session, second, actor=STAFF, now=NOW)
    with pytest.raises(RuleBroken):
        decline_registration(stage.session, third, reason="  ", actor=STAFF, now=NOW)


def test_an_offered_place_waits_for_an_answer_and_then_goes_on(stage: Stage) -> None:
    stage.activity.offer_hours, stage.activity.sessions[0].capacity = 24, 7
    holder, second, third = stage.person(7), stage.person(3), stage.person(5)
    cancel_registration(stage.session, holder, actor=PARTICIPANT, now=NOW)
    assert (second.state, second.offered_until) == ("pending", NOW + timedelta(hours=24))
    assert third.state == "waitlisted"
    assert expire_offers(stage.session, now=NOW + timedelta(hours=23)) == 0
    assert expire_offers(stage.session, now=NOW + timedelta(hours=24)) == 1
    assert second.state == "cancelled"
    assert third.state == "pending"
    with pytest.raises(Conflict):
        accept_offer(stage.session, second, now=NOW + timedelta(hours=24))
    accept_offer(stage.session, third, now=NOW + timedelta(hours=25))
    accept_offer(stage.session, third, now=NOW + timedelta(hours=26))
    assert (third.state, third.offered_until) == ("confirmed", None)
    assert expire_offers(stage.session, now=NOW + timedelta(days=4)) == 0


def test_the_organizer_cannot_confirm_what_waits_for_the_participant(stage: Stage) -> None:
    stage.activity.offer_hours, stage.activity.sessions[0].capacity = 2, 7
    holder, second = stage.person(7), stage.person(3)
    cancel_registration(stage.session, holder, actor=PARTICIPANT, now=NOW)
    with pytest.raises(Conflict):
        approve_registration(stage.session, second, actor=STAFF, now=NOW)


def test_a_quota_binds_its_unit_only(stage: Stage) -> None:
    school = make_unit(stage.session, kind=UnitKind.SCHOOL, name="示例甲校")
    set_quota(stage.session, stage.activity, school, 4, actor=STAFF, now=NOW)

    def party(pupils: int, phone: str) -> Registration:
        entry = PartyEntry(None, school.id, (ClassEntry("一班", pupils, 0),), "张老师", phone, True, "", "")
        return register_party(stage.session, stage.activity, entry, keys=stage.keys, now=NOW).registration

    assert party(4, "13800138000").state == "confirmed"
    waiting = party(1, "13800138001")
    assert waiting.state == "waitlisted"
    assert stage.person(6).state == "confirmed"
    set_quota(stage.session, stage.activity, school, None, actor=STAFF, now=NOW)
    assert waiting.state == "waitlisted"  # no quota any more, and no place either


def test_places_kept_for_a_school_are_its_own_and_go_to_the_line_when_released(stage: Stage) -> None:
    school = make_unit(stage.session, kind=UnitKind.SCHOOL, name="示例甲校")
    hold = hold_places(stage.session, stage.activity, school, 6, session_id=None, actor=STAFF, now=NOW)
    assert stage.taken() == 6
    assert stage.person(4).state == "confirmed"
    waiting = stage.person(3)
    assert waiting.state == "waitlisted"
    entry = PartyEntry(None, school.id, (ClassEntry("一班", 2, 0),), "张老师", "13800138000", True, "", "")
    party = register_party(stage.session, stage.activity, entry, keys=stage.keys, now=NOW).registration
    assert party.state == "confirmed"
    assert (hold.places, stage.taken()) == (4, 10)
    with pytest.raises(RuleBroken):
        hold_places(stage.session, stage.activity, None, 1, session_id=None, actor=STAFF, now=NOW)
    release_hold(stage.session, stage.activity, hold.code, actor=STAFF, now=NOW)
    assert waiting.state == "confirmed"
    with pytest.raises(NotFound):
        release_hold(stage.session, stage.activity, hold.code, actor=STAFF, now=NOW)


@pytest.mark.parametrize("hours", [0, -1, 241])
def test_impossible_hours_are_refused(stage: Stage, hours: int) -> None:
    with pytest.raises(RuleBroken):
        change_settings(
            stage.session,
            stage.activity,
            RegistrationSettings(True, True, True, True, True, hours),
            actor=STAFF,
            now=NOW,
        )
    assert not stage.activity.needs_approval


def test_settings_of_a_closed_activity_stay(stage: Stage) -> None:
    stage.activity.state = "closed"
    with pytest.raises(Conflict):
        change_settings(
            stage.session, stage.activity, RegistrationSettings(True, True, True, True, True, 2), actor=STAFF, now=NOW
        )


def test_answers_are_kept_with_the_person_and_counted_without(stage: Stage) -> None:
    drink = stage.ask("one_of", "喝什么", "茶", "水", required=True)
    craft = stage.ask("several_of", "想学什么", "剪纸", "面塑", "剪纸")
    age = stage.ask("number", "孩子几年级")
    assert [q.options for q in list_questions(stage.session, stage.activity)][:2] == [("茶", "水"), ("剪纸", "面塑")]
    made = stage.person(answers={drink.code: ["茶"], craft.code: ["面塑", "剪纸"], age.code: ["３"]})
    detail = stage.session.get_one(PersonalDetail, made.id)
    assert detail.answers == {drink.code: "茶", craft.code: ["剪纸", "面塑"], age.code: 3}
    assert read_stored(stage.session, made, keys=stage.keys).answers[0] == ("喝什么", "茶")
    assert count_answers(stage.session, stage.activity.id)[:2] == [
        ("喝什么", [("茶", 1), ("水", 0)]), ("想学什么", [("剪纸", 1), ("面塑", 1)]),
    ]  # fmt: skip
    remove_question(stage.session, stage.activity, drink.code, actor=STAFF, now=NOW)
    assert read_stored(stage.session, made, keys=stage.keys).answers[-1] == ("（已删掉的问题）", "茶")
    with pytest.raises(NotFound):
        remove_question(stage.session, stage.activity, drink.code, actor=STAFF, now=NOW)


@pytest.mark.parametrize(
    ("sort", "typed", "words"),
    [
        ("one_of", ["咖啡"], "从列出的选项里选一个"),
        ("one_of", [], "请回答"),
        ("several_of", ["茶", "咖啡"], "从列出的选项里选"),
        ("yes_no", ["也许"], "请选“是”或“否”"),
        ("number", ["很多"], "的整数"),
        ("number", ["1000001"], "的整数"),
        ("short_text", ["长" * 101], "最多100个字"),
        ("short_text", ["  "], "请回答"),
    ],
)
def test_an_answer_that_cannot_be_is_refused_beside_its_question(
    stage: Stage, sort: str, typed: list[str], words: str
) -> None:
    question = stage.ask(sort, "喝什么", "茶", "水", required=True)
    with pytest.raises(RuleBroken) as broken:
        stage.person(answers={question.code: typed})
    assert broken.value.problems[0].field == f"q_{question.code}"
    assert words in broken.value.problems[0].message
    assert stage.session.scalars(select(Registration)).all() == []


@pytest.mark.parametrize(
    ("sort", "wording", "options", "field"),
    [
        ("one_of", "", ("茶", "水"), "wording"),
        ("one_of", "长" * 61, ("茶", "水"), "wording"),
        ("one_of", "喝什么", ("茶",), "options"),
        ("one_of", "喝什么", tuple("一二三四五六七八九十甲乙丙"), "options"),
        ("one_of", "喝什么", ("长" * 31, "水"), "options"),
        ("essay", "喝什么", (), "sort"),
        ("short_text", "您的民族", (), "wording"),
        ("one_of", "请选", ("汉族", "其他"), "options"),
    ],
)
def test_a_question_that_cannot_be_is_refused(
    stage: Stage, sort: str, wording: str, options: tuple[str, ...], field: str
) -> None:
    with pytest.raises(RuleBroken) as broken:
        stage.ask(sort, wording, *options)
    assert broken.value.problems[0].field == field
    assert stage.session.scalars(select(Question)).all() == []


def test_eight_questions_are_enough(stage: Stage) -> None:
    for number in range(8):
        stage.ask("yes_no", f"第{number}问")
    with pytest.raises(RuleBroken):
        stage.ask("yes_no", "第九问")


def test_an_offer_ends_with_the_activity_and_not_with_a_letter_of_its_own(stage: Stage) -> None:
    stage.activity.offer_hours, stage.activity.sessions[0].capacity, stage.activity.sends_mail = 2, 7, True
    holder, second = stage.person(7), stage.person(3, email="a@example.com")
    cancel_registration(stage.session, holder, actor=PARTICIPANT, now=NOW)
    assert second.offered_until is not None
    cancel_activity(stage.session, stage.activity, reason="下雨", actor=STAFF, now=NOW)
    assert expire_offers(stage.session, now=NOW + timedelta(hours=3)) == 0
    stage.session.refresh(second)
    assert (second.state, second.offered_until) == ("pending", None)
    kinds = stage.session.scalars(select(MailNotice.kind).where(MailNotice.registration_id == second.id)).all()
    assert "cancelled" not in kinds  # that letter comes once, to everybody, with the cancellation itself
    with pytest.raises(Conflict):
        accept_offer(stage.session, second, now=NOW)


def test_an_offer_in_a_later_session_waits_until_that_one_begins(app: Flask) -> None:
    with app.app_context(), transaction(db.session) as tx:
        stage = Stage(tx, app.extensions["keys"], sessions=3, attendance="choose_one", capacity=1, offer_hours=100)
        last = stage.activity.sessions[-1]

        def choose() -> Registration:
            entry = Entry(last.code, "李女士", 1, 0, "", True, "", "")
            return register(tx, stage.activity, entry, keys=stage.keys, now=NOW).registration

        first = stage.activity.sessions[0].starts_at
        for at in (first - timedelta(hours=1), first + timedelta(minutes=30)):  # while the first one goes on too
            holder, second = choose(), choose()
            cancel_registration(tx, holder, actor=STAFF, now=at)
            assert (second.state, second.offered_until) == ("pending", last.starts_at)
            cancel_registration(tx, second, actor=STAFF, now=at)


def test_a_class_that_grows_uses_what_was_kept_for_it(stage: Stage) -> None:
    school = make_unit(stage.session, kind=UnitKind.SCHOOL, name="示例甲校")
    hold = hold_places(stage.session, stage.activity, school, 6, session_id=None, actor=STAFF, now=NOW)
    entry = PartyEntry(None, school.id, (ClassEntry("一班", 2, 0),), "张老师", "13800138000", True, "", "")
    party = register_party(stage.session, stage.activity, entry, keys=stage.keys, now=NOW).registration
    change_classes(stage.session, party, (ClassEntry("一班", 5, 0),), now=NOW)
    assert (hold.places, stage.taken()) == (1, 6)
    assert stage.person(4).state == "confirmed"  # nothing is kept twice


def test_what_is_kept_is_nobody_who_registered_and_free_for_its_own_unit(stage: Stage) -> None:
    school = make_unit(stage.session, kind=UnitKind.SCHOOL, name="示例甲校")
    hold_places(stage.session, stage.activity, school, 6, session_id=None, actor=STAFF, now=NOW)
    hold_places(stage.session, stage.activity, None, 4, session_id=None, actor=STAFF, now=NOW)
    found = places(stage.session, stage.activity)[None]
    assert (found.taken, found.kept, found.left) == (0, 10, 0)
    assert (found.seen_by(school.id).left, found.seen_by(None).left) == (6, 0)


def test_a_quota_is_shown_by_session_as_it_binds(app: Flask) -> None:
    with app.app_context(), transaction(db.session) as tx:
        stage = Stage(tx, app.extensions["keys"], sessions=2, attendance="choose_one", capacity=40)
        school = make_unit(tx, kind=UnitKind.SCHOOL, name="示例甲校")
        set_quota(tx, stage.activity, school, 20, actor=STAFF, now=NOW)
        for number, chosen in enumerate(stage.activity.sessions):
            entry = PartyEntry(
                chosen.code, school.id, (ClassEntry(f"{number}班", 20, 0),), "张老师", f"1380013800{number}", True, "", ""
            )  # fmt: skip
            made = register_party(tx, stage.activity, entry, keys=stage.keys, now=NOW).registration
            assert made.state == "confirmed"
        assert [(row[1], row[2]) for row in list_quotas(tx, stage.activity)] == [(20, [("第一场", 20), ("第二场", 20)])]
