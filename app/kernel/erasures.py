"""The erasure list beside the database: who was erased and which photo taken down, so that a restore forgets them again."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from weakref import WeakKeyDictionary

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.kernel.database import before_commit

ERASURES = "erasures.jsonl"
_files: WeakKeyDictionary[Engine, Path] = WeakKeyDictionary()


def keep_erasures(engine: Engine, path: Path) -> None:
    """Say where the list of this database lies: outside of what a backup holds."""
    _files[engine] = path


def note_erased(session: Session, code: str, *, now: datetime) -> None:
    """Keep a registration's code for the list; it is written before this transaction commits."""
    session.info.setdefault("erased", []).append({"registration": code, "at": now.isoformat()})


def note_photo(session: Session, code: str, word: str, *, now: datetime) -> None:
    """The same for a photo on a page of ours; the last word counts: hidden, removed, shown."""
    session.info.setdefault("erased", []).append({"photo": code, "word": word, "at": now.isoformat()})


@before_commit
def append_noted(session: Session) -> None:
    """On disk before the commit: a line too many erases what was asked for; one too few brings a person back."""
    noted = session.info.pop("erased", [])
    bind = session.get_bind()
    path = _files.get(bind) if isinstance(bind, Engine) else None
    if not noted or path is None:
        return
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(handle, "a", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.writelines(json.dumps(entry) + "\n" for entry in noted)
        file.flush()
        os.fsync(file.fileno())


def read_erasures(path: Path) -> Iterator[str]:
    """Codes of the registrations on the list."""
    return (str(line["registration"]) for line in _lines(path) if "registration" in line)


def read_photos(path: Path) -> dict[str, tuple[str, datetime]]:
    """The last word about each photo on the list, and since when."""
    return {
        str(line["photo"]): (line["word"], datetime.fromisoformat(line["at"]))
        for line in _lines(path)
        if "photo" in line
    }


def _lines(path: Path) -> Iterator[dict[str, str]]:
    """What stands on the list; a torn last line is passed over."""
    if not path.exists():
        return
    for text in path.read_text("utf-8").splitlines():
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if isinstance(line, dict):
            yield line
