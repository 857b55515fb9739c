"""Behind a proxy the client's address is the forwarded one, by the number of our own proxies only."""

from __future__ import annotations

from pathlib import Path

from flask import request

from app import create_app
from app.config import Settings
from app.web.access import public


def _address(home: Path, hops: int) -> str:
    app = create_app(Settings(env="test", home=home, proxy_hops=hops, database_url=f"sqlite:///{home / 'x.db'}"))

    @app.get("/whoami")
    @public
    def whoami() -> str:
        return request.remote_addr or ""

    headers = {"X-Forwarded-For": "203.0.113.9, 198.51.100.7"}
    return app.test_client().get("/whoami", headers=headers).text


def test_the_forwarded_address_counts_by_hops(tmp_path: Path) -> None:
    assert _address(tmp_path, 1) == "198.51.100.7"
    assert _address(tmp_path, 0) == "127.0.0.1"  # a stranger's header is not believed
