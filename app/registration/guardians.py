"""A named minor takes part only with a guardian's consent on record: on the guardian's phone, on paper, or by the school.

domain.md, Children first: no consent, no name. Until then the registration holds a place and nothing of the child.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.activities.models import Activity, ActivitySession, ActivityState
from app.audit.log import record
from app.kernel.actor import PARTICIPANT, SYSTEM, Actor
from app.kernel.errors import Conflict, NotFound, Problem, RuleBroken, raise_if_blocked
from app.kernel.keys import KeyRing
from app.kernel.text import normalise_phone, one_line
from app.kernel.tokens import digest, random_secret
from app.registration.entering import Entry, Registered, Seat, check_open, choose, chosen_unit, enter
from app.registration.indexes import phone_index, tail_index, ticket_code, ticket_code_index
from app.registration.known import free_slot, known_child, marks_of, read_standing, submission_for
from app.registration.mail import put_letter
from app.registration.models import (
    ConsentWay,
    GuardianConsent,
    MailKind,
    PersonalDetail,
    Registration,
    RegistrationKind,
    RegistrationState,
)
from app.registration.places import (
    HELD,
    guardian_until,
    key_of,
    pool_of,
    promote_waiting,
    read_pools,
    use_hold,
    with_places,
)
from app.registration.rules import GUARDIAN_CONSENT_VERSION, minor_problems

LINK_LASTS = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class MinorEntry:
    """A child's form of address and the guardian who consents. `paper_sha256` names the photo of a signed form."""

    session_code: str | None
    name: str
    given_as: str
    phone: str
    consent: bool
    way: ConsentWay
    submission: str = ""
    browser: str = ""
    paper_sha256: str = ""
    recorded_by_id: int | None = None
    email: str = ""
    from_unit: str | None = None  # as in `Entry`


def register_minor(
    session: Session, activity: Activity, entry: MinorEntry, *, keys: KeyRing, now: datetime, actor: Actor = PARTICIPANT
) -> Registered:
    """One child with its guardian's consent, given here and now or declared by staff; a sibling is a registration too.

    Raises RuleBroken with every problem found; PhoneTaken where another browser holds the guardian's phone.
    """
    plain = Entry(
        entry.session_code, entry.name, 0, 1, entry.phone, entry.consent,
        submission_for(entry.submission, entry.name), entry.browser, entry.email,
    )  # fmt: skip
    with with_places(session, key_of(activity)) as locked:
        marks = marks_of(locked, plain, keys)
        standing = read_standing(session, locked, [marks])
        again = known_child(session, locked, standing, plain, marks, keys=keys, is_trusted=actor.is_user)
        if again is not None:
            return again
        check_open(locked, now)
        _check_named(locked)
        problems = minor_problems(entry.name, entry.given_as, entry.phone, consent=entry.consent, email=entry.email)
        if entry.way is ConsentWay.PAPER and not entry.paper_sha256:
            problems.append(Problem("paper", "请拍一张签好的同意书。", field="paper"))
        chosen = choose(locked, entry.session_code, now, problems)
        unit_id = None if entry.from_unit is None else chosen_unit(session, locked, entry.from_unit, problems)
        raise_if_blocked(problems)
        seat = Seat(
            RegistrationKind.INDIVIDUAL, 0, 1, unit_id, GUARDIAN_CONSENT_VERSION, None, is_minor=True,
            phone_slot=free_slot(standing, marks),
        )  # fmt: skip
        made = enter(session, locked, plain, seat, chosen, keys=keys, now=now, actor=actor)
        session.add(
            GuardianConsent(
                registration_id=made.registration.id, way=entry.way.value, text_version=GUARDIAN_CONSENT_VERSION,
                asked_at=now, given_at=now, given_as=entry.given_as, paper_sha256=entry.paper_sha256 or None,
                recorded_by_id=entry.recorded_by_id,
            )
        )  # fmt: skip
        _log_consent(session, made.registration, entry.way, actor=actor, now=now)
        return made


def _check_named(activity: Activity) -> None:
    if not activity.names_minors:
        raise Conflict("no_names", "这场活动不登记未成年人姓名，没有保存。孩子按人数报名就行。")


def _log_consent(session: Session, registration: Registration, way: ConsentWay, *, actor: Actor, now: datetime) -> None:
    record(
        session, "consent.given", actor=actor, object_type="registration", object_code=registration.code, now=now,
        payload={"kind": way.value, "version": GUARDIAN_CONSENT_VERSION},
    )  # fmt: skip


