"""One app per backend and test process, and the way back to its empty, migrated database."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from flask import Flask
from flask_migrate import upgrade

from app import create_app
from app.config import Settings
from app.extensions import db
from tests.database import Server, free_port

BACKENDS = ("sqlite", "postgresql")


@dataclass
class House:
    """An app, the port that its addresses name, and how to put its database back."""

    app: Flask
    port: int
    mark: Callable[[], object]  # differs after any write, by whatever connection or process
    restore: Callable[[], None]
    clean: object = None

    def reset(self) -> None:
        """Put the empty database back, unless nothing was written since the last time."""
        if self.clean is not None and self.mark() == self.clean:
            return
        self.restore()
        self.clean = self.mark()


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

    def restore() -> None:
        _let_go(app)
        for suffix in ("-wal", "-shm"):
            Path(f"{path}{suffix}").unlink(missing_ok=True)
        fresh = home / "fresh.db"
        shutil.copy(template, fresh)
        os.replace(fresh, path)  # a connection left open keeps its own old file

    def mark() -> object:
        wal = Path(f"{path}-wal")
        found = path.stat()
        return found.st_ino, found.st_mtime_ns, found.st_size, wal.stat().st_size if wal.exists() else 0

    return House(app, port, mark, restore)


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

    return House(app, port, server.position, restore)
