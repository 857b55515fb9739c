"""The one sign-in page: what it offers to a known and to an unknown browser, by whatever code it was reached."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from flask import g, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.checkin import codes
from app.checkin.models import Method
from app.checkin.parties import Reported
from app.checkin.queries import Door, OwnRow, find_door, list_own
from app.checkin.rules import WALK_IN_MOST
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


@dataclass(frozen=True, slots=True)
class Typed:
    """What stands in the form: kept through every refusal."""

    way: str = ""
    people: str = ""
    name: str = ""
    tail: str = ""

    @classmethod
    def read(cls) -> Typed:
        """From the submitted form, cut to a length that anybody would type."""
        return cls(*(request.form.get(name, "")[:TYPED_MOST] for name in ("way", "people", "name", "tail")))


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
    arrived: list[OwnRow] = field(default_factory=list)
    ready: list[OwnRow] = field(default_factory=list)
    classes: list[OwnRow] = field(default_factory=list)  # own parties: they come in parts
    notes: list[str] = field(default_factory=list)  # own registrations that cannot sign in here
    most: int = WALK_IN_MOST
    asked: AskedParty | None = None  # a party that was named by tail or code: how many came?

    @property
    def is_known(self) -> bool:
        """Whether this browser has something to do with the activity."""
        return bool(self.arrived or self.ready or self.classes)


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
    status: int = 200, asked: AskedParty | None = None,
) -> Response:  # fmt: skip
    """Three statements with the door. Without a grant it says how to get one."""
    g.lean = True
    page = ArrivePage(door, phase_of(door, moment), "", grant, typed or Typed(), error, wrong, asked=asked)
    page.when = _when_words(door, page.phase)
    _fill_own(page)
    return render("checkin/arrive.html", page=page, door=door, status=status)


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
    rows = list_own(
        db.session(), door, secret_hashes=[digest(s) for s in mine.own_tickets(door.activity_code)],
        browser_index=browser_index(keys(), door.activity_code, mine.browser_token()),
    )  # fmt: skip
    for row in rows:
        if (
            row.is_party
            and row.state == RegistrationState.CONFIRMED.value
            and row.session_id in (None, door.session_id)
        ):
            page.classes.append(row)
        elif row.first_at is not None:
            page.arrived.append(row)
        elif row.state == RegistrationState.WAITLISTED.value:
            page.notes.append(_("您的报名还在候补，没有留名额。请到签到台，有位置就能进。"))
        elif row.state == RegistrationState.CONFIRMED.value and _covers(door, row):
            page.ready.append(row)
        elif row.state == RegistrationState.CONFIRMED.value:
            page.notes.append(_("您报的是另一场。要换到这一场，请到签到台。"))


def _covers(door: Door, row: OwnRow) -> bool:
    return door.attendance != "choose_one" or row.session_id in (None, door.session_id)
