"""One app per backend and test process, and the way back to its empty, migrated database."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from flask import Flask
from flask_migrate import upgrade

from app import create_app
from app.config import Settings
from app.extensions import db
from tests.database import Server, free_port

BACKENDS = ("sqlite", "postgresql")
FRESH = 600  # seconds: what was kept speaks of "now" and "today"


@dataclass
class House:
    """An app, the port that its addresses name, and how to put its database back."""

    app: Flask
    port: int
    mark: Callable[[], object]  # differs after any write, by whatever connection or process
    restore: Callable[[], None]
    keep: Callable[[str], None]  # the database as it stands, under a name
    bring: Callable[[str], None]  # what was kept under a name, in the database's place
    clean: object = None
    kept: dict[str, float] = field(default_factory=dict)

    def reset(self) -> None:
        """Put the empty database back, unless nothing was written since the last time."""
        if self.clean is not None and self.mark() == self.clean:
            return
        self.restore()
        self.app.extensions.pop("kept", None)  # its key is the log, and an empty log looks like any other
        self.clean = self.mark()

    def furnish(self, name: str, make: Callable[[Flask], None]) -> None:
        """The database as `make` leaves it, made once and then copied. Files that `make` stored must stay."""
        age = time.monotonic() - self.kept.get(name, -FRESH)
        if age < FRESH:
            self.bring(name)
            self.app.extensions.pop("kept", None)
            return
        make(self.app)
        self.keep(name)
        self.kept[name] = time.monotonic()


def make_app(home: Path, url: str, **settings: object) -> Flask:
    """The product as the tests run it: own files only, cheap password hashes."""
    values: dict[str, object] = {"env": "test", "argon2_cheap": True, "assets": "local", "demo": False} | settings
    return create_app(Settings(home=home, database_url=url, **values))  # type: ignore[arg-type]


def migrate(app: Flask) -> None:
    """Every migration, then let go of the database."""
    with app.app_context():
        upgrade()
        db.session.remove()
        for engine in db.engines.values():
            engine.dispose()


def _let_go(app: Flask) -> None:
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


def sqlite_house(home: Path) -> House:
    """SQLite: the template file is copied over."""
    path, template, port = home / "shiliu.db", home / "template.db", free_port()
    app = make_app(home, f"sqlite:///{path}", base_url=f"http://127.0.0.1:{port}", port=port)
    migrate(app)  # the last connection that closes takes the WAL along
    shutil.copy(path, template)

    def put(source: Path) -> None:
        _let_go(app)
        for suffix in ("-wal", "-shm"):
            Path(f"{path}{suffix}").unlink(missing_ok=True)
        fresh = home / "fresh.db"
        shutil.copy(source, fresh)
        os.replace(fresh, path)  # a connection left open keeps its own old file

    def keep(name: str) -> None:
        _let_go(app)
        assert not Path(f"{path}-wal").exists(), "somebody still holds the database open"
        shutil.copy(path, home / f"kept-{name}.db")

    def mark() -> object:
        wal = Path(f"{path}-wal")
        found = path.stat()
        return found.st_ino, found.st_mtime_ns, found.st_size, wal.stat().st_size if wal.exists() else 0

    return House(app, port, mark, lambda: put(template), keep, lambda name: put(home / f"kept-{name}.db"))


# As a replica no trigger and no foreign key stands in the way; copying a template takes twice the time.
_EMPTY = """
DO $$ DECLARE each record; BEGIN
  SET LOCAL session_replication_role = replica;
  FOR each IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version' LOOP
    EXECUTE format('DELETE FROM %I', each.tablename);
  END LOOP;
  FOR each IN SELECT sequencename FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL LOOP
    EXECUTE format('ALTER SEQUENCE %I RESTART', each.sequencename);
  END LOOP;
END $$
"""
_CUT_OFF = (
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


def postgresql_house(home: Path, server: Server) -> House:
    """PostgreSQL: whoever is connected is cut off, and every table emptied."""
    server.run("CREATE DATABASE shiliu")
    port = free_port()
    app = make_app(home, server.url("shiliu"), base_url=f"http://127.0.0.1:{port}", port=port)
    migrate(app)
    filled = server.filled_tables("shiliu")
    if filled:  # rows that a migration wrote would be lost
        raise RuntimeError(f"the migrations fill {filled}: empty these in another way")

    def restore() -> None:
        _let_go(app)
        server.run(_CUT_OFF, _EMPTY, database="shiliu")

    def keep(name: str) -> None:
        _let_go(app)
        server.run(_CUT_OFF, database="shiliu")
        server.run(f"DROP DATABASE IF EXISTS kept_{name}", f"CREATE DATABASE kept_{name} TEMPLATE shiliu")

    def bring(name: str) -> None:
        _let_go(app)
        server.run("DROP DATABASE shiliu WITH (FORCE)", f"CREATE DATABASE shiliu TEMPLATE kept_{name}")

    return House(app, port, server.position, restore, keep, bring)
