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


def postgresql_house(home: Path, server: Server) -> House:
    """PostgreSQL: the database is made anew from the migrated template."""
    server.run("CREATE DATABASE template_shiliu")
    migrate(make_app(home, server.url("template_shiliu")))
    port = free_port()
    app = make_app(home, server.url("shiliu"), base_url=f"http://127.0.0.1:{port}", port=port)

    def restore() -> None:
        _let_go(app)
        server.run(
            "DROP DATABASE IF EXISTS shiliu WITH (FORCE)",
            "CREATE DATABASE shiliu TEMPLATE template_shiliu STRATEGY file_copy",
        )

    return House(app, port, server.position, restore)
