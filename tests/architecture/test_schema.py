"""Never a list of people by ethnicity, belief, identity number or place (domain.md)."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import Column, MetaData, Table, Text

from app import models as _every_table  # noqa: F401 - fills the metadata
from app.kernel.database import Base
from tests.architecture.tree import name_of, python_files, template_files

NEVER = re.compile(
    r"ethnic|nationalit|minzu|relig|belief|faith|id_?(card|number)|identity_?(card|number)|shenfen|passport"
    r"|birth_?place|native_?place|huji|hukou|latitude|longitude|geo_?loc|gps|face_?(id|vector|print)",
    re.I,
)
FIELD = re.compile(r'name="([^"{]+)"|^\s+(\w+)\s*=\s*\w*Field\(', re.M)


def refused_columns(metadata: MetaData) -> list[str]:
    """`table.column` of each column that must not exist."""
    return [
        f"{table.name}.{column.name}"
        for table in metadata.sorted_tables
        for column in table.columns
        if NEVER.search(column.name) or NEVER.search(table.name)
    ]


def refused_fields(text: str) -> list[str]:
    names = ["".join(pair) for pair in FIELD.findall(text)]
    return [name for name in names if NEVER.search(name)]


def test_no_column_can_hold_ethnicity_belief_identity_or_place() -> None:
    assert refused_columns(Base.metadata) == []


def test_no_form_asks_for_it() -> None:
    files = [*template_files(), *python_files("app/web")]
    assert {name_of(path): found for path in files if (found := refused_fields(path.read_text("utf-8")))} == {}


@pytest.mark.parametrize("name", ["ethnicity", "ethnic_group", "religion", "id_number", "id_card_no", "gps_lat"])
def test_such_a_column_is_found(name: str) -> None:
    metadata = MetaData()
    Table("person", metadata, Column(name, Text), Column("name", Text))
    assert refused_columns(metadata) == [f"person.{name}"]
    assert refused_fields(f'<input name="{name}">') == [name]
