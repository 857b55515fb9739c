"""Signed tree heads over the log: what has left the machine cannot be rewritten unseen.

Text form after C2SP tlog-checkpoint; tree hash after RFC 6962, section 2.1.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy.orm import Session

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
