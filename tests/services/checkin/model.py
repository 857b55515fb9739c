"""What must come out of a day at the gate, computed from the truth alone: no database, no code of the product."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.services.checkin.histories import UNDO, Day, Truth


@dataclass
class Expected:
    """People and first time by ticket (or by walk-in's event), and what is held."""

    here: dict[str, tuple[int, float]] = field(default_factory=dict)
    held: dict[str, str] = field(default_factory=dict)


def reason_of(day: Day, truth: Truth) -> str | None:
    """Why a scan does not count by itself."""
    ticket = day.ticket_of(truth.scan)
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
    """Whether the phone that made the scan took it back: the scan itself, or its ticket later on."""
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
        is_later = undo.scan.counter > scan.scan.counter  # in the life of the phone, whatever its clocks said
        same = by_ticket and day.ticket_of(target.scan) == day.ticket_of(scan.scan) and is_later
        if target is scan or same:
            return True
    return False


def expected(day: Day) -> Expected:
    """The state after everything arrived."""
    found = Expected()
    scans = [truth for truth in day.truths.values() if truth.scan.kind == "arrival" and truth.at]
    gone = {what for kind, what in day.log if kind == "taken back"}
    for truth in scans:
        if day.ticket_of(truth.scan) == day.party.secret_hash or truth.scan.uid in gone:
            continue
        if undo_of(day, truth, by_ticket=not truth.scan.walk_in):
            continue
        why = reason_of(day, truth)
        if why is not None and truth.scan.uid not in day.decided:
            if why != "red":
                found.held[truth.scan.uid] = why
            continue
        key = truth.scan.uid if truth.scan.walk_in else day.ticket_of(truth.scan)
        people = truth.scan.people if truth.scan.walk_in else day.tickets.get(key, day.waiting).headcount
        before = found.here.get(key)
        found.here[key] = (int(people or 0), truth.at if before is None else min(before[1], truth.at))
    for ticket, at in day.presses:  # no helper's undo reaches who came through another door
        if day.cancelled.get(ticket, at + 1) > at:
            before = found.here.get(ticket)
            found.here[ticket] = (day.tickets[ticket].headcount, at if before is None else min(before[1], at))
    _class_of(day, found)
    return found


@dataclass
class _Number:
    """A number of the class that counts: when it happened, whether it stands for all."""

    at: float
    people: int
    is_whole: bool
    is_undone: bool = False


def _class_of(day: Day, found: Expected) -> None:
    """The class, by what reached the server and in that order: only so is it known who was counted before."""
    book = _Book(day, found.held)
    for kind, what in day.log:
        book.enter(kind, what)
    standing = [number for number in book.numbers.values() if not number.is_undone]
    people = 0
    for number in sorted(standing, key=lambda number: round(number.at, 3)):
        people = number.people if number.is_whole else people + number.people
    if standing:
        found.here[str(day.party.secret_hash)] = (people, min(number.at for number in standing))


class _Book:
    """Who was counted of the class so far."""

    def __init__(self, day: Day, held: dict[str, str]) -> None:
        self.day, self.held = day, held
        self.numbers: dict[str, _Number] = {}
        self.settled: set[str] = set()  # what the organizer let count

    @property
    def is_here(self) -> bool:
        return any(not number.is_undone for number in self.numbers.values())

    def enter(self, kind: str, what: Any) -> None:
        """One thing that reached the server."""
        if kind == "own":
            uid, at, people, way = what
            if not self.was_cancelled(at):
                self.count(uid, at, people, way)
        elif kind == "confirm" and self.is_here:
            self.count(*what, "whole")
        elif kind == "decided":
            uid, people, is_whole = what
            if self.held.pop(uid, None) is not None:
                self.settled.add(uid)
                self.count(f"held:{uid}", self.day.truths[uid].at, people, "whole" if is_whole else "part")
        elif kind == "taken back":
            self.undo(what)
        elif kind == "scan":
            self.take(self.day.truths[what])

    def was_cancelled(self, at: float) -> bool:
        return self.day.cancelled.get(str(self.day.party.secret_hash), at + 1) <= at

    def count(self, uid: str, at: float, people: int, way: str) -> bool:
        """Whether it counts: nobody is assumed, and a first number never adds to another's."""
        if not people or (way == "first" and self.is_here):
            return False
        self.numbers[uid] = _Number(at, people, way == "whole")
        return True

    def undo(self, uid: str) -> None:
        if uid in self.numbers:
            self.numbers[uid].is_undone = True

    def take(self, truth: Truth) -> None:
        scan, day = truth.scan, self.day
        if scan.kind == "undo":
            target = day.truths[str(scan.refers_to)]
            if day.ticket_of(target.scan) == day.party.secret_hash and target.at and _reaches(truth, target):
                self._take_back(target)
            return
        if day.ticket_of(scan) != day.party.secret_hash:
            return
        why = "revoked" if scan.refers_to in self.settled else reason_of(day, truth)
        if why is None and not self.count(scan.uid, truth.at, scan.people or 0, scan.count_as):
            why = "refused"
        if why is not None:
            self.held[scan.uid] = why
        self.held.pop(str(scan.refers_to), None)
        before = [what for kind, what in day.log[: day.log.index(("scan", scan.uid))] if kind == "scan"]
        undos = [day.truths[uid] for uid in before if day.truths[uid].scan.refers_to == scan.uid]
        if any(undo.scan.kind == "undo" and _reaches(undo, truth) for undo in undos):
            self._take_back(truth)

    def _take_back(self, truth: Truth) -> None:
        uid = truth.scan.uid
        self.undo(uid)
        self.undo(f"held:{uid}")
        self.held.pop(uid, None)


def _reaches(undo: Truth, target: Truth) -> bool:
    is_revoked = undo.phone.revoked is not None and undo.phone.revoked <= undo.received
    return undo.phone is target.phone and undo.possible and not is_revoked and undo.at - target.at <= UNDO
