"""Hashing and verification of the log; standard library only, so that a copy can be checked anywhere."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from dataclasses import dataclass
from typing import Any

GENESIS = "0" * 64
VERSION = 1


def _nfc(value: Any) -> Any:
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, dict):
        return {_nfc(key): _nfc(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_nfc(item) for item in value]
    return value


def canonical(body: dict[str, Any]) -> str:
    """Canonical JSON: NFC, sorted keys, no blanks, no floats."""
    return json.dumps(_nfc(body), ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def link_hash(text: str) -> str:
    """SHA-256 of the canonical text; the text holds the previous hash."""
    return hashlib.sha256(text.encode()).hexdigest()


def commitment(salt: str, value: str) -> str:
    """What the chain keeps of an erasable text."""
    return hashlib.sha256(f"{salt}\x1f{unicodedata.normalize('NFC', value)}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Link:
    """A row of the log as it stands in a database or an exported folder."""

    seq: int
    body: str
    previous: str
    hash: str
    columns: dict[str, str]  # the repeated columns, which must agree with the body


@dataclass(frozen=True, slots=True)
class Verdict:
    """`count` links read; `bad_seq` names the first row that does not hold, with the reason."""

    count: int
    bad_seq: int | None = None
    reason: str = ""
    head: str = GENESIS

    @property
    def holds(self) -> bool:
        return self.bad_seq is None


def check_link(link: Link, expected_seq: int, expected_previous: str) -> str:
    """Why this link does not hold, or an empty text."""
    if link.seq != expected_seq:
        return f"序号应为 {expected_seq}，却是 {link.seq}：中间少了或多了记录"
    if link.previous != expected_previous:
        return "没有扣住上一条"
    try:
        hash_, body = link_hash(link.body), json.loads(link.body)
    except (ValueError, RecursionError):  # also a text that is no UTF-8, as a copy may hold
        hash_, body = "", None
    if hash_ and hash_ != link.hash:
        return "内容与摘要不符"
    if not isinstance(body, dict):
        return "内容读不出来"
    if body.get("seq") != link.seq or body.get("prev") != link.previous:
        return "内容里的序号或上一条摘要与记录不符"
    for name, value in link.columns.items():
        if str(body.get(name, "")) != value:
            return f"筛选用的“{name}”与内容不符"
    return ""
