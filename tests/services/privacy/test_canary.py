"""Canaries planted in every personal column are found before the night, and nowhere after it."""

from __future__ import annotations

import logging
import os
import random
import secrets
import subprocess
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import JSON, LargeBinary, Table, select, update
from sqlalchemy.orm import Session

from app.audit.models import AuditDetail, AuditEntry
from app.commands.night import backup_now, purge_now
from app.extensions import db
from app.kernel.attempts import Attempt
from app.kernel.database import Base, transaction
from app.organisation.models import Invitation, RecoveryCode, SignIn, TrustedDevice, User
from app.privacy import backup, disk
from app.privacy.backup import read_database, read_manifest, read_picture
from app.privacy.disk import Scrubbed
from app.privacy.dump import postgresql_program
from app.privacy.queries import live_pictures
from app.privacy.retention import load_retention
from app.registration.models import GuardianConsent, Registration
from tests.database import Server
from tests.factories import NOW
from tests.services.privacy.conftest import Home
from tests.services.privacy.story import FILES, sha

pytestmark = pytest.mark.published
AFTER = NOW + timedelta(days=1100)  # the longest period is three years
PAPER = b"paper \xff\xd8"


def canary() -> str:
    return f"cn{secrets.token_hex(4)}"  # 10 characters fit every column


