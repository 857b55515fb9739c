"""Backups are sealed, checked by restoring, and never bring back who was erased since."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import stat
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.audit.models import AuditEntry
from app.checkin.digest import digest_closed_sessions, verify_digests
from app.commands.night import read_mark, run_due
from app.evidence.storage import RESERVE
from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.erasures import ERASURES, read_erasures
from app.privacy import backup, dump
from app.privacy.box import CHUNK, BackupBroken, box_keys, seal, unseal
from app.privacy.dump import ProgramMissing
from app.registration.models import PersonalDetail, Registration
from app.registration.service import erase_own
from app.worker import run_once
from tests.services.checkin.tampering import tamper
from tests.services.privacy.conftest import Home
from tests.services.privacy.story import FILES, sha

NAME = "示例李女士"


def known(app: Flask) -> list[str | None]:
    with app.app_context():
        found = list(db.session.scalars(select(PersonalDetail.name).order_by(PersonalDetail.registration_id)))
        db.session.remove()
    return found


def erase(home: Home) -> None:
    with home.app.app_context(), transaction(db.session) as tx:
        row = tx.scalars(select(Registration).where(Registration.code == home.story.registration)).one()
        erase_own(tx, row, now=now())


def latest(home: Home) -> str:
    return backup.list_backups(home.place)[-1]


def make(home: Home) -> str:
    done = home.flask("backup", "make")
    assert done.exit_code == 0, done.output
    return latest(home)


@pytest.mark.sqlite_only
@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_a_box_gives_back_what_was_sealed_and_nothing_else(home: Home, size: int) -> None:
    keys, data, box = box_keys(home.place.keys), os.urandom(size), io.BytesIO()
    box.fileno = lambda: os.open(os.devnull, os.O_RDONLY)  # type: ignore[method-assign]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        seal(io.BytesIO(data), box, keys[0], "a/database")
    sealed = box.getvalue()
    assert b"".join(unseal(io.BytesIO(sealed), [os.urandom(32), keys[0]], "a/database")) == data
    broken = [
        sealed[:-1],
        sealed[: -len(sealed) // 3],
        sealed[:20] + bytes([sealed[20] ^ 1]) + sealed[21:],
        b"PK" + sealed,
    ]
    for wrong in broken:
        with pytest.raises(BackupBroken):
            b"".join(unseal(io.BytesIO(wrong), keys, "a/database"))
    with pytest.raises(BackupBroken):
        b"".join(unseal(io.BytesIO(sealed), keys, "b/database"))


@pytest.mark.sqlite_only
def test_a_box_without_its_last_chunk_is_not_taken_for_whole(home: Home) -> None:
    keys, box = box_keys(home.place.keys), io.BytesIO()
    box.fileno = lambda: 0  # type: ignore[method-assign]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        seal(io.BytesIO(bytes(2 * CHUNK)), box, keys[0], "x")
    cut = box.getvalue()[: 6 + 7 + 4 + CHUNK + 16]
    with pytest.raises(BackupBroken):
        b"".join(unseal(io.BytesIO(cut), keys, "x"))


def test_a_backup_is_sealed_private_and_restores_whole(home: Home) -> None:
    name = make(home)
    folder = home.place.folder
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert [path.name for path in files if NAME.encode() in path.read_bytes()] == []
    assert not list(folder.glob(".work-*"))
    assert not any("key" in path.name for path in files)
    check = backup.verify(home.place, name)
    assert check.holds, check.problems
    assert check.pictures == 3
    with home.app.app_context():
        assert check.entries == db.session.scalar(select(func.count()).select_from(AuditEntry)) > 0
        assert read_mark("night.backup")["holds"] is True


def test_a_changed_backup_is_told(home: Home) -> None:
    name = make(home)
    path = home.place.folder / name / "database.box"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    done = home.flask("backup", "verify")
    assert done.exit_code == 1
    assert "被改动过" in done.output


def test_a_picture_lost_from_the_backup_is_told(home: Home) -> None:
    name = make(home)
    next((home.place.folder / "photos").rglob(f"{sha(FILES['photo'])}.box")).unlink()
    check = backup.verify(home.place, name)
    assert not check.holds
    assert "少了照片" in check.problems[0]


def test_rows_that_the_backup_lacks_are_told(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Negative control of the count: a manifest that promises one row more."""
    name, read = make(home), backup.read_manifest
    manifest = read(home.place, name)
    manifest.rows["registration"] += 1
    monkeypatch.setattr(backup, "read_manifest", lambda *_: manifest)
    assert "registration：备份时3行，恢复后2行" in "".join(backup.verify(home.place, name).problems)


