"""kill -9 of every worker in the middle of a burst: what was answered is stored, nothing is half, the chain verifies."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from app.audit.queries import verify_log
from app.checkin.models import CheckIn, CheckInEvent, EventKind
from app.extensions import db
from app.kernel.tokens import digest
from app.registration.models import Registration
from bench.checkin import PROOF, open_session, presses, tickets
from bench.load import plain
from bench.serving import WORKERS, Instance, instance
from tests.database import Server
from tests.house import BACKENDS

pytestmark = pytest.mark.serial
FULL = os.environ.get("SHILIU_PROOF") == "full"
BURSTS = 100 if FULL else 1
PEOPLE, CLIENTS, BEFORE_THE_KILL = 240, 16, 60
GIVE_UP_SECONDS = 40
CALM_SECONDS = 6.5  # granian takes workers that die within 5.5 s of their start for a crash loop, and stops


def workers_of(pid: int) -> list[int]:
    """The processes that the server's main process started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def kill_every_worker(place: Instance) -> None:
    """SIGKILL to each, by its own pid; the main process brings up others."""
    pids = workers_of(place.pid)
    assert len(pids) >= WORKERS
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def is_whole(answer: bytes) -> bool:
    """“已签到”, to the end of the page; an answer cut off in the middle was not read by anybody."""
    try:
        page = plain(answer)
    except zlib.error:
        return False
    return PROOF in page and b"</html>" in page


class Burst:
    """Phones that press until they are answered; `acknowledged` holds who read “已签到”."""

    def __init__(self, place: Instance, requests: list[bytes]) -> None:
        self.port, self.acknowledged, self.broken = place.port, set[int](), 0
        self._todo: queue.SimpleQueue[tuple[int, bytes]] = queue.SimpleQueue()
        for pair in enumerate(requests):
            self._todo.put(pair)
        self._give_up_at = time.monotonic() + GIVE_UP_SECONDS
        self._threads = [threading.Thread(target=self._press_all, daemon=True) for _ in range(CLIENTS)]

    def run(self, midway: Callable[[], None]) -> None:
        """`midway` happens once, while the phones press on."""
        for thread in self._threads:
            thread.start()
        while len(self.acknowledged) < BEFORE_THE_KILL and time.monotonic() < self._give_up_at:
            time.sleep(0.002)
        midway()
        for thread in self._threads:
            thread.join(GIVE_UP_SECONDS)

    def _press_all(self) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                number, request = self._todo.get_nowait()
                while time.monotonic() < self._give_up_at and not self._press(number, request):
                    time.sleep(0.05)

    def _press(self, number: int, request: bytes) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=10) as phone:
                phone.sendall(request.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
                answer = b"".join(iter(lambda: phone.recv(65536), b""))
        except OSError:
            answer = b""
        if answer.startswith(b"HTTP/1.1 200") and is_whole(answer):
            self.acknowledged.add(number)
            return True
        self.broken += 1
        return False


def burst_with_a_kill(place: Instance, *, wait: bool = True) -> tuple[int, int, int]:
    """(acknowledged, acknowledged but not stored, presses that broke). With `wait` the phones press on afterwards."""
    activity, where, activity_id, _session_id = open_session(place)
    own = tickets(place, activity_id, PEOPLE)
    burst = Burst(place, list(presses(place, activity, where, own)))
    before: set[int] = set()

    def midway() -> None:
        kill_every_worker(place)
        before.update(burst.acknowledged)
        if not wait:
            burst._give_up_at = 0

    burst.run(midway)
    answered = burst.acknowledged if wait else before
    return len(answered), len(answered - stored(place, activity_id, own)), burst.broken


def stored(place: Instance, activity_id: int, own: list[str]) -> set[int]:
    """Which of these tickets have a check-in."""
    with place.app.app_context():
        hashes = set(
            db.session.scalars(
                select(Registration.secret_hash)
                .join(CheckIn, CheckIn.registration_id == Registration.id)
                .where(CheckIn.activity_id == activity_id)
            )
        )
        db.session.rollback()
    return {number for number, secret in enumerate(own) if digest(secret) in hashes}


def halves(place: Instance) -> int:
    """Accepted events without a check-in, and check-ins without their event."""
    with place.app.app_context():
        events = {
            tuple(row)
            for row in db.session.execute(
                select(CheckInEvent.session_id, CheckInEvent.registration_id).where(
                    CheckInEvent.kind == EventKind.ARRIVAL.value
                )
            )
        }
        rows = {tuple(row) for row in db.session.execute(select(CheckIn.session_id, CheckIn.registration_id))}
        db.session.rollback()
    return len(events ^ rows)


@pytest.fixture
def address(request: pytest.FixtureRequest) -> Iterator[str]:
    """Nothing for SQLite in a home of its own; a fresh database of the private server."""
    if request.param == "sqlite":
        yield ""
        return
    server: Server = request.getfixturevalue("server")
    server.run("CREATE DATABASE killed")
    yield server.url("killed")
    server.run("DROP DATABASE killed WITH (FORCE)")


@pytest.mark.parametrize("address", BACKENDS, indirect=True)
def test_nobody_who_read_signed_in_is_lost(address: str, record_property: Callable[[str, object], None]) -> None:
    acknowledged = lost = broken = 0
    with instance(address) as place:
        for number in range(BURSTS):
            if number:
                time.sleep(CALM_SECONDS)
            found = burst_with_a_kill(place)
            assert found[0] == PEOPLE  # all of them in the end: the same press again gets its first answer
            acknowledged, lost, broken = acknowledged + found[0], lost + found[1], broken + found[2]
        assert broken > 0  # the kill did hit presses that were under way
        assert lost == 0
        assert halves(place) == 0
        with place.app.app_context():
            assert verify_log(db.session()).holds
            assert db.session.scalar(select(func.count()).select_from(CheckIn)) == BURSTS * PEOPLE
            db.session.rollback()
    for name, value in (("kills", BURSTS), ("acknowledged", acknowledged), ("lost", lost), ("broken presses", broken)):
        record_property(name, value)


def test_a_server_that_answers_before_it_stores_loses_some() -> None:
    """Negative control: write-behind, otherwise the same product and the same kill."""
    with instance(target="tests.races.answers_early:app") as place:
        acknowledged, lost, _broken = burst_with_a_kill(place, wait=False)
        time.sleep(CALM_SECONDS)  # a server that is bringing up workers does not hear TERM
    assert acknowledged >= BEFORE_THE_KILL
    assert lost > 0
