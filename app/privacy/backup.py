"""Backups: made while people work, sealed, checked by restoring them, thinned out, gone after 30 days."""

from __future__ import annotations

import hashlib
import json
import logging
import random
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, func, inspect, select, text
from sqlalchemy.orm import Session

from app.audit.models import AuditEntry
from app.audit.queries import verify_log
from app.checkin.digest import verify_digests
from app.evidence.storage import RESERVE, LocalStorage
from app.kernel.keys import KeyRing
from app.privacy.box import BackupBroken, box_keys, create, seal, unseal
from app.privacy.disk import file_sha256
from app.privacy.dump import (
    copy_sqlite,
    drop_aside,
    dumping,
    load_postgresql,
    open_engine,
    scratch_database,
    sqlite_path,
)
from app.privacy.queries import live_pictures
from app.privacy.rules import BACKUP_DAYS, kept_backups

_log = logging.getLogger("shiliu.backup")
STAMP = "%Y%m%dT%H%M%SZ"
SAMPLE = 100  # trust.md: 100 photo hashes
_DATABASE, _MANIFEST = "database.box", "manifest.box"


@dataclass(frozen=True, slots=True)
class Place:
    """Where everything lies: home, pictures, keys, and the address of the database."""

    home: Path
    storage: LocalStorage
    keys: KeyRing
    url: str

    @property
    def folder(self) -> Path:
        return self.home / "backups"

    @property
    def is_sqlite(self) -> bool:
        return self.url.startswith("sqlite")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds; nothing personal."""

    made_at: str
    dialect: str
    revision: str
    sha256: str  # of the dump in clear
    rows: dict[str, int]
    entries: int
    head: str
    pictures: list[str] = field(default_factory=list)
    missing: int = 0


@dataclass(frozen=True, slots=True)
class Check:
    """A backup restored into a scratch place and read."""

    problems: tuple[str, ...]
    rows: int
    entries: int
    pictures: int
    seconds: float
    note: str = ""

    @property
    def holds(self) -> bool:
        return not self.problems


def made_at(name: str) -> datetime:
    """The moment in a backup's name. Raises BackupBroken for what is no name."""
    try:
        return datetime.strptime(name, STAMP).replace(tzinfo=UTC)
    except ValueError:
        raise BackupBroken("no_such_backup", f"没有叫 {name} 的备份。用 flask backup list 看有哪些。") from None


def list_backups(place: Place) -> list[str]:
    """Names, oldest first; half-made ones are not there, nor folders that somebody put beside them."""
    if not place.folder.exists():
        return []
    return sorted(path.name for path in place.folder.iterdir() if _is_backup(path))


def _is_backup(path: Path) -> bool:
    try:
        made_at(path.name)
    except BackupBroken:
        return False
    return (path / _MANIFEST).exists()


@contextmanager
def work_folder(place: Place) -> Iterator[Path]:
    """A folder of ours, gone afterwards: a dump in clear lies there for a moment."""
    place.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = place.folder / f".work-{secrets.token_hex(6)}"
    path.mkdir(mode=0o700)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def make(place: Place, engine: Engine, *, now: datetime) -> str:
    """A new backup; returns its name. Half a backup is never listed. Raises BackupBroken where there is no room."""
    _check_room(place, engine)
    name = now.astimezone(UTC).strftime(STAMP)
    key = box_keys(place.keys)[0]
    with work_folder(place) as work:
        ready = work / name
        ready.mkdir(mode=0o700)
        if place.is_sqlite:
            copy = work / "copy.db"
            copy_sqlite(engine, copy)
            own = open_engine(f"sqlite:///{copy}")
            try:
                with own.connect() as connection:
                    facts = _facts(connection)
            finally:
                own.dispose()
            with copy.open("rb") as source, create(ready / _DATABASE) as target:
                sha256 = seal(source, target, key, f"{name}/database")
        else:
            with dumping(engine, place.url) as (connection, source), create(ready / _DATABASE) as target:
                facts = _facts(connection)
                sha256 = seal(source, target, key, f"{name}/database")
        pictures = facts.pop("pictures")
        kept = [sha for sha in pictures if _keep_picture(place, sha, key)]
        manifest = Manifest(
            made_at=now.isoformat(), sha256=sha256, pictures=kept, missing=len(pictures) - len(kept), **facts
        )
        body = work / "manifest.json"
        body.write_text(json.dumps(asdict(manifest)), "utf-8")
        with body.open("rb") as source, create(ready / _MANIFEST) as target:
            seal(source, target, key, f"{name}/manifest")
        ready.rename(place.folder / name)
    return name


