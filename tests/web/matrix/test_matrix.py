"""Every route × role × own, foreign and absent object: opened by whom the table says, 403 or 404 in words for the rest."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from app.activities.queries import get_activity
from app.extensions import db
from app.kernel.actor import Role
from app.kernel.clock import now
from app.kernel.database import transaction
from app.organisation.permissions import PERMISSIONS, Action, Scope
from tests.cast import Cast, make_cast
from tests.guards import recording
from tests.web.matrix.scene import absent, make_scene, organizer_of
from tests.web.matrix.table import PEOPLE, PLACES, UNIT_OF, WITHOUT_OBJECT, Place

VARIETIES = ("own", "foreign", "absent")
_WRITES = re.compile(r"\s*(INSERT|UPDATE|DELETE)\b", re.I)
# A refused try of a code or a foreign ticket is counted and kept: that is the guard, not a leak.
_KEPT = re.compile(r"\s*INSERT INTO (attempt|check_in_event)\b", re.I)


@dataclass(frozen=True)
class Knock:
    """One request to make."""

    endpoint: str
    method: str
    rule: Rule
    place: Place


def knocks(app: Flask) -> list[Knock]:
    """Every method of every address that names an object."""
    found = []
    for rule in app.url_map.iter_rules():
        if not rule.arguments or rule.endpoint in WITHOUT_OBJECT:
            continue
        for method in sorted((rule.methods or set()) & {"GET", "POST"}):
            found.append(Knock(rule.endpoint, method, rule, PLACES[rule.endpoint]))
    return sorted(found, key=lambda knock: (knock.method, knock.endpoint))


def expected(person: str, place: Place, variety: str) -> str:
    """`open`, `login`, 403 or 404, from the permission table and where the person sits."""
    if place.action == "public":
        is_desk = place.at == "bearer" and variety == "own" and _scopes(person, Action.CHECK_IN)
        return "404" if variety == "absent" or is_desk else "open"
    if not person:
        return "login"
    scopes = _scopes(person, Action(place.action))
    if not scopes:
        return "404" if place.at == "picture" else "403"
    if variety == "absent" or place.at == "twin":
        return "404"
    if place.at == "case":
        return "open" if person == "shenhe" else "404"
    if variety == "foreign" and Scope.ALL not in scopes and place.at != "district":
        return "404"
    return "open"


def _scopes(person: str, action: Action) -> list[Scope]:
    found = [PERMISSIONS[role].get(action) for role in ROLES.get(person, ())]
    return [scope for scope in found if scope is not None]


ROLES = {
    "jingban": [Role.ORGANIZER], "fuze": [Role.UNIT_MANAGER], "yizhen": [Role.ORGANIZER], "shenhe": [Role.REVIEWER],
    "fuhe": [Role.SECOND_READER], "shenji": [Role.AUDITOR], "lingdao": [Role.LEADER], "guanli": [Role.ADMINISTRATOR],
}  # fmt: skip


def outcome(status: int, location: str) -> str:
    if status in (301, 302, 303, 307, 308) and location.split("?", maxsplit=1)[0].endswith("/login"):
        return "login"
    return str(status) if status in (401, 403, 404, 405) or status >= 500 else "open"


class Walk:
    """The scenes of both towns, made anew when a request may have changed them."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        with app.app_context(), transaction(db.session) as tx:
            self.cast: Cast = make_cast(tx)
            self.town_ids = {"town": self.cast.town.id, "other_town": self.cast.other_town.id}
            tx.expunge_all()
        self.scenes: dict[str, dict[str, str]] = {}

    def renew(self, *towns: str) -> None:
        with self.app.app_context(), transaction(db.session) as tx:
            for name in towns or ("town", "other_town"):
                unit = tx.get_one(type(self.cast.town), self.town_ids[name])
                actor = organizer_of(tx, self.cast, unit)
                self.scenes[name] = make_scene(tx, self.app, unit, self.cast, actor=actor, now=now())

    def town(self, person: str, variety: str) -> str:
        own = UNIT_OF.get(person, "town")
        other = "other_town" if own == "town" else "town"
        return own if variety == "own" else other

    def names(self, person: str, variety: str) -> dict[str, str]:
        return absent() if variety == "absent" else self.scenes[self.town(person, variety)]

    def address(self, knock: Knock, names: dict[str, str]) -> str:
        values = {
            argument: value[1:] if value.startswith("=") else names[value]
            for argument, value in knock.place.names.items()
        }
        with self.app.test_request_context():
            built = knock.rule.build(dict(values))
        assert built is not None, knock.endpoint
        return str(built[1])