@pytest.fixture
def planted(home: Home, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Canary by `table.column`, committed, with pictures that hold one each; PostgreSQL keeps no old log segment."""
    if not home.place.is_sqlite:
        server: Server = request.getfixturevalue("server")
        server.run(
            "ALTER SYSTEM SET wal_recycle = off", "ALTER SYSTEM SET min_wal_size = '32MB'", "SELECT pg_reload_conf()"
        )
    found = {}
    with home.app.app_context():
        with transaction(db.session) as tx:
            _make_rows(tx)
            for item in load_retention().items:
                if item.how in ("keep", "picture"):
                    continue
                table = Base.metadata.tables[item.table]
                for column in item.names:
                    for row in _rows(tx, table):
                        word = sha(secrets.token_bytes(8)) if column == "paper_sha256" else canary()
                        found[f"{item.table}.{column} {row}"] = word
                        tx.execute(update(table).where(_key(table) == row).values({column: _fit(table, column, word)}))
        db.session.remove()
    for name in ("sheet", "thumb"):
        found[f"picture of {name}"] = word = canary()
        path = home.place.storage.path(sha(FILES[name]))
        path.write_bytes(FILES[name] + word.encode())  # its hash is wrong now, which is another test's matter
    for path in home.place.storage.files():
        os.utime(path, (0, 0))
    return found


def _make_rows(session: Session) -> None:
    user = session.scalars(select(User).where(User.login == "jingban")).one()
    user.disabled_at = NOW
    code = session.scalars(select(Registration.code).order_by(Registration.id)).first()
    of_registration = session.scalar(select(AuditEntry.seq).where(AuditEntry.object_code == code))
    session.query(AuditDetail).delete()
    session.add_all([
        AuditDetail(seq=of_registration, name="reason", salt="s", value="v"),
        AuditDetail(seq=1, name="reason", salt="s", value="v"),
        Attempt(purpose="x", key="k", at=NOW),
        SignIn(user_id=user.id, secret_hash="h", created_at=NOW, expires_at=NOW),
        RecoveryCode(user_id=user.id, code_hash="h"),
        TrustedDevice(user_id=user.id, secret_hash="h", expires_at=NOW),
        Invitation(user_id=user.id, secret_hash="h", created_at=NOW, expires_at=NOW),
    ])  # fmt: skip
    session.flush()


def _key(table: Table) -> Any:
    return next(iter(table.primary_key.columns))


def _rows(session: Session, table: Table) -> list[Any]:
    """Keys of the rows to plant in: every one, but of accounts the disabled."""
    statement = select(_key(table)).order_by(_key(table))
    if table.name == "user_account":
        statement = statement.where(table.c.disabled_at.is_not(None))
    return list(session.scalars(statement))


def _fit(table: Table, column: str, word: str) -> Any:
    kind = table.c[column].type
    return {"q": word} if isinstance(kind, JSON) else word.encode() if isinstance(kind, LargeBinary) else word


def everything(home: Home, request: pytest.FixtureRequest) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of every file of ours, of the server's, and of every backup as it would restore."""
    roots = [home.place.home]
    if not home.place.is_sqlite:
        server: Server = request.getfixturevalue("server")
        server.run("CHECKPOINT")
        roots.append(server.folder)
    for root in roots:
        for path in root.rglob("*"):
            if path.is_file():
                yield str(path), path.read_bytes()
    for name in backup.list_backups(home.place):
        yield f"backup {name}", _dump_text(home, read_database(home.place, name))
        for picture in read_manifest(home.place, name).pictures:
            yield f"backup {name} picture", read_picture(home.place, picture)


def _dump_text(home: Home, chunks: Iterable[bytes]) -> bytes:
    data = b"".join(chunks)
    if home.place.is_sqlite:
        return data
    done = subprocess.run([postgresql_program("pg_restore"), "--file=-"], input=data, capture_output=True, check=True)
    return done.stdout


def sightings(home: Home, request: pytest.FixtureRequest, words: Iterable[str]) -> dict[str, list[str]]:
    """Where each canary is found, as text or as the hex of a dump's bytea."""
    found: dict[str, list[str]] = {}
    for name, data in everything(home, request):
        for word in words:
            if word.encode() in data or word.encode().hex().encode() in data:
                found.setdefault(word, []).append(name)
    return found


def night(home: Home, moment: datetime) -> dict[str, Any]:
    with home.app.app_context():
        found = purge_now(moment)
        db.session.remove()
    return found


def test_no_canary_is_anywhere_after_the_night(
    home: Home,
    planted: dict[str, str],
    request: pytest.FixtureRequest,
    record_property: Callable[[str, object], None],
) -> None:
    log = logging.FileHandler(home.place.home / "all.log")
    logging.getLogger().addHandler(log)
    try:
        with home.app.app_context():
            backup_now(AFTER - timedelta(days=31))
            db.session.remove()
        before = sightings(home, request, planted.values())
        assert sorted(place for place, word in planted.items() if word not in before) == []
        assert any("backup" in name for names in before.values() for name in names)
        if not home.place.is_sqlite:
            request.getfixturevalue("server").run("ANALYZE", database="privacy_home")
        found = night(home, AFTER)
        assert found["bytes"], found["note"]
        with home.app.app_context():
            backup_now(AFTER)  # the old one is past its 30 days
            db.session.remove()
        assert home.flask("audit", "export", str(home.place.home / "log")).exit_code == 0
    finally:
        logging.getLogger().removeHandler(log)
    after = sightings(home, request, planted.values())
    assert {place: after[word] for place, word in planted.items() if word in after} == {}
    assert len(backup.list_backups(home.place)) == 1
    record_property("retention: canaries planted", len(planted))
    record_property("retention: canaries found after the night", 0)


def test_without_the_nights_rewriting_the_bytes_are_still_there(
    home: Home, planted: dict[str, str], request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control: deleted rows alone leave values on the disk, on both databases."""
    monkeypatch.setattr("app.commands.night.scrub_bytes", lambda _engine: Scrubbed(True))
    night(home, AFTER)
    assert sightings(home, request, planted.values()) != {}


@pytest.mark.sqlite_only  # its VACUUM
def test_without_vacuum_the_main_file_alone_still_holds_some(home: Home) -> None:
    """Negative control: secure_delete on, the log truncated, and values of moved rows still lie in free parts of pages."""
    with home.app.app_context():
        words = _erase_one_by_one(1500)
        db.session.remove()
        with db.engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA secure_delete").scalar() == 1
            connection.rollback()
            connection.connection.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert _left(home, words) != []
        assert disk.scrub_bytes(db.engine).done
        assert _left(home, words) == []


def _left(home: Home, words: list[str]) -> list[str]:
    data = (home.place.home / "shiliu.db").read_bytes()
    return [word for word in words if word.encode() in data]


def _erase_one_by_one(count: int) -> list[str]:
    """Registrations with an indexed value each, come and gone in no order, as people register and erase their own."""
    dice = random.Random(7)
    words = [f"cn{dice.getrandbits(112):028x}"[: dice.choice((16, 30))] for _ in range(count)]
    with transaction(db.session) as tx:
        first = tx.scalars(select(Registration).order_by(Registration.id)).first()
        assert first is not None
        rows = [
            Registration(activity_id=first.activity_id, kind="individual", state="confirmed", adults=1, created_at=NOW)
            for _ in words
        ]
        tx.add_all(rows)
        tx.flush()
        ids = [row.id for row in rows]
    raw: Any = db.engine.raw_connection()
    connection = raw.driver_connection
    connection.execute("PRAGMA synchronous=OFF")  # a thousand commits of a test
    for number in range(count):
        connection.execute("UPDATE registration SET phone_index = ? WHERE id = ?", (words[number], ids[number]))
    for number in dice.sample(range(count), count):
        connection.execute("UPDATE registration SET phone_index = NULL WHERE id = ?", (ids[number],))
    raw.invalidate()
    return words


def test_a_consent_paper_goes_with_its_row(home: Home) -> None:
    home.place.storage.put(sha(PAPER), PAPER)
    os.utime(home.place.storage.path(sha(PAPER)), (0, 0))
    with home.app.app_context():
        with transaction(db.session) as tx:
            tx.execute(update(GuardianConsent).values(paper_sha256=sha(PAPER)))
        assert sha(PAPER) in live_pictures(db.session())
        db.session.remove()
    night(home, NOW + timedelta(days=1))
    assert home.place.storage.path(sha(PAPER)).exists()
    night(home, AFTER)
    assert not any(Path(path).stem == sha(PAPER) for path in home.place.storage.files())
