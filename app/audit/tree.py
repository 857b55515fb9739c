"""RFC 6962 Merkle tree hash, computed as a stream; standard library only."""

from __future__ import annotations

import hashlib


class TreeHash:
    """Add leaves in order; `root()` at any time. Holds log2(n) hashes."""

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[tuple[int, bytes]] = []  # (leaves below, hash), left to right

    def add(self, leaf: bytes) -> None:
        node = (1, hashlib.sha256(b"\x00" + leaf).digest())
        while self._peaks and self._peaks[-1][0] == node[0]:
            count, left = self._peaks.pop()
            node = (count * 2, hashlib.sha256(b"\x01" + left + node[1]).digest())
        self._peaks.append(node)
        self.size += 1

    def root(self) -> bytes:
        if not self._peaks:
            return hashlib.sha256(b"").digest()
        _, value = self._peaks[-1]
        for _, left in reversed(self._peaks[:-1]):
            value = hashlib.sha256(b"\x01" + left + value).digest()
        return value
