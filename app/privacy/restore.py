"""Putting a backup back: checked before anything is touched, the live database moved aside, never overwritten."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime

from sqlalchemy import create_engine, make_url

from app.privacy.backup import (
    STAMP,
    Manifest,
    Place,
    check_database,
    read_database,
    read_manifest,
    read_picture,
    work_folder,
    write_database,
)
from app.privacy.box import BackupBroken
from app.privacy.dump import load_postgresql, make_database, only_us, sqlite_path, swap_postgresql


def restore(place: Place, name: str, *, now: datetime) -> str:
    """Put the backup in the live one's place; returns where the live one lies now.

    Raises BackupBroken, with everything as it was, for a broken backup and while the product runs. Afterwards the
    caller brings the schema up to date and erases again who stands on the erasure list.
    """
    manifest = read_manifest(place, name)
    if manifest.dialect != ("sqlite" if place.is_sqlite else "postgresql"):
        raise BackupBroken("other_database", f"这是 {manifest.dialect} 的备份，和现在设置的数据库不同，没有恢复。")
    stamp = now.astimezone(UTC).strftime(STAMP)
    if place.is_sqlite:
        return _restore_sqlite(place, name, manifest, stamp)
    return _restore_postgresql(place, name, manifest, stamp)


def _refuse(problems: list[str]) -> None:
    if problems:
        raise BackupBroken("backup_wrong", f"这份备份不完好，没有恢复：{'；'.join(problems[:5])}")


def _restore_sqlite(place: Place, name: str, manifest: Manifest, stamp: str) -> str:
    live = sqlite_path(place.url)
    aside = place.home / "aside" / f"shiliu-{stamp}.db"
    with work_folder(place) as work:
        probe, fresh = work / "probe.db", live.with_name(f".{live.name}.{stamp}")
        write_database(place, name, probe)
        _refuse(check_database(f"sqlite:///{probe}", manifest))
        _put_pictures(place, manifest)
        only_us(probe)
        shutil.copyfile(probe, fresh)
        os.chmod(fresh, 0o600)
    try:
        if live.exists():
            only_us(live)
            aside.parent.mkdir(mode=0o700, exist_ok=True)
            shutil.move(live, aside)
            os.utime(aside)  # its 30 days begin now
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    fresh.rename(live)
    return str(aside)


def _restore_postgresql(place: Place, name: str, manifest: Manifest, stamp: str) -> str:
    live = str(make_url(place.url).database)
    fresh, aside = f"{live}_new_{stamp.lower()}", f"{live}_aside_{stamp.lower()}"
    admin = create_engine(make_url(place.url), isolation_level="AUTOCOMMIT")
    url = make_url(place.url).set(database=fresh).render_as_string(hide_password=False)
    if not make_database(admin, fresh):
        raise BackupBroken("not_allowed", "数据库账号不能建库，没有恢复。请数据库管理员先执行 ALTER ROLE … CREATEDB。")
    try:
        load_postgresql(url, read_database(place, name))
        _refuse(check_database(url, manifest))
        _put_pictures(place, manifest)
        admin.dispose()
        swap_postgresql(place.url, fresh, aside)
    except BaseException:
        with admin.connect() as connection:
            connection.exec_driver_sql(f'DROP DATABASE IF EXISTS "{fresh}" WITH (FORCE)')
        raise
    finally:
        admin.dispose()
    return aside


def _put_pictures(place: Place, manifest: Manifest) -> None:
    """Pictures that are lost here come back; those that are here stay."""
    for sha256 in manifest.pictures:
        try:
            place.storage.path(sha256)
        except FileNotFoundError:
            place.storage.put(sha256, read_picture(place, sha256))
