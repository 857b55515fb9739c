"""Register group: a rush of phones for the places of one activity, over a bare Flask route on the same server.

The whole form each: session, CSRF token, consent, lock, count, insert, own link; nobody may be over.
"""

from __future__ import annotations

import secrets
from contextlib import ExitStack
from datetime import timedelta
from statistics import median
from urllib.parse import urlencode

from sqlalchemy import select

from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.registration.models import Registration, RegistrationState
from bench.checkin import browser_cookies
from bench.load import Outcome, burst, post
from bench.serving import Instance, instance, postgresql, served
from tests.database import free_port
from tests.factories import make_activity

GROUP = "register"
ROUNDS, PHONES, PLACES, CLIENTS = 3, 1000, 250, 32


def forms(place: Instance, activity: str, how_many: int) -> list[bytes]:
    """As many phones, each with a browser and an address of its own."""
    cookie, token = browser_cookies(place)
    made = []
    for number in range(how_many):
        form = {
            "csrf_token": token, "submission": secrets.token_urlsafe(16), "name": "李女士", "adults": "1",
            "children": "0", "phone": f"13{number:09d}", "consent": "y", "second_name": "",
        }  # fmt: skip
        cookies = f"{cookie}; browser={secrets.token_urlsafe(16)}"
        client = f"10.9.{number // 200}.{number % 200 + 1}"
        path = f"/a/{activity}/register"
        made.append(post(path, urlencode(form), host=place.host, cookies=cookies, client=client))
    return made


def one_round(place: Instance) -> Outcome:
    """PHONES ask for PLACES at once: exactly so many are confirmed, and the rest stand in line."""
    with place.app.app_context(), transaction(db.session) as tx:
        activity = make_activity(tx, starts_at=now() + timedelta(days=3), capacity=PLACES)
        code, key = activity.code, activity.id
    outcome = burst(place.port, forms(place, code, PHONES), clients=CLIENTS, proof=b"")
    with place.app.app_context():
        states = list(db.session.scalars(select(Registration.state).where(Registration.activity_id == key)))
        db.session.rollback()
    confirmed = states.count(RegistrationState.CONFIRMED.value)
    if confirmed != PLACES or len(states) != PHONES or outcome.statuses != {303: PHONES}:
        raise RuntimeError(f"{confirmed} of {PLACES} places, {len(states)} registrations: {outcome.statuses}")
    return outcome


def run() -> tuple[dict[str, float], object]:
    """Three interleaved rounds; the published figure is the slower database's."""
    bare, found = list[Outcome](), {"sqlite": list[Outcome](), "postgresql": list[Outcome]()}
    with ExitStack() as stack:
        port = free_port()
        stack.enter_context(served("bench.bare:app", port))
        address = stack.enter_context(postgresql())
        places = {
            "sqlite": stack.enter_context(instance(SHILIU_PROXY_HOPS="1")),
            "postgresql": stack.enter_context(instance(address, SHILIU_PROXY_HOPS="1")),
        }
        plain = [post("/", "a=b", host=f"127.0.0.1:{port}")] * (4 * PHONES)
        for place in places.values():
            one_round(place)
        for _ in range(ROUNDS):
            bare.append(burst(port, plain, clients=CLIENTS, proof=b"ok"))
            for name, place in places.items():
                found[name].append(one_round(place))
    ratios = {name: median(o.rate / b.rate for o, b in zip(got, bare, strict=True)) for name, got in found.items()}
    raw = {name: [round(o.rate) for o in got] for name, got in found.items()}
    return {"register.rush.vs_flask": min(ratios.values())}, {"bare": [round(b.rate) for b in bare], **raw} | ratios
