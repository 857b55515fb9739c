"""Check-in group: the whole POST of a participant with a ticket, over a bare Flask route on the same server.

Session, CSRF token, grant, ticket by its secret, decision, projection and event, one durable commit, the answer's page.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from statistics import median
from typing import Any
from urllib.parse import urlencode

from flask import Response, session
from flask.sessions import SecureCookieSessionInterface
from flask_wtf.csrf import generate_csrf
from sqlalchemy import func, insert, select

from app.checkin import codes
from app.checkin.models import CheckIn, CheckInEvent, Method
from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.tokens import digest
from app.registration.models import Registration
from app.web import mine
from bench.load import Outcome, burst, post
from bench.serving import Instance, instance, postgresql, served
from tests.database import free_port
from tests.factories import make_activity

GROUP = "checkin"
ROUNDS, TICKETS, CLIENTS = 3, 2000, 32
PROOF = "已签到".encode()


def open_session(place: Instance) -> tuple[str, str, int, int]:
    """An activity whose sign-in is open: its code, its session's code, and both ids."""
    with place.app.app_context(), transaction(db.session) as tx:
        activity = make_activity(tx, starts_at=now() + timedelta(minutes=10), capacity=None)
        row = activity.sessions[0]
        return activity.code, row.code, activity.id, row.id


def tickets(place: Instance, activity_id: int, how_many: int) -> list[str]:
    """Secrets of fresh registrations, written in bulk: registering is measured elsewhere."""
    made = [secrets.token_urlsafe(16) for _ in range(how_many)]
    rows = [
        {"code": secrets.token_hex(6), "activity_id": activity_id, "kind": "individual", "state": "confirmed",
         "adults": 2, "children": 1, "secret_hash": digest(secret), "created_at": now(), "consent_version": "bench"}
        for secret in made
    ]  # fmt: skip
    with place.app.app_context(), transaction(db.session) as tx:
        tx.execute(insert(Registration), rows)
    return made


def signed_cookie(place: Instance, values: dict[str, object]) -> str:
    """A session cookie that holds these values."""
    serializer = SecureCookieSessionInterface().get_signing_serializer(place.app)
    assert serializer is not None
    return f"shiliu={serializer.dumps(values)}"


def browser_cookies(place: Instance) -> tuple[str, str]:
    """The session cookie of a browser and the CSRF token that goes with it."""
    with place.app.test_request_context():
        token = generate_csrf()
        return signed_cookie(place, dict(session)), token


def presses(place: Instance, activity: str, where: str, own: list[str]) -> Iterator[bytes]:
    """The button of each ticket's own phone, with a grant of this moment."""
    cookie, token = browser_cookies(place)
    moment: datetime = now()
    for secret in own:
        browser = secrets.token_urlsafe(16)
        with place.app.test_request_context():
            response = Response()
            mine.remember(response, activity, secret)
            kept = response.headers["Set-Cookie"].split(";")[0]
        grant = codes.make_grant(
            place.app.extensions["keys"], session_code=where, activity_code=activity, method=Method.LIVE_CODE.value,
            browser=browser, now=moment,
        )  # fmt: skip
        form = {"csrf_token": token, "grant": grant, "way": "mine", "ticket": digest(secret)[:16]}
        yield post(f"/s/{where}", urlencode(form), host=place.host, cookies=f"{cookie}; browser={browser}; {kept}")


Send = Callable[[int, list[bytes]], Outcome]


def at_once(port: int, requests: list[bytes]) -> Outcome:
    """32 at a time, the next as soon as one is answered."""
    return burst(port, requests, clients=CLIENTS, proof=PROOF)


def one_round(place: Instance, people: int = TICKETS, send: Send = at_once) -> Outcome:
    """So many people press; every one must be in, exactly once."""
    activity, where, activity_id, session_id = open_session(place)
    requests = list(presses(place, activity, where, tickets(place, activity_id, people)))
    outcome = send(place.port, requests)
    with place.app.app_context():
        stored = db.session.scalar(select(func.count()).where(CheckIn.session_id == session_id))
        events = db.session.scalar(select(func.count()).where(CheckInEvent.session_id == session_id))
        db.session.rollback()
    if not outcome.accepted == stored == events == people:
        raise RuntimeError(f"{outcome.accepted} accepted, {stored} stored, {events} events: {outcome.statuses}")
    return outcome


def _raw(rounds: list[Outcome]) -> list[dict[str, float]]:
    return [
        {"per_second": round(o.rate), "p50_ms": 1000 * o.percentile(0.5), "p99_ms": 1000 * o.percentile(0.99)}
        for o in rounds
    ]  # fmt: skip


def run() -> tuple[dict[str, float], object]:
    """Three interleaved rounds of bare route, SQLite and PostgreSQL; medians of the ratios of each round."""
    bare, found = [], {"sqlite": list[Outcome](), "postgresql": list[Outcome]()}
    with ExitStack() as stack:
        port = free_port()
        stack.enter_context(served("bench.bare:app", port))
        places = {
            "sqlite": stack.enter_context(instance()),
            "postgresql": stack.enter_context(instance(stack.enter_context(postgresql()))),
        }
        plain = [post("/", "a=b", host=f"127.0.0.1:{port}")] * (4 * TICKETS)
        for place in places.values():  # the first requests compile templates and statements
            one_round(place)
        for _ in range(ROUNDS):
            bare.append(burst(port, plain, clients=CLIENTS, proof=b"ok"))
            for name, place in places.items():
                found[name].append(one_round(place))
    figures: dict[str, float] = {}
    raw: dict[str, Any] = {"bare": _raw(bare)}
    for name, rounds in found.items():
        figures[f"checkin.{name}.vs_flask"] = median(o.rate / b.rate for o, b in zip(rounds, bare, strict=True))
        raw[name] = _raw(rounds)
    figures["checkin.sqlite.p99_over_p50"] = median(o.percentile(0.99) / o.percentile(0.5) for o in found["sqlite"])
    return figures, raw
