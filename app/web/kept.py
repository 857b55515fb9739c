"""What was made from the database once and holds until anything is written: nobody waits for a sum that is the same."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from flask import current_app

from app.audit.log import head
from app.extensions import db

Made = TypeVar("Made")
MOST = 32  # of one state of the log; a year or a day is a shape of its own


@dataclass(frozen=True, slots=True)
class _Shelf:
    """What was made since the log had this last entry."""

    head: str
    things: dict[Hashable, Any] = field(default_factory=dict)


def kept(make: Callable[[], Made], *key: Hashable) -> Made:
    """What `make` gives, made again after the next entry of the log.

    Every transaction that changes what people see adds an entry as its last step, and they take turns for it, so
    the head changes when the figures do: in the same commit, in every process. It is read before `make` reads, which
    can only be newer. `key` names the thing and all that `make` depends on beside the database, the day for one.
    """
    last = head(db.session())
    shelf: _Shelf | None = current_app.extensions.get("kept")
    if shelf is None or shelf.head != last:
        shelf = current_app.extensions["kept"] = _Shelf(last)
    if key in shelf.things:
        found: Made = shelf.things[key]
        return found
    made = make()
    if len(shelf.things) < MOST:
        shelf.things[key] = made
    return made
