"""Instances for measuring: a home of their own, migrated, served by granian as `make run` does; a durable PostgreSQL."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from flask import Flask
from flask_migrate import upgrade

from app import create_app
from app.config import Settings
from app.extensions import db
from app.kernel.keys import init_keys
from tests import database

ROOT = Path(__file__).resolve().parent.parent
WORKERS, THREADS = 2, 16


@dataclass(frozen=True)
class Instance:
    """The product on a database, the port that serves it, and the pid of the server's main process."""

    app: Flask
    port: int
    pid: int

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"


@contextlib.contextmanager
def served(target: str, port: int, environment: dict[str, str] | None = None) -> Iterator[int]:
    """granian with WORKERS processes of THREADS threads, ended by its own pid, which the block is given."""
    command = [
        str(Path(sys.executable).parent / "granian"), "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port),
        "--workers", str(WORKERS), "--blocking-threads", str(THREADS), "--respawn-failed-workers", "--respawn-interval",
        "1", "--no-ws", "--log-level", "warning", target,
    ]  # fmt: skip
    process = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **(environment or {})}, stdout=subprocess.DEVNULL, stderr=sys.stderr
    )
    try:
        _wait(port, process)
        yield process.pid
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """TERM, and KILL for who does not hear it: a server that is bringing up workers may not."""
    process.terminate()
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        for pid in (process.pid, *map(int, children)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait(timeout=20)


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            time.sleep(1.0)  # both workers
            return
        time.sleep(0.1)
    raise RuntimeError("the server did not start")


@contextlib.contextmanager
def instance(url: str = "", *, target: str = "wsgi:app", **environment: str) -> Iterator[Instance]:
    """The product, migrated and served; SQLite in a home of its own unless a database is named.

    `environment`: further SHILIU_… settings of the served processes.
    """
    with tempfile.TemporaryDirectory(prefix="shiliu-bench-") as folder:
        home, port = Path(folder), database.free_port()
        init_keys(home / "keys")
        settings = Settings(
            env="development", home=home, database_url=url, base_url=f"http://127.0.0.1:{port}", assets="local",
            argon2_cheap=True,
        )  # fmt: skip
        app = create_app(settings)
        with app.app_context():
            upgrade()
        environment |= {
            "SHILIU_ENV": "development", "SHILIU_HOME": str(home), "SHILIU_DATABASE_URL": settings.database_url,
            "SHILIU_BASE_URL": settings.base_url, "SHILIU_ASSETS": "local", "SHILIU_DEMO": "false",
        }  # fmt: skip
        with served(target, port, environment) as pid:
            yield Instance(app, port, pid)
        with app.app_context():
            db.session.remove()
            db.engine.dispose()


@contextlib.contextmanager
def postgresql() -> Iterator[str]:
    """The address of a private PostgreSQL with fsync and synchronous commit, unlike the tests' own."""
    tests_options = database.OPTIONS
    database.OPTIONS = {"max_connections": "200", "listen_addresses": "127.0.0.1"}
    try:
        server = database.Server()
    finally:
        database.OPTIONS = tests_options
    try:
        server.run("CREATE DATABASE bench")
        yield server.url("bench")
    finally:
        server.stop()
