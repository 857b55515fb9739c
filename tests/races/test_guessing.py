"""Six digits guessed at once through two server processes: as many are answered as one after the other."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from sqlalchemy import delete

from app.extensions import db
from app.kernel.attempts import Attempt
from app.kernel.database import transaction
from bench.checkin import open_session
from bench.serving import Instance, instance, served
from tests.database import Server, free_port
from tests.house import BACKENDS
from tests.races.test_two_clocks import Phone
from tests.web.checkin.browser import hidden

pytestmark = [pytest.mark.serial, pytest.mark.published]
FREE, GUESSES = 10, 40
FIRST_WAIT = 2  # seconds after the last free one (kernel/attempts.py)
DOORS = {"/s": "/s", "/scan/pair": "/scan", "/screen": "/screen"}  # where digits go, and the page that asks for them


@dataclass(frozen=True)
class Venue:
    """Two processes behind one port, and two that note a try only after it was answered."""

    place: Instance
    uncounted: int


@pytest.fixture(scope="module", params=BACKENDS)
def venue(request: pytest.FixtureRequest) -> Iterator[Venue]:
    url = ""
    if request.param == "postgresql":
        server: Server = request.getfixturevalue("server")
        server.run("CREATE DATABASE guessing")
        url = server.url("guessing")
    with instance(url) as place:
        settings, port = place.app.extensions["settings"], free_port()
        environment = {
            "SHILIU_ENV": "development", "SHILIU_HOME": str(settings.home), "SHILIU_ASSETS": "local",
            "SHILIU_DATABASE_URL": settings.database_url, "SHILIU_BASE_URL": settings.base_url, "SHILIU_DEMO": "false",
        }  # fmt: skip
        open_session(place)
        with served("tests.races.uncounted:app", port, environment):
            yield Venue(place, port)
    if url:
        server.run("DROP DATABASE guessing WITH (FORCE)")


def burst(venue: Venue, port: int, door: str) -> Counter[int]:
    """GUESSES wrong ones at once; how they were answered.

    On a busy machine the rule's first wait may be over before the last one has come: that was no burst, and is sent anew.
    """
    for _ in range(5):
        found, seconds = _send(venue, port, door)
        if seconds < FIRST_WAIT:
            return found
    pytest.fail("the machine is too busy for a burst: this test would show nothing")


def _send(venue: Venue, port: int, door: str) -> tuple[Counter[int], float]:
    with venue.place.app.app_context(), transaction(db.session) as tx:
        tx.execute(delete(Attempt))
    phone, gate = Phone(venue.place.host), threading.Barrier(GUESSES)
    token = hidden(phone.ask(port, DOORS[door])[1], "csrf_token")

    def guess(number: int) -> int:
        own = Phone(phone.host, dict(phone.cookies))
        gate.wait(30)
        return own.ask(port, door, {"digits": f"{number:06d}", "csrf_token": token})[0]

    begun = time.monotonic()
    with ThreadPoolExecutor(GUESSES) as pool:
        found = Counter(pool.map(guess, range(GUESSES)))
    return found, time.monotonic() - begun


@pytest.mark.parametrize("door", DOORS)
def test_a_burst_through_two_processes_is_answered_no_more_than_ten_times(
    venue: Venue, door: str, record_property: Callable[[str, object], None]
) -> None:
    found = burst(venue, venue.place.port, door)
    record_property("guesses at once", GUESSES)
    record_property("answered", found[422])
    assert found == {422: FREE, 429: GUESSES - FREE}


def test_looking_first_and_noting_after_answers_more(
    venue: Venue, record_property: Callable[[str, object], None]
) -> None:
    """Negative control."""
    most = max(burst(venue, venue.uncounted, "/s")[422] for _ in range(4))
    record_property("answered by looking first", most)
    assert most > FREE
