"""Who registers together gets what each alone would get; a batch that fails is answered to nobody."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.activities.models import PlaceHold
from app.audit.models import AuditEntry
from app.extensions import db
from app.kernel.actor import SYSTEM
from app.kernel.attempts import Attempt, note_attempt
from app.kernel.database import transaction
from app.kernel.errors import Conflict, DomainError
from app.kernel.together import Together
from app.registration.entering import OTHER_UNIT, register, register_together
from app.registration.entries import Entry, Wish
from app.registration.models import PersonalDetail, Registration
from app.registration.settings import set_quota
from tests.factories import NOW, make_activity, make_unit

Row = tuple[str | None, str, int, int, int | None]


def crowd(town: str, count: int) -> list[Entry]:
    """Forms sent twice, phones of others, unknown units, too many people, between those that are right."""
    dice, made = random.Random(3), list[Entry]()
    for number in range(count):
        kind = dice.randrange(8)
        entry = Entry(
            None, f"示例{number}", dice.randint(1, 3), 0, f"1390000{number:04d}" if dice.random() < 0.9 else "", True,
            f"{number:022d}", f"browser{number:015d}", from_unit=dice.choice([town, OTHER_UNIT]),
        )  # fmt: skip
        if kind == 0 and made:
            entry = dice.choice(made)
        elif kind in (1, 3) and made:
            entry = replace(entry, phone=dice.choice(made).phone)
        elif kind == 2:
            entry = replace(entry, **dice.choice([{"from_unit": "x"}, {"adults": 9}, {"consent": False}, {"name": ""}]))
        made.append(entry)
    return made


def make_place(session: Session) -> tuple[int, str]:
    activity, town, kept = make_activity(session, capacity=40), make_unit(session), make_unit(session)
    set_quota(session, activity, town, 12, actor=SYSTEM, now=NOW)
    session.add(PlaceHold(activity_id=activity.id, unit_id=kept.id, places=5, created_at=NOW))
    return activity.id, town.code


def stored(session: Session, activity_id: int) -> list[Row]:
    rows = session.execute(
        select(PersonalDetail.name, Registration.state, Registration.adults, Registration.children, Registration.queue)
        .join(Registration, Registration.id == PersonalDetail.registration_id)
        .where(Registration.activity_id == activity_id)
        .order_by(Registration.id)
    )
    return [tuple(row) for row in rows]  # type: ignore[misc]


def test_together_ends_where_one_after_the_other_would(app: Flask) -> None:
    keys, answers = app.extensions["keys"], list[Any]()
    with app.app_context():
        with transaction(db.session) as tx:
            alone, joint = make_place(tx), make_place(tx)
        for entry in crowd(alone[1], 60):
            with transaction(db.session) as tx:
                try:
                    (found,) = register_together(tx, alone[0], [Wish(entry, NOW)], keys=keys)
                    answers.append(type(found) if isinstance(found, DomainError) else found.created)
                except DomainError as error:
                    answers.append(type(error))
        wishes = [Wish(entry, NOW) for entry in crowd(joint[1], 60)]
        shared = list[Any]()
        for start in (0, 25, 50):
            with transaction(db.session) as tx:
                found_together = register_together(tx, joint[0], wishes[start : start + 25], keys=keys)
                shared += [type(each) if isinstance(each, DomainError) else each.created for each in found_together]
        assert shared == answers
        assert {True, False} < set(answers)
        assert len(set(answers)) >= 4  # made, known, a taken phone, a broken rule
        assert stored(db.session(), joint[0]) == stored(db.session(), alone[0])
        assert {row[1] for row in stored(db.session(), joint[0])} == {"confirmed", "waitlisted"}


def test_one_alone_raises_what_is_wrong_and_writes_nothing(app: Flask) -> None:
    with app.app_context():
        with transaction(db.session) as tx:
            activity = make_activity(tx)
            entry = Entry(None, "", 1, 0, "", True, "", "")
            with pytest.raises(DomainError):
                register(tx, activity, entry, keys=app.extensions["keys"], now=NOW)
        assert db.session.scalar(select(func.count()).select_from(Registration)) == 0


class Crowd:
    """Threads that come while the first one waits for the lock; each notes one attempt."""

    def __init__(self, app: Flask, breaks: str = "") -> None:
        self.app, self.breaks = app, breaks
        self.gate, self.batches, self.answers = threading.Event(), list[int](), dict[str, Any]()
        self.fails = list[Exception]()  # what the next COMMITs meet
        self.together = Together[Session, int, str, str](self.begin, self.work)

    @contextmanager
    def begin(self, _key: int) -> Iterator[Session]:
        with transaction(db.session) as tx:
            assert self.gate.wait(20)
            yield tx
            if self.fails:
                raise self.fails.pop()

    def work(self, session: Session, _key: int, wishes: Sequence[str]) -> list[str | Exception]:
        self.batches.append(len(wishes))
        for wish in wishes:
            if wish != "refused":
                note_attempt(session, "test", wish, now=NOW)
        session.flush()
        if self.breaks in wishes:
            raise RuntimeError(self.breaks)
        return [Conflict("no", "不行") if wish == "refused" else wish.upper() for wish in wishes]

    def come(self, name: str) -> None:
        with self.app.app_context():
            try:
                self.answers[name] = self.together.do(1, name)
            except Exception as error:
                self.answers[name] = error

    def run(self, names: Sequence[str]) -> None:
        threads = [threading.Thread(target=self.come, args=(name,)) for name in names]
        for thread in threads:
            thread.start()
        for _ in range(1000):
            if sum(map(len, self.together._queues.values())) == len(names):
                break
            time.sleep(0.01)
        self.gate.set()
        for thread in threads:
            thread.join(30)
        assert self.together._queues == {}

    def kept(self) -> list[str]:
        with self.app.app_context():
            return sorted(db.session.scalars(select(Attempt.key).where(Attempt.purpose == "test")))


def test_those_who_come_meanwhile_share_a_transaction_and_a_refusal_is_ones_own(app: Flask) -> None:
    crowd = Crowd(app)
    crowd.run(["a", "b", "refused", "c"])
    assert crowd.batches == [4]
    assert isinstance(crowd.answers.pop("refused"), Conflict)
    assert crowd.answers == {"a": "A", "b": "B", "c": "C"}
    assert crowd.kept() == ["a", "b", "c"]


def test_a_batch_that_breaks_is_tried_by_each_alone(app: Flask) -> None:
    crowd = Crowd(app, breaks="bad")
    crowd.run(["a", "bad", "c"])
    assert sorted(crowd.batches) == [1, 1, 1, 3]
    assert isinstance(crowd.answers.pop("bad"), RuntimeError)
    assert crowd.answers == {"a": "A", "c": "C"}
    assert crowd.kept() == ["a", "c"]


def test_a_commit_that_fails_is_answered_to_nobody(app: Flask) -> None:
    crowd = Crowd(app)
    crowd.fails.append(OSError("the disk is full"))
    crowd.run(["a", "b"])
    assert crowd.fails == []
    assert sorted(crowd.batches) == [1, 1, 2]
    assert crowd.answers == {"a": "A", "b": "B"}
    assert crowd.kept() == ["a", "b"]


def test_the_log_holds_one_entry_for_each_of_a_batch(app: Flask) -> None:
    with app.app_context():
        with transaction(db.session) as tx:
            activity = make_activity(tx)
            wishes = [Wish(Entry(None, f"示例{n}", 1, 0, "", True, "", ""), NOW) for n in range(5)]
            register_together(tx, activity.id, wishes, keys=app.extensions["keys"])
        made = select(func.count()).select_from(AuditEntry).where(AuditEntry.action == "registration.made")
        assert db.session.scalar(made) == 5
