"""The race of copies: one ticket through four doors, and the process that sends its share of the copies at once.

`python -m tests.races.copies` reads where the database is and what stands at the gate, then the number of a ticket a line;
it answers each with what became of every copy, and when.
"""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from flask import Flask

from app.checkin import group_commit
from app.checkin.clocks import Sent
from app.checkin.devices import find_device
from app.checkin.group_commit import GroupCommit
from app.checkin.models import Method
from app.checkin.offline import Scan, take_scan
from app.checkin.service import Arrival, check_in
from app.extensions import db
from app.kernel.database import transaction
from app.kernel.tokens import digest
from tests.factories import NOW
from tests.house import make_app

ROOT = Path(__file__).resolve().parents[2]
DOORS = 4


@dataclass(frozen=True)
class Gate:
    """A session that people come to: ids of their registrations, their tickets' secrets, a helper's phone."""

    session_id: int
    code: str
    ids: list[int]
    secrets: list[str]
    phone: str


class Copy(NamedTuple):
    """What became of one; the machine's own seconds, which all processes share."""

    outcome: str
    begun: float
    ended: float


def through(app: Flask, gate: Gate, group: GroupCommit, at: int, door: int) -> str:
    """One copy of a ticket through one of the four doors; its outcome."""
    uid = secrets.token_urlsafe(16)
    if door == 0:  # the venue's button, on the hot path
        own = Arrival(uid, None, Method.LIVE_CODE, session_code=gate.code, secret=gate.secrets[at])
        return group.check_in(own, now=NOW).outcome
    with app.app_context(), transaction(db.session) as tx:
        if door == 1:  # a helper's phone
            grant = find_device(tx, gate.phone, NOW)
            assert grant is not None
            moment = int(NOW.timestamp() * 1000)
            scan = Scan(
                uid, secrets.randbelow(10**6), gate.code, "arrival", digest(gate.secrets[at]), None, False, None, None,
                moment, 0.0, "life", "camera",
            )  # fmt: skip
            sent = Sent(moment, 0.0, "life")
            return take_scan(tx, scan, sent=sent, grant=grant, keys=app.extensions["keys"], now=NOW).outcome
        method = Method.TICKET_SCAN if door == 2 else Method.TICKET_CODE
        return check_in(tx, Arrival(uid, gate.session_id, method, gate.ids[at]), now=NOW).outcome


class Sender:
    """A process of its own."""

    def __init__(self, app: Flask, gate: Gate, copies: int) -> None:
        settings = app.extensions["settings"]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.races.copies"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        self.tell([str(settings.home), settings.database_url, asdict(gate), copies])

    def tell(self, what: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()

    def hear(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())

    def end(self) -> None:
        self._process.kill()
        self._process.wait(20)
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()


def _count_twins(found: Counter[str]) -> None:
    """How often a batch of the hot path held the same ticket twice."""
    ours = group_commit.arrive_together

    def counting(lane: Any, batch: Sequence[tuple[Arrival, datetime]], **more: Any) -> Any:
        held = Counter(arrival.secret for arrival, _now in batch)
        found["twins"] += any(times > 1 for times in held.values())
        return ours(lane, batch, **more)

    group_commit.arrive_together = counting


def _say(what: Any) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def main() -> None:
    home, url, gate_fields, copies = json.loads(sys.stdin.readline())
    app, gate, found = make_app(Path(home), url), Gate(**gate_fields), Counter[str]()
    _count_twins(found)
    with app.app_context():
        group = GroupCommit(db.engine)
    together = threading.Barrier(copies)

    def send(at: int, number: int) -> Copy:
        together.wait(60)
        begun = time.monotonic()
        return Copy(through(app, gate, group, at, number % DOORS), begun, time.monotonic())

    with ThreadPoolExecutor(copies) as pool:
        _say("ready")
        for line in sys.stdin:
            sent = list(pool.map(send, [json.loads(line)] * copies, range(copies)))
            _say([sent, found["twins"]])


if __name__ == "__main__":
    main()
