"""Response headers, the host check and the origin check: the outer skin of every answer."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, Response, abort, g, request

from app.config import Settings

_COMMON = "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"


def register(app: Flask, settings: Settings) -> None:
    """Attach the checks before, and the headers after, every request."""
    parts = urlsplit(settings.base_url)
    cdn = urlsplit(settings.assets_cdn)
    cdn_origin = f" {cdn.scheme}://{cdn.netloc}" if settings.assets != "local" else ""

    @app.before_request
    def check_host_and_origin() -> None:
        host = request.host.split(":")[0].lower()
        allowed = {parts.hostname}
        if not settings.is_production:
            allowed |= {"127.0.0.1", "localhost"}
        if host not in allowed:
            abort(400, description="这个网址不是本站的地址。请用正确的网址打开。")
        # PostgreSQL refuses NUL in a text; nothing of ours has one.
        if "\x00" in request.path or b"%00" in request.query_string:
            abort(404)
        if request.method not in ("GET", "HEAD", "OPTIONS"):
            _check_origin(parts.netloc, settings)

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


def _check_origin(own: str, settings: Settings) -> None:
    """A write must come from our own pages; old browsers without both headers rest on the token."""
    site = request.headers.get("Sec-Fetch-Site")
    if site and site not in ("same-origin", "none"):
        abort(400, description="这一步不是从本站页面发出的，没有执行。请回到本站再试。")
    origin = request.headers.get("Origin")
    if origin and origin != "null":
        netloc = urlsplit(origin).netloc
        same_host = netloc == request.host if not settings.is_production else netloc == own
        if not same_host:
            abort(400, description="这一步不是从本站页面发出的，没有执行。请回到本站再试。")
