"""A demo of our own on a scratch home and a free port, for pictures and measurements; gone when the block ends."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def flask(env: dict[str, str], *words: str) -> None:
    """Run one of our commands. Raises CalledProcessError after showing what it said."""
    subprocess.run([str(BIN / "flask"), "--app", "wsgi", *words], cwd=ROOT, env=env, check=True)


def environment(home: Path, port: int) -> dict[str, str]:
    """What a scratch demo runs in: nothing of the caller's own settings."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SHILIU_")}
    return clean | {
        "SHILIU_ENV": "development",
        "SHILIU_DEMO": "true",
        "SHILIU_HOME": str(home),
        "SHILIU_ENV_FILE": os.devnull,
        "SHILIU_BASE_URL": f"http://127.0.0.1:{port}",
        "SHILIU_ASSETS": "local",
        "PORT": str(port),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        if process.poll() is not None:
            break
        with contextlib.suppress(urllib.error.URLError, ConnectionError), urllib.request.urlopen(url, timeout=2):
            return
        time.sleep(0.1)
    raise RuntimeError("the demo did not come up")


@contextlib.contextmanager
def demo(*seed: str) -> Iterator[str]:
    """The address of a freshly seeded demo; `seed` are further words for `flask demo seed`."""
    with tempfile.TemporaryDirectory(prefix="shiliu-demo-") as home:
        port = free_port()
        env = environment(Path(home), port)
        steps = [["keys", "init"], ["assets", "sync"], ["db", "upgrade"], ["plan", "load", "liaocheng-2023"]]
        for words in [*steps, ["demo", "seed", *seed]]:
            flask(env, *words)
        server = subprocess.Popen(
            [str(BIN / "granian"), "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port), "--workers", "2",
             "--blocking-threads", "4", "--no-ws", "--log-level", "warning", "wsgi:app"],
            cwd=ROOT, env=env, start_new_session=True,
        )  # fmt: skip
        try:
            _wait(f"http://127.0.0.1:{port}/healthz", server)
            yield f"http://127.0.0.1:{port}"
        finally:
            # The whole session: a killed main process would leave its workers answering.
            os.killpg(server.pid, signal.SIGTERM)
            try:
                server.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)
                server.wait()