def ask_guardian(
    session: Session, activity: Activity, *, session_code: str | None, keys: KeyRing, actor: Actor, now: datetime,
    from_unit: str | None = None,
) -> tuple[Registration, str]:  # fmt: skip
    """Keep a place for a child without a name, and a one-time link for its guardian; returns the link's secret."""
    with with_places(session, key_of(activity)) as locked:
        check_open(locked, now)
        _check_named(locked)
        problems: list[Problem] = []
        chosen = choose(locked, session_code, now, problems)
        unit_id = None if from_unit is None else chosen_unit(session, locked, from_unit, problems)
        raise_if_blocked(problems)
        seat = Seat(RegistrationKind.INDIVIDUAL, 0, 1, unit_id, "", None, is_minor=True)
        made = enter(
            session, locked, Entry(None, "", 0, 1, "", False, "", ""), seat, chosen, keys=keys, now=now, actor=actor
        )
        secret = random_secret()
        session.add(
            GuardianConsent(
                registration_id=made.registration.id, way=ConsentWay.LINK.value, text_version=GUARDIAN_CONSENT_VERSION,
                secret_hash=digest(secret), asked_at=now, expires_at=_lasts(locked, made.registration, now),
            )
        )  # fmt: skip
        record(
            session,
            "consent.asked",
            actor=actor,
            object_type="registration",
            object_code=made.registration.code,
            now=now,
        )
        session.flush()
        return made.registration, secret


def _lasts(activity: Activity, registration: Registration, now: datetime) -> datetime:
    """A place waits as long as the organizer set; a link in the line keeps nobody from anything, until the end."""
    if registration.state in HELD:
        return guardian_until(activity, registration.session_id, now=now)
    chosen = next((s for s in activity.sessions if s.id == registration.session_id), activity)
    return chosen.ends_at or now + LINK_LASTS


def answer_deadline(session: Session, registration: Registration) -> datetime:
    """Until when this registration's link holds."""
    return session.scalars(
        select(GuardianConsent.expires_at).where(
            GuardianConsent.registration_id == registration.id, GuardianConsent.expires_at.is_not(None)
        )
    ).one()  # type: ignore[return-value] # not null by the condition


def expire_unanswered(session: Session, *, now: datetime) -> int:
    """Places whose guardian never answered go on to the next in line; returns how many. Run by the worker."""
    due = session.execute(
        select(Registration.activity_id, Registration.id)
        .join(GuardianConsent, GuardianConsent.registration_id == Registration.id)
        .where(
            GuardianConsent.given_at.is_(None), GuardianConsent.expires_at <= now, Registration.state.in_(HELD),
            Registration.is_minor,
        )
        .order_by(Registration.activity_id, Registration.id)
    ).all()  # fmt: skip
    for activity_id, registration_id in due:
        with with_places(session, activity_id) as activity:
            _expire(session, activity, registration_id, now)
    return len(due)


def _expire(session: Session, activity: Activity, registration_id: int, now: datetime) -> None:
    registration = session.get_one(Registration, registration_id, populate_existing=True)
    asked = session.scalars(
        select(GuardianConsent)
        .where(GuardianConsent.registration_id == registration_id)
        .execution_options(populate_existing=True)
    ).one()
    if registration.state not in HELD or asked.given_at is not None:  # the guardian was faster
        return
    registration.state, registration.cancelled_at = RegistrationState.CANCELLED.value, now
    asked.secret_hash = None
    put_letter(session, activity, registration, MailKind.CANCELLED, now=now)
    record(
        session, "consent.expired", actor=SYSTEM, object_type="registration", object_code=registration.code, now=now,
        payload={"headcount": registration.headcount},
    )  # fmt: skip
    promote_waiting(session, activity, now=now)


def find_asked(session: Session, secret: str, *, now: datetime) -> tuple[GuardianConsent, Registration]:
    """What a guardian is asked for. Raises NotFound for a used, expired, cancelled or unknown link alike.

    Where the activity is cancelled or over, no name is asked for any more.
    """
    row = session.execute(
        select(GuardianConsent, Registration)
        .join(Registration, Registration.id == GuardianConsent.registration_id)
        .join(Activity, Activity.id == Registration.activity_id)
        .outerjoin(ActivitySession, ActivitySession.id == Registration.session_id)
        .where(
            Activity.state == ActivityState.PUBLISHED.value,
            func.coalesce(ActivitySession.ends_at, Activity.ends_at) > now,
            GuardianConsent.secret_hash == digest(secret), GuardianConsent.given_at.is_(None),
            GuardianConsent.expires_at > now, Registration.state != RegistrationState.CANCELLED.value,
        )
    ).first()  # fmt: skip
    if row is None:
        raise NotFound("这个同意链接用过了、过期了，或者活动已取消、已结束。还要参加，请联系主办单位。")
    return row[0], row[1]


