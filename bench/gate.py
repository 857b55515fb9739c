"""Check-in group: a disk whose fsync takes a millisecond longer, and 5 000 people who come within a minute."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from statistics import median

from bench.checkin import PROOF, one_round
from bench.load import Outcome, arrive_openly, burst
from bench.serving import instance

GROUP = "checkin"
ROUNDS, COMMITS, PEOPLE, SECONDS, IDLE = 3, 400, 5000, 60, 200
SHIM = Path(__file__).resolve().parent / "_slow_fsync.c"

# One row a commit, with the settings of the product: what this disk gives to who commits alone.
_SINGLE = f"""
import time, sys, pysqlite3
at = pysqlite3.connect(sys.argv[1], isolation_level=None)
for words in ("journal_mode=WAL", "synchronous=FULL"):
    at.execute("PRAGMA " + words)
at.execute("CREATE TABLE IF NOT EXISTS row (id INTEGER PRIMARY KEY, words TEXT)")
begun = time.perf_counter()
for _ in range({COMMITS}):
    at.execute("BEGIN IMMEDIATE")
    at.execute("INSERT INTO row (words) VALUES ('x')")
    at.execute("COMMIT")
print({COMMITS} / (time.perf_counter() - begun))
"""


def shim(folder: Path) -> str:
    """The compiled library. Raises RuntimeError without a C compiler."""
    compiler, made = shutil.which("cc"), folder / "slow_fsync.so"
    if compiler is None:
        raise RuntimeError("the slow disk needs a C compiler: apt-get install gcc libc6-dev")
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", str(made), str(SHIM), "-ldl"], check=True)
    return str(made)


def single_commits(folder: Path, library: str) -> float:
    """Commits a second of one writer."""
    found = subprocess.run(
        [sys.executable, "-c", _SINGLE, str(folder / "single.db")], env={"LD_PRELOAD": library}, check=True,
        capture_output=True, text=True,
    )  # fmt: skip
    return float(found.stdout)


def slow_disk() -> tuple[float, list[dict[str, float]]]:
    """Check-ins a second over single commits a second, both on the slower disk; the median of three rounds."""
    with tempfile.TemporaryDirectory(prefix="shiliu-bench-") as name:
        folder = Path(name)
        library = shim(folder)
        with instance(LD_PRELOAD=library) as place:
            one_round(place)
            rounds = [(one_round(place), single_commits(folder, library)) for _ in range(ROUNDS)]
    raw = [
        {"per_second": o.rate, "p99_ms": 1000 * o.percentile(0.99), "single_commits": alone} for o, alone in rounds
    ]  # fmt: skip
    return median(outcome.rate / alone for outcome, alone in rounds), raw


def alone(port: int, requests: list[bytes]) -> Outcome:
    """One after the other: what an idle server takes."""
    return burst(port, requests, clients=1, proof=PROOF)


def crowd() -> tuple[float, list[dict[str, float]]]:
    """The slowest in a hundred of a crowd over one idle request; the median of three rounds of both.

    An idle one comes right behind the one before it, to processors and a disk that are awake. In the crowd each comes
    12 ms after the last one and wakes them: `crowd_p50_ms` tells how much of the time that is.
    """
    rounds = []
    with instance() as place:
        one_round(place, IDLE)
        for _ in range(ROUNDS):
            idle = one_round(place, IDLE, alone)
            rounds.append((idle, one_round(place, PEOPLE, partial(arrive_openly, seconds=SECONDS, proof=PROOF))))
    raw = [
        {
            "idle_p50_ms": 1000 * idle.percentile(0.5), "crowd_p50_ms": 1000 * came.percentile(0.5),
            "crowd_p99_ms": 1000 * came.percentile(0.99), "people": came.accepted,
        }
        for idle, came in rounds
    ]  # fmt: skip
    return median(came.percentile(0.99) / idle.percentile(0.5) for idle, came in rounds), raw


def run() -> tuple[dict[str, float], object]:
    """Both figures."""
    (ratio, slow), (over_idle, crowds) = slow_disk(), crowd()
    figures = {
        "checkin.sqlite.slow_disk_vs_commit": ratio,
        "checkin.burst.p99_ms_over_idle_p50_ms": over_idle,
    }
    return figures, {"slow_disk": slow, "crowd": crowds}
