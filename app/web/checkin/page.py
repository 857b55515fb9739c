"""The one sign-in page: what it offers to a known and to an unknown browser, by whatever code it was reached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import Any

from flask import g, request, url_for
from flask_babel import gettext as _
from flask_wtf.csrf import generate_csrf
from werkzeug.wrappers import Response

from app.checkin import codes
from app.checkin.models import Method
from app.checkin.parties import Reported, labels_of_parties
from app.checkin.queries import Door, OwnRow, find_door, list_own
from app.checkin.rules import PARTY_MOST, WALK_IN_MOST
from app.extensions import db
from app.kernel.errors import NotFound
from app.kernel.tokens import digest
from app.registration.indexes import browser_index
from app.registration.models import RegistrationState
from app.web import mine
from app.web.access import keys
from app.web.rendering import clock_text, day_text, render
from app.web.venue import phase_of, window_of_door

TYPED_MOST = 60
_PENDING = "您的报名还在等主办单位确认，请到签到台。"
_UNCONFIRMED = "您的报名还没有确认，请到签到台。"
_OFFERED = "有一个名额在等您答复。请在“我的报名码”里按“我来”，再扫一次大屏；或到签到台。"
_WAITLISTED = "您的报名还在候补，没有留名额。请到签到台，有位置就能进。"


@dataclass(frozen=True, slots=True)
class Typed:
    """What stands in the form: kept through every refusal."""

    way: str = ""
    people: str = ""
    name: str = ""
    tail: str = ""
    ticket: str = ""  # the key of the own ticket whose form it was
    count_as: str = ""

    @classmethod
    def read(cls) -> Typed:
        """From the submitted form, cut to a length that anybody would type."""
        return cls.of(request.form)

    @classmethod
    def of(cls, values: Mapping[str, str]) -> Typed:
        return cls(*(values.get(each.name, "")[:TYPED_MOST] for each in fields(cls)))

    @property
    def is_more_than_given(self) -> bool:
        """Whether anything of it was typed: the number of a walk-in stands at 1."""
        return bool(self.name or self.tail or self.people not in ("", "1"))

    @property
    def filled(self) -> dict[str, str]:
        """For hidden fields: name and value of what is not empty."""
        return {name: value for name, value in asdict(self).items() if value}


@dataclass(frozen=True, slots=True)
class AskedParty:
    """What is said of a party before its teacher says a number; who it is, is not."""

    expected: int
    reported: Reported | None


@dataclass
class ArrivePage:
    """The page in values."""

    door: Door
    phase: str
    when: str  # why it is not open, in words
    grant: str
    typed: Typed
    error: str = ""
    wrong: str = ""  # the field that the error is about
    sure: str = ""  # the number that was asked once more
    arrived: list[OwnRow] = field(default_factory=list)
    ready: list[OwnRow] = field(default_factory=list)
    waiting: list[OwnRow] = field(default_factory=list)  # without a place: they may come in as walk-ins
    classes: list[OwnRow] = field(default_factory=list)  # own parties: they come in parts
    labels: dict[int, str] = field(default_factory=dict)  # of the own classes, by registration id
    notes: list[str] = field(default_factory=list)  # own registrations that cannot sign in here
    most: int = WALK_IN_MOST
    party_most: int = PARTY_MOST
    asked: AskedParty | None = None  # a party that was named by tail or code: how many came?

    @property
    def is_known(self) -> bool:
        """Whether this browser has something to do with the activity."""
        return bool(self.arrived or self.ready or self.waiting or self.classes or self.notes)

    @property
    def is_done(self) -> bool:
        """Whether all that this browser brought is signed in."""
        reported = [row.first_at is not None for row in self.classes]
        return bool(self.arrived or reported) and all(reported) and not (self.ready or self.waiting or self.notes)

    @property
    def is_bare(self) -> bool:
        """Whether the confirmation stands alone: who is in and opens an old code needs no door."""
        return self.is_done and not self.grant and not self.error

    @property
    def others(self) -> list[str]:
        """The forms that name nobody of this browser, in order: the one that was just used stays first."""
        tickets = any(not row.is_walk_in for row in self.arrived)
        has_registered = self.door.takes_registration or tickets or self.ready or self.classes or self.waiting
        ways = ["walk_in"] * self.door.takes_walk_in + ["registered"] * bool(has_registered)
        return ways[::-1] if self.typed.way == "registered" and not self.is_known else ways

    @property
    def main(self) -> str:
        """Which form has the one clear action; nothing where none is for this browser itself."""
        if self.asked:
            return "asked"
        return "class" if self.classes else "mine" if self.ready else "" if self.is_known else "".join(self.others[:1])

    @property
    def resize(self) -> dict[str, Any] | None:
        """Where a browser without scripts sends this page for the other size; None where nothing would be lost."""
        if self.phase != "open" or self.is_bare:
            return None
        typed = self.typed.filled.items()
        if self.grant:
            return {"action": url_for("checkin.sign", code=self.door.code), "fields": [("grant", self.grant), *typed]}
        named = [("csrf_token", generate_csrf()), ("session", self.door.code)]
        return {"action": url_for("checkin.enter_digits"), "fields": [*named, *typed]}


def get_door(code: str) -> Door:
    """Raises NotFound, in the same words for an absent and an unpublished one."""
    found = find_door(db.session(), code)
    if found is None:
        raise NotFound("没有找到这一场。请重新扫大屏上的码，或到签到台。")
    return found


def grant_for(door: Door, method: Method, moment: datetime) -> str:
    """A fresh grant for this browser; made without any write."""
    return codes.make_grant(
        keys(), session_code=door.code, activity_code=door.activity_code, method=method.value,
        browser=mine.browser_token(), now=moment,
    )  # fmt: skip


def arrive_page(
    door: Door, moment: datetime, *, grant: str = "", typed: Typed | None = None, error: str = "", wrong: str = "",
    sure: str = "", status: int = 200, asked: AskedParty | None = None,
) -> Response:  # fmt: skip
    """Three statements with the door, one more for the names of own classes. Without a grant it says how to get one."""
    g.lean = True
    typed = typed or Typed.of(mine.kept_typed())
    page = ArrivePage(door, phase_of(door, moment), "", grant, typed, error, wrong, sure, asked=asked)
    page.when = _when_words(door, page.phase)
    _fill_own(page)
    if request.method == "GET" and (page.is_done or page.phase != "open"):
        page.error = ""  # an old code harms nobody who is in, and opens nothing while the doors are closed
    response = render("checkin/arrive.html", page=page, door=door, status=status)
    if typed.is_more_than_given and not grant and request.method == "POST":
        mine.keep_typed(response, door.code, typed.filled)
    return response


def _when_words(door: Door, phase: str) -> str:
    opens, closes = window_of_door(door)
    if phase == "off":
        return str(_("这场活动已取消，不用签到。"))
    if phase == "soon":
        return str(_("签到%(day)s %(time)s开始，到时再扫一次。", day=day_text(opens), time=clock_text(opens)))
    if phase == "sealed":
        return str(_("签到已结束，记录已封存。有疑问，请问主办单位：%(host)s。", host=door.host))
    if phase == "over":
        return str(_("签到已在%(time)s结束。来了没签上的，请告诉主办单位补录。", time=clock_text(closes)))
    return ""


def _fill_own(page: ArrivePage) -> None:
    door = page.door
    marks = mine.own_marks(door.activity_code)
    rows = list_own(
        db.session(), door, secret_hashes=[digest(s) for s in mine.own_tickets(door.activity_code)],
        browser_index=browser_index(keys(), door.activity_code, mine.browser_token()), marks=[uid for uid, _key in marks],
    )  # fmt: skip
    walked_in = {row.event_uid for row in rows if row.is_walk_in}
    stood_in = {key for uid, key in marks if key and uid in walked_in}
    for row in rows:
        if row.is_walk_in or row.key not in stood_in:  # else its people are in already, whatever became of their place
            _place_own(page, row)
    page.labels = labels_of_parties(
        db.session(), [row.registration_id for row in page.classes if not row.is_marked]
    )  # fmt: skip


def _place_own(page: ArrivePage, row: OwnRow) -> None:
    door, is_confirmed = page.door, row.state == RegistrationState.CONFIRMED.value
    if row.is_party and is_confirmed and row.session_id in (None, door.session_id):
        page.classes.append(row)
    elif row.first_at is not None:
        page.arrived.append(row)
    elif row.state == RegistrationState.PENDING.value:
        # A child's may wait for the guardian or for the organizer.
        page.notes.append(_(_OFFERED) if row.is_offered else _(_UNCONFIRMED) if row.is_minor else _(_PENDING))
    elif row.state == RegistrationState.WAITLISTED.value and _may_walk_in(door, row):
        page.waiting.append(row)
    elif row.state == RegistrationState.WAITLISTED.value:
        page.notes.append(_(_WAITLISTED))
    elif is_confirmed and _covers(door, row):
        page.ready.append(row)
    elif is_confirmed:
        page.notes.append(_("您报的是另一场。要换到这一场，请到签到台。"))


def _may_walk_in(door: Door, row: OwnRow) -> bool:
    return door.takes_walk_in and not row.is_party and row.headcount <= WALK_IN_MOST


def _covers(door: Door, row: OwnRow) -> bool:
    return door.attendance != "choose_one" or row.session_id in (None, door.session_id)
