"""Simulated power cuts: what was acknowledged is there with our settings, and is not with weaker ones.

SQLite runs over a file system that notes every write and every sync. A cut keeps what was synced by then, and of what
was not, any part: a write may be there, be lost, or be torn at a sector. Killing a process cannot show this.
"""

from __future__ import annotations

import os
import random
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import apsw
import pysqlite3
import pytest
from flask import Flask

from app.checkin.arriving import Arrival, Result, arrive_together
from app.checkin.models import Method
from app.checkin.statements import DriverLane
from app.extensions import db
from app.kernel.database import PRAGMAS, transaction
from tests.factories import NOW, make_activity

pytestmark = [pytest.mark.serial, pytest.mark.sqlite_only]
CUTS = 200 if os.environ.get("SHILIU_PROOF") == "full" else 40
BATCHES, BATCH_MOST, SECTOR, SEED = 40, 16, 512, 20261124
WRITTEN = ("", "-wal")  # the index in -shm is never read after a cut


@dataclass(frozen=True)
class Step:
    """What the file system was asked to do: write, truncate, sync; or `ack`, when somebody was told."""

    kind: str
    path: str = ""
    offset: int = 0
    data: bytes = b""


class Files(apsw.VFS):  # type: ignore[misc]
    """The machine's own file system, with a note of every step."""

    def __init__(self, steps: list[Step]) -> None:
        self.name = f"noted-{secrets.token_hex(4)}"
        self.steps = steps
        super().__init__(self.name, "")

    def xOpen(self, name: Any, flags: list[int]) -> NotedFile:
        return NotedFile(name, flags, self.steps)


class NotedFile(apsw.VFSFile):  # type: ignore[misc]
    """One open file of it."""

    def __init__(self, name: Any, flags: list[int], steps: list[Step]) -> None:
        super().__init__("", name, flags)
        self._path = name.filename() if hasattr(name, "filename") else str(name)
        self._steps = steps

    def xWrite(self, data: bytes, offset: int) -> None:
        self._steps.append(Step("write", self._path, offset, bytes(data)))
        super().xWrite(data, offset)

    def xTruncate(self, size: int) -> None:
        self._steps.append(Step("truncate", self._path, size))
        super().xTruncate(size)

    def xSync(self, flags: int) -> None:
        self._steps.append(Step("sync", self._path))
        super().xSync(flags)


