"""The seeded district with what its story leaves out, so that every page has something to show; starts for a walk."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from datetime import date, timedelta

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.activities.models import Activity, ActivityState, ProgrammeKind, ReviewState
from app.activities.programmes import create_programme
from app.checkin import codes
from app.checkin.devices import pairing_key
from app.extensions import db
from app.kernel.actor import SYSTEM
from app.kernel.clock import now
from app.kernel.database import transaction
from app.organisation.models import Unit, User
from app.organisation.queries import actor_of
from app.planning.models import Task
from app.progress.service import add_establishment, add_note, decide
from app.registration.guardians import ask_guardian
from app.registration.settings import set_quota
from tests.factories import make_activity
from tests.house import House
from tests.plan import make_plan

STAFF = ("jingban", "fuze", "shenhe", "shenji", "lingdao", "guanli")
# Each needs a state that no reader reaches by a link, and has tests of its own.
ELSEWHERE = {
    "static", "auth.second", "organisation.accept", "health.healthz", "health.readyz", "registration.import_progress",
}  # fmt: skip
TODAY = "剪纸进课堂：石榴窗花"
ASKED = "示例要确认的课"


def tell_story(house: House) -> None:
    """Plan and story, as `make run` shows them."""
    house.furnish("story", _tell)


def seed(house: House) -> None:
    """Plan and story, then the states that the story leaves out."""

    def make(app: Flask) -> None:
        tell_story(house)
        with app.app_context(), transaction(db.session) as tx:
            _furnish(tx)

    house.furnish("district", make)


def _tell(app: Flask) -> None:
    with app.app_context(), transaction(db.session) as tx:
        make_plan(tx, now=now())
    result = app.test_cli_runner().invoke(args=["demo", "seed"])
    assert result.exit_code == 0, result.output


def _furnish(tx: Session) -> None:
    units = {unit.name: unit for unit in tx.scalars(select(Unit))}
    host, other, moment = units["示例丙街道"], units["示例甲镇"], now()
    tomorrow = moment + timedelta(days=1)
    actor = actor_of(tx, tx.scalars(select(User).where(User.login == "jingban")).one())
    programme = create_programme(
        tx, kind=ProgrammeKind.SERIES, title="示例系列", intro="每月一次。", starts_on=date(2026, 1, 1),
        ends_on=date(2026, 12, 31), host=host, actor=actor, now=moment,
    )  # fmt: skip
    for unit, title in ((host, "邻里读书会：示例夜读"), (other, "邻里读书会：示例夜读")):
        make_activity(tx, host=unit, title=title, kind="exchange", starts_at=tomorrow, venue="示例书屋",
                      programme_id=programme.id, audience="public", listing="listed", sessions=3)  # fmt: skip
    asked = make_activity(tx, host=host, title=ASKED, needs_approval=True, takes_parties=True, starts_at=tomorrow)
    set_quota(tx, asked, other, 20, actor=actor, now=moment)
    make_activity(tx, host=host, title="示例草稿", state=ActivityState.DRAFT, starts_at=tomorrow)
    make_activity(tx, host=host, title="示例待同意", audience="public", listing="waiting", starts_at=tomorrow)
    task = tx.scalars(select(Task).where(Task.number == 12)).one()
    for number in range(3):
        note = add_note(
            tx, host, task=task, safeguard=None, text=f"示例进展{number}。", noted_on=moment.date(), stage="", actor=actor,
            now=moment,
        )  # fmt: skip
    base = add_establishment(
        tx, host, kind="law_base", level="city", stage="planned", name="示例基地", proof="", named_on=None, actor=actor,
        now=moment,
    )  # fmt: skip
    decide(tx, note, accept=False, reason="示例：请写明日期。", actor=SYSTEM, now=moment)
    decide(tx, base, accept=False, reason="示例：请补文号。", actor=SYSTEM, now=moment)
    _moving(tx, host, actor, moment)


def _moving(tx: Session, host: Unit, actor: object, moment: object) -> None:
    base = add_establishment(
        tx, host, kind="law_base", level="city", stage="planned", name="示例乙基地", proof="", named_on=None,
        actor=actor, now=moment,
    )  # type: ignore[arg-type] # fmt: skip
    decide(tx, base, accept=True, reason="", actor=SYSTEM, now=moment)  # type: ignore[arg-type]


def browsers(app: Flask) -> Iterator[tuple[str, FlaskClient, list[str]]]:
    """Login, browser and the pages that each begins with; "" is a participant with a ticket and a venue screen."""
    with app.app_context():
        found = {row.title: row for row in db.session.scalars(select(Activity).order_by(Activity.id.desc()))}
        today, row = found[TODAY].code, found[TODAY].sessions[0].code
        approved = next(a.code for a in found.values() if a.review_state == "approved")
        asked = found[ASKED].code
        handed_in = _handed_in(db.session(), found[TODAY].host_unit_id)
        school = db.session.scalars(select(Unit).where(Unit.name == "示例第一小学")).one().code
        listed = found["邻里读书会：示例夜读"].code
        camp, mail = found["小讲解员训练营"], found["邻里面塑体验"].code
        shown = next(a.code for a in found.values() if a.review_state == "approved" and a.photos_may_publish)
        with transaction(db.session) as tx:
            _row, link = ask_guardian(tx, camp, session_code=None, keys=app.extensions["keys"], actor=SYSTEM, now=now())
            camp_code = camp.code
        screen = codes.screen_code(app.extensions["keys"], row, now())
        live = codes.live_key(app.extensions["keys"], row, codes.step_of(now()))
        every = pairing_key(app.extensions["keys"], row, all_sessions=True, now=now(), revoked=0)
    guest = app.test_client()
    tickets = [_register(guest, code) for code in (today, listed)]
    tickets = [_register_class(guest, asked, school), _register(guest, asked), *tickets]
    assert guest.post("/screen", data={"digits": screen}).status_code == 303
    public = [
        "/",
        "/s",
        "/accessibility",
        "/scan",
        f"/scan/pair?s={row}&a=1&k={every}",
        "/screen",
        "/screen/steps.json",
        "/api/v1/openapi.json",
        f"/a/{today}/register",
    ]
    yield (
        "",
        guest,
        [
            *tickets,
            f"/s/{row}?k={live}",
            *public,
            f"/a/{listed}",
            f"/a/{asked}",
            *_of_families(guest, camp_code, shown),
            f"/g/{link}",
        ],
    )
    yield "", _pair(app, row), ["/scan", "/scan/sw.js", "/api/v1/scan/roster"]
    more = {
        "jingban": [
            "/workbench",
            "/progress/mine",
            f"/activities/{handed_in}/held",
            f"/activities/{today}/held",
            f"/activities/{listed}/twins",
            f"/activities/{mail}/mail",
            f"/activities/{camp_code}/registrations/minors",
        ],
        "fuze": [
            "/workbench",
            "/activities?state=draft",
            "/programmes",
            f"/activities/{listed}",
            f"/activities/{listed}/registrations",
            f"/activities/{asked}/registrations?state=pending",
        ],
        "shenhe": ["/review", "/feedback/desk", f"/activities/{approved}/reopen"],
        "lingdao": ["/metrics", "/plan/tasks/10", "/api/v1/figures"],
        "guanli": ["/plan/tasks/10", "/organisation"],
    }
    for login in STAFF:
        browser = app.test_client()
        assert browser.post(f"/demo/{login}").status_code == 303
        if login == "jingban":
            browser.post(f"/activities/{today}/console/{row}/printed-code", data={"verb": "on"})
            more[login].append(f"/activities/{today}/console/{row}/printed")
            drill = str(browser.post(f"/activities/{today}/practice").location)
            more[login].append(drill.replace("/console", "/console/practice"))
        yield login, browser, [*more.get(login, ["/audit"]), "/"]


def _handed_in(tx: Session, host_id: int) -> str:
    """The lesson of the story that `jingban` handed in and nobody has decided."""
    waits = Activity.review_state == ReviewState.UNDER_REVIEW.value
    return tx.scalars(select(Activity.code).where(waits, Activity.host_unit_id == host_id)).one()


def _pair(app: Flask, session_code: str) -> FlaskClient:
    """A helper's paired phone."""
    helper = app.test_client()
    with app.app_context():
        key = pairing_key(app.extensions["keys"], session_code, all_sessions=False, now=now(), revoked=0)
    assert helper.post("/scan/pair", data={"s": session_code, "a": "0", "k": key}).status_code == 303
    return helper