def give_consent(
    session: Session,
    secret: str,
    *,
    name: str,
    given_as: str,
    phone: str,
    consent: bool,
    keys: KeyRing,
    now: datetime,
    email: str = "",
    from_unit: str | None = None,
) -> tuple[Registration, str]:
    """The guardian consents on the own phone; only now a name is stored. Returns the ticket's secret."""
    asked, found = find_asked(session, secret, now=now)
    with with_places(session, found.activity_id) as activity:
        asked, registration = find_asked(session, secret, now=now)
        email = email if activity.sends_mail else ""
        problems = minor_problems(name, given_as, phone, consent=consent, email=email)
        number = normalise_phone(phone)
        plain = Entry(None, name, 0, 1, phone, consent, "", "")
        marks = marks_of(activity, plain, keys)
        standing = read_standing(session, activity, [marks])
        if known_child(session, activity, standing, plain, marks, keys=keys, is_trusted=True) is not None:
            words = "这个手机号已经为这个孩子报过名了，没有重复报名。另一个孩子请写另一个称呼，不清楚请联系主办单位。"
            problems.append(Problem("phone_taken", words, field="phone"))
        unit_id = registration.unit_id if from_unit is None else chosen_unit(session, activity, from_unit, problems)
        raise_if_blocked(problems)
        assert number is not None
        if unit_id != registration.unit_id:
            _count_for(session, activity, registration, unit_id, now)
        ticket = _give_ticket(activity, registration, number, free_slot(standing, marks), keys)
        registration.consent_version, registration.consented_at = GUARDIAN_CONSENT_VERSION, now
        _keep_child(session, registration, name=name, phone=number, email=email, keys=keys)
        _answer_offer(activity, registration)
        asked.given_at, asked.given_as, asked.secret_hash = now, given_as, None
        _log_consent(session, registration, ConsentWay.LINK, actor=PARTICIPANT, now=now)
        kind = MailKind.CONFIRMED if registration.state in HELD else MailKind.WAITLISTED
        put_letter(session, activity, registration, kind, now=now)
        return registration, ticket


def _give_ticket(activity: Activity, registration: Registration, phone: str, slot: int, keys: KeyRing) -> str:
    """The secret of the ticket that the child's place gets now."""
    secret, code = random_secret(), activity.code
    registration.secret_hash = digest(secret)
    registration.ticket_code_index = ticket_code_index(keys, code, ticket_code(keys, secret))
    registration.phone_index = phone_index(keys, code, phone, slot)
    registration.tail_index = tail_index(keys, code, phone[-4:])
    return secret


def _answer_offer(activity: Activity, registration: Registration) -> None:
    """Consent is the answer that an offered place waited for."""
    if registration.offered_until is None:
        return
    state = RegistrationState.PENDING if activity.needs_approval else RegistrationState.CONFIRMED
    registration.offered_until, registration.state = None, state.value


def _count_for(
    session: Session, activity: Activity, registration: Registration, unit_id: int | None, now: datetime
) -> None:
    """The place or the rank counts for the unit that the guardian named, as if it had been known from the start."""
    pool = pool_of(activity, registration.session_id)
    if registration.state in HELD:
        left = read_pools(session, activity)[pool].room.quota_left(unit_id)
        if left is not None and left < registration.headcount:
            words = "这个单位的名额满了，没有保存。不是这个单位的请重选，或联系主办单位。"
            raise RuleBroken(Problem("unit_full", words, field="unit"))
        use_hold(session, activity, pool, unit_id, registration.headcount)
    registration.unit_id = unit_id
    promote_waiting(session, activity, now=now)


def _keep_child(
    session: Session, registration: Registration, *, name: str, phone: str, email: str, keys: KeyRing
) -> None:
    detail = session.get_one(PersonalDetail, registration.id)
    detail.name = one_line(name)
    detail.phone = keys.encrypt(phone, context=f"phone:{registration.code}")
    if one_line(email):
        detail.email = keys.encrypt(one_line(email), context=f"email:{registration.code}")
