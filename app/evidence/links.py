"""Media links as typed: whether it is a web address, and which two are one. Pure."""

from __future__ import annotations

from urllib.parse import urlsplit


def is_web_address(text: str) -> bool:
    """http or https with a host; what cannot be taken apart is none."""
    try:
        parts = urlsplit(text)
    except ValueError:  # http://[x
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def same_link(text: str) -> str:
    """The form in which two links to one page are equal, or an empty text for what is no link, as 暂无.

    Neither http or https, nor www, nor a slash at the end, nor a place within the page makes another report.
    """
    typed = text.strip()
    address = typed if "://" in typed else f"https://{typed}"
    if not is_web_address(address) or any(char.isspace() for char in typed):
        return ""
    parts = urlsplit(address)
    host = (parts.hostname or "").removeprefix("www.")
    if "." not in host.strip("."):
        return ""
    query = f"?{parts.query}" if parts.query else ""
    return f"{host}{parts.path.rstrip('/')}{query}"[:300]
