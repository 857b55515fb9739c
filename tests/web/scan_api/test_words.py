"""What the helper reads at a scan that does not fit: what it is in a word, and at the end what to do (docs/helpers.md)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select, update

from app.activities.models import Activity, ActivitySession
from app.checkin.answers import HELD_WORDS, OTHER_SESSION, RED_WORDS, REVOKED_WORDS
from app.checkin.models import DeviceGrant, HeldReason, Outcome
from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.registration.models import Registration
from tests.factories import make_activity
from tests.web.scan_api.conftest import Gate

Make = Callable[..., Gate]
RED = {HeldReason.UNKNOWN.value, HeldReason.CANCELLED.value}


def ending(words: str) -> str:
    return words.rstrip("。").split("。")[-1]


def test_red_ends_at_the_desk_and_amber_lets_in() -> None:
    for reason, words in HELD_WORDS.items():
        assert ending(words) == ("请他到签到台" if reason in RED else "请进"), reason
    assert {ending(words) for words in RED_WORDS.values()} == {"请他到签到台"}
    assert {ending(words) for words in REVOKED_WORDS.values()} == {"请进", "换一场再扫"}
    assert ending("这部手机当时不在配对期内，已交主办单位核实。") not in ("请进", "请他到签到台")


def test_every_reason_and_every_red_has_words_whose_first_part_is_short() -> None:
    assert set(HELD_WORDS) | {"revoked"} == {reason.value for reason in HeldReason}
    for words in (*HELD_WORDS.values(), *REVOKED_WORDS.values(), *RED_WORDS.values(), OTHER_SESSION):
        assert len(words.replace("，", "。").split("。")[0]) <= 10, words
    assert set(RED_WORDS) < {outcome.value for outcome in Outcome}


@pytest.mark.parametrize(
    ("columns", "word"),
    [("revoked_at", "已被作废"), ("ended_at", "已结束当班"), ("expires_at", "配对已到期")],
)
def test_why_a_phone_does_not_hold_is_said_as_it_is(gate: Make, columns: str, word: str) -> None:
    g = gate()
    secret, ticket = g.pair(), g.enrol()[0]
    with g.app.app_context(), transaction(db.session) as tx:
        tx.execute(update(DeviceGrant).values({columns: now()}))
    g.pass_time(minutes=1)
    (answer,) = g.send(secret, g.scan(ticket))
    assert answer["tone"] == "amber" and word in answer["message"] and answer["message"].endswith("请进。")


def test_a_phone_that_is_not_paired_for_this_session_is_told_to_change_it(gate: Make) -> None:
    g = gate(sessions=2)
    (answer,) = g.send(g.pair(session=0), g.scan(g.enrol()[0]) | {"session": g.sessions[1]})
    assert "没有配这一场" in answer["message"] and answer["message"].endswith("换一场再扫。")


def test_a_ticket_of_the_other_session_is_told_apart_from_one_of_another_activity(gate: Make) -> None:
    g = gate(sessions=2)
    ticket, stranger = g.enrol()[0], g.enrol()[0]
    with g.app.app_context(), transaction(db.session) as tx:
        second = tx.scalars(select(ActivitySession.id).where(ActivitySession.code == g.sessions[1])).one()
        tx.execute(update(Registration).values(session_id=second))
        tx.execute(update(Activity).values(attendance="choose_one"))
    phone = g.pair(session=None)
    (answer,) = g.send(phone, g.scan(ticket))
    assert (answer["tone"], answer["message"]) == ("red", OTHER_SESSION)
    with g.app.app_context(), transaction(db.session) as tx:  # the control: the same ticket, of another activity
        other = make_activity(tx, title="别的活动")
        tx.execute(
            update(Registration)
            .where(Registration.secret_hash == stranger)
            .values(activity_id=other.id, session_id=None)
        )
    (answer,) = g.send(phone, g.scan(stranger))
    assert (
        answer["tone"] == "red" and answer["message"].endswith("请他到签到台。") and "别的活动" not in answer["message"]
    )
