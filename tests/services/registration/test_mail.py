"""Letters after the commit: put, claimed by one worker only, sent to a real server, tried again, given up; no address kept."""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from icalendar import Calendar
from sqlalchemy import select, text

from app.activities.models import Activity, ActivityChange
from app.extensions import db
from app.kernel.actor import PARTICIPANT, SYSTEM
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.tokens import random_secret
from app.organisation.models import User
from app.organisation.queries import actor_of
from app.registration.approval import expire_offers
from app.registration.entering import Entry, register
from app.registration.models import MailKind, MailNotice, PersonalDetail, Registration, RegistrationState
from app.registration.outbox import (
    DELAYS,
    LEASE,
    Parcel,
    claim,
    count_letters,
    put_change,
    put_reminders,
    put_to_all,
    resend,
    settle,
)
from app.registration.sending import Smtp
from app.registration.service import cancel_activity, cancel_registration
from app.worker import deliver, send_letters, smtp_of
from tests.cast import make_cast
from tests.factories import make_activity
from tests.services.registration.post_office import Post, post_office, tls_pair

ADDRESS = "canary-li@example.cn"
BASE = "http://127.0.0.1"
MORNING = datetime(2026, 11, 23, 1, 30, tzinfo=UTC)  # 周一 09:30 in Shanghai


def enrol(app: Flask, activity: Activity, tx: Any, *, email: str = ADDRESS, at: datetime | None = None) -> Registration:
    entry = Entry(None, "李女士", 1, 1, "", True, random_secret(), random_secret(), email)
    return register(tx, activity, entry, keys=app.extensions["keys"], now=at or now()).registration


@pytest.fixture
def one(app: Flask) -> str:
    """An activity in two days that sends mail, with one registration that left an address."""
    with app.app_context(), transaction(db.session) as tx:
        cast = make_cast(tx)
        activity = make_activity(
            tx, host=cast.town, sends_mail=True, starts_at=now() + timedelta(days=2), bring="剪刀", capacity=2
        )
        enrol(app, activity, tx)
        return activity.code


def smtp(post: Post, **more: Any) -> Smtp:
    values: dict[str, Any] = {
        "host": "localhost", "port": post.port, "user": "", "password": "", "starttls": False,
        "sender": "石榴红活动 <huodong@example.cn>",
    }  # fmt: skip
    return Smtp(**values | more)


def notices(app: Flask) -> list[MailNotice]:
    with app.app_context():
        found = list(db.session.scalars(select(MailNotice).order_by(MailNotice.id)))
        db.session.expunge_all()
        return found


def run(app: Flask, way: Smtp) -> int:
    with app.app_context():
        return send_letters(way, BASE)


def move(app: Flask, by: timedelta) -> None:
    """Let the waiting letters be due as if that much time had passed."""
    with app.app_context(), transaction(db.session) as tx:
        for notice in tx.scalars(select(MailNotice).where(MailNotice.next_try_at.is_not(None))):
            assert notice.next_try_at is not None
            notice.next_try_at -= by


def test_a_confirmation_arrives_in_plain_words_with_a_calendar_file(app: Flask, one: str) -> None:
    with post_office() as post:
        assert run(app, smtp(post)) == 1
        assert run(app, smtp(post)) == 0
    [letter] = post.letters
    assert letter["To"] == ADDRESS
    assert letter["Subject"] == "报名成功：剪纸进课堂"
    body = letter.get_body(("plain",))
    assert body is not None
    words = body.get_content()
    for part in (
        "时间：",
        "周",
        "地点：示例小学礼堂",
        "自带：剪刀",
        "人数：2人",
        f"{BASE}/a/{one}",
        "请打开报名时的那一页",
    ):
        assert part in words
    assert "李女士" not in words
    assert "/t/" not in words
    [attached] = list(letter.iter_attachments())
    assert attached.get_content_type() == "text/calendar"
    calendar = Calendar.from_ical(attached.get_content())
    assert len(calendar.walk("VEVENT")) == 1
    [notice] = notices(app)
    assert notice.sent_at is not None
    assert (notice.next_try_at, notice.problem, notice.tries) == (None, "", 1)


