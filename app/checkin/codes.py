"""Live, venue and printed codes, and the stateless grant; every one is a MAC, none is stored."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from app.kernel.keys import KeyRing
from app.kernel.tokens import mac_digits, mac_text, same

STEP_SECONDS = 20  # domain.md: the live code changes every 20 s, this and the previous step hold
GRANT_SECONDS = 120
SKEW_SECONDS = 120  # the clocks of two server processes may differ by so much; further ahead, one of them is wrong
AHEAD = 4  # steps the screen fetches in advance, so that a lost minute does not blank it
SCREEN_SECONDS = 600


def step_of(now: datetime) -> int:
    """The number of the 20-second step."""
    return int(now.timestamp()) // STEP_SECONDS


def live_key(keys: KeyRing, session_code: str, step: int) -> str:
    """The key in the venue's QR; 132 bits."""
    return mac_text(keys.codes, "live", session_code, str(step))


def venue_digits(keys: KeyRing, session_code: str, step: int) -> str:
    """Six digits beside the QR, for those without a camera."""
    return mac_digits(keys.codes, "venue", session_code, str(step))


def live_key_holds(keys: KeyRing, session_code: str, key: str, now: datetime) -> bool:
    """Whether the key is of this step or the one before."""
    step = step_of(now)
    # Both are always compared, so that the answer takes the same time.
    found = [same(live_key(keys, session_code, s), key) for s in (step, step - 1)]
    return any(found)


def venue_digits_hold(keys: KeyRing, session_code: str, digits: str, now: datetime) -> bool:
    """Whether the six digits are of this step or the one before."""
    step = step_of(now)
    found = [same(venue_digits(keys, session_code, s), digits) for s in (step, step - 1)]
    return any(found)


def printed_key(keys: KeyRing, session_code: str, version: int) -> str:
    """The key of a printed code; revoked by raising the activity's version."""
    return mac_text(keys.codes, "printed", session_code, str(version))


def screen_code(keys: KeyRing, session_code: str, now: datetime) -> str:
    """Six digits of the console that open the venue screen on any TV; good for ten minutes."""
    return mac_digits(keys.codes, "screen", session_code, str(int(now.timestamp()) // SCREEN_SECONDS))


def screen_code_holds(keys: KeyRing, session_code: str, digits: str, now: datetime) -> bool:
    """This ten minutes' code or the one before."""
    slot = int(now.timestamp()) // SCREEN_SECONDS
    found = [same(mac_digits(keys.codes, "screen", session_code, str(s)), digits) for s in (slot, slot - 1)]
    return any(found)


@dataclass(frozen=True, slots=True)
class Grant:
    """Permission to check in once: which session of which activity, by which door, until when; `uid` is its nonce."""

    session_code: str
    activity_code: str
    method: str
    expires_at: datetime
    uid: str

    def holds(self, now: datetime) -> bool:
        """Whether it may be used. Also not when its end is too far ahead: a clock that jumped back lengthens nothing."""
        return now < self.expires_at <= now + timedelta(seconds=GRANT_SECONDS + SKEW_SECONDS)


def make_grant(
    keys: KeyRing, *, session_code: str, activity_code: str, method: str, browser: str, now: datetime
) -> str:  # fmt: skip
    """A signed text bound to this browser's cookie; making it writes nothing."""
    ends = now + timedelta(seconds=GRANT_SECONDS)
    return _write_grant(keys, Grant(session_code, activity_code, method, ends, secrets.token_urlsafe(16)), browser)


def renew_grant(keys: KeyRing, grant: Grant, *, browser: str) -> str:
    """The same permission after an event took its nonce and counted nobody. It ends when the first one does.

    One grant has one successor, so that sending the same form again opens no further ways to count.
    """
    return _write_grant(keys, replace(grant, uid=mac_text(keys.codes, "again", grant.uid)), browser)


def _write_grant(keys: KeyRing, grant: Grant, browser: str) -> str:
    ends = str(int(grant.expires_at.timestamp()))
    said = (grant.session_code, grant.activity_code, grant.method, ends, grant.uid)
    return ".".join((*said, mac_text(keys.codes, "grant", *said, browser)))


def read_grant(keys: KeyRing, text: str, *, browser: str) -> Grant | None:
    """The grant if it is ours and this browser's; the caller asks whether it `holds`. None otherwise."""
    parts = text.split(".")
    if len(parts) != 6 or not parts[3].isascii() or not parts[3].isdigit() or len(parts[3]) > 12:
        return None
    *said, signature = parts
    if not same(mac_text(keys.codes, "grant", *said, browser), signature):
        return None
    session_code, activity_code, method, expiry, nonce = said
    return Grant(session_code, activity_code, method, datetime.fromtimestamp(int(expiry), tz=UTC), nonce)
