"""What comes in by a form, a desk or a file, and what it comes down to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.activities.models import ActivitySession
from app.kernel.actor import PARTICIPANT, Actor
from app.kernel.errors import Conflict, Problem, RuleBroken
from app.registration.models import Registration, RegistrationKind
from app.registration.rules import ClassEntry


@dataclass(frozen=True, slots=True)
class Entry:
    """One submitted form. `submission` is the form's own random id: a second submit from the same
    browser is the same registration; empty means that each submit is a new one.

    `browser` is this browser's random token, empty at the desk. `answers`: what was typed, by the question's code.
    """

    session_code: str | None
    name: str
    adults: int
    children: int
    phone: str
    consent: bool
    submission: str
    browser: str
    email: str = ""
    unit_id: int | None = None
    answers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    from_unit: str | None = (
        None  # as chosen where units have quotas: a unit's code or OTHER_UNIT; None: nobody was asked
    )


@dataclass(frozen=True, slots=True)
class PartyEntry:
    """Classes of one school, with one contact; no child's name has a place here."""

    session_code: str | None
    unit_id: int
    classes: tuple[ClassEntry, ...]
    name: str
    phone: str
    consent: bool
    submission: str
    browser: str
    email: str = ""
    is_invited: bool = False  # came by the unit's own link


@dataclass(frozen=True, slots=True)
class Registered:
    """The registration, and the secret of its ticket where this form made it (now or a moment ago).

    `secret` is empty when the same browser registered the same phone with another form.
    """

    registration: Registration
    secret: str
    created: bool


@dataclass(frozen=True, slots=True)
class Seat:
    """What every kind of entry comes down to."""

    kind: RegistrationKind
    adults: int
    children: int
    unit_id: int | None
    consent_version: str
    answers: dict[str, Any] | None
    classes: tuple[ClassEntry, ...] = ()
    is_minor: bool = False
    phone_slot: int = 0  # of a sibling, or a teacher's further classes


class PhoneTaken(Conflict):
    """Another browser registered this phone: neither ticket nor change is given away."""


class ClassesKnown(RuleBroken):
    """Some of these classes are registered already, by this phone; `secret_hashes` are of their tickets."""

    def __init__(self, problems: list[Problem], secret_hashes: Sequence[str]) -> None:
        super().__init__(problems)
        self.secret_hashes = tuple(secret_hashes)


@dataclass(frozen=True, slots=True)
class Wish:
    """An entry, when it was sent and by whom."""

    entry: Entry
    now: datetime
    actor: Actor = PARTICIPANT


@dataclass(frozen=True, slots=True)
class Candidate:
    """An entry that breaks no rule; it gets a place or a rank."""

    entry: Entry | PartyEntry
    seat: Seat
    chosen: ActivitySession | None
    now: datetime
    actor: Actor
