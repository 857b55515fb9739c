"""The button of the sign-in page in plain values: what it asks for, and what it is answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from flask import Response
from flask_babel import gettext
from flask_babel import lazy_gettext as _

from app.checkin import codes
from app.checkin.models import Method, Outcome
from app.checkin.rules import PARTY_MOST, WALK_IN_MOST, CountAs, is_far_above
from app.checkin.service import Arrival, Result
from app.kernel.keys import KeyRing
from app.kernel.text import one_line
from app.kernel.tokens import digest, same
from app.registration.indexes import browser_index
from app.registration.rules import NAME_MOST, name_length
from app.web import mine
from app.web.rendering import clock, clock_span, day
from app.web.shells import render_filled
from app.web.venue import whole_number

TEMPLATE = "checkin/result.html"
Kept = Sequence[tuple[str, str]]  # (activity code, secret) of this browser's tickets, the oldest first


class Refused(Exception):
    """The form asks for what cannot be; the page is shown again with what was typed and the same grant."""

    def __init__(self, message: object, wrong: str = "", status: int = 422, sure: str = "") -> None:
        super().__init__(message)
        self.message, self.wrong, self.status, self.sure = message, wrong, status, sure


def plain_arrival(
    grant: codes.Grant, form: Mapping[str, str], *, kept: Kept, browser: str, keys: KeyRing
) -> Arrival:  # fmt: skip
    """An own ticket, a part of an own class, or a walk-in: all that needs no database to be understood."""
    # Of the grant, never of the form: it salts the browser's key, which a browser must not choose.
    method, way, activity = Method(grant.method), form.get("way", ""), grant.activity_code
    if way == "mine":
        secret = _own_secret(form, kept, activity)
        return Arrival(grant.uid, None, method, session_code=grant.session_code, secret=secret)
    if way == "class":
        came = party_number(form, expected=whole_number(form.get("expected", "")) or 0)
        secret = _own_secret(form, kept, activity)
        return Arrival(
            grant.uid, None, Method.PARTY_OWN, children=came, session_code=grant.session_code, secret=secret,
            count_as=own_count_as(form),
        )  # fmt: skip
    people = whole_number(form.get("people", ""), 1)
    if people is None or not 1 <= people <= WALK_IN_MOST:
        raise Refused(_("人数请填1到%(most)s的整数；人更多，请到签到台。", most=WALK_IN_MOST), "people")
    name = one_line(form.get("name", "")[:60])
    if name_length(name) > NAME_MOST or len(name) > 2 * NAME_MOST:
        raise Refused(_("称呼最多%(most)s个字，写短一点就行，也可以不填。", most=NAME_MOST), "name")
    return Arrival(
        grant.uid, None, method, adults=people, name=name, browser_index=browser_index(keys, activity, browser),
        is_walk_in=True, session_code=grant.session_code,
    )  # fmt: skip


def party_number(form: Mapping[str, str], *, expected: int) -> int:
    """The number of a class as its teacher says it. One far above the registered is asked once, and sent again counts."""
    people = whole_number(form.get("people", ""))
    if not people or people > PARTY_MOST:
        raise Refused(_("人数请填1到%(most)s的整数。", most=PARTY_MOST), "class")
    if is_far_above(people, expected) and form.get("sure") != str(people):
        words = _("报名%(n)s人，您填了%(people)s人，对吗？对的，再按一次；不对，改了再按。", n=expected, people=people)
        raise Refused(words, "class", sure=str(people))
    return people


def own_count_as(form: Mapping[str, str]) -> CountAs:
    """Whether the page showed that some of the class are here. Without a word it never adds to what was counted."""
    return CountAs.PART if form.get("count_as") == CountAs.PART.value else CountAs.FIRST


def find_own_secret(form: Mapping[str, str], kept: Kept, activity: str) -> str:
    """The secret of this browser's ticket that the form names by a part of its hash; empty where it holds none."""
    wanted = form.get("ticket", "")
    own = (secret for code, secret in reversed(kept) if wanted and code == activity)
    return next((secret for secret in own if same(digest(secret)[:16], wanted)), "")


def _own_secret(form: Mapping[str, str], kept: Kept, activity: str) -> str:
    secret = find_own_secret(form, kept, activity)
    if not secret:
        raise Refused(_("这部手机上没有找到您的报名码。请填手机尾号或8位报名码，找不到就到签到台。"))
    return secret


@dataclass(frozen=True, slots=True)
class Words:
    """The sentences with numbers in them, translated; asking gettext takes longer than the rest of an answer."""

    people: str
    people_of: str
    say: Callable[[str], str]  # any other sentence; asked for refusals only

    @classmethod
    def now(cls) -> Words:
        """In the language of this moment's request or app."""
        return cls(gettext("%(n)s人"), gettext("%(n)s人，一共%(all)s人"), gettext)


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer's page: `kind` is new, again or out; `values` fill its gaps."""

    kind: str
    status: int
    values: dict[str, str]


def answer_of(result: Result, words: Words, form: Mapping[str, str], *, is_own: bool, kept: Kept) -> Answer:
    """Signed in, signed in before, or not, each in words; a stranger's form of address is never shown."""
    place = result.place
    kind = "new" if result.is_new else "again" if result.is_in else "out"
    secret = next((secret for code, secret in reversed(kept) if code == place.activity_code), "")
    people = words.people_of if result.here > result.headcount else words.people
    values = {
        "time": clock(result.first_at), "message": words.say(result.message) if kind == "out" else "",
        "people": people % {"n": result.headcount, "all": result.here}, "name": result.name if is_own else "",
        "label": place.label, "day": day(place.starts_at), "clock": clock_span(place.starts_at, place.ends_at),
        "title": place.title, "ticket": f"/t/{secret}" if secret else "", "about": f"/a/{place.activity_code}",
        "door": f"/s/{place.session_code}", "grant": form.get("grant", "")[:300],
        # A retry does not say whether it is a party's; its form does.
        "party": "1" if result.is_party or "count_as" in form else "",
        "desk": "" if result.outcome == Outcome.ACTIVITY_CLOSED.value else "1",
    }  # fmt: skip
    return Answer(kind, 422 if kind == "out" else 200, values)


def result_page(result: Result, form: Mapping[str, str], *, is_own: bool) -> Response:
    """The answer's page inside a request of Flask's."""
    kept = list(reversed(mine.all_tickets()))
    answer = answer_of(result, Words.now(), form, is_own=is_own, kept=kept)
    return render_filled(TEMPLATE, answer.values, status=answer.status, kind=answer.kind)