def test_check_ins_that_do_not_fit_their_digest_are_told(home: Home) -> None:
    with home.app.app_context():
        with transaction(db.session) as tx:
            assert digest_closed_sessions(tx, now=now()) == 1
        assert verify_digests(db.session()).misfit is None
        tamper("UPDATE check_in_event SET headcount = 200")
    done = home.flask("backup", "make")
    assert done.exit_code == 1
    assert "签到记录：活动" in done.output


def test_who_was_erased_after_the_backup_stays_erased_after_the_restore(home: Home) -> None:
    name = make(home)
    erase(home)
    assert known(home.app) == ["示例王先生"]
    done = home.flask("backup", "restore", name, "--yes")
    assert done.exit_code == 0, done.output
    assert "已再次删除：1份" in done.output
    assert known(home.app) == ["示例王先生"]
    with home.app.app_context():
        row = db.session.scalars(select(Registration).where(Registration.code == home.story.registration)).one()
        assert row.erased_at is not None
        assert row.phone_index is None
        assert row.secret_hash is not None  # the ticket still opens
        db.session.remove()
    assert home.flask("audit", "verify").exit_code == 0


def test_without_the_list_the_person_would_be_back(home: Home) -> None:
    """Negative control: the list is what keeps the erased erased."""
    name = make(home)
    erase(home)
    (home.place.home / ERASURES).unlink()
    assert home.flask("backup", "restore", name, "--yes").exit_code == 0
    assert known(home.app) == [NAME, "示例王先生"]


def test_the_list_lies_beside_the_backups_and_names_nobody(home: Home) -> None:
    erase(home)
    path = home.place.home / ERASURES
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert NAME not in path.read_text("utf-8")
    path.write_text(path.read_text("utf-8") + '{"registration": "torn', "utf-8")
    assert list(read_erasures(path)) == [home.story.registration]


def test_an_erasure_that_was_rolled_back_leaves_no_line(home: Home) -> None:
    with home.app.app_context():
        with contextlib.suppress(ZeroDivisionError), transaction(db.session) as tx:
            row = tx.scalars(select(Registration).where(Registration.code == home.story.registration)).one()
            erase_own(tx, row, now=now())
            raise ZeroDivisionError
        with transaction(db.session):
            pass
        db.session.remove()
    assert not (home.place.home / ERASURES).exists()


def test_restore_asks_first_and_does_nothing_without_a_yes(home: Home) -> None:
    name = make(home)
    done = home.app.test_cli_runner().invoke(args=["backup", "restore", name], input="n\n")
    assert done.exit_code == 1
    assert not (home.place.home / "aside").exists()


def test_restore_refuses_while_the_product_runs(home: Home) -> None:
    name = make(home)
    other = dump.open_engine(home.place.url)
    with other.connect() as connection:
        connection.exec_driver_sql("SELECT 1")
        done = home.flask("backup", "restore", name, "--yes")
    other.dispose()
    assert done.exit_code == 1
    assert "请先停下" in done.output
    assert len(known(home.app)) == 2


def test_lost_pictures_come_back_with_the_restore(home: Home) -> None:
    name = make(home)
    home.place.storage.path(sha(FILES["photo"])).unlink()
    assert home.flask("backup", "restore", name, "--yes").exit_code == 0
    assert home.place.storage.path(sha(FILES["photo"])).read_bytes() == FILES["photo"]


def test_what_was_written_after_the_backup_lies_aside(home: Home) -> None:
    name = make(home)
    with home.app.app_context(), transaction(db.session) as tx:
        tx.execute(PersonalDetail.__table__.update().values(name="后来的"))
    done = home.flask("backup", "restore", name, "--yes")
    assert known(home.app) == [NAME, "示例王先生"]
    assert "原来的数据库在" in done.output
    if home.place.is_sqlite:
        aside = next((home.place.home / "aside").iterdir())
        engine = dump.open_engine(f"sqlite:///{aside}")
        with engine.connect() as connection:
            assert connection.execute(select(PersonalDetail.name)).first() == ("后来的",)
        engine.dispose()


