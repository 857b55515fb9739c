"""Reading retention.toml, the one table that people read and the purge runs."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).with_name("retention.toml")
KINDS = ("activity", "age", "account", "archive")
WAYS = {
    "delete": "整行删除",
    "null": "清空",
    "picture": "删除图片，只留摘要",
    "anonymise": "换成“已注销”",
    "keep": "不按期删除",
}


class RetentionWrong(ValueError):
    """The table contradicts itself; nothing starts with it."""


@dataclass(frozen=True, slots=True)
class Rule:
    """When. `after` maps a column to days: whichever comes first."""

    key: str
    kind: str
    said: str
    after: Mapping[str, int] = field(default_factory=dict)
    after_approval_days: int = 0
    after_end_days: int = 0
    practice_days: int = 0
    after_disabled_days: int = 0


@dataclass(frozen=True, slots=True)
class Item:
    """One sort of personal value: what, why, on which basis, when and how it goes."""

    group: str
    what: str
    why: str
    basis: str
    rule: Rule
    how: str
    columns: tuple[tuple[str, str], ...]  # (table, column)
    slots: tuple[str, ...] = ()
    with_own: bool = True  # goes too when a person erases his own data

    @property
    def table(self) -> str:
        """Every column of an item stands in one table."""
        return self.columns[0][0]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column for _table, column in self.columns)

    @property
    def way(self) -> str:
        """How it goes, in words."""
        return WAYS[self.how]


@dataclass(frozen=True, slots=True)
class Retention:
    """The whole table."""

    rules: Mapping[str, Rule]
    items: tuple[Item, ...]
    plain: Mapping[str, frozenset[str]]

    @property
    def personal(self) -> frozenset[tuple[str, str]]:
        """(table, column) of every personal value."""
        return frozenset(column for item in self.items for column in item.columns)

    def groups(self) -> list[tuple[str, list[tuple[Rule, list[Item]]]]]:
        """Items by whom they are about, then by when they go, in the order of the file."""
        found: dict[str, dict[str, list[Item]]] = {}
        for item in self.items:
            found.setdefault(item.group, {}).setdefault(item.rule.key, []).append(item)
        return [
            (group, [(self.rules[key], items) for key, items in by_rule.items()]) for group, by_rule in found.items()
        ]


@functools.cache
def load_retention() -> Retention:
    """The table that ships with the code."""
    return parse(SOURCE.read_text("utf-8"))


def parse(text: str) -> Retention:
    """Raises RetentionWrong where the table contradicts itself."""
    raw = tomllib.loads(text)
    rules = {key: Rule(key=key, **value) for key, value in raw["rules"].items()}
    for rule in rules.values():
        if rule.kind not in KINDS:
            raise RetentionWrong(f"rule {rule.key}: kind {rule.kind}")
    items = tuple(_item(entry, rules) for entry in raw["item"])
    plain = {table: frozenset(columns) for table, columns in raw["plain"].items()}
    table = Retention(rules, items, plain)
    both = sorted(f"{t}.{c}" for t, c in table.personal if c in plain.get(t, ()))
    if both:
        raise RetentionWrong(f"personal and plain at once: {', '.join(both)}")
    return table


def _item(entry: dict[str, Any], rules: Mapping[str, Rule]) -> Item:
    if entry["how"] not in WAYS or entry["rule"] not in rules:
        raise RetentionWrong(f"{entry['what']}: unknown rule or way")
    columns = []
    for name in entry["columns"]:
        table, _, column = name.partition(".")
        columns.append((table, column))
    if len({table for table, _column in columns}) != 1:
        raise RetentionWrong(f"{entry['what']}: columns of several tables")
    return Item(
        group=entry["group"], what=entry["what"], why=entry["why"], basis=entry["basis"], rule=rules[entry["rule"]],
        how=entry["how"], columns=tuple(columns), slots=tuple(entry.get("slots", ())),
        with_own=entry.get("with_own", True),
    )  # fmt: skip


def misplaced(table: Retention, schema: Mapping[str, set[str]]) -> list[str]:
    """Columns of the schema (by table) that stand nowhere, and entries that name no column."""
    written = {(name, column) for name, columns in table.plain.items() for column in columns} | table.personal
    there = {(name, column) for name, columns in schema.items() for column in columns}
    return sorted(f"{t}.{c} 没有写进 retention.toml" for t, c in there - written) + sorted(
        f"{t}.{c} 在 retention.toml 里，表里没有" for t, c in written - there
    )