@pytest.mark.parametrize(
    ("answers", "way", "problem", "waits"),
    [
        ({"rcpt": "450 later"}, {}, "busy", True),
        ({"rcpt": "550 no such user canary-li@example.cn"}, {}, "refused", False),
        ({"data": "451 later"}, {}, "busy", True),
        ({"data": "554 spam"}, {}, "rejected", True),
        ({"auth": "535 no"}, {"user": "u", "password": "p"}, "login", True),
        ({}, {"starttls": True}, "no_tls", True),
    ],
)
def test_each_refusal_has_a_word_of_the_closed_list(
    app: Flask, one: str, caplog: pytest.LogCaptureFixture, answers: Any, way: Any, problem: str, waits: bool
) -> None:
    caplog.set_level(logging.DEBUG)
    with post_office(**answers) as post:
        assert run(app, smtp(post, **way)) == 0
    [notice] = notices(app)
    assert notice.problem == problem
    assert (notice.next_try_at is not None) is waits
    assert notice.sent_at is None
    assert post.letters == []
    assert "canary" not in caplog.text
    assert problem in caplog.text


def test_a_server_that_is_down_is_tried_again_after_each_delay_and_then_given_up(app: Flask, one: str) -> None:
    with post_office() as post:
        pass  # the port is closed again
    for tries, delay in enumerate(DELAYS, start=1):
        assert run(app, smtp(post)) == 0
        [notice] = notices(app)
        assert (notice.tries, notice.problem) == (tries, "unreachable")
        assert notice.next_try_at is not None
        assert abs(notice.next_try_at - now() - delay) < timedelta(seconds=30)
        assert run(app, smtp(post)) == 0  # not due: nothing is tried
        assert notices(app)[0].tries == tries
        move(app, delay + timedelta(seconds=40))
    run(app, smtp(post))
    [notice] = notices(app)
    assert (notice.tries, notice.next_try_at, notice.sent_at) == (6, None, None)


def test_an_encrypted_connection_carries_the_letter_and_a_strange_certificate_does_not(app: Flask, one: str) -> None:
    server, client = tls_pair()
    with post_office(tls=server) as post:
        assert run(app, smtp(post, starttls=True)) == 0
        assert notices(app)[0].problem == "no_tls"
        move(app, timedelta(minutes=2))
        assert run(app, smtp(post, starttls=True, context=client, user="u", password="p")) == 1
    assert post.was_encrypted == [True]


