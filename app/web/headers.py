"""Response headers, the host check and the origin check: the outer skin of every answer."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, Response, abort, g, request

from app.config import Settings

_COMMON = "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"


class Skin:
    """What is asked of a request before anything reads it: our host, and for a write our own page."""

    def __init__(self, settings: Settings) -> None:
        parts = urlsplit(settings.base_url)
        self._netloc = parts.netloc if settings.is_production else ""
        self._hosts = {parts.hostname} | (set() if settings.is_production else {"127.0.0.1", "localhost"})

    def is_own_host(self, host: str) -> bool:
        """Whether the Host header names this site."""
        return host.partition(":")[0].lower() in self._hosts

    def is_own_page(self, host: str, *, fetch_site: str, origin: str) -> bool:
        """Whether a write comes from our pages, by its Sec-Fetch-Site and Origin headers.

        Old browsers send neither and rest on the token of the form.
        """
        if fetch_site not in ("same-origin", "none", ""):
            return False
        return origin in ("", "null") or urlsplit(origin).netloc == (self._netloc or host)


def register(app: Flask, settings: Settings) -> None:
    """Attach the checks before, and the headers after, every request."""
    skin = Skin(settings)
    cdn = urlsplit(settings.assets_cdn)
    cdn_origin = f" {cdn.scheme}://{cdn.netloc}" if settings.assets != "local" else ""

    @app.before_request
    def check_host_and_origin() -> None:
        if not skin.is_own_host(request.host):
            abort(400, description="这个网址不是本站的地址。请用正确的网址打开。")
        # PostgreSQL refuses NUL in a text; nothing of ours has one.
        if "\x00" in request.path or b"%00" in request.query_string:
            abort(404)
        if request.method in ("GET", "HEAD", "OPTIONS"):
            return
        fetch_site, origin = request.headers.get("Sec-Fetch-Site", ""), request.headers.get("Origin", "")
        if not skin.is_own_page(request.host, fetch_site=fetch_site, origin=origin):
            abort(400, description="这一步不是从本站页面发出的，没有执行。请回到本站再试。")

    @app.after_request
    def set_headers(response: Response) -> Response:
        headers = response.headers
        # Only staff pages may load the CDN: no third party learns who took part.
        script = "'self'" + (cdn_origin if g.get("staff_page") else "")
        # The camera's reader is WebAssembly; it runs on the page of the helpers and nowhere else.
        script += " 'wasm-unsafe-eval'" if g.get("scan_page") else ""
        headers.setdefault("Content-Security-Policy", f"{_COMMON}; script-src {script}")
        headers["X-Content-Type-Options"] = "nosniff"
        headers["X-Frame-Options"] = "DENY"
        headers["Referrer-Policy"] = "same-origin"
        headers["Permissions-Policy"] = "geolocation=(), microphone=(), camera=(self)"
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        if settings.is_secure:
            headers["Strict-Transport-Security"] = "max-age=31536000"
        if request.endpoint != "static":
            headers.setdefault("Cache-Control", "no-store")
            headers.setdefault("Vary", "HX-Request, Cookie")
        return response
