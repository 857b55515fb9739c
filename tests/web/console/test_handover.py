"""读入交接文件: as good as the phone itself while its seal holds, a claim otherwise; read twice it changes nothing."""

from __future__ import annotations

import hashlib
import hmac
import html
import io
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.activities.models import Activity
from app.audit.models import AuditEntry
from app.checkin.models import CheckIn, CheckInEvent, DeviceGrant, HeldScan
from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.organisation.models import Unit
from app.web.console import handover
from tests.factories import make_activity
from tests.web.console.test_phones import Desk, Make, actions, desk_of, held_codes, here
from tests.web.scan_api.conftest import Gate, gate

__all__ = ["desk_of", "gate"]  # the fixtures
Answer = tuple[int, str]


def device_of(g: Gate, secret: str) -> dict[str, Any]:
    """What the roster tells a phone of itself."""
    found: dict[str, Any] = g.get(secret).json["device"]
    return found


def made(g: Gate, device: dict[str, Any], *events: Any, refused: tuple[Any, ...] = (), **more: Any) -> dict[str, Any]:
    """The file as end.js makes it."""
    at = int(now().timestamp() * 1000)
    body = {
        "made_at": at, "mono": at - 10**12, "life": "life1", "ahead": 0, "events": list(events),
        "refused": list(refused), **more,
    }  # fmt: skip
    text = json.dumps(body)
    seal = hmac.new(device["seal"].encode(), text.encode(), hashlib.sha256).hexdigest()
    return {"kind": "shiliu-scan", "device": device["code"], "body": text, "seal": seal}


def address(g: Gate) -> str:
    return f"/activities/{g.activity}/console/handover"


def look(g: Gate, browser: FlaskClient, file: Any, *, pasted: bool = False) -> Answer:
    """Status and page of the preview."""
    raw = file if isinstance(file, bytes) else json.dumps(file, ensure_ascii=False, indent=1).encode()
    data = {"text": raw.decode()} if pasted else {"file": (io.BytesIO(raw), "scan-x.json")}
    answer = browser.post(address(g), data=data, content_type="multipart/form-data")
    return answer.status_code, html.unescape(answer.text)


def read(g: Gate, browser: FlaskClient, file: Any, **more: Any) -> str:
    """Preview, then the one press; the page that one lands on."""
    status, page = look(g, browser, file, **more)
    assert status == 200, page
    draft = re.search(r'name="draft" value="([^"]+)"', page)
    if draft is None:
        return page
    answer = browser.post(f"{address(g)}/confirm", data={"draft": draft[1]}, follow_redirects=True)
    assert answer.status_code == 200
    return html.unescape(answer.text)


def state(g: Gate) -> tuple[Any, ...]:
    """Everything that counts: events, check-ins, what is held."""
    with g.app.app_context():
        events = db.session.execute(select(CheckInEvent.uid, CheckInEvent.outcome).order_by(CheckInEvent.id)).all()
        held = db.session.execute(select(HeldScan.uid, HeldScan.state, HeldScan.reason).order_by(HeldScan.id)).all()
        checks = db.session.execute(select(CheckIn.registration_id, CheckIn.grade_a, CheckIn.grade_d)).all()
    return tuple(map(tuple, events)), tuple(map(tuple, held)), tuple(map(tuple, checks))


