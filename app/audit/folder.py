"""The log as a folder: `log.jsonl` and `checkpoints/`, and a verifier that needs nothing but Python."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from app.audit.chain import GENESIS, Link, Verdict, check_link
from app.audit.tree import TreeHash

LOG_NAME = "log.jsonl"


def write_folder(folder: Path, links: Iterable[Link], notes: Iterable[tuple[int, str]]) -> int:
    """Write the chain and its signed tree heads (size, note); returns the number of entries."""
    (folder / "checkpoints").mkdir(parents=True, exist_ok=True)
    count = 0
    with (folder / LOG_NAME).open("w", encoding="utf-8") as file:
        for link in links:
            file.write(
                json.dumps(
                    {"seq": link.seq, "body": link.body, "previous": link.previous, "hash": link.hash},
                    ensure_ascii=False,
                )
                + "\n"
            )
            count += 1
    for size, note in notes:
        (folder / "checkpoints" / f"{size:010d}.txt").write_text(note, encoding="utf-8")
    return count


def _read(folder: Path) -> Iterator[Link]:
    with (folder / LOG_NAME).open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            try:
                row = json.loads(line)
                yield Link(int(row["seq"]), str(row["body"]), str(row["previous"]), str(row["hash"]), {})
            except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
                yield Link(number, "", "", "", {})


def read_note(note: str) -> tuple[int, str]:
    """Size and root (hex) of a checkpoint's text. Raises ValueError for what is none."""
    lines = note.split("\n")
    if len(lines) < 3 or not (lines[1].isascii() and lines[1].isdigit()):
        raise ValueError("no checkpoint")
    return int(lines[1]), base64.b64decode(lines[2], validate=True).hex()


def _heads(folder: Path) -> dict[int, str]:
    heads = {}
    for number, path in enumerate(sorted((folder / "checkpoints").glob("*.txt")), start=1):
        try:
            size, root = read_note(path.read_text(encoding="utf-8"))
        except ValueError:
            size, root = int(path.stem) if path.stem.isascii() and path.stem.isdigit() else number, ""
        heads[size] = root
    return heads


def verify_folder(folder: Path) -> Verdict:
    """Chain and tree heads of an exported folder; names the first row that does not hold."""
    return verify_with_heads(_read(folder), _heads(folder))


def verify_with_heads(links: Iterable[Link], heads: dict[int, str]) -> Verdict:
    """Read the chain once; at each checkpoint's size the tree must have its root. An empty root never holds.

    A log shorter than its newest checkpoint has lost its end, which no chain alone can show.
    """
    count, previous, tree = 0, GENESIS, TreeHash()
    for link in links:
        reason = check_link(link, count + 1, previous)
        if reason:
            return Verdict(count, link.seq, reason, previous)
        count, previous = count + 1, link.hash
        tree.add(link.body.encode())
        if heads.get(count) == "":
            return Verdict(count, count, "这里的存证点读不出来，或者不是本机的密钥签的", previous)
        if count in heads and tree.root().hex() != heads[count]:
            return Verdict(count, count, "与存证点不符：这一条或更早的记录被整体改写过", previous)
    newest = max(heads, default=0)
    if newest > count:
        return Verdict(count, count + 1, f"存证点记着 {newest} 条，现在只有 {count} 条：末尾的记录没有了", previous)
    return Verdict(count, head=previous)