@pytest.fixture
def walk(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Walk:
    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)
    return Walk(app)


def deviations(walk: Walk, client: FlaskClient, person: str, *, only: str = "") -> list[str]:
    """Every request of the person that was not answered as the table says, or wrote although it was refused."""
    found = []
    walk.renew()
    with walk.app.app_context():
        engine = db.engine
    with recording(engine) as seen:
        for knock in [knock for knock in knocks(walk.app) if not only or knock.endpoint == only]:
            for variety in VARIETIES:
                want = expected(person, knock.place, variety)
                address = walk.address(knock, walk.names(person, variety))
                seen.clear()
                answer = client.open(address, method=knock.method, data={} if knock.method == "POST" else None)
                got = outcome(answer.status_code, answer.headers.get("Location", ""))
                wrote = [s for s in seen if _WRITES.match(s) and not _KEPT.match(s)]
                if got != want or (want != "open" and wrote):
                    found.append(
                        f"{knock.method} {knock.endpoint} {variety}: {got}, not {want}{' and wrote' * bool(wrote)}"
                    )
                if want == "open" and any(_WRITES.match(statement) for statement in seen):
                    walk.renew(walk.town(person, variety))
    return found


@pytest.mark.lengthens
@pytest.mark.parametrize("person", PEOPLE, ids=[person or "anonymous" for person in PEOPLE])
def test_each_role_opens_what_it_may_and_nothing_else(
    walk: Walk, client: FlaskClient, sign_in: Callable[[FlaskClient, str], None], person: str
) -> None:
    if person:
        sign_in(client, person)
    assert "\n".join(deviations(walk, client, person)) == ""


def test_a_part_of_another_activity_is_absent_under_ones_own(
    walk: Walk, client: FlaskClient, sign_in: Callable[[FlaskClient, str], None]
) -> None:
    """Own activity in the address, somebody else's session, registration, check-in or photo behind it."""
    sign_in(client, "jingban")
    walk.renew()
    found = []
    for knock in knocks(walk.app):
        if len([v for v in knock.place.names.values() if not v.startswith("=")]) < 2:
            continue
        mixed = walk.scenes["other_town"] | {name: walk.scenes["town"][name] for name in ("activity", "shown")}
        answer = client.open(walk.address(knock, mixed), method=knock.method)
        if answer.status_code != 404:
            found.append(f"{knock.method} {knock.endpoint}: {answer.status_code}")
    assert "\n".join(found) == ""


def test_every_address_with_an_argument_stands_in_the_table(app: Flask) -> None:
    named = {rule.endpoint for rule in app.url_map.iter_rules() if rule.arguments}
    assert named - set(PLACES) - WITHOUT_OBJECT == set()
    assert (set(PLACES) | WITHOUT_OBJECT) - named - {"auth.login"} == set()


def test_a_loader_that_forgets_the_unit_is_found(
    walk: Walk, client: FlaskClient, sign_in: Callable[[FlaskClient, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control: the evidence page without its loader's check of the unit."""
    monkeypatch.setattr("app.web.evidence.load_readable", _careless, raising=False)
    monkeypatch.setattr("app.web.evidence.load_activity", _careless)
    sign_in(client, "yizhen")
    found = deviations(walk, client, "yizhen", only="evidence.settle")
    assert any("evidence.settle foreign: open, not 404" in each for each in found)


def _careless(code: str, _action: Action) -> object:
    return get_activity(db.session(), code)
