"""POST /api/v1/scan/events: each event answered by itself, once, whatever its neighbours are."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from app.activities.models import ActivitySession
from app.checkin.models import CheckIn, CheckInEvent, DeviceGrant, HeldScan
from app.extensions import db
from app.kernel.clock import SHANGHAI, now
from app.kernel.database import transaction
from app.web import scan_api
from tests.web.scan_api.conftest import Gate, uid

Make = Callable[..., Gate]


def rows(gate: Gate, model: Any) -> list[Any]:
    with gate.app.app_context():
        return list(db.session.scalars(select(model).order_by(model.id)))


def test_a_scan_is_stored_and_answered_green_with_a_masked_name(gate: Make) -> None:
    g = gate()
    ticket, _code = g.enrol(3, name="欧阳示例明")
    (answer,) = g.send(g.pair(), g.scan(ticket))
    assert (answer["stored"], answer["outcome"], answer["tone"], answer["people"]) == (True, "accepted", "green", 3)
    assert answer["name"] == "欧＊＊"
    (event,) = rows(g, CheckInEvent)
    assert (event.grade, event.method, event.device_id is not None) == ("A", "ticket_scan", True)


def test_a_lost_answer_is_repeated_and_nothing_counts_twice(gate: Make) -> None:
    g = gate()
    ticket, _code = g.enrol(2)
    secret, event = g.pair(), g.scan(ticket)
    first = g.send(secret, event)
    assert g.send(secret, event) == first
    assert len(rows(g, CheckInEvent)) == 1 and [c.headcount for c in rows(g, CheckIn)] == [2]


def test_two_phones_one_ticket_the_earliest_corrected_time_is_first(gate: Make) -> None:
    g = gate()
    ticket, _code = g.enrol()
    one, other = g.pair(), g.pair()
    g.pass_time(minutes=10)
    g.send(one, g.scan(ticket, ago=60))
    (late,) = g.send(other, g.scan(ticket, ago=300))
    assert (late["outcome"], late["tone"]) == ("duplicate", "amber")
    (check,) = rows(g, CheckIn)
    assert check.headcount == 1 and (now() - check.first_at).total_seconds() == pytest.approx(300, abs=1)
    assert len(rows(g, CheckInEvent)) == 2


def test_a_repeat_of_another_day_says_the_date(gate: Make) -> None:
    g = gate(sessions=2)
    with g.app.app_context(), transaction(db.session) as tx:
        second = tx.scalars(select(ActivitySession).where(ActivitySession.position == 2)).one()
        second.starts_at, second.ends_at = second.starts_at + timedelta(days=1), second.ends_at + timedelta(days=1)
    ticket, _ = g.enrol(1)
    phone = g.pair(session=None)
    first = now().astimezone(SHANGHAI)
    g.send(phone, g.scan(ticket))
    g.pass_time(minutes=5)
    (same,) = g.send(phone, g.scan(ticket))
    assert same["message"] == f"已于{first:%H:%M}签到，没有重复计数。"
    g.pass_time(hours=18)
    (other,) = g.send(phone, g.scan(ticket))
    assert other["message"] == f"已于{first.month}月{first.day}日{first:%H:%M}签到，没有重复计数。"


def test_a_wrong_clock_is_corrected_by_the_uptime_and_after_a_restart_by_its_error(gate: Make) -> None:
    g = gate()
    (first, _a), (second, _b) = g.enrol(), g.enrol()
    secret = g.pair()
    g.pass_time(minutes=10)
    day = 86_400_000
    same = g.scan(first, ago=120) | {"device_at": 0}
    other = g.scan(second, ago=240)
    other |= {"device_at": other["device_at"] - day, "mono": 5, "life": "before"}
    envelope = g.envelope(same, other)
    envelope["sent_at"] -= day
    assert [a["outcome"] for a in g.post("events", secret, envelope).json["answers"]] == ["accepted", "accepted"]
    ages = sorted((now() - check.first_at).total_seconds() for check in rows(g, CheckIn))
    assert ages == [pytest.approx(120, abs=1), pytest.approx(240, abs=1)]


def test_a_time_before_the_pairing_is_held_as_impossible_and_says_both_times(gate: Make) -> None:
    g = gate()
    ticket, _code = g.enrol()
    (answer,) = g.send(g.pair(), g.scan(ticket, ago=3600))
    assert (answer["stored"], answer["outcome"], answer["tone"]) == (True, "quarantined", "amber")
    (held,) = rows(g, HeldScan)
    assert held.reason == "impossible_time" and (now() - held.claimed_at).total_seconds() == pytest.approx(3600, abs=1)
    assert rows(g, CheckIn) == []


def test_an_unknown_ticket_is_held_and_red(gate: Make) -> None:
    g = gate()
    (answer,) = g.send(g.pair(), g.scan("0" * 64))
    assert (answer["stored"], answer["outcome"], answer["tone"]) == (True, "unknown", "red")
    assert [held.reason for held in rows(g, HeldScan)] == ["unknown"]


def test_a_typed_ticket_code_and_a_walk_in_count_too(gate: Make) -> None:
    g = gate()
    secret = g.pair()
    answers = g.send(secret, g.scan(walk_in=True, people=3), g.scan(code="ABCD2345", by="typed"))
    assert [a["outcome"] for a in answers] == ["accepted", "unknown"]
    assert [c.grade_d for c in rows(g, CheckIn)] == [3]


def test_an_undo_takes_the_scan_back_and_a_second_one_nothing_more(gate: Make) -> None:
    g = gate()
    ticket, _code = g.enrol()
    secret, scan = g.pair(), g.scan(ticket)
    g.send(secret, scan)
    undo = [g.scan(kind="undo", refers_to=scan["uid"]) for _ in range(2)]
    assert [a["outcome"] for a in g.send(secret, *undo)] == ["undone", "undone"]
    assert rows(g, CheckIn) == []
    assert g.send(secret, scan)[0]["outcome"] == "undone"


def test_an_undo_that_comes_before_its_scan_still_takes_it_back(gate: Make) -> None:
    g = gate()
    ticket, _code = g.enrol()
    secret, scan = g.pair(), g.scan(ticket)
    assert g.send(secret, g.scan(kind="undo", refers_to=scan["uid"]))[0]["outcome"] == "nothing_to_undo"
    assert g.send(secret, scan)[0]["outcome"] == "undone"
    assert rows(g, CheckIn) == []


def test_after_two_minutes_and_for_another_phone_there_is_no_undo(gate: Make) -> None:
    g = gate()
    ticket, _code = g.enrol()
    one, other, scan = g.pair(), g.pair(), g.scan(ticket)
    g.send(one, scan)
    assert g.send(other, g.scan(kind="undo", refers_to=scan["uid"]))[0]["outcome"] == "nothing_to_undo"
    g.pass_time(minutes=3)
    assert g.send(one, g.scan(kind="undo", refers_to=scan["uid"]))[0]["outcome"] == "nothing_to_undo"
    assert len(rows(g, CheckIn)) == 1


def test_the_other_phones_scan_stands_when_the_first_is_taken_back(gate: Make) -> None:
    g = gate()
    ticket, _code = g.enrol()
    one, other, scan = g.pair(), g.pair(), g.scan(ticket)
    g.send(one, scan)
    g.send(other, g.scan(ticket))
    g.send(one, g.scan(kind="undo", refers_to=scan["uid"]))
    assert [c.headcount for c in rows(g, CheckIn)] == [1]


BROKEN = (
    None, 7, "text", [], {}, {"uid": uid()}, {"uid": "x" * 5000, "kind": "arrival"}, {"uid": None, "kind": {}},
)  # fmt: skip


@pytest.mark.parametrize("broken", BROKEN, ids=[str(n) for n in range(len(BROKEN))])
def test_a_broken_event_never_holds_its_neighbours(gate: Make, broken: Any) -> None:
    g = gate()
    (first, _a), (second, _b) = g.enrol(), g.enrol()
    answers = g.send(g.pair(), g.scan(first), broken, g.scan(second))
    assert [(a["outcome"], a["stored"]) for a in answers] == [
        ("accepted", True),
        ("refused", False),
        ("accepted", True),
    ]


def test_an_event_that_makes_the_server_fail_is_retried_alone(gate: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    g = gate()
    (first, _a), (second, _b) = g.enrol(), g.enrol()
    secret, bad = g.pair(), g.scan(first)
    real = scan_api.take_scan

    def failing(tx: Any, scan: Any, **more: Any) -> Any:
        found = real(tx, scan, **more)
        if scan.uid == bad["uid"]:
            raise RuntimeError("planted")
        return found

    monkeypatch.setattr(scan_api, "take_scan", failing)
    assert [a["outcome"] for a in g.send(secret, bad, g.scan(second))] == ["retry", "accepted"]
    assert len(rows(g, CheckInEvent)) == 1
    monkeypatch.setattr(scan_api, "take_scan", real)
    assert g.send(secret, bad)[0]["outcome"] == "accepted"


def test_an_event_of_another_activity_is_not_stored_and_says_so(gate: Make) -> None:
    g = gate()
    (answer,) = g.send(g.pair(), g.scan("0" * 64) | {"session": "abcdefgh2345"})
    assert (answer["stored"], answer["outcome"]) == (False, "refused")
    assert rows(g, CheckInEvent) == []


def test_another_session_than_the_phone_is_paired_for_is_held(gate: Make) -> None:
    g = gate(sessions=2)
    ticket, _code = g.enrol()
    one, every = g.pair(session=0), g.pair(session=None)
    assert g.send(one, g.scan(ticket) | {"session": g.sessions[1]})[0]["outcome"] == "quarantined"
    assert g.send(every, g.scan(ticket) | {"session": g.sessions[0]})[0]["outcome"] == "accepted"


def test_what_comes_from_a_phone_after_it_was_revoked_is_held_whatever_time_it_claims(gate: Make) -> None:
    g = gate()
    (first, _a), (second, _b) = g.enrol(), g.enrol()
    secret = g.pair()
    g.pass_time(minutes=10)
    before = g.scan(first, ago=60)
    assert g.send(secret, before)[0]["outcome"] == "accepted"
    with g.app.app_context(), transaction(db.session) as tx:
        tx.execute(select(DeviceGrant)).scalar_one().revoked_at = now()
    g.pass_time(minutes=5)
    answers = g.send(secret, before, g.scan(second, ago=600), g.scan(second, ago=60))
    assert [a["outcome"] for a in answers] == ["accepted", "quarantined", "quarantined"]
    assert g.get(secret).status_code == 401 and g.get(secret).json["error"] == "revoked"


@pytest.mark.parametrize(
    ("body", "status"),
    [("[]", 400), ("{", 400), ("[" * 100_000, 400), ('{"sent_at": 1e999}', 400), ("{}", 400), ("x" * 200_000, 413)],
)
def test_a_broken_envelope_is_refused_as_json_and_stores_nothing(gate: Make, body: str, status: int) -> None:
    g = gate()
    answer = g.client.post(
        "/api/v1/scan/events", data=body, content_type="application/json",
        headers={"Authorization": f"Bearer {g.pair()}"},
    )  # fmt: skip
    assert answer.status_code == status and answer.json["message"]


def test_a_form_from_another_page_is_no_batch(gate: Make) -> None:
    g = gate()
    headers = {"Authorization": f"Bearer {g.pair()}"}
    assert g.client.post("/api/v1/scan/events", data={"a": "1"}, headers=headers).status_code == 415
    foreign = {**headers, "Origin": "https://elsewhere.example"}
    assert g.client.post("/api/v1/scan/events", json=g.envelope(), headers=foreign).status_code == 400


def test_without_a_pairing_the_answer_is_401_in_words(gate: Make) -> None:
    g = gate()
    for secret in ("", "x" * 22):
        for answer in (g.post("events", secret, g.envelope()), g.post("end", secret, {}), g.get(secret)):
            assert answer.status_code == 401 and answer.json["error"] == "unpaired" and answer.json["message"]


def test_an_empty_batch_tells_that_the_phone_is_there(gate: Make) -> None:
    g = gate()
    secret = g.pair()
    g.pass_time(minutes=5)
    assert g.send(secret, waiting=7) == []
    (grant,) = rows(g, DeviceGrant)
    assert (grant.waiting, grant.last_seen_at) == (7, now())


def test_ending_with_a_queue_warns_first(gate: Make) -> None:
    g = gate()
    secret = g.pair()
    g.send(secret, waiting=2)
    warned = g.post("end", secret, {})
    assert warned.status_code == 409 and "2" in warned.json["message"]
    assert g.post("end", secret, {"force": True}).json == {"ended": True}
    assert g.get(secret).json["error"] == "ended"


def test_the_roster_has_hashes_and_masked_names_only(gate: Make) -> None:
    g = gate()
    ticket, _code = g.enrol(2, name="欧阳示例明")
    secret = g.pair(label="门口1")
    answer = g.get(secret)
    (row,) = answer.json["tickets"]
    assert (row["h"], row["n"], row["people"], row["at"]) == (ticket, "欧＊＊", 2, None)
    assert answer.json["device"]["label"] == "门口1" and "欧阳" not in answer.text
    again = g.get(secret, **{"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304 and not again.data
    g.send(secret, g.scan(ticket))
    changed = g.get(secret, **{"If-None-Match": answer.headers["ETag"]})
    assert changed.status_code == 200 and changed.json["tickets"][0]["here"] == 2


def test_only_the_fields_that_the_scanner_needs_leave_the_server(gate: Make) -> None:
    g = gate()
    g.enrol()
    row = g.get(g.pair()).json["tickets"][0]
    assert set(row) == {"h", "n", "people", "kind", "s", "state", "at", "here", "sessions"}


def test_counts_agree_with_the_database(gate: Make) -> None:
    g = gate()
    tickets = [g.enrol()[0] for _ in range(5)]
    g.send(g.pair(), *[g.scan(ticket) for ticket in tickets * 2])
    with g.app.app_context():
        assert db.session.scalar(select(func.count()).select_from(CheckIn)) == 5
