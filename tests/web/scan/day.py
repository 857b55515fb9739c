"""The console on the day in tests: phones in every state, one scan of every sort of 待核实, two hand-over files."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.activities.models import Activity
from app.checkin.clocks import Sent
from app.checkin.devices import end_device, handover_key, note_seen, pair_device, revoke_device
from app.checkin.doors import turn_on_printed_code
from app.checkin.models import DeviceGrant
from app.checkin.offline import Scan, take_scan
from app.extensions import db
from app.kernel.actor import ANONYMOUS
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.keys import KeyRing
from app.kernel.tokens import digest, random_secret
from app.organisation.queries import actor_of
from app.registration.entering import Entry, PartyEntry, register, register_party
from app.registration.models import Registration, RegistrationState
from app.registration.rules import ClassEntry
from tests.cast import make_cast
from tests.factories import make_activity


@dataclass
class Day:
    """An activity in full swing; what its pages' addresses need, and what the hand-over files hold."""

    activity: str
    session: str
    uid: str
    phone: str
    sealed: str
    changed: str


@dataclass
class _Scene:
    tx: Session
    keys: KeyRing
    activity: Activity
    now: datetime

    def pair(self, label: str) -> DeviceGrant:
        grant, _secret = pair_device(
            self.tx, session_code=self.activity.sessions[0].code, all_sessions=False, label=label, actor=ANONYMOUS,
            now=self.now - timedelta(minutes=20),
        )  # fmt: skip
        return grant

    def enrol(self, name: str) -> str:
        entry = Entry(None, name, 2, 0, "", True, random_secret(), random_secret())
        return register(self.tx, self.activity, entry, keys=self.keys, now=self.now).secret

    def enrol_school(self, school: int) -> str:
        """Four classes, 404 people."""
        listed = tuple(ClassEntry(f"{n}年级1班", 100, 1) for n in "三四五六")
        entry = PartyEntry(None, school, listed, "张老师", "13800138000", True, random_secret(), random_secret())
        return register_party(self.tx, self.activity, entry, keys=self.keys, now=self.now).secret

    def scan(self, ticket: str | None, *, ago: float = 60, at: int = 0, people: int | None = None) -> Scan:
        wall = int((self.now - timedelta(seconds=ago)).timestamp() * 1000)
        return Scan(
            uid=random_secret(), counter=1, session=self.activity.sessions[at].code, kind="arrival",
            ticket=digest(ticket) if ticket else None, code=None, walk_in=ticket is None, people=people, refers_to=None,
            device_at=wall, mono=1e9 - ago * 1000, life="a", by="camera",
        )  # fmt: skip

    def send(self, grant: DeviceGrant, scan: Scan) -> str:
        sent = Sent(int(self.now.timestamp() * 1000), 1e9, "a")
        take_scan(self.tx, scan, sent=sent, grant=grant, keys=self.keys, now=self.now)
        return scan.uid

    def file(self, grant: DeviceGrant, *scans: Scan) -> str:
        return handed(self.keys, grant.code, [asdict(scan) for scan in scans], at=self.now)


def handed(keys: KeyRing, device: str, events: list[dict[str, Any]], *, at: datetime) -> str:
    """A hand-over file as end.js makes it."""
    body = json.dumps({"made_at": int(at.timestamp() * 1000), "mono": 1e9, "life": "a", "ahead": 0, "events": events})
    seal = hmac.new(handover_key(keys, device).encode(), body.encode(), hashlib.sha256).hexdigest()
    return json.dumps({"kind": "shiliu-scan", "device": device, "body": body, "seal": seal})


def _held(scene: _Scene, door: DeviceGrant, lost: DeviceGrant) -> None:
    gone = scene.enrol("示例赵女士")
    row = scene.tx.scalars(select(Registration).where(Registration.secret_hash == digest(gone))).one()
    row.state, row.cancelled_at = RegistrationState.CANCELLED.value, scene.now - timedelta(hours=2)
    scene.tx.flush()
    scene.send(door, scene.scan("x" * 22))
    scene.send(door, scene.scan(scene.enrol("示例钱先生"), ago=9000))
    scene.send(door, scene.scan(gone))
    scene.send(door, scene.scan(None, people=4, at=1))
    scene.send(lost, scene.scan(scene.enrol("示例孙老师")))


def make_day(app: Flask) -> Day:
    """Two sessions, four phones."""
    moment = now()
    with app.app_context(), transaction(db.session) as tx:
        cast = make_cast(tx)
        actor = actor_of(tx, cast.organizer)
        activity = make_activity(
            tx, host=cast.town, sessions=2, takes_walk_in=True, takes_parties=True, capacity=900,
            starts_at=moment + timedelta(minutes=10),
        )  # fmt: skip
        scene = _Scene(tx, app.extensions["keys"], activity, moment)
        door, lost, ended, quiet = (
            scene.pair(label) for label in ("东门1", "西门的旧手机", "三楼报告厅门口备用", "东门2")
        )
        revoke_device(tx, lost, activity, actor=actor, now=moment - timedelta(minutes=10))
        uid = scene.send(door, scene.scan(scene.enrol("示例李女士")))
        scene.send(door, scene.scan(scene.enrol_school(cast.school.id), people=404))
        _held(scene, door, lost)
        note_seen(tx, quiet.id, waiting=128, now=moment - timedelta(minutes=7))
        fresh = [scene.scan(scene.enrol("示例周先生"), ago=900 - n) for n in range(3)]
        note_seen(tx, ended.id, waiting=3, now=moment)
        end_device(tx, ended, actor=ANONYMOUS, now=moment)
        turn_on_printed_code(tx, activity, actor=actor, now=moment)
        text = scene.file(ended, *fresh)
        return Day(activity.code, activity.sessions[0].code, uid, door.code, text, text.replace("camera", "typed"))