def _of_families(guest: FlaskClient, camp: str, shown: str) -> list[str]:
    """A child's form, an approved activity's photos, and the receipt of a message."""
    sent = guest.post("/feedback", data={"sort": "suggestion", "message": "示例建议。", "submission": "s" * 22})
    assert sent.status_code == 303, sent.text
    return [f"/a/{camp}/child", f"/a/{shown}", str(sent.location)]


def _register(guest: FlaskClient, code: str) -> str:
    """The address of a fresh ticket."""
    form = {"name": "李女士", "adults": "2", "children": "1", "phone": "13800131234", "consent": "y", "unit": "other"}
    sent = guest.post(f"/a/{code}/register", data={**form, "submission": secrets.token_urlsafe(16)})
    assert sent.status_code == 303, sent.text
    return str(sent.location)


def _register_class(guest: FlaskClient, code: str, school: str) -> str:
    """The address of a class's ticket."""
    form = {
        "school": school, "classes-0-label": "三年级2班", "classes-0-pupils": "20", "classes-0-adults": "2",
        "classes-0-without_photo": "1", "name": "张老师", "phone": "13900131234", "consent": "y",
    }  # fmt: skip
    sent = guest.post(f"/a/{code}/class", data={**form, "submission": secrets.token_urlsafe(16)})
    assert sent.status_code == 303, sent.text
    return str(sent.location)


def assets_of(page: str) -> set[str]:
    """Everything that a page loads by itself: style, scripts, icons, pictures, the local htmx."""
    named = re.findall(r'<(?:link|script|img)\b[^>]*?(?:src|href)="(/[^"#]*)"', page)
    return {*named, *re.findall(r'data-local="(/[^"]+)"', page)}
