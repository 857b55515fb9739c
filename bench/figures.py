"""Figures group: pages over a constant template of the same size, the dashboard at ten times the check-ins, the ledger.

One client, kept alive, pages and yardstick in turn; medians of the answers' times. What the dashboard keeps until the
next entry of the log is measured apart: `fresh` and `growth` write an entry before each look.
"""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from contextlib import ExitStack
from statistics import median
from typing import Any

from sqlalchemy import select

from app.activities.models import Activity, ActivityState
from app.audit.log import record
from app.demo.crowd import grow
from app.demo.seed import seed_people
from app.extensions import db
from app.kernel.actor import SYSTEM
from app.kernel.clock import now
from app.kernel.database import transaction
from app.organisation.models import User
from app.organisation.queries import actor_of
from app.organisation.service import start_sign_in
from app.planning.pack import find_pack, read_pack
from app.planning.service import load_plan
from bench.checkin import signed_cookie
from bench.load import burst, get, plain
from bench.serving import ROOT, Instance, instance, served
from tests.database import free_port

GROUP = "figures"
ROUNDS, TIMES, LOOKS = 3, 60, 20
ACTIVITIES, CHECK_INS = 1_000, 10_000
LEDGER_ROWS = 100_000


def fill(place: Instance, *, activities: int, check_ins: int) -> None:
    """The plan, the demo's people, and a crowd."""
    with place.app.app_context(), transaction(db.session) as tx:
        load_plan(tx, read_pack(find_pack("liaocheng-2023")), now=now())
        seed_people(tx, now=now())
        grow(tx, activities=activities, check_ins=check_ins, now=now())


def cookie_of(place: Instance, login: str) -> str:
    """The session cookie of a signed-in member of staff."""
    moment = now()
    with place.app.app_context(), transaction(db.session) as tx:
        user = tx.scalars(select(User).where(User.login == login)).one()
        secret = start_sign_in(tx, user, device="bench", second_factor=True, actor=actor_of(tx, user), now=moment)
    token = secrets.token_hex(20)  # a browser has it from its first page on
    return signed_cookie(place, {"sign_in": secret, "seen": int(moment.timestamp()), "csrf_token": token})


def public_address(place: Instance) -> str:
    """An activity page that anybody may open."""
    with place.app.app_context():
        code = db.session.scalar(select(Activity.code).where(Activity.state == ActivityState.PUBLISHED.value).limit(1))
        db.session.rollback()
    return f"/a/{code}"


def milliseconds(port: int, request: bytes) -> float:
    """The median of TIMES answers to one client."""
    outcome = burst(port, [request] * TIMES, clients=1, proof=b"")
    if outcome.statuses != {200: TIMES}:
        raise RuntimeError(f"{request[:60]!r}: {outcome.statuses}")
    return 1000 * outcome.percentile(0.5)


def fresh_milliseconds(place: Instance, request: bytes) -> float:
    """The median of LOOKS answers, each the first since something was written."""
    found = []
    for _ in range(LOOKS):
        moment = now()
        with place.app.app_context(), transaction(db.session) as tx:
            record(tx, "ledger.exported", actor=SYSTEM, object_type="ledger", object_code=str(moment.year), now=moment,
                   payload={"rows": 0, "year": moment.year})  # fmt: skip
        found.append(1000 * burst(place.port, [request], clients=1, proof=b"").percentile(0.5))
    return median(found)


def pages(place: Instance, bare_port: int) -> dict[str, list[tuple[float, float]]]:
    """(ours, constant) in ms of each page, by round."""
    leader, organizer = cookie_of(place, "lingdao"), cookie_of(place, "jingban")
    wanted = {
        "activity": get(public_address(place), host=place.host),
        "list": get("/activities", host=place.host, cookies=organizer),
        "dashboard": get("/metrics", host=place.host, cookies=leader),
    }
    sizes = {
        name: len(plain(burst(place.port, [request], clients=1, proof=b"").last)) for name, request in wanted.items()
    }
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in wanted}
    for _ in range(ROUNDS):
        for name, request in wanted.items():
            constant = get(f"/constant/{sizes[name]}", host=f"127.0.0.1:{bare_port}")
            found[name].append((milliseconds(place.port, request), milliseconds(bare_port, constant)))
    return found


def growth(small: Instance, large: Instance) -> list[tuple[float, float]]:
    """Fresh dashboard ms with CHECK_INS and with ten times as many, by round."""
    cookies = [cookie_of(place, "lingdao") for place in (small, large)]
    return [
        (
            fresh_milliseconds(small, get("/metrics", host=small.host, cookies=cookies[0])),
            fresh_milliseconds(large, get("/metrics", host=large.host, cookies=cookies[1])),
        )
        for _ in range(ROUNDS)
    ]


def ledger() -> dict[str, Any]:
    """Seconds and peak MiB of LEDGER_ROWS rows in processes of their own: ours with its query, and bare XlsxWriter."""
    command = [sys.executable, "-m", "bench._ledger", str(LEDGER_ROWS)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def run() -> tuple[dict[str, float], object]:
    """Medians over three rounds."""
    with ExitStack() as stack:
        port = free_port()
        stack.enter_context(served("bench.bare:app", port))
        small, large = stack.enter_context(instance()), stack.enter_context(instance())
        fill(small, activities=ACTIVITIES, check_ins=CHECK_INS)
        fill(large, activities=ACTIVITIES, check_ins=10 * CHECK_INS)
        shown, grown = pages(small, port), growth(small, large)
    written = ledger()
    figures = {f"page.{name}.vs_static": median(o / c for o, c in rounds) for name, rounds in shown.items()}
    # Beside the kept one, over the same yardstick: nothing is kept, so every sum is made again.
    figures["page.dashboard.fresh_vs_static"] = median(
        few / c for (few, _many), (_ours, c) in zip(grown, shown["dashboard"], strict=True)
    )
    figures["dashboard.growth"] = median(many / few for few, many in grown)
    figures["ledger.vs_xlsxwriter"] = median(o / b for o, b in zip(written["ours"], written["bare"], strict=True))
    figures["ledger.peak_mb"] = written["peak_mb"]
    return figures, {"pages_ms": shown, "growth_ms": grown, "ledger": written}