def test_a_sealed_file_counts_as_if_the_phone_had_sent_it(gate: Make, desk_of: Desk) -> None:
    g = gate()
    secret = g.pair(label="东门1")
    device, tickets = device_of(g, secret), [g.enrol(2)[0], g.enrol(3)[0]]
    g.pass_time(minutes=30)
    events = [g.scan(tickets[0], ago=900), g.scan(tickets[1], ago=600), g.scan(walk_in=True, people=4, ago=500)]
    file = made(g, device, *events)
    g.post("end", secret, {"waiting": 3, "force": True})
    g.pass_time(hours=20)  # the next day
    browser = desk_of(g)
    status, page = look(g, browser, file)
    assert status == 200 and "东门1" in page and "校验过" in page and "没有通过校验" not in page
    assert state(g) == ((), (), ()), "looking writes nothing"
    landed = read(g, browser, file)
    assert "计入3条" in landed
    assert here(g) == [(2, 2), (3, 3), (4, 0)]
    with g.app.app_context():
        checks = db.session.scalars(select(CheckIn).order_by(CheckIn.id)).all()
        ages = [(now() - check.first_at).total_seconds() - 20 * 3600 for check in checks]
        assert ages == [pytest.approx(seconds, abs=1) for seconds in (900, 600, 500)]
        assert db.session.scalars(select(DeviceGrant)).one().waiting == 0
        entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "device.handed_in")).one()
        assert json.loads(entry.body)["payload"] == {"device": device["code"], "count": 3, "sealed": True}


def test_reading_twice_and_a_phone_that_sends_after_all_change_nothing(gate: Make, desk_of: Desk) -> None:
    g = gate()
    secret = g.pair()
    device, (ticket, _code) = device_of(g, secret), g.enrol(2)
    first, second = g.scan(ticket), g.scan(walk_in=True, people=1)
    g.send(secret, first)
    file, browser = made(g, device, first, second), desk_of(g)
    assert '已经有</dt><dd class="big">1' in look(g, browser, file)[1].replace("系统里", "")
    read(g, browser, file)
    once = state(g)
    assert "没有要读入的" in read(g, browser, file)
    g.send(secret, first, second)
    assert state(g) == once and here(g) == [(2, 2), (1, 0)]
    assert actions(g).count("device.handed_in") == 1


