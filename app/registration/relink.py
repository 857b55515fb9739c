"""A lost link: the phone's last four and six digits from the desk give a new one; never a list of who registered."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from app.activities.models import Activity
from app.audit.log import record
from app.kernel.actor import PARTICIPANT
from app.kernel.errors import Problem, RuleBroken
from app.kernel.keys import KeyRing
from app.kernel.tokens import digest, mac_digits, random_secret, same
from app.registration.indexes import ticket_code, ticket_code_index
from app.registration.models import Registration
from app.registration.queries import find_by_phone_tail

SLOT_SECONDS = 15 * 60


def desk_code(keys: KeyRing, registration_code: str, now: datetime) -> str:
    """Six digits that the desk tells the one in front of it; they hold for a quarter of an hour to half an hour."""
    return mac_digits(keys.codes, "relink", registration_code, str(int(now.timestamp()) // SLOT_SECONDS))


def _holds(keys: KeyRing, registration_code: str, digits: str, now: datetime) -> bool:
    slot = int(now.timestamp()) // SLOT_SECONDS
    found = [same(mac_digits(keys.codes, "relink", registration_code, str(s)), digits) for s in (slot, slot - 1)]
    return any(found)


def give_new_link(
    session: Session, activity: Activity, *, tail: str, digits: str, keys: KeyRing, now: datetime
) -> tuple[Registration, str]:
    """The registration and its new secret; the old link and its 8-character code die. Raises RuleBroken, always alike."""
    for registration in find_by_phone_tail(session, activity.id, activity.code, tail, keys=keys):
        if _holds(keys, registration.code, digits, now):
            secret = random_secret()
            registration.secret_hash = digest(secret)
            registration.ticket_code_index = ticket_code_index(keys, activity.code, ticket_code(keys, secret))
            record(
                session, "registration.relinked", actor=PARTICIPANT, object_type="registration",
                object_code=registration.code, now=now,
            )  # fmt: skip
            session.flush()
            return registration, secret
    words = "尾号和短码对不上，没有给新链接。请核对手机后4位，和签到台现在告诉您的6位数字。"
    raise RuleBroken(Problem("no_match", words, field="digits"))
