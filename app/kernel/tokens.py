"""Random secrets, MACs and constant-time compare: one place for all codes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

# No 0/O, 1/I/L, U: what is read aloud at a desk must not be misheard.
CODE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
ADDRESS_ALPHABET = "23456789abcdefghjkmnpqrstvwxyz"


def random_code(length: int = 12) -> str:
    """A random address code; 12 characters hold 58 bits and name, never authorise."""
    return "".join(secrets.choice(ADDRESS_ALPHABET) for _ in range(length))


def random_secret() -> str:
    """A 128-bit secret, url-safe, 22 characters."""
    return base64.urlsafe_b64encode(secrets.token_bytes(16)).rstrip(b"=").decode()


def digest(text: str) -> str:
    """SHA-256 hex of a high-entropy secret; this is what the database keeps."""
    return hashlib.sha256(text.encode()).hexdigest()


def mac(key: bytes, *parts: str) -> bytes:
    """HMAC-SHA-256 over length-framed parts, so that no two part lists collide."""
    framed = b"".join(len(raw).to_bytes(4, "big") + raw for raw in map(str.encode, parts))
    return hmac.digest(key, framed, "sha256")


def mac_text(key: bytes, *parts: str, length: int = 22) -> str:
    """The MAC, url-safe base64, cut to `length` characters (22 hold 132 bits)."""
    return base64.urlsafe_b64encode(mac(key, *parts)).decode()[:length]


def mac_digits(key: bytes, *parts: str, length: int = 6) -> str:
    """The MAC as decimal digits for typing."""
    number = int.from_bytes(mac(key, *parts)[:8], "big")
    return str(number % 10**length).zfill(length)


def mac_code(key: bytes, *parts: str, length: int = 8) -> str:
    """The MAC in the desk alphabet for reading aloud."""
    number = int.from_bytes(mac(key, *parts)[:16], "big")
    chars = []
    for _ in range(length):
        number, index = divmod(number, len(CODE_ALPHABET))
        chars.append(CODE_ALPHABET[index])
    return "".join(chars)


def is_code(text: str, length: int = 8) -> bool:
    """Whether it has the shape of a desk code; what has not is a slip, and no guess."""
    return len(text) == length and set(text) <= set(CODE_ALPHABET)


def same(left: str, right: str) -> bool:
    """Constant-time equality."""
    return hmac.compare_digest(left.encode(), right.encode())
