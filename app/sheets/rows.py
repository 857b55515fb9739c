"""A row of an import between file and database: its cells, and how it stands after the check. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

S = TypeVar("S", bound=StrEnum)


class Standing(StrEnum):
    NEW = "new"
    THERE = "there"  # exists already, and is passed over
    BAD = "bad"
    ASIDE = "aside"


@dataclass(frozen=True)  # no slots: Row[Sort](…) notes its parameters on the instance, and a slotted one breaks on it
class Row(Generic[S]):
    """One line of the file: what it is about, where it stands, its cells by field name."""

    sort: S
    sheet: str
    number: int
    cells: dict[str, str]

    def cell(self, name: str) -> str:
        return self.cells.get(name, "")
