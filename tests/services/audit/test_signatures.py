"""A checkpoint counts only under this installation's signature."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import Flask

from app.audit.checkpoint import make_checkpoint, signed_note, verify_signed_log
from app.audit.log import record
from app.audit.models import Checkpoint
from app.audit.queries import verify_log
from app.extensions import db
from app.kernel.actor import SYSTEM
from app.kernel.clock import now
from app.kernel.database import transaction

Forge = Callable[[str, int, bytes, Ed25519PrivateKey], str]


def _log(count: int) -> None:
    for _ in range(count):
        with transaction(db.session) as tx:
            record(tx, "audit.verified", actor=SYSTEM, object_type="audit", object_code="log", now=now())


def test_a_signed_log_holds(app: Flask) -> None:
    key = Ed25519PrivateKey.generate()
    with app.app_context():
        _log(3)
        with transaction(db.session) as tx:
            make_checkpoint(tx, key, now=now())
        assert verify_signed_log(db.session(), key).holds


@pytest.mark.parametrize(
    "forge",
    [
        lambda note, size, root, other: signed_note(size, root, other),
        lambda note, size, root, other: note.split("\n\n")[0] + "\n",
        lambda note, size, root, other: note.replace("\n3\n", "\n4\n"),
        lambda note, size, root, other: "",
    ],
    ids=["another key", "no signature", "another size", "nothing"],
)
def test_a_checkpoint_that_this_key_did_not_sign_is_named(app: Flask, forge: Forge) -> None:
    key, other = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    with app.app_context():
        _log(3)
        with transaction(db.session) as tx:
            made = make_checkpoint(tx, key, now=now())
            assert made is not None
            tx.expunge(made)
            tx.rollback()
        root = bytes.fromhex(made.root)
        note = forge(made.note, 3, root, other)
        with transaction(db.session) as tx:
            tx.add(Checkpoint(size=3, at=now(), root=made.root, note=note))
        assert verify_log(db.session()).holds  # the root alone tells nothing of who wrote it
        verdict = verify_signed_log(db.session(), key)
    assert (verdict.bad_seq, verdict.holds) == (3, False)
    assert "密钥" in verdict.reason
