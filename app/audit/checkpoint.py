"""Signed tree heads over the log: what has left the machine cannot be rewritten unseen.

Text form after C2SP tlog-checkpoint; tree hash after RFC 6962, section 2.1.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from datetime import datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit.chain import Verdict
from app.audit.folder import read_note, verify_with_heads
from app.audit.log import ORIGIN
from app.audit.models import Checkpoint
from app.audit.queries import latest_checkpoint, stream_links
from app.audit.tree import TreeHash


def signed_note(size: int, root: bytes, key: Ed25519PrivateKey) -> str:
    """Origin, size, root, blank line, signature line."""
    text = f"{ORIGIN}\n{size}\n{base64.b64encode(root).decode()}\n"
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    key_id = hashlib.sha256(ORIGIN.encode() + b"\n\x01" + public).digest()[:4]
    signature = base64.b64encode(key_id + key.sign(text.encode())).decode()
    return f"{text}\n— {ORIGIN} {signature}\n"


def holds_note(note: str, public: Ed25519PublicKey, *, size: int, root: str) -> bool:
    """Whether this text says just that and was signed with this key."""
    text, _, line = note.partition("\n\n")
    try:
        signature = base64.b64decode(line.rsplit(" ", 1)[-1].strip(), validate=True)
        public.verify(signature[4:], f"{text}\n".encode())
        return read_note(note) == (size, root)
    except (InvalidSignature, ValueError):
        return False


def verify_signed_log(session: Session, key: Ed25519PrivateKey) -> Verdict:
    """Chain, tree heads and the signature under each of them, as they stand in this database."""
    public = key.public_key()
    heads = {
        row.size: row.root if holds_note(row.note, public, size=row.size, root=row.root) else ""
        for row in session.execute(select(Checkpoint.size, Checkpoint.root, Checkpoint.note))
    }
    return verify_with_heads(stream_links(session), heads)


def root_of(bodies: Iterable[str]) -> tuple[int, bytes]:
    """Size and RFC 6962 root of the entries' canonical texts."""
    tree = TreeHash()
    for body in bodies:
        tree.add(body.encode())
    return tree.size, tree.root()


def make_checkpoint(session: Session, key: Ed25519PrivateKey, *, now: datetime) -> Checkpoint | None:
    """Sign the log as it stands; None when nothing came since the last one."""
    size, root = root_of(link.body for link in stream_links(session))
    last = latest_checkpoint(session)
    if size == 0 or (last is not None and last.size == size):
        return None
    row = Checkpoint(size=size, at=now, root=root.hex(), note=signed_note(size, root, key))
    session.add(row)
    session.flush()
    return row
