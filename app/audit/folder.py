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
            except (ValueError, KeyError, TypeError):
                yield Link(number, "", "", "", {})


def _heads(folder: Path) -> dict[int, str]:
    heads = {}
    for path in sorted((folder / "checkpoints").glob("*.txt")):
        parts = path.read_text(encoding="utf-8").split("\n")
        if len(parts) >= 3 and parts[1].isdigit():
            heads[int(parts[1])] = base64.b64decode(parts[2]).hex()
    return heads


def verify_folder(folder: Path) -> Verdict:
    """Chain and tree heads of an exported folder; names the first row that does not hold."""
    return verify_with_heads(_read(folder), _heads(folder))


def verify_with_heads(links: Iterable[Link], heads: dict[int, str]) -> Verdict:
    """Read the chain once; at each checkpoint's size the tree must have its root.

    A log shorter than its newest checkpoint has lost its end, which no chain alone can show.
    """
    count, previous, tree = 0, GENESIS, TreeHash()
    for link in links:
        reason = check_link(link, count + 1, previous)
        if reason:
            return Verdict(count, link.seq, reason, previous)
        count, previous = count + 1, link.hash
        tree.add(link.body.encode())
        if count in heads and tree.root().hex() != heads[count]:
            return Verdict(count, count, "与存证点不符：这一条或更早的记录被整体改写过", previous)
    newest = max(heads, default=0)
    if newest > count:
        return Verdict(count, count + 1, f"存证点记着 {newest} 条，现在只有 {count} 条：末尾的记录没有了", previous)
    return Verdict(count, head=previous)
