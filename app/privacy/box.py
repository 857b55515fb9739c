"""Files sealed chunk by chunk with a key of the ring: nothing is read that was cut, swapped or changed."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.kernel.errors import DomainError
from app.kernel.keys import KeyRing
from app.kernel.tokens import mac

MAGIC = b"SLBOX1"
CHUNK = 1 << 20
_PREFIX = 7  # random; with the chunk's number and its last-mark the 12 bytes of a nonce


class BackupBroken(DomainError):
    """A backup that cannot be read, in words."""


def box_keys(ring: KeyRing) -> list[bytes]:
    """Keys for backups, the current one first; derived, so that a backup's key opens nothing else."""
    return [mac(key, "backup") for key in ring.data]


def create(path: Path) -> BinaryIO:
    """A new file that only we may read."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def seal(source: BinaryIO, target: BinaryIO, key: bytes, context: str) -> str:
    """Encrypt to the end of `source`; returns the SHA-256 of what was read. `context` binds it to its place."""
    cipher, prefix, sha, number = AESGCM(key), secrets.token_bytes(_PREFIX), hashlib.sha256(), 0
    target.write(MAGIC + prefix)
    chunk = _read_full(source)
    while True:
        following = _read_full(source)
        sha.update(chunk)
        sealed = cipher.encrypt(_nonce(prefix, number, last=not following), chunk, context.encode())
        target.write(len(sealed).to_bytes(4, "big") + sealed)
        if not following:
            break
        chunk, number = following, number + 1
    target.flush()
    os.fsync(target.fileno())
    return sha.hexdigest()


def unseal(source: BinaryIO, keys: list[bytes], context: str) -> Iterator[bytes]:
    """The chunks in clear. Raises BackupBroken."""
    if source.read(len(MAGIC)) != MAGIC:
        raise BackupBroken("not_a_backup", "这不是本平台的备份文件。")
    prefix, number, cipher = source.read(_PREFIX), 0, None
    sealed = _sealed(source)
    while True:
        following = _sealed(source)
        nonce = _nonce(prefix, number, last=not following)
        if cipher is None:
            cipher = _fitting(keys, nonce, sealed, context)
        try:
            yield cipher.decrypt(nonce, sealed, context.encode())
        except InvalidTag:
            raise BackupBroken("backup_changed", "备份文件不完整，或者被改动过。") from None
        if not following:
            return
        sealed, number = following, number + 1


def _fitting(keys: list[bytes], nonce: bytes, sealed: bytes, context: str) -> AESGCM:
    for key in keys:
        try:
            AESGCM(key).decrypt(nonce, sealed, context.encode())
        except InvalidTag:  # the next key of the ring may fit
            continue
        return AESGCM(key)
    raise BackupBroken("backup_key", "密钥环里没有能打开这份备份的密钥，或者文件被改动过。")


def _nonce(prefix: bytes, number: int, *, last: bool) -> bytes:
    return prefix + number.to_bytes(4, "big") + (b"\x01" if last else b"\x00")


def _sealed(source: BinaryIO) -> bytes:
    head = source.read(4)
    if not head:
        return b""
    size = int.from_bytes(head, "big")
    if size > CHUNK + 16:
        raise BackupBroken("backup_changed", "备份文件不完整，或者被改动过。")
    return source.read(size)


def _read_full(source: BinaryIO) -> bytes:
    """A whole chunk, also from a pipe that gives less at a time."""
    parts, missing = [], CHUNK
    while missing and (part := source.read(missing)):
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)