def test_two_workers_never_send_one_letter_twice(app: Flask) -> None:
    with app.app_context(), transaction(db.session) as tx:
        activity = make_activity(tx, sends_mail=True, starts_at=now() + timedelta(days=2), capacity=None)
        for _ in range(12):
            enrol(app, activity, tx)
    with post_office() as post:
        threads = [threading.Thread(target=run, args=(app, smtp(post))) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert len(post.letters) == 12
    assert all(n.sent_at is not None and n.tries == 1 for n in notices(app))


def test_a_claim_moves_the_row_out_of_reach_until_its_lease_ends(app: Flask, one: str) -> None:
    moment = now()
    with app.app_context():
        with transaction(db.session) as tx:
            assert isinstance(claim(tx, keys=app.extensions["keys"], base_url=BASE, now=moment), Parcel)
        with transaction(db.session) as tx:
            assert claim(tx, keys=app.extensions["keys"], base_url=BASE, now=moment) is None
        with transaction(db.session) as tx:  # that worker died
            again = claim(tx, keys=app.extensions["keys"], base_url=BASE, now=moment + LEASE)
            assert isinstance(again, Parcel)
            settle(tx, again.notice_id, "", now=moment)


@pytest.mark.parametrize(
    "address", ["li,wang@example.cn", "<li@example.cn", "李@example.cn", "li;x@example.cn", 'a"b@example.cn']
)
def test_an_address_that_no_header_can_hold_is_refused_and_does_not_stop_the_next(app: Flask, address: str) -> None:
    with app.app_context(), transaction(db.session) as tx:
        activity = make_activity(tx, sends_mail=True, starts_at=now() + timedelta(days=2))
        bad = enrol(app, activity, tx)
        enrol(app, activity, tx)
        detail = tx.get_one(PersonalDetail, bad.id)
        detail.email = app.extensions["keys"].encrypt(address, context=f"email:{bad.code}")
    with post_office() as post:
        assert run(app, smtp(post)) == 1
    assert [n.problem for n in notices(app)] == ["refused", ""]
    assert len(post.recipients) == 1


def test_who_erased_the_address_is_not_written_to(app: Flask, one: str) -> None:
    with app.app_context(), transaction(db.session) as tx:
        tx.scalars(select(PersonalDetail)).one().email = None
    with post_office() as post:
        assert run(app, smtp(post)) == 0
    assert post.recipients == []
    assert [(n.problem, n.next_try_at) for n in notices(app)] == [("erased", None)]


def test_old_news_is_not_sent(app: Flask, one: str) -> None:
    with app.app_context(), transaction(db.session) as tx:
        tx.scalars(select(Registration)).one().state = "cancelled"
    with post_office() as post:
        assert run(app, smtp(post)) == 0
    assert notices(app)[0].problem == "outdated"


def test_a_change_and_a_cancellation_reach_everybody_once(app: Flask, one: str) -> None:
    moment = now()
    with app.app_context(), transaction(db.session) as tx:
        activity = tx.scalars(select(Activity)).one()
        put_change(tx, activity, now=moment)
        assert len(tx.scalars(select(MailNotice)).all()) == 1  # nothing changed: only the confirmation
        tx.add(ActivityChange(activity_id=activity.id, at=moment, field="venue", before="a", after="b"))
        tx.flush()
        put_change(tx, activity, now=moment)
        put_change(tx, activity, now=moment)
    with post_office() as post:
        assert run(app, smtp(post)) == 2
    assert [letter["Subject"].split("：")[0] for letter in post.letters] == ["报名成功", "时间或地点有改动"]
    with app.app_context(), transaction(db.session) as tx:
        activity = tx.scalars(select(Activity)).one()
        cancel_activity(tx, activity, reason="下雨", actor=SYSTEM, now=now())
        put_to_all(tx, activity, MailKind.CANCELLED, now=now())
    with post_office() as post:
        assert run(app, smtp(post)) == 1
    body = post.letters[0].get_body(("plain",))
    assert body is not None
    assert "原因：下雨" in body.get_content()
    [attached] = list(post.letters[0].iter_attachments())
    assert b"STATUS:CANCELLED" in attached.get_content().encode()


@pytest.mark.parametrize(
    ("registered", "at", "starts", "count"),
    [
        (timedelta(days=-3), MORNING, timedelta(days=1), 1),
        (timedelta(days=-3), MORNING - timedelta(hours=1), timedelta(days=1), 0),  # 08:30
        (timedelta(days=-3), MORNING, timedelta(days=2), 0),
        (timedelta(days=-3), MORNING, timedelta(hours=5), 0),  # today
        (timedelta(0), MORNING, timedelta(days=1), 0),  # registered today: the confirmation says it
    ],
)
def test_a_reminder_goes_once_the_day_before_from_nine(
    app: Flask, registered: timedelta, at: datetime, starts: timedelta, count: int
) -> None:
    with app.app_context(), transaction(db.session) as tx:
        activity = make_activity(tx, sends_mail=True, starts_at=MORNING + starts)
        enrol(app, activity, tx, at=MORNING + registered)
        enrol(app, activity, tx, email="", at=MORNING + registered)
        assert put_reminders(tx, now=at) == count
        assert put_reminders(tx, now=at + timedelta(minutes=10)) == 0


def test_an_activity_that_sends_no_mail_puts_no_letter(app: Flask) -> None:
    with app.app_context(), transaction(db.session) as tx:
        activity = make_activity(tx, sends_mail=False, starts_at=now() + timedelta(days=1))
        enrol(app, activity, tx)
        put_to_all(tx, activity, MailKind.CHANGED, now=now())
        assert tx.scalars(select(MailNotice)).all() == []


def test_given_up_letters_are_counted_by_reason_and_sent_again(app: Flask, one: str) -> None:
    with post_office(rcpt="550 no") as post:
        run(app, smtp(post))
    with app.app_context(), transaction(db.session) as tx:
        activity = tx.scalars(select(Activity)).one()
        counts = count_letters(tx, activity.id)
        assert (counts.sent, counts.waiting, counts.failed, counts.problems) == (0, 0, 1, {"refused": 1})
        assert resend(tx, activity, actor=SYSTEM, now=now()) == 1
        assert resend(tx, activity, actor=SYSTEM, now=now()) == 0
    with post_office() as post:
        assert run(app, smtp(post)) == 1


def test_without_a_server_letters_wait_and_the_worker_goes_on(app: Flask, one: str) -> None:
    assert smtp_of(app.extensions["settings"]) is None
    with app.app_context():
        deliver()
    assert notices(app)[0].tries == 0


def test_no_row_of_a_letter_holds_the_address(app: Flask, one: str) -> None:
    with app.app_context():
        rows = db.session.execute(text("SELECT * FROM mail_notice")).all()
        assert "canary" not in repr(rows)
        assert "canary" not in repr(db.session.execute(text("SELECT body FROM audit_entry")).all())


def test_who_joins_the_line_by_the_own_form_is_written_to(app: Flask, one: str) -> None:
    with app.app_context(), transaction(db.session) as tx:
        activity = tx.scalars(select(Activity)).one()
        assert enrol(app, activity, tx, email="second@example.cn").state == "waitlisted"
        enrol(app, activity, tx, email="")
    assert [notice.kind for notice in notices(app)] == [MailKind.CONFIRMED.value, MailKind.WAITLISTED.value]


def test_who_is_cancelled_by_the_organizer_hears_it_and_the_calendar_entry_goes(app: Flask, one: str) -> None:
    with app.app_context(), transaction(db.session) as tx:
        actor = actor_of(tx, tx.scalars(select(User).where(User.login == "jingban")).one())
        cancel_registration(tx, tx.scalars(select(Registration)).one(), actor=actor, now=now())
    with post_office() as post:
        assert run(app, smtp(post)) == 1  # the confirmation is old news
    [letter] = post.letters
    assert letter["Subject"] == "报名已取消：剪纸进课堂"
    words = letter.get_body(("plain",)).get_content()
    assert "主办单位取消了您的这个报名" in words
    assert "活动照常" in words
    [attached] = list(letter.iter_attachments())
    assert [event["STATUS"] for event in Calendar.from_ical(attached.get_content()).walk("VEVENT")] == ["CANCELLED"]


def test_who_cancels_the_own_registration_gets_no_letter_about_it(app: Flask, one: str) -> None:
    """Negative control of the letter above: it is about the organizer's act."""
    with app.app_context(), transaction(db.session) as tx:
        cancel_registration(tx, tx.scalars(select(Registration)).one(), actor=PARTICIPANT, now=now())
    assert [n.kind for n in notices(app)] == [MailKind.CONFIRMED.value]


def test_who_never_answered_an_offer_hears_that_the_place_is_gone(app: Flask, one: str) -> None:
    with app.app_context(), transaction(db.session) as tx:
        row = tx.scalars(select(Registration)).one()
        row.state, row.offered_until = RegistrationState.PENDING.value, now() - timedelta(minutes=1)
        assert expire_offers(tx, now=now()) == 1
    with post_office() as post:
        assert run(app, smtp(post)) == 1
    [letter] = post.letters
    assert letter["Subject"] == "名额已让出：剪纸进课堂"
    assert list(letter.iter_attachments()) == []