def _check_room(place: Place, engine: Engine) -> None:
    """A copy in clear, a sealed one and the check's own: a backup must not take the room that check-ins need."""
    if place.is_sqlite:
        size = sqlite_path(place.url).stat().st_size
    else:
        with engine.connect() as connection:
            size = int(connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one())
    place.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    free = shutil.disk_usage(place.folder).free
    if free < 3 * size + RESERVE:
        raise BackupBroken("no_room", f"磁盘只剩{free // 1024**2}MB，不够做一份备份。没有做，已有的备份都在。")


def _facts(connection: Connection) -> dict[str, Any]:
    session = Session(bind=connection)
    last = session.execute(select(AuditEntry.seq, AuditEntry.hash).order_by(AuditEntry.seq.desc()).limit(1)).first()
    return {
        "dialect": connection.dialect.name,
        "revision": str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar() or ""),
        "rows": count_rows(connection),
        "entries": last.seq if last else 0,
        "head": last.hash if last else "",
        "pictures": sorted(live_pictures(session)),
    }


def count_rows(connection: Connection) -> dict[str, int]:
    """Rows by table, Alembic's own left out."""
    names = [name for name in inspect(connection).get_table_names() if name != "alembic_version"]
    return {name: int(connection.execute(text(f'SELECT count(*) FROM "{name}"')).scalar_one()) for name in names}  # noqa: S608 - names from the schema


def _pool(place: Place, sha256: str) -> Path:
    return place.folder / "photos" / sha256[:2] / f"{sha256}.box"


def _keep_picture(place: Place, sha256: str, key: bytes) -> bool:
    """Pictures never change, so all backups share one sealed copy. False where the file is lost."""
    path = _pool(place, sha256)
    if path.exists():
        return True
    try:
        source = place.storage.path(sha256).open("rb")
    except FileNotFoundError:
        return False
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    half = path.with_name(f".{secrets.token_hex(8)}")
    with source, create(half) as target:
        seal(source, target, key, f"photo/{sha256}")
    half.rename(path)
    return True


def read_picture(place: Place, sha256: str) -> bytes:
    """A picture out of the pool. Raises BackupBroken where it is lost or changed."""
    try:
        with _pool(place, sha256).open("rb") as source:
            return b"".join(unseal(source, box_keys(place.keys), f"photo/{sha256}"))
    except FileNotFoundError:
        raise BackupBroken("picture_lost", f"备份里少了照片 {sha256[:12]}…") from None


def read_manifest(place: Place, name: str) -> Manifest:
    """Raises BackupBroken for an unknown or changed backup."""
    made_at(name)
    try:
        with (place.folder / name / _MANIFEST).open("rb") as source:
            return Manifest(**json.loads(b"".join(unseal(source, box_keys(place.keys), f"{name}/manifest"))))
    except FileNotFoundError:
        raise BackupBroken("no_such_backup", f"没有叫 {name} 的备份。用 flask backup list 看有哪些。") from None
    except (ValueError, TypeError):
        raise BackupBroken("backup_changed", "备份文件不完整，或者被改动过。") from None


def read_database(place: Place, name: str) -> Iterator[bytes]:
    """The dump in clear, chunk by chunk."""
    with (place.folder / name / _DATABASE).open("rb") as source:
        yield from unseal(source, box_keys(place.keys), f"{name}/database")


