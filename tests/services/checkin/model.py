"""What must come out of a day at the gate, computed from the truth alone: no database, no code of the product."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.services.checkin.histories import UNDO, Day, Truth


@dataclass
class Expected:
    """People and first time by ticket (or by walk-in's event), and what is held."""

    here: dict[str, tuple[int, float]] = field(default_factory=dict)
    held: dict[str, str] = field(default_factory=dict)


def reason_of(day: Day, truth: Truth) -> str | None:
    """Why a scan does not count by itself."""
    ticket = truth.scan.ticket
    if truth.phone.revoked is not None and truth.phone.revoked <= truth.received:
        return "revoked"
    if not truth.possible:
        return "impossible_time"
    if ticket in day.cancelled and day.cancelled[ticket] <= truth.at:
        return "cancelled"
    if ticket == day.waiting.secret_hash:  # who saw the red of it sent the person to the desk
        return "refused" if truth.let_in else "red"
    return None


def undo_of(day: Day, scan: Truth, *, by_ticket: bool) -> bool:
    """Whether the phone that made the scan took it back: the scan itself, or its ticket at that moment or later."""
    for undo in day.truths.values():
        if undo.scan.kind != "undo" or undo.phone is not scan.phone or not undo.at:
            continue
        target = day.truths[str(undo.scan.refers_to)]
        is_valid = (
            undo.possible
            and undo.at - target.at <= UNDO
            and not (undo.phone.revoked is not None and undo.phone.revoked <= undo.received)
        )
        if not is_valid:
            continue
        same = by_ticket and target.scan.ticket == scan.scan.ticket and max(undo.at, target.at) >= scan.at
        if target is scan or same:
            return True
    return False


def expected(day: Day) -> Expected:
    """The state after everything arrived."""
    found = Expected()
    scans = [truth for truth in day.truths.values() if truth.scan.kind == "arrival" and truth.at]
    for truth in scans:
        is_party = truth.scan.ticket == day.party.secret_hash
        alone = is_party or truth.scan.walk_in
        if undo_of(day, truth, by_ticket=not alone):
            continue
        why = reason_of(day, truth)
        if why is not None and truth.scan.uid not in day.decided:
            if why != "red":
                found.held[truth.scan.uid] = why
            continue
        key = truth.scan.uid if truth.scan.walk_in else str(truth.scan.ticket)
        people = truth.scan.people if alone else day.tickets.get(key, day.waiting).headcount
        before = found.here.get(key)
        if before is None:
            found.here[key] = (int(people or 0), truth.at)
        else:
            found.here[key] = (before[0] + int(people or 0) if is_party else before[0], min(before[1], truth.at))
    return found
