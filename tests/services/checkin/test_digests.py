"""The log's digests against the events: a change is found by every verifier, and an event that comes late is covered."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.activities.models import Activity, ActivitySession
from app.audit.log import entry_body, record
from app.audit.models import AuditEntry
from app.audit.queries import verify_log
from app.checkin import digest
from app.checkin.arriving import Arrival
from app.checkin.digest import digest_closed_sessions, verify_digests
from app.checkin.group_commit import GroupCommit
from app.checkin.models import CheckInEvent, Method
from app.checkin.sealing import COLUMNS, EVENTS_NAME, FORM, Checked, plain
from app.checkin.service import check_in
from app.extensions import db
from app.kernel.actor import SYSTEM
from app.kernel.database import transaction
from tests.factories import NOW
from tests.services.checkin.stage import Stage, make_stage, new_uid
from tests.services.checkin.tampering import tamper

CLOSED = NOW + timedelta(hours=5)


def digests() -> list[tuple[int, int]]:
    """(form, events) of every digest of the log."""
    rows = db.session.scalars(
        select(AuditEntry).where(AuditEntry.action == "checkin.digest").order_by(AuditEntry.seq)
    ).all()
    return [(entry_body(row)["payload"].get("form", 1), entry_body(row)["payload"]["events"]) for row in rows]


def sealed_stage(app: Flask) -> tuple[int, str]:
    """A session with three events whose digest is in the log: its id, and the secret of somebody who has not come."""
    with transaction(db.session) as tx:
        s = make_stage(tx, app.extensions["keys"])
        for _ in range(3):
            s.arrive(s.enrol(2))
        s.enrol(name="示例王先生")
        found = s.row.id, s.people[-1].secret
    with transaction(db.session) as tx:
        assert digest_closed_sessions(tx, now=CLOSED) == 1
    return found


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE check_in_event SET headcount = 200 WHERE id = 2",
        "UPDATE check_in_event SET method = 'paper', registration_id = 4 WHERE id = 2",
        "UPDATE check_in_event SET recorded_at = '2020-01-01 00:00:00.000000+00:00' WHERE id = 2",
        "DELETE FROM check_in_event WHERE id = 2",
    ],
    ids=["people", "who and how", "when", "gone"],
)
def test_a_changed_event_is_named_in_the_database_and_in_an_exported_folder(
    app: Flask, tmp_path: Path, change: str
) -> None:
    run = app.test_cli_runner().invoke
    with app.app_context():
        sealed_stage(app)
        assert "签到记录和封存的摘要相符：1 场" in run(args=["audit", "verify"]).output
        run(args=["audit", "export", str(tmp_path / "good")])
        tamper(change)
        bad = run(args=["audit", "verify"])
        assert bad.exit_code == 1 and "签到记录和第 7 条的封存摘要不符" in bad.output
        run(args=["audit", "export", str(tmp_path / "bad")])
        assert [run(args=["audit", "verify", str(tmp_path / name)]).exit_code for name in ("good", "bad")] == [0, 1]
        assert verify_log(db.session()).holds  # control: the chain alone says nothing of the events
        db.session.rollback()


def test_a_late_event_has_it_sealed_anew_and_hides_no_change_before_it(app: Flask) -> None:
    with app.app_context():
        sealed_stage(app)
        tamper("UPDATE check_in_event SET headcount = 200 WHERE id = 2")
        with transaction(db.session) as tx:
            s = Stage(tx, app.extensions["keys"], tx.scalars(select(Activity)).one())
            s.arrive(s.enrol())
        with transaction(db.session) as tx:
            digest_closed_sessions(tx, now=CLOSED)
        misfit = verify_digests(db.session()).misfit
        assert misfit is not None and misfit.sealed.events == 3
        db.session.rollback()


def press_late(app: Flask) -> None:
    """A press whose moment was taken before the digest, by whatever clock, and which is stored after it."""
    _session_id, secret = sealed_stage(app)
    code = db.session.scalars(select(ActivitySession.code)).one()
    db.session.remove()
    arrival = Arrival(new_uid(), None, Method.LIVE_CODE, session_code=code, secret=secret)
    assert GroupCommit(db.engine).check_in(arrival, now=NOW).is_new
    for _ in "12":
        with transaction(db.session) as tx:
            digest_closed_sessions(tx, now=CLOSED + timedelta(hours=1))


def test_an_event_that_is_stored_after_the_digest_is_late_whatever_its_clock_said(app: Flask) -> None:
    with app.app_context():
        press_late(app)
        assert digests() == [(FORM, 3), (FORM, 4)]
        assert verify_digests(db.session()).misfit is None
        db.session.rollback()


@pytest.mark.parametrize("form", [1, 2])
def test_an_entry_of_an_earlier_form_still_verifies_and_is_followed_by_one_of_the_present_form(
    app: Flask, tmp_path: Path, form: int
) -> None:
    with app.app_context():
        with transaction(db.session) as tx:
            s = make_stage(tx, app.extensions["keys"])
            s.arrive(s.enrol(2))
            rows = tx.execute(select(*(getattr(CheckInEvent, name) for name in COLUMNS[form]))).all()
            lines = [json.dumps([plain(each) for each in row], separators=(",", ":")).encode() + b"\n" for row in rows]
            s.row.digested_at = CLOSED
            said = {"session": s.row.code, "events": 1, "digest": hashlib.sha256(b"".join(lines)).hexdigest()}
            record(
                tx, "checkin.digest", actor=SYSTEM, object_type="activity", object_code=s.activity.code, now=CLOSED,
                payload=said if form == 1 else said | {"form": form},
            )  # fmt: skip
        run = app.test_cli_runner().invoke
        run(args=["audit", "export", str(tmp_path)])
        events = tmp_path / EVENTS_NAME
        events.write_text(events.read_text("utf-8").replace(',"counter":null', ""), "utf-8")  # as it was then
        assert (
            '"counter"' not in events.read_text("utf-8")
            and "1 场" in run(args=["audit", "verify", str(tmp_path)]).output
        )
        with transaction(db.session) as tx:
            digest_closed_sessions(tx, now=CLOSED)
        assert digests() == [(form, 1), (FORM, 1)]
        assert verify_digests(db.session()) == Checked(1)
        tamper("UPDATE check_in_event SET headcount = 200")
        misfit = verify_digests(db.session()).misfit
        assert misfit is not None and misfit.sealed.form == form
        db.session.rollback()


def overtaken(app: Flask) -> None:
    """On PostgreSQL: an event whose id was drawn first is committed after a greater one, with a digest between."""
    with app.app_context():
        with transaction(db.session) as tx:
            s = make_stage(tx, app.extensions["keys"])
            first, second = s.enrol().id, s.enrol().id
            session_id = s.row.id
        ended = threading.Event()
        with Session(db.engine) as slow, Session(db.engine) as fast:
            check_in(slow, Arrival(new_uid(), session_id, Method.LIVE_CODE, first), now=NOW)
            check_in(fast, Arrival(new_uid(), session_id, Method.LIVE_CODE, second), now=NOW)
            fast.commit()

            def end() -> None:
                time.sleep(0.2)
                ended.set()
                slow.commit()

            ending = threading.Thread(target=end)
            ending.start()
            with transaction(db.session) as tx:
                digest_closed_sessions(tx, now=CLOSED)
            ending.join()
        with transaction(db.session) as tx:
            digest_closed_sessions(tx, now=CLOSED)


@pytest.mark.postgresql_only  # SQLite has one writer
def test_a_digest_waits_for_whoever_is_writing_so_that_ids_never_come_to_light_below_it(app: Flask) -> None:
    overtaken(app)
    with app.app_context():
        assert digests() == [(FORM, 2)]
        assert verify_digests(db.session()).misfit is None
        db.session.rollback()


@pytest.mark.postgresql_only  # SQLite has one writer
def test_without_that_wait_the_digest_covers_the_wrong_events(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digest, "_WRITERS", text("SELECT ''::text WHERE false"))
    overtaken(app)
    with app.app_context():
        assert verify_digests(db.session()).misfit is not None
        db.session.rollback()


@pytest.mark.postgresql_only  # SQLite has one writer
def test_where_a_writer_does_not_end_the_digest_is_left_to_the_next_round(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digest, "PAUSES", 2)
    with app.app_context():
        with transaction(db.session) as tx:
            s = make_stage(tx, app.extensions["keys"])
            s.arrive(s.enrol())
            guest, session_id = s.enrol().id, s.row.id
        with Session(db.engine) as stuck:
            check_in(stuck, Arrival(new_uid(), session_id, Method.LIVE_CODE, guest), now=NOW)
            with transaction(db.session) as tx:
                assert digest_closed_sessions(tx, now=CLOSED) == 0
            stuck.commit()
        with transaction(db.session) as tx:
            assert digest_closed_sessions(tx, now=CLOSED) == 1
