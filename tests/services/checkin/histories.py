"""Random days at a gate: phones that lose answers, lie about time and take back, and a model of what must come out."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select

from app.checkin.answers import Answer
from app.checkin.clocks import Sent
from app.checkin.corrections import confirm_party, undo_check_in
from app.checkin.deciding import count_held, resolve_unknown
from app.checkin.devices import pair_device
from app.checkin.held import list_held
from app.checkin.models import CheckInEvent, DeviceGrant, HeldScan, HeldState, Method
from app.checkin.offline import Handed, Scan, take_scan
from app.checkin.queries import undone_uids
from app.checkin.rules import CountAs
from app.checkin.service import Arrival, check_in
from app.kernel.actor import ANONYMOUS
from app.kernel.errors import Conflict
from app.kernel.tokens import digest
from app.registration.entering import Entry, register
from app.registration.indexes import ticket_code, ticket_secret
from app.registration.models import Registration, RegistrationKind, RegistrationState
from tests.factories import NOW
from tests.services.checkin.stage import STAFF, Stage

SLACK, UNDO, SHOWN = 120.0, 150.0, 1.2  # seconds; of the product's promise, written down apart from its code
Take = Callable[..., Answer]
WAYS = (CountAs.FIRST, CountAs.FIRST, CountAs.PART, CountAs.WHOLE)


@dataclass
class Phone:
    """A phone with clocks of its own: `error` is how wrong its wall clock is, uptime counts from `booted`."""

    grant: DeviceGrant
    error: float
    booted: float
    life: int = 0
    counter: int = 0
    queue: list[Scan] = field(default_factory=list)
    revoked: float | None = None


@dataclass
class Truth:
    """One event as the model knows it: what is claimed, and against which errors it will be corrected."""

    scan: Scan
    phone: Phone
    true_at: float
    error: float
    life: int
    at: float = 0.0
    received: float = 0.0  # the first time
    possible: bool = True
    known: bool = True  # the ticket, when it was received
    let_in: bool = False  # on amber, before it was sent


class Day:
    """One history: actions at random moments, then everything is sent, then all of it once more."""

    def __init__(
        self, stage: Stage, seed: int, take: Take = take_scan, *, in_line: float = 0.1, odd: float = 0.15
    ) -> None:
        self.s, self.rng, self.take = stage, random.Random(seed), take
        self.dice, self.in_line = random.Random(-seed - 1), in_line  # apart, so that older seeds stay what they were
        self.odd = odd  # how often something happens that seldom does
        self.t = 0.0
        self.tickets: dict[str, Registration] = {}
        self.cancelled: dict[str, float] = {}
        self.truths: dict[str, Truth] = {}
        self.sent: list[tuple[Phone, list[Scan], float, float, int]] = []
        self.decided: set[str] = set()
        self.log: list[tuple[str, Any]] = []  # what reached the server, in that order
        self.asked: dict[str, str] = {}  # scans that a phone was asked about, and what
        self.own: list[tuple[Arrival, datetime]] = []
        self.presses: list[tuple[str, float]] = []  # (ticket, when): through a door that is no helper's phone
        self.number = seed * 1000
        for people in (1, 3, 2):
            registration = stage.enrol(people)
            self.tickets[str(registration.secret_hash)] = registration
        self.party = stage.enrol(5)
        self.party.kind = RegistrationKind.PARTY.value
        self.tickets[str(self.party.secret_hash)] = self.party
        self.waiting = stage.enrol(2)
        self.waiting.state = RegistrationState.PENDING.value  # refused as a waitlisted one, and nobody stands behind it
        self.codes = {ticket_code(stage.keys, done.secret): str(done.registration.secret_hash) for done in stage.people}
        self.late = digest(ticket_secret(stage.keys, stage.activity.code, f"b{seed}", f"f{seed}"))
        self.seed, self.late_known = seed, False
        self.phones = [self._pair() for _ in range(self.rng.randint(2, 4))]

    def _pair(self) -> Phone:
        grant, _secret = pair_device(
            self.s.session, session_code=self.s.row.code, all_sessions=False, label="", actor=ANONYMOUS, now=self.now()
        )
        error = self.rng.choice((0.0, 0.0, 90.0, -300.0, 86_400.0, -3600.0))
        return Phone(grant, error, booted=-float(self.rng.randint(10, 10_000)))

    def now(self):
        return NOW + timedelta(seconds=self.t)

    def walk(self, steps: int, *, hands_over: bool = False) -> None:
        """The day itself; at its end the rest is sent, or handed over as a file."""
        moves = [self.scan] * 7 + [self.undo] * 2 + [self.sync] * 3
        moves += [self.walk_in, self.restart, self.world, self.teacher, self.staff]
        for _ in range(steps):
            self.t += self.rng.randint(1, 55)
            self.rng.choice(moves)()
            if self.dice.random() < self.odd:
                self.dice.choice([self.let_in, self.press, self.press_between, self.again])()
        for phone in self.phones:
            self.t += 1
            if hands_over:
                self.hand_over(phone)
            while phone.queue:
                self.sync(phone, loses=False)
        self.roster()

    def hand_over(self, phone: Phone) -> None:
        """What still waits becomes a file, sealed by the phone; somebody reads it in ten minutes later."""
        made, batch = self.t, phone.queue
        wall, mono = NOW.timestamp() + made + phone.error, (made - phone.booted) * 1000.0
        for scan in batch:
            if not self.truths[scan.uid].at:
                self._correct(self.truths[scan.uid], phone, phone.life)
                self.truths[scan.uid].let_in = True
        self.t += 600
        sent = Sent(round(wall * 1000), mono, f"{id(phone)}-{phone.life}")
        handed = Handed(NOW + timedelta(seconds=made), is_sealed=True)
        for scan in batch:
            self._give(phone, scan, sent=sent, handed=handed)
        self.sent.append((phone, batch, wall, mono, phone.life))
        phone.queue = []

    def _event(self, phone: Phone, **more: object) -> Scan:
        self.number += 1
        phone.counter += 1
        wall = NOW.timestamp() + self.t + phone.error
        scan = Scan(
            **({
                "uid": f"h{self.number:021d}", "counter": phone.counter, "session": self.s.row.code, "kind": "arrival",
                "ticket": None, "code": None, "walk_in": False, "people": None, "refers_to": None,
                "device_at": round(wall * 1000), "mono": (self.t - phone.booted) * 1000.0,
                "life": f"{id(phone)}-{phone.life}", "by": "camera",
            } | more)
        )  # fmt: skip
        phone.queue.append(scan)
        self.truths[scan.uid] = Truth(scan, phone, self.t, phone.error, phone.life)
        return scan

    def scan(self) -> None:
        phone, ticket = self.rng.choice(self.phones), self.rng.choice([*self.tickets, self.late])
        if self.dice.random() < self.in_line:
            ticket = str(self.waiting.secret_hash)
        is_party = ticket == self.party.secret_hash
        says: dict[str, object] = {}
        if is_party and self.rng.random() < 0.8:  # else the phone does not know that it is a class
            says = {"people": self.rng.randint(1, 6), "count_as": self.rng.choice(WAYS).value}
        code = next((code for code, of in self.codes.items() if of == ticket), None)
        if code is not None and self.rng.random() < 0.2:
            self._event(phone, code=code, by="typed")
        else:
            self._event(phone, ticket=ticket, **says)

    def ticket_of(self, scan: Scan) -> str:
        """Whose ticket it is, read or typed."""
        return scan.ticket or self.codes.get(scan.code or "", "")

    def teacher(self) -> None:
        """The class's own number, from a browser; the form may be older than what has been counted since."""
        self.number += 1
        arrival = Arrival(
            f"own{self.number:018d}", self.s.row.id, Method.PARTY_OWN, self.party.id, children=self.rng.randint(1, 6),
            count_as=self.rng.choice((CountAs.FIRST, CountAs.PART)),
        )  # fmt: skip
        self.own.append((arrival, self.now()))
        self.log.append(("own", (arrival.uid, self.t, arrival.children, arrival.count_as.value)))
        check_in(self.s.session, arrival, now=self.now())

    def press(self) -> None:
        """The participant signs in on the own phone, or staff scan the ticket at the desk; often a helper has already."""
        self._press(self._somebody())

    def press_between(self) -> None:
        """A helper scans, the person signs in as well, the helper takes the scan back."""
        phone, ticket = self.dice.choice(self.phones), self._somebody()
        scan = self._event(phone, ticket=ticket)
        self.sync(phone, loses=False)
        self.t += self.dice.randint(1, 20)
        self._press(ticket)
        self.t += self.dice.randint(1, 20)
        self._event(phone, kind="undo", refers_to=scan.uid)

    def _somebody(self) -> str:
        return self.dice.choice([ticket for ticket, row in self.tickets.items() if row is not self.party])

    def _press(self, ticket: str) -> None:
        self.number += 1
        method = self.dice.choice((Method.LIVE_CODE, Method.TICKET_SCAN))
        arrival = Arrival(f"press{self.number:016d}", self.s.row.id, method, self.tickets[ticket].id)
        self.own.append((arrival, self.now()))
        self.presses.append((ticket, self.t))
        check_in(self.s.session, arrival, now=self.now())

    def staff(self) -> None:
        """Staff confirm the class's number, decide on a scan of it, or take an arrival back: of the class or a walk-in."""
        what = self.rng.choice(("confirm", "undo", "decide"))
        if what == "confirm":
            self.number += 1
            uid, people = f"staff{self.number:016d}", self.rng.randint(1, 6)
            self.log.append(("confirm", (uid, self.t, people)))
            with suppress(Conflict):  # nobody is here
                confirm_party(
                    self.s.session, self.s.activity, session_id=self.s.row.id, registration_id=self.party.id,
                    headcount=people, uid=uid, actor=STAFF, now=self.now(),
                )  # fmt: skip
        elif what == "undo":
            self.staff_undo()
        else:
            self.decide(classes_only=True)

    def staff_undo(self) -> None:
        walked = select(Registration.id).where(Registration.kind == RegistrationKind.WALK_IN.value)
        uids = self.s.session.scalars(
            select(CheckInEvent.uid)
            .where(
                CheckInEvent.kind.in_(("arrival", "resolution")), CheckInEvent.uid.not_in(undone_uids()),
                or_(CheckInEvent.registration_id == self.party.id, CheckInEvent.registration_id.in_(walked)),
            )
            .order_by(CheckInEvent.id)
        ).all()  # fmt: skip
        if not uids:
            return
        uid = self.rng.choice(uids)
        undo_check_in(
            self.s.session, self.s.activity, event_uid=uid, reason="wrong_count", actor=STAFF, now=self.now()
        )  # fmt: skip
        held = self.s.session.get(HeldScan, int(uid[5:])) if uid.startswith("held:") else None
        self.log.append(("taken back", f"held:{held.uid}" if held else uid))

    def walk_in(self) -> None:
        self._event(self.rng.choice(self.phones), walk_in=True, people=self.rng.randint(1, 6))

    def undo(self) -> None:
        phone = self.rng.choice(self.phones)
        taken = {truth.scan.refers_to for truth in self.truths.values()}
        own = [t for t in self.truths.values() if t.phone is phone and t.scan.kind == "arrival"][-3:]
        own = [truth for truth in own if truth.scan.uid not in taken]
        if own:
            self._event(phone, kind="undo", refers_to=self.rng.choice(own).scan.uid)

    def restart(self) -> None:
        """The page is opened anew, perhaps after somebody set the clock."""
        phone = self.rng.choice(self.phones)
        phone.life, phone.booted = phone.life + 1, self.t - 5
        if self.rng.random() < 0.3:
            phone.error += self.rng.choice((-30.0, 40.0, 1800.0, -7200.0))

    def let_in(self) -> None:
        """Somebody in line is let in on amber; before it is sent, the page is opened anew and the clock set back."""
        phone = self.dice.choice(self.phones)
        self._event(phone, ticket=str(self.waiting.secret_hash))
        self._reopen(phone, -self.dice.choice((0.0, 20.0, 60.0, 100.0)))

    def again(self) -> None:
        """A ticket is scanned, taken back and scanned again; before it is sent, or in between, the clock is set."""
        phone, ticket = self.dice.choice(self.phones), self._somebody()
        scan = self._event(phone, ticket=ticket)
        self.t += self.dice.randint(1, 10)
        self._event(phone, kind="undo", refers_to=scan.uid)
        clock, is_between = self.dice.choice((-100.0, -60.0, 60.0, 100.0)), self.dice.random() < 0.5
        if is_between:
            self.t += self.dice.randint(1, 10)
            phone.life, phone.booted, phone.error = phone.life + 1, self.t - 5, phone.error + clock
        self.t += self.dice.randint(1, 10)
        self._event(phone, ticket=ticket)
        self._reopen(phone, 0.0 if is_between else clock)

    def _reopen(self, phone: Phone, clock: float) -> None:
        """In a few seconds, with the clock set by so much; then all is sent."""
        self.t += self.dice.randint(1, 15)
        phone.life, phone.booted, phone.error = phone.life + 1, self.t - 5, phone.error + clock
        self.sync(phone, loses=False)

    def world(self) -> None:
        """What happens at the office meanwhile."""
        what = self.rng.choice(("cancel", "roster", "revoke", "nothing", "nothing"))
        if what == "roster":
            self.roster()
        elif what == "revoke" and sum(phone.revoked is None for phone in self.phones) > 1:
            phone = self.rng.choice(self.phones)
            if phone.revoked is None:
                phone.revoked, phone.grant.revoked_at = self.t, self.now()
        elif what == "cancel" and len(self.cancelled) < 2:
            ticket = self.rng.choice([t for t in self.tickets if t not in (*self.cancelled, self.late)])
            self.cancelled[ticket] = self.t
            row = self.tickets[ticket]
            row.state, row.cancelled_at = "cancelled", self.now()
            self.s.session.flush()

    def roster(self) -> None:
        """The list with the late ticket arrives."""
        if not self.late_known:
            entry = Entry(None, "示例王女士", 2, 0, "", True, f"f{self.seed}", f"b{self.seed}")
            done = register(self.s.session, self.s.activity, entry, keys=self.s.keys, now=self.now())
            assert done.registration.secret_hash == self.late
            self.tickets[self.late], self.late_known = done.registration, True
        resolve_unknown(self.s.session, now=self.now())

    def sync(self, phone: Phone | None = None, *, loses: bool = True) -> None:
        """Send the queue: it may never arrive, arrive twice, or its answers may be lost."""
        phone = phone or self.rng.choice(self.phones)
        batch, fate = phone.queue[:50], self.rng.random() if loses else 1.0
        if fate < 0.15:
            return
        shown = (NOW.timestamp() + self.t + phone.error, (self.t - phone.booted) * 1000.0, phone.life)
        self.sent.append((phone, batch, *shown))
        for _ in range(2 if fate > 0.85 else 1):
            answers = self.receive(phone, batch, *shown)
        if fate > 0.4:
            phone.queue = phone.queue[50:]
            for scan, answer in zip(batch, answers, strict=True):
                self.say(phone, scan, answer)

    def say(self, phone: Phone, scan: Scan, answer: Answer) -> None:
        """The phone was asked how many of a class came; often its helper says."""
        if not answer.ask or scan.uid in self.asked:
            return
        self.asked[scan.uid] = answer.ask
        if self.rng.random() < 0.3:
            return
        way = CountAs.FIRST if answer.ask == "number" else self.rng.choice((CountAs.PART, CountAs.WHOLE))
        self._event(
            phone, ticket=scan.ticket, code=scan.code, by=scan.by, people=self.rng.randint(1, 6), count_as=way.value,
            refers_to=scan.uid,
        )  # fmt: skip

    def receive(self, phone: Phone, batch: list[Scan], wall: float, mono: float, life: int) -> list[Answer]:
        answers = []
        for scan in batch:
            truth = self.truths[scan.uid]
            if not truth.at:
                self._correct(truth, phone, life)
            answers.append(self._give(phone, scan, sent=Sent(round(wall * 1000), mono, f"{id(phone)}-{life}")))
        return answers

    def _give(self, phone: Phone, scan: Scan, **more: object) -> Answer:
        if ("scan", scan.uid) not in self.log:
            self.log.append(("scan", scan.uid))
        return self.take(self.s.session, scan, grant=phone.grant, keys=self.s.keys, now=self.now(), **more)

    def _correct(self, truth: Truth, phone: Phone, life: int) -> None:
        claimed = truth.true_at if life == truth.life else truth.true_at + truth.error - phone.error
        truth.at, truth.received = min(max(claimed, 0.0), self.t) or 1e-9, self.t
        truth.let_in = life != truth.life or self.t - truth.true_at > SHOWN
        truth.possible = abs(claimed - truth.at) <= SLACK

    def replay(self) -> None:
        """Every event that was ever sent, once more; the teacher's too."""
        for arrival, at in self.own:
            check_in(self.s.session, arrival, now=at)
        again: set[str] = set()
        for phone, batch, wall, mono, life in self.sent:
            self.receive(phone, [scan for scan in batch if scan.uid not in again], wall, mono, life)
            again.update(scan.uid for scan in batch)

    def decide(self, *, classes_only: bool = False) -> None:
        """The organizer lets some of what is held count, and says how many of a class."""
        for row in list_held(self.s.session, self.s.activity.id):
            if self.rng.random() < 0.5 or (classes_only and not row.is_party):
                continue
            held = self.s.session.query(HeldScan).filter_by(code=row.code).one()
            people, is_whole = self.rng.randint(1, 6) if row.is_party else 0, row.is_party and self.rng.random() < 0.4
            if row.is_party:
                self.log.append(("decided", (held.uid, people, is_whole)))
            else:
                self.decided.add(held.uid)
            count_held(
                self.s.session, self.s.activity, held, actor=STAFF, now=self.now(), people=people, is_whole=is_whole
            )  # fmt: skip

    def held(self) -> dict[str, str]:
        """Open ones by event, with the reason."""
        rows = self.s.session.query(HeldScan).filter_by(state=HeldState.OPEN.value)
        return {row.uid: row.reason for row in rows}