@pytest.mark.parametrize(
    "words", [["backup", "verify", "nonsense"], ["backup", "restore", "20200101T000000Z", "--yes"]]
)
def test_an_unknown_backup_is_refused_in_words(home: Home, words: list[str]) -> None:
    done = home.flask(*words)
    assert done.exit_code == 1
    assert "没有叫" in done.output


def test_a_missing_pg_dump_is_said_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "glob", lambda *_: iter(()))
    monkeypatch.setattr(dump.shutil, "which", lambda _: None)
    monkeypatch.setattr(dump.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ProgramMissing, match="postgresql-client"):
        dump.postgresql_program("pg_dump")


def test_a_backup_does_not_take_the_room_that_check_ins_need(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backup.shutil, "disk_usage", lambda _: SimpleNamespace(free=RESERVE))
    done = home.flask("backup", "make")
    assert done.exit_code == 1
    assert "不够做一份备份" in done.output
    assert backup.list_backups(home.place) == []


def test_old_backups_and_their_pictures_go(home: Home) -> None:
    make(home)
    assert backup.prune(home.place, now=now() + timedelta(days=29)) == 0
    assert backup.prune(home.place, now=now() + timedelta(days=31)) == 1
    assert [path for path in home.place.folder.rglob("*") if path.is_file()] == []


def test_a_damaged_backup_or_a_strange_folder_stops_no_other(home: Home) -> None:
    first = make(home)
    pictures = {path.name for path in (home.place.folder / "photos").rglob("*") if path.is_file()}
    assert pictures
    shutil.copytree(home.place.folder / first, home.place.folder / "old copy")
    (home.place.folder / first / "manifest.box").write_bytes(b"torn")
    assert backup.list_backups(home.place) == [first]
    assert backup.prune(home.place, now=now()) == 0
    assert {path.name for path in (home.place.folder / "photos").rglob("*") if path.is_file()} == pictures
    done = home.flask("backup", "list")
    assert done.exit_code == 0
    assert "读不出来" in done.output
    assert backup.prune(home.place, now=now() + timedelta(days=31)) == 1
    assert [path for path in (home.place.folder / "photos").rglob("*") if path.is_file()] == []


def test_what_a_restore_moved_aside_goes_after_thirty_days_too(home: Home, request: pytest.FixtureRequest) -> None:
    name = make(home)
    assert home.flask("backup", "restore", name, "--yes").exit_code == 0

    def aside() -> int:
        if home.place.is_sqlite:
            return len(list((home.place.home / "aside").iterdir()))
        with request.getfixturevalue("server").admin() as connection:
            found = connection.execute("SELECT count(*) FROM pg_database WHERE datname LIKE 'privacy_home_aside%'")
            return int(found.fetchone()[0])

    backup.prune(home.place, now=now() + timedelta(days=29))
    assert aside() == 1
    backup.prune(home.place, now=now() + timedelta(days=31))
    assert aside() == 0


def test_the_night_runs_once_and_again_the_next_day(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = now().replace(hour=4)  # noon in Shanghai: no night begins within the hour that is looked at
    with home.app.app_context():
        assert run_due(moment) == ["purge_now", "rehash_now", "backup_now"]
        assert run_due(moment + timedelta(minutes=1)) == []
        assert run_due(moment + timedelta(hours=1, seconds=1))[-1] == "backup_now"
        assert run_due(moment + timedelta(days=1)) == ["purge_now", "rehash_now", "backup_now"]
        assert read_mark("night.rehash")["count"] == 3
        assert db.session.scalar(select(func.count()).select_from(PersonalDetail)) == 2
        db.session.remove()


def test_the_worker_does_the_night(home: Home) -> None:
    with home.app.app_context():
        run_once(1)
        assert read_mark("night.purge")["bytes"] is True
        assert read_mark("night.backup")["holds"] is True
        db.session.remove()


def test_a_step_that_fails_does_not_hold_up_the_others(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise OSError("disk")

    monkeypatch.setattr("app.commands.night.scrub_bytes", fails)
    with home.app.app_context():
        assert run_due(now()) == ["rehash_now", "backup_now"]
        assert run_due(now()) == []  # and is not tried every minute
