"""Media links as typed: whether it is a web address. Pure."""

from __future__ import annotations

from urllib.parse import urlsplit


def is_web_address(text: str) -> bool:
    """http or https with a host; what cannot be taken apart is none."""
    try:
        parts = urlsplit(text)
    except ValueError:  # http://[x
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)
