"""A paired phone against the API, at the time of the tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.activities.models import Activity
from app.checkin.devices import pair_device
from app.extensions import db
from app.kernel.actor import ANONYMOUS
from app.kernel.database import transaction
from app.registration.entering import Entry, register
from tests.cast import make_cast
from tests.factories import NOW, make_activity

_uids = count(1)


def uid() -> str:
    """As a phone makes it: 22 url-safe characters."""
    return f"phone-{next(_uids):016d}"


@dataclass
class Gate:
    """One activity, its tickets, and phones at its gate. The clock stands until `pass_time`."""

    app: Flask
    client: FlaskClient
    clock: Any
    activity: str = ""
    sessions: list[str] = field(default_factory=list)
    counter: int = 0

    def pass_time(self, **delta: float) -> None:
        self.clock.shift(timedelta(**delta))

    def enrol(self, people: int = 1, *, name: str = "示例李女士") -> tuple[str, str]:
        """(hash of the ticket's secret, code of the registration)."""
        with self.app.app_context(), transaction(db.session) as tx:
            activity = tx.execute(select(Activity).where(Activity.code == self.activity)).scalar_one()
            done = register(
                tx, activity, Entry(None, name, people, 0, "", True, uid(), uid()), keys=self.app.extensions["keys"],
                now=NOW,
            )  # fmt: skip
            return str(done.registration.secret_hash), done.registration.code

    def pair(self, *, session: int | None = 0, label: str = "") -> str:
        """The secret of a new phone."""
        with self.app.app_context(), transaction(db.session) as tx:
            _grant, secret = pair_device(
                tx, session_code=self.sessions[session or 0], all_sessions=session is None, label=label,
                actor=ANONYMOUS, now=now_of(self),
            )  # fmt: skip
            return secret

    def scan(self, ticket: str | None = None, *, ago: float = 0, **more: Any) -> dict[str, Any]:
        """One event, `ago` seconds before now."""
        self.counter += 1
        at = int(now_of(self).timestamp() * 1000 - ago * 1000)
        return {
            "uid": uid(), "counter": self.counter, "session": self.sessions[0], "kind": "arrival", "ticket": ticket,
            "code": None, "walk_in": False, "people": None, "refers_to": None, "device_at": at, "mono": at - 10**12,
            "life": "life1", "by": "camera", **more,
        }  # fmt: skip

    def envelope(self, *events: Any, **more: Any) -> dict[str, Any]:
        at = int(now_of(self).timestamp() * 1000)
        return {
            "sent_at": at, "sent_mono": at - 10**12, "life": "life1", "waiting": len(events), "events": list(events),
            **more,
        }  # fmt: skip

    def send(self, secret: str, *events: Any, **more: Any) -> list[dict[str, Any]]:
        """The answers of a batch that was taken."""
        answer = self.post("events", secret, self.envelope(*events, **more))
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json["answers"]
        return found

    def post(self, what: str, secret: str, body: Any) -> Any:
        return self.client.post(
            f"/api/v1/scan/{what}", json=body, headers={"Authorization": f"Bearer {secret}"} if secret else {}
        )

    def get(self, secret: str, **headers: str) -> Any:
        return self.client.get("/api/v1/scan/roster", headers={"Authorization": f"Bearer {secret}", **headers})


def now_of(_gate: Gate) -> datetime:
    from app.kernel.clock import now

    return now()


@pytest.fixture
def gate(app: Flask, client: FlaskClient) -> Iterator[Callable[..., Gate]]:
    """`gate(**columns of the activity)`: sign-in is open."""
    with time_machine.travel(NOW, tick=False) as clock:

        def make(**columns: Any) -> Gate:
            found = Gate(app, client, clock)
            with app.app_context(), transaction(db.session) as tx:
                cast = make_cast(tx)
                activity = make_activity(tx, host=cast.town, **columns)
                found.activity, found.sessions = activity.code, [row.code for row in activity.sessions]
            return found

        yield make
