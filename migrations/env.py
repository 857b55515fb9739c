"""Alembic's environment: the app's own engine, foreign keys checked after, not during."""

from __future__ import annotations

from typing import Any

from alembic import context
from flask import current_app

from app import models  # noqa: F401 - fills the metadata
from app.kernel.database import Base

JOB_TABLES = ("huey_",)  # the queue's own storage keeps its own schema


def include_object(item: Any, name: str | None, kind: str, _reflected: bool, _compare: Any) -> bool:
    return not (kind == "table" and name is not None and name.startswith(JOB_TABLES))


def run() -> None:
    engine = current_app.extensions["migrate"].db.engine
    sqlite = engine.dialect.name == "sqlite"
    with engine.connect().execution_options(write=True) as connection:
        if sqlite:
            # A batch change of a parent empties its cascading child while keys are on,
            # and the switch works outside a transaction only.
            connection.connection.dbapi_connection.execute("PRAGMA foreign_keys=OFF")
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            render_as_batch=True,
            compare_type=True,
            include_object=include_object,
            transactional_ddl=True,
        )
        with context.begin_transaction():
            context.run_migrations()
        if connection.in_transaction():
            connection.commit()
        if sqlite:
            broken = connection.connection.dbapi_connection.execute("PRAGMA foreign_key_check").fetchall()
            connection.connection.dbapi_connection.execute("PRAGMA foreign_keys=ON")
            if broken:
                raise RuntimeError(f"foreign keys broken after the migration: {broken[:3]}")


run()
