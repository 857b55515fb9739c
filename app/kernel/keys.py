"""The key ring under `$SHILIU_HOME/keys`: made once, 0600, never in a data backup."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from app.kernel.errors import DomainError
from app.kernel.tokens import mac_text

# session and data rotate with fallbacks; codes and index do not: printed codes and
# blind indexes live by them. log signs the checkpoints.
NAMES = ("session", "data", "codes", "index", "log")


class KeysMissing(DomainError):
    """The ring is not there yet; `flask keys init` makes it."""


@dataclass(frozen=True)
class KeyRing:
    """Raw 32-byte keys. `data` holds the current key first, then its predecessors."""

    session: tuple[bytes, ...]
    data: tuple[bytes, ...]
    codes: bytes
    index: bytes
    log: bytes

    def encrypt(self, text: str, *, context: str) -> bytes:
        """AES-256-GCM; `context` binds the value to its place."""
        nonce = secrets.token_bytes(12)
        return nonce + AESGCM(self.data[0]).encrypt(nonce, text.encode(), context.encode())

    def decrypt(self, value: bytes, *, context: str) -> str:
        """The text, or ValueError when no key of the ring opens it."""
        for key in self.data:
            try:
                return AESGCM(key).decrypt(value[:12], value[12:], context.encode()).decode()
            except (InvalidTag, ValueError):  # the next key of the ring may fit
                continue
        raise ValueError("no key of the ring opens this value")

    def blind(self, *parts: str) -> str:
        """A blind index: equal values meet, nothing else can be learnt without the key."""
        return mac_text(self.index, "blind", *parts, length=32)

    @property
    def log_key(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.log)


def init_keys(folder: Path) -> list[str]:
    """Make what is missing; returns the names made. An existing key is never replaced."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.chmod(folder, 0o700)
    made = []
    for name in NAMES:
        path = folder / f"{name}.key"
        if path.exists():
            continue
        if name == "log":
            raw = Ed25519PrivateKey.generate().private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        else:
            raw = secrets.token_bytes(32)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(raw.hex() + "\n")
        made.append(name)
    return made


def load_keys(folder: Path) -> KeyRing:
    """The ring. Raises KeysMissing in words. The first line of a file is the current key."""
    rings: dict[str, tuple[bytes, ...]] = {}
    for name in NAMES:
        path = folder / f"{name}.key"
        if not path.exists():
            raise KeysMissing("keys_missing", f"缺少密钥 {name}。请先运行 flask --app wsgi keys init")
        rings[name] = tuple(bytes.fromhex(line) for line in path.read_text().split())
    return KeyRing(
        session=rings["session"],
        data=rings["data"],
        codes=rings["codes"][0],
        index=rings["index"][0],
        log=rings["log"][0],
    )
