"""Models and migrations agree, history's triggers stand after every migration, up and down, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import Column, Connection, MetaData, Text, inspect, text
from sqlalchemy.exc import DBAPIError

from app import models as _every_table  # noqa: F401 - fills the metadata
from app.extensions import db
from app.kernel.database import Base
from tests.architecture.tree import ROOT
from tests.database import Server
from tests.house import House, make_app

HISTORY = ("audit_entry", "check_in_event", "review_event", "checkpoint")


def missing_triggers(connection: Connection) -> list[str]:
    """Triggers that the history tables present here should have and lack."""
    if connection.dialect.name == "postgresql":
        kinds, listed = ("append_only", "no_truncate"), "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"
    else:
        kinds, listed = ("no_update", "no_delete"), "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    have = set(connection.execute(text(listed)).scalars())
    present = set(inspect(connection).get_table_names())
    return [
        f"{table}_{kind}" for table in HISTORY if table in present for kind in kinds if f"{table}_{kind}" not in have
    ]


def differences(connection: Connection, metadata: MetaData) -> list[object]:
    """What Alembic would still change to reach these models."""
    options = {"compare_type": True, "include_object": lambda item, name, *_: not str(name).startswith("huey_")}
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))


def schema(connection: Connection) -> dict[str, object]:
    """Tables, columns, indexes and unique constraints, to compare before and after."""
    look = inspect(connection)
    return {
        table: (
            sorted((column["name"], str(column["type"]), column["nullable"]) for column in look.get_columns(table)),
            sorted(str(index["name"]) for index in look.get_indexes(table)),
            sorted(str(unique["name"]) for unique in look.get_unique_constraints(table)),
            sorted(str(key["name"]) for key in look.get_foreign_keys(table)),
        )
        for table in look.get_table_names()
        if table != "alembic_version"
    }


@pytest.fixture
def empty(backend: House, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Flask]:
    """An app on a database without any table."""
    if backend.app.extensions["settings"].is_sqlite:
        app = make_app(tmp_path, f"sqlite:///{tmp_path / 'empty.db'}")
    else:
        server: Server = request.getfixturevalue("server")
        server.run("DROP DATABASE IF EXISTS empty_shiliu WITH (FORCE)", "CREATE DATABASE empty_shiliu")
        app = make_app(tmp_path, server.url("empty_shiliu"))
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def revisions() -> list[str]:
    """From the first to the last."""
    script = ScriptDirectory(str(ROOT / "migrations"))
    return [each.revision for each in reversed(list(script.walk_revisions()))]


def test_revisions_are_numbered_in_one_line() -> None:
    assert revisions() == [f"{number:04d}" for number in range(1, len(revisions()) + 1)]


def test_every_step_up_and_down_keeps_the_triggers_and_comes_back_the_same(empty: Flask) -> None:
    steps = revisions()
    schemas: dict[str, dict[str, object]] = {}
    for revision in steps:
        upgrade(revision=revision)
        with db.engine.connect() as connection:
            assert missing_triggers(connection) == [], f"after going up to {revision}"
            schemas[revision] = schema(connection)
    for revision in reversed(steps[:-1]):
        downgrade(revision=revision)
        with db.engine.connect() as connection:
            assert missing_triggers(connection) == [], f"after going down to {revision}"
            assert schema(connection) == schemas[revision]
    downgrade(revision="base")
    with db.engine.connect() as connection:
        assert schema(connection) == {}
    upgrade()
    with db.engine.connect() as connection:
        assert schema(connection) == schemas[steps[-1]]
        assert missing_triggers(connection) == []


def test_models_and_migrations_agree(app: Flask) -> None:
    with app.app_context(), db.engine.connect() as connection:
        assert differences(connection, Base.metadata) == []


def test_a_column_without_a_migration_is_found(app: Flask) -> None:
    planted = MetaData(naming_convention=Base.metadata.naming_convention)
    for table in Base.metadata.sorted_tables:
        table.to_metadata(planted)
    planted.tables["unit"].append_column(Column("planted", Text))
    with app.app_context(), db.engine.connect() as connection:
        assert "planted" in str(differences(connection, planted))


def test_a_dropped_trigger_is_found(app: Flask) -> None:
    with app.app_context(), db.engine.connect() as connection:
        assert missing_triggers(connection) == []
        if connection.dialect.name == "postgresql":
            connection.execute(text("DROP TRIGGER audit_entry_append_only ON audit_entry"))
        else:
            connection.execute(text("DROP TRIGGER audit_entry_no_update"))
        assert len(missing_triggers(connection)) == 1
        connection.rollback()


@pytest.mark.parametrize("table", HISTORY)
def test_every_history_table_is_a_table(app: Flask, table: str) -> None:
    with app.app_context():
        assert inspect(db.engine).has_table(table)


def test_the_database_itself_refuses_to_empty_history(app: Flask) -> None:
    with app.app_context(), db.engine.connect() as connection:
        if connection.dialect.name != "postgresql":
            assert connection.execute(text("PRAGMA recursive_triggers")).scalar() == 1
            return
        for table in HISTORY:
            with pytest.raises(DBAPIError, match="append-only"):
                connection.execute(text(f"TRUNCATE {table} CASCADE"))
            connection.rollback()