class Cursor:
    """apsw's cursor by the names that a lane calls."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection, self._rows = connection, list[Any]()

    def execute(self, sql: str, values: Any, /) -> None:
        self._rows = list(self._connection.execute(sql, values))

    def fetchall(self) -> list[Any]:
        return self._rows

    @property
    def rowcount(self) -> int:
        return self._connection.changes()


@dataclass
class History:
    """A database as it began, and every step since."""

    path: Path
    began: bytes
    steps: list[Step] = field(default_factory=list)
    batches: list[list[str]] = field(default_factory=list)  # uids of those who shared a commit, in order of their acks


def walk_in(code: str) -> Arrival:
    return Arrival(secrets.token_urlsafe(16), None, Method.LIVE_CODE, adults=2, is_walk_in=True, session_code=code)


@pytest.fixture
def history(app: Flask, tmp_path: Path) -> Callable[[str], History]:
    """BATCHES of 1 to BATCH_MOST check in, each batch in one durable transaction, with our settings but for `synchronous`."""
    with app.app_context():
        with transaction(db.session) as tx:
            code = make_activity(tx).sessions[0].code
        path = tmp_path / "gate.db"
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql(f"VACUUM INTO '{path}'")
            connection.exec_driver_sql("BEGIN")

    def live(synchronous: str) -> History:
        made, chance = History(path, path.read_bytes()), random.Random(SEED)
        files = Files(made.steps)
        connection = apsw.Connection(str(path), vfs=files.name)
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        connection.execute(f"PRAGMA synchronous={synchronous}")
        connection.execute("PRAGMA wal_autocheckpoint=40")  # several checkpoints within one history
        for _ in range(BATCHES):
            batch = [walk_in(code) for _ in range(chance.randint(1, BATCH_MOST))]
            connection.execute("BEGIN IMMEDIATE")
            answers = arrive_together(DriverLane(Cursor(connection), is_sqlite=True), [(each, NOW) for each in batch])
            assert all(isinstance(answer, Result) and answer.is_new for answer in answers)
            connection.execute("COMMIT")
            made.batches.append([each.uid for each in batch])
            made.steps.append(Step("ack"))
        assert any(step.kind == "write" and step.path == str(path) for step in made.steps), "no checkpoint was cut"
        return made

    return live


def files_after(history: History, cut: int, chance: random.Random) -> Iterator[tuple[str, bytes]]:
    """Each file as the disk may hold it when the power goes after `cut` steps."""
    for suffix in WRITTEN:
        name = f"{history.path}{suffix}"
        steps = [step for step in history.steps[:cut] if step.path == name]
        synced = max((at for at, step in enumerate(steps) if step.kind == "sync"), default=-1)
        content = bytearray(history.began if not suffix else b"")
        keeps = chance.choice((0.0, 0.5, 0.9))
        for at, step in enumerate(steps):
            if step.kind == "sync" or (at > synced and chance.random() >= keeps):
                continue
            data = step.data
            if at > synced and chance.random() < 0.3:
                data = data[: SECTOR * chance.randrange(1 + len(data) // SECTOR)]
            if step.kind == "truncate":
                del content[step.offset :]
            else:
                content.extend(b"\0" * (step.offset + len(data) - len(content)))
                content[step.offset : step.offset + len(data)] = data
        yield suffix, bytes(content)


def lost_and_broken(history: History, folder: Path, cuts: int) -> tuple[int, int]:
    """Over so many cuts at chance moments: acknowledged check-ins that are gone, and databases that are not whole.

    Whole is also that of a batch everybody is there or nobody.
    """
    chance, lost, broken = random.Random(SEED), 0, 0
    for number in range(cuts):
        cut = chance.randrange(len(history.steps))
        told = sum(step.kind == "ack" for step in history.steps[:cut])
        path = folder / f"{number}.db"
        for suffix, content in files_after(history, cut, chance):
            Path(f"{path}{suffix}").write_bytes(content)
        connection = pysqlite3.connect(str(path))
        try:
            events = {row[0] for row in connection.execute("SELECT uid FROM check_in_event WHERE kind = 'arrival'")}
            rows = connection.execute("SELECT count(*) FROM check_in").fetchone()[0]
            whole = connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
            parts = any(events.intersection(batch) and not events.issuperset(batch) for batch in history.batches)
            broken += not whole or rows != len(events) or parts
            lost += len({uid for batch in history.batches[:told] for uid in batch} - events)
        except pysqlite3.DatabaseError:
            broken, lost = broken + 1, lost + told
        finally:
            connection.close()
    return lost, broken


def test_full_loses_nothing_that_was_acknowledged(
    history: Callable[[str], History], tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    lost, broken = lost_and_broken(history("FULL"), tmp_path, CUTS)
    record_property("power cuts", CUTS)
    record_property("check-ins that shared a commit, at most", BATCH_MOST)
    record_property("lost with FULL", lost)
    assert (lost, broken) == (0, 0)


def test_normal_loses_some_so_the_cuts_are_real(
    history: Callable[[str], History], tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """Negative control."""
    lost, broken = lost_and_broken(history("NORMAL"), tmp_path, CUTS)
    record_property("lost with NORMAL", lost)
    assert lost > 0
    assert broken == 0  # old, but never half: the log is in order


def test_half_a_batch_is_seen(history: Callable[[str], History], tmp_path: Path) -> None:
    """Negative control of the other half: a batch that was committed in two parts is cut between them now and then."""
    made = history("FULL")
    made.batches = [[*first, *second] for first, second in zip(made.batches[::2], made.batches[1::2], strict=True)]
    assert lost_and_broken(made, tmp_path, CUTS)[1] > 0
