"""Each server process has a processor of its own, what it starts has all of them, and a dead one's is free again."""

from __future__ import annotations

import errno
import json
import os
import secrets
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.kernel.processors import OnOneProcessor, take_processor

ROOT = Path(__file__).resolve().parents[3]
ALLOWED = sorted(os.sched_getaffinity(0))

# Answers one request, says where its threads may run and where a child may that wants every processor; ends on Enter.
_SERVER = """
import json, os, subprocess, sys, threading
from app.kernel.processors import OnOneProcessor
threading.Thread(target=threading.Event().wait, daemon=True).start()
app = OnOneProcessor(lambda environ, start: [b"ok"], sys.argv[1])
before = sorted(os.sched_getaffinity(0))
assert app({}, None) == app({}, None) == [b"ok"]
child = "import os; from app.kernel.processors import use_every_processor as u; u(); print(sorted(os.sched_getaffinity(0)))"
said = subprocess.run([sys.executable, "-c", child], capture_output=True, text=True, check=True).stdout
threads = sorted({n for t in os.listdir("/proc/self/task") for n in os.sched_getaffinity(int(t))})
print(json.dumps([before, threads, json.loads(said)]), flush=True)
sys.stdin.readline()
"""


def serve(mark: str, home: Path) -> subprocess.Popen[str]:
    """A server with a home, a folder for temporary files and a name in the system of its own."""
    home.mkdir()
    environment = os.environ | {"SHILIU_HOME": str(home), "TMPDIR": str(home)}
    return subprocess.Popen(
        [sys.executable, "-c", _SERVER, mark],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def heard(process: subprocess.Popen[str]) -> list[list[int]]:
    assert process.stdout is not None
    found: list[list[int]] = json.loads(process.stdout.readline())
    return found


def end_of(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait(20)
    for stream in (process.stdin, process.stdout):
        assert stream is not None
        stream.close()


def test_each_takes_another_and_the_surplus_keeps_all(tmp_path: Path) -> None:
    servers, mark = [], f"test-{secrets.token_hex(8)}"  # beside the servers that run on this machine
    try:
        for number in range(len(ALLOWED) + 1):
            servers.append(serve(mark, tmp_path / str(len(list(tmp_path.iterdir())))))
            before, threads, child = heard(servers[-1])
            assert before == child == ALLOWED
            assert threads == ([ALLOWED[number]] if number < len(ALLOWED) else ALLOWED)
        end_of(servers.pop(0))  # killed: nobody gave it back by hand
        servers.append(serve(mark, tmp_path / str(len(list(tmp_path.iterdir())))))
        assert heard(servers[-1])[1] == [ALLOWED[0]]
    finally:
        for server in servers:
            end_of(server)


def test_two_marks_know_nothing_of_each_other(tmp_path: Path) -> None:
    """Negative control: only the common name keeps two homes apart."""
    servers = [serve(f"test-{secrets.token_hex(8)}", tmp_path / name) for name in "ab"]
    try:
        assert [heard(server)[1] for server in servers] == [[ALLOWED[0]], [ALLOWED[0]]]
    finally:
        for server in servers:
            end_of(server)


def test_where_the_mark_cannot_be_made_the_process_runs_as_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> socket.socket:
        raise PermissionError(errno.EACCES, "no")

    monkeypatch.setattr(socket.socket, "bind", forbidden)
    assert take_processor(f"test-{secrets.token_hex(8)}") is None
    assert sorted(os.sched_getaffinity(0)) == ALLOWED


def test_a_command_that_loads_the_app_takes_none() -> None:
    OnOneProcessor(lambda _environ, _start: [], f"test-{secrets.token_hex(8)}")
    assert sorted(os.sched_getaffinity(0)) == ALLOWED


# Started as the server starts them, from a process that stays on one processor; it waits for its first bytes.
_CHILD = """
import os, subprocess, sys
os.sched_setaffinity(0, {int(sys.argv[2])})
child = subprocess.Popen([sys.executable, "-m", sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
print(child.pid, flush=True)
sys.stdin.readline()
child.stdin.close()
child.wait(20)
"""


def affinity_of_child(module: str, *, within: float = 20) -> list[int]:
    """Where a real one may run, as soon as that is everywhere: its interpreter takes a while to start."""
    parent = subprocess.Popen(
        [sys.executable, "-c", _CHILD, module, str(ALLOWED[0])], cwd=ROOT, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert parent.stdout is not None and parent.stdin is not None
        pid, end = int(parent.stdout.readline()), time.monotonic() + within
        while (found := sorted(os.sched_getaffinity(pid))) != ALLOWED and time.monotonic() < end:
            time.sleep(0.05)
        parent.stdin.write("\n")
        parent.stdin.flush()
        parent.wait(30)
        return found
    finally:
        end_of(parent)


@pytest.mark.skipif(len(ALLOWED) < 2, reason="one processor is every processor")
@pytest.mark.parametrize("child", ["app.evidence.photo_child", "app.sheets.child"])
def test_the_children_that_calculate_take_every_processor(child: str) -> None:
    assert affinity_of_child(child) == ALLOWED


@pytest.mark.skipif(len(ALLOWED) < 2, reason="one processor is every processor")
def test_a_child_that_asks_for_nothing_stays_where_its_server_is() -> None:
    """Negative control."""
    assert affinity_of_child("tokenize", within=2) == [ALLOWED[0]]  # it reads its input too