def verify(place: Place, name: str) -> Check:
    """Restore into a scratch place and read it: integrity, counts, the chain, a sample of pictures."""
    started, manifest, note = time.monotonic(), read_manifest(place, name), ""
    if manifest.dialect == "sqlite":
        with work_folder(place) as work:
            copy = work / "copy.db"
            write_database(place, name, copy)
            problems = [] if file_sha256(copy) == manifest.sha256 else ["数据库文件的摘要不符"]
            problems += check_database(f"sqlite:///{copy}", manifest)
    else:
        with scratch_database(place.url) as url:
            load_postgresql(url or place.url, read_database(place, name), only_list=url is None)
            problems = check_database(url, manifest) if url else []
            note = "" if url else "数据库账号不能建库，只核对了备份能打开、能列出"
    sample = random.sample(manifest.pictures, min(SAMPLE, len(manifest.pictures)))
    problems += _picture_problems(place, sample)
    if manifest.missing:
        note = f"备份时有{manifest.missing}张照片已经找不到"
    return Check(
        tuple(problems), sum(manifest.rows.values()), manifest.entries, len(sample), time.monotonic() - started, note
    )


def write_database(place: Place, name: str, target: Path) -> None:
    """The SQLite file of a backup."""
    with create(target) as file:
        for chunk in read_database(place, name):
            file.write(chunk)


def check_database(url: str, manifest: Manifest) -> list[str]:
    """What is wrong with a restored copy; empty when it is whole."""
    problems = []
    engine = open_engine(url)
    try:
        with engine.connect() as connection:
            if connection.dialect.name == "sqlite":
                found = connection.exec_driver_sql("PRAGMA integrity_check").scalar()
                if found != "ok":
                    problems.append(f"integrity_check：{found}")
                if connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
                    problems.append("外键对不上")
            rows = count_rows(connection)
            problems += [
                f"{t}：备份时{n}行，恢复后{rows.get(t)}行" for t, n in manifest.rows.items() if rows.get(t) != n
            ]
            session = Session(bind=connection)
            verdict = verify_log(session)
            size = session.scalar(select(func.count()).select_from(AuditEntry))
            if not verdict.holds or size != manifest.entries or (size and verdict.head != manifest.head):
                problems.append(f"审计日志：{verdict.reason or '与备份时的末条不符'}")
            else:
                misfit = verify_digests(session).misfit
                if misfit is not None:
                    problems.append(f"签到记录：{misfit.words}")
    finally:
        engine.dispose()
    return problems


def _picture_problems(place: Place, sample: list[str]) -> list[str]:
    problems = []
    for sha256 in sample:
        try:
            if hashlib.sha256(read_picture(place, sha256)).hexdigest() != sha256:
                problems.append(f"照片 {sha256[:12]}… 的摘要不符")
        except BackupBroken as error:
            problems.append(error.message)
    return problems


def prune(place: Place, *, now: datetime) -> int:
    """Thin out, end after 30 days, drop sealed pictures that no backup names any more; returns backups removed.

    A damaged backup must not stop the next one: nobody knows its pictures, so all stay until it has ended.
    """
    names = list_backups(place)
    kept = kept_backups([made_at(name) for name in names], now)
    gone = [name for name in names if made_at(name) not in kept]
    for name in gone:
        shutil.rmtree(place.folder / name)
    wanted = _named_pictures(place, [name for name in names if name not in gone])
    for path in (place.folder / "photos").glob("??/*"):
        if wanted is not None and path.stem not in wanted:
            path.unlink()
    old = (now - timedelta(hours=12)).timestamp()
    for path in place.folder.glob(".work-*"):  # a crash in the middle leaves a copy in clear
        if path.stat().st_mtime < old:
            shutil.rmtree(path, ignore_errors=True)
    _prune_aside(place, now)
    return len(gone)


def _named_pictures(place: Place, names: list[str]) -> set[str] | None:
    """What these backups need; None where one of them cannot be read."""
    found: set[str] = set()
    for name in names:
        try:
            found.update(read_manifest(place, name).pictures)
        except (BackupBroken, OSError):
            _log.warning("backup %s cannot be read: no sealed picture is dropped until it has ended", name)
            return None
    return found


def _prune_aside(place: Place, now: datetime) -> None:
    """Databases that a restore moved aside are backups too: they end after the same 30 days."""
    oldest = now - timedelta(days=BACKUP_DAYS)
    if not place.is_sqlite:
        drop_aside(place.url, before=oldest.astimezone(UTC).strftime(STAMP))
    for path in (place.home / "aside").glob("*"):
        if path.stat().st_mtime < oldest.timestamp():
            path.unlink()