def test_a_confirm_that_is_pressed_twice_counts_once(gate: Make, desk_of: Desk) -> None:
    g = gate()
    file, browser = made(g, device_of(g, g.pair()), g.scan(g.enrol(2)[0])), desk_of(g)
    draft = re.search(r'name="draft" value="([^"]+)"', look(g, browser, file)[1])
    assert draft
    answers = [browser.post(f"{address(g)}/confirm", data={"draft": draft[1]}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert here(g) == [(2, 2)] and actions(g).count("device.handed_in") == 1


@pytest.mark.parametrize("how", ["changed", "without", "guessed"])
def test_a_file_whose_seal_does_not_hold_waits_for_the_organizer(gate: Make, desk_of: Desk, how: str) -> None:
    """Negative control of the first test: one character more, and nothing counts by itself."""
    g = gate()
    device, (ticket, _code) = device_of(g, g.pair()), g.enrol(2)
    file = made(g, device, g.scan(ticket), g.scan("0" * 64), g.scan(walk_in=True, people=5))
    file |= {"changed": {"body": file["body"] + " "}, "without": {"seal": ""}, "guessed": {"seal": "0" * 64}}[how]
    browser = desk_of(g)
    assert "没有通过校验" in look(g, browser, file)[1]
    page = read(g, browser, file)
    assert "待核实3条" in page and "从没有校验过的交接文件里读来的" in page
    assert here(g) == [] and len(held_codes(g)) == 3
    browser.post(f"/activities/{g.activity}/held/{held_codes(g)[0]}", data={"verb": "count"})
    assert here(g) == [(2, 0)], "it counts as the organizer's own word"


def test_an_undo_without_a_seal_takes_nothing_real_back(gate: Make, desk_of: Desk) -> None:
    g = gate()
    secret = g.pair()
    device, (ticket, _code) = device_of(g, secret), g.enrol(2)
    real, claim = g.scan(ticket), g.scan(ticket)
    g.send(secret, real)
    undos = [g.scan(kind="undo", refers_to=event["uid"]) for event in (real, claim)]
    read(g, desk_of(g), made(g, device, claim, *undos) | {"seal": ""})
    assert here(g) == [(2, 2)]
    with g.app.app_context():
        assert list(db.session.scalars(select(HeldScan.state))) == ["withdrawn"], "what it brought, it takes back"
    g.pass_time(seconds=5)
    g.send(secret, g.scan(walk_in=True, people=1))  # and nothing comes of it later
    assert here(g) == [(2, 2), (1, 0)]


def test_a_sealed_undo_works(gate: Make, desk_of: Desk) -> None:
    g = gate()
    secret = g.pair()
    device, scan = device_of(g, secret), g.scan(g.enrol(2)[0])
    g.send(secret, scan)
    read(g, desk_of(g), made(g, device, g.scan(kind="undo", refers_to=scan["uid"])))
    assert here(g) == []


def test_a_wrong_clock_is_set_right_and_one_that_leads_into_tomorrow_is_held(gate: Make, desk_of: Desk) -> None:
    g = gate()
    device, tickets = device_of(g, g.pair()), [g.enrol(1)[0] for _ in range(2)]
    g.pass_time(minutes=30)
    slow, day = 7_200_000, 86_400_000
    scan = g.scan(tickets[0], ago=600) | {"life": "before"}
    at = int(now().timestamp() * 1000)
    read(g, desk_of(g), made(g, device, scan | {"device_at": scan["device_at"] - slow}, made_at=at - slow, ahead=slow))
    with g.app.app_context():
        first_at = db.session.scalars(select(CheckIn.first_at)).one()
        assert (now() - first_at).total_seconds() == pytest.approx(600, abs=1)
    read(g, desk_of(g), made(g, device, g.scan(tickets[1]), made_at=at + day))
    assert here(g) == [(1, 1)]
    with g.app.app_context():
        assert db.session.scalars(select(HeldScan.reason)).one() == "impossible_time"


def test_what_the_server_refused_from_a_phone_paired_anew_is_read_in_where_it_belongs(
    gate: Make, desk_of: Desk
) -> None:
    """Scanned for the first activity, sent under the pairing of the second: the queue's other exit."""
    g = gate()
    first, secret = g.activity, g.pair(label="东门1")
    own, event = device_of(g, secret), g.scan(g.enrol(2)[0])
    with g.app.app_context(), transaction(db.session) as tx:
        host = tx.get_one(Unit, tx.scalars(select(Activity.host_unit_id)).one())
        other = make_activity(tx, host=host, title="示例另一场")
        g.activity, g.sessions = other.code, [row.code for row in other.sessions]
    later = g.pair()
    answer = g.send(later, event)[0]
    assert (answer["stored"], answer["outcome"]) == (False, "refused")
    file = made(g, device_of(g, later), refused=(event | {"device": own["code"], "said": "示例"},))
    browser = desk_of(g)
    assert "1条是别的活动的" in look(g, browser, file)[1], "the second activity's console does not take it"
    g.activity = first
    page = read(g, browser, file)
    assert "待核实1条" in page and "东门1" in page
    assert here(g) == []


def test_a_phone_that_was_never_paired_here_brings_nothing(gate: Make, desk_of: Desk) -> None:
    g = gate()
    file = made(g, {"code": "zzzzzzzzzzzz", "seal": "x"}, g.scan(walk_in=True, people=6))
    status, page = look(g, desk_of(g), file)
    assert status == 200 and "没有为这场活动配对过" in page and 'name="draft"' not in page
    assert state(g) == ((), (), ())


def test_the_pasted_text_reads_like_the_file(gate: Make, desk_of: Desk) -> None:
    g = gate()
    file = made(g, device_of(g, g.pair()), g.scan(g.enrol(2)[0]))
    assert "计入1条" in read(g, desk_of(g), file, pasted=True) and here(g) == [(2, 2)]


def body(**more: Any) -> bytes:
    whole = {"made_at": 1, "mono": 1, "life": "a", "events": [{}], **more}
    return json.dumps({"kind": "shiliu-scan", "device": "abc", "body": json.dumps(whole), "seal": ""}).encode()


BAD: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "还没有选文件"),
    "spaces": (b"  \n", "还没有选文件"),
    "a picture": (b"\xff\xd8\xff\xe0" + bytes(range(256)), "不是签到员手机存下的交接文件"),
    "a workbook": (b"PK\x03\x04" + b"\x00" * 400, "不是签到员手机存下的交接文件"),
    "words": ("签到名单".encode(), "不是签到员手机存下的交接文件"),
    "other JSON": (b'{"kind": "other"}', "不是签到员手机存下的交接文件"),
    "a list": (b"[1, 2]", "不是签到员手机存下的交接文件"),
    "a number": (b"9" * 5000, "不是签到员手机存下的交接文件"),
    "deep": (b"[" * 100_000, "不是签到员手机存下的交接文件"),
    "cut off": (b'{"kind": "shiliu-scan", "device": "abc", "bo', "不完整"),
    "body cut off": (b'{"kind": "shiliu-scan", "device": "abc", "body": "{", "seal": ""}', "不完整"),
    "body deep": (json.dumps({"kind": "shiliu-scan", "device": "a", "body": "[" * 99_999}).encode(), "不完整"),
    "surrogate": (b'{"kind": "shiliu-scan", "device": "abc", "body": "\\ud800", "seal": ""}', "不完整"),
    "device": (body().replace(b'"abc"', b'"../.."'), "不完整"),
    "no number": (body(made_at="soon"), "不完整"),
    "endless number": (body(made_at=1).replace(b'\\"made_at\\": 1', b'\\"made_at\\": 1e999'), "不完整"),
    "huge ahead": (body(ahead=10**40), "不完整"),
    "no records": (body(events=[]), "一条记录也没有"),
    "too many": (body(events=[0] * (handover.SCANS_MOST + 1)), "最多1000条"),
    "too large": (body(life="a" * 40, events=["x" * handover.BYTES_MOST]), "太大"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_file_is_refused_in_words_and_nothing_is_written(gate: Make, desk_of: Desk, what: str) -> None:
    g = gate()
    raw, words = BAD[what]
    status, page = look(g, desk_of(g), raw)
    assert (status, words in page) == (422, True), page[-3000:]
    assert state(g) == ((), (), ()) and "device.handed_in" not in actions(g)


def test_broken_records_among_good_ones_are_counted_and_the_good_are_read(gate: Make, desk_of: Desk) -> None:
    g = gate()
    good = g.scan(g.enrol(2)[0])
    file = made(g, device_of(g, g.pair()), None, 7, {"uid": "x"}, good, good | {"uid": "' OR 1=1"}, "\x00")
    browser = desk_of(g)
    assert "5条不完整" in look(g, browser, file)[1]
    read(g, browser, file)
    assert here(g) == [(2, 2)]


def test_a_scan_that_makes_the_server_fail_is_told_and_read_the_next_time(
    gate: Make, desk_of: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    g = gate()
    events = [g.scan(g.enrol(1)[0]) for _ in range(3)]
    file, browser, real = made(g, device_of(g, g.pair()), *events), desk_of(g), handover.take_scan

    def failing(tx: Any, scan: Any, **more: Any) -> Any:
        found = real(tx, scan, **more)
        if scan.uid == events[1]["uid"]:
            raise RuntimeError("planted")
        return found

    monkeypatch.setattr(handover, "take_scan", failing)
    assert "有1条没有收下" in read(g, browser, file) and len(here(g)) == 2
    monkeypatch.setattr(handover, "take_scan", real)
    assert "计入1条" in read(g, browser, file) and len(here(g)) == 3


def test_more_than_can_wait_of_one_phone_is_told_and_read_later(
    gate: Make, desk_of: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    g = gate()
    monkeypatch.setattr("app.checkin.offline.HELD_MOST", 2)
    file = made(g, device_of(g, g.pair()), *(g.scan(walk_in=True, people=1) for _ in range(3))) | {"seal": ""}
    browser = desk_of(g)
    page = read(g, browser, file)
    assert "待核实2条" in page and "有1条没有收下" in page and "待核实太多" in page
    browser.post(f"/activities/{g.activity}/held/{held_codes(g)[0]}", data={"verb": "dismiss"})
    assert "待核实1条" in read(g, browser, file) and len(held_codes(g)) == 3


def test_a_draft_of_another_person_or_activity_is_nobodys(
    gate: Make, desk_of: Desk, sign_in: Callable[[FlaskClient, str], None]
) -> None:
    g = gate()
    file, browser = made(g, device_of(g, g.pair()), g.scan(g.enrol(1)[0])), desk_of(g)
    draft = re.search(r'name="draft" value="([^"]+)"', look(g, browser, file)[1])
    assert draft
    owner = g.app.test_client()
    sign_in(owner, "fuze")
    for who, sent in ((owner, draft[1]), (browser, draft[1][:-3] + "abc"), (browser, "")):
        answer = who.post(f"{address(g)}/confirm", data={"draft": sent})
        assert answer.status_code == 422 and "重新选文件" in answer.text
    assert here(g) == []
    assert browser.post(f"{address(g)}/confirm", data={"draft": draft[1]}).status_code == 303


def test_a_submitted_activity_keeps_its_figures(gate: Make, desk_of: Desk) -> None:
    g = gate()
    file = made(g, device_of(g, g.pair()), g.scan(g.enrol(2)[0]))
    with g.app.app_context(), transaction(db.session) as tx:
        tx.execute(db.text("UPDATE activity SET review_state = 'under_review'"))
    assert "待核实1条" in read(g, desk_of(g), file) and here(g) == []


@pytest.mark.parametrize("decided", ["", "dismiss", "count"])
def test_after_a_changed_file_the_phones_own_word_still_finds_room(gate: Make, desk_of: Desk, decided: str) -> None:
    """Somebody changed the file on its way: what the phone itself sends later counts, once, whatever was decided."""
    g = gate()
    secret, (ticket, _code) = g.pair(), g.enrol(2)
    own = g.scan(ticket), g.scan(walk_in=True, people=4)
    file = made(g, device_of(g, secret), own[0] | {"ticket": "0" * 64}, own[1] | {"people": 9})
    browser = desk_of(g)
    read(g, browser, file | {"seal": ""})
    for code in held_codes(g) if decided else ():
        browser.post(f"/activities/{g.activity}/held/{code}", data={"verb": decided})
    answers = [answer["outcome"] for answer in g.send(secret, *own)]
    again = state(g)
    assert [answer["outcome"] for answer in g.send(secret, *own)] == answers and state(g) == again
    waiting = [row[1:] for row in again[1] if row[1] == "open"]
    if decided == "count":  # the changed ones were let count: the walk-in would be counted a second time
        assert answers == ["accepted", "quarantined"] and waiting == [("open", "revoked")]
        assert "同一条已经处理过" in browser.get(f"/activities/{g.activity}/held").text
    else:
        assert answers == ["accepted", "accepted"] and waiting == []
        assert here(g) == [(2, 2), (4, 0)]


def test_an_undo_out_of_a_changed_file_does_not_stand_in_the_way_of_the_phones_own(gate: Make, desk_of: Desk) -> None:
    g = gate()
    secret, (ticket, _code) = g.pair(), g.enrol(2)
    scan = g.scan(ticket)
    undo = g.scan(kind="undo", refers_to=scan["uid"])
    g.send(secret, scan)
    read(g, desk_of(g), made(g, device_of(g, secret), undo) | {"seal": ""})
    assert here(g) == [(2, 2)]
    assert g.send(secret, undo)[0]["outcome"] == "undone"
    assert here(g) == []
