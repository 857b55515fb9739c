"""Secrets, ticket codes and blind indexes: what the database keeps instead of the values."""

from __future__ import annotations

from app.kernel.keys import KeyRing
from app.kernel.tokens import mac_code, mac_text


def ticket_secret(keys: KeyRing, activity_code: str, browser: str, submission: str) -> str:
    """The secret of a ticket (132 bits), computed from the form's own random id and this browser's.

    So a second submit of the same form finds its ticket again, while the database holds only a hash.
    """
    return mac_text(keys.codes, "secret", activity_code, browser, submission)


def ticket_code(keys: KeyRing, secret: str) -> str:
    """Eight characters to read aloud at the desk, derived from the secret."""
    return mac_code(keys.codes, "ticket", secret)


def ticket_code_index(keys: KeyRing, activity_code: str, code: str) -> str:
    """Blind index of a ticket code within its activity."""
    return keys.blind("ticket", activity_code, code)


def tail_index(keys: KeyRing, activity_code: str, tail: str) -> str:
    """Blind index of a phone's last four digits within its activity."""
    return keys.blind("tail", activity_code, tail)


PHONE_SLOTS = 12  # children of one guardian, or sendings of one teacher, under one phone in one activity


def phone_index(keys: KeyRing, activity_code: str, phone: str, slot: int = 0) -> str:
    """Blind index salted per activity: nothing joins one person across activities.

    One phone stands once, but for siblings and for a teacher's further classes: each of these has a slot of its own.
    """
    return keys.blind("phone", activity_code, phone, *([str(slot)] if slot else []))


def browser_index(keys: KeyRing, activity_code: str, browser: str) -> str:
    """Blind index of a browser's random token within its activity."""
    return keys.blind("browser", activity_code, browser)


def submission_index(keys: KeyRing, activity_code: str, browser: str, submission: str) -> str:
    """Blind index of one form in one browser: a copied or cached page never opens another's ticket."""
    return keys.blind("submission", activity_code, browser, submission)


def invitation_key(keys: KeyRing, activity_code: str, unit_code: str) -> str:
    """The key in the invitation link of one unit (132 bits); nothing of it is stored."""
    return mac_text(keys.codes, "invitation", activity_code, unit_code)
