"""The ledger in a process of its own, so that its peak memory is its own: `python -m bench._ledger 100000`."""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import xlsxwriter
from flask import Flask
from flask_migrate import upgrade

from app import create_app
from app.config import Settings
from app.demo.crowd import grow
from app.demo.seed import seed_people
from app.exports.ledger import build_ledger
from app.extensions import db
from app.kernel.clock import business_day, now
from app.kernel.database import transaction
from app.kernel.keys import init_keys
from app.metrics.ledger import ledger_tables
from app.planning.pack import find_pack, read_pack
from app.planning.service import load_plan

ROUNDS = 3


def peak_mb() -> float:
    """The most memory this process ever held, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def in_a_child(work: str, home: Path) -> tuple[float, float]:
    """(seconds, MiB above its own start) of `ours` or `bare` in a fork, so that neither feeds on the other's memory."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        before = peak_mb()
        run = partial(ours, open_app(home)) if work == "ours" else partial(bare, home)
        begun = time.perf_counter()  # a running product has been opened long ago
        run()
        seconds = time.perf_counter() - begun
        os.write(writing, json.dumps([seconds, peak_mb() - before]).encode())
        os._exit(0)
    os.close(writing)
    answer = os.read(reading, 200)
    os.close(reading)
    os.waitpid(child, 0)
    seconds, mb = json.loads(answer)
    return seconds, mb


def open_app(home: Path) -> Flask:
    return create_app(Settings(env="test", home=home, base_url="http://localhost", assets="local"))


def tables():  # type: ignore[no-untyped-def]
    """The sheets of every year with facts would be two files; the crowd's larger year is measured."""
    moment = now()
    return ledger_tables(
        db.session(), year=moment.year, today=business_day(moment), host_paths=None, moment=moment
    ).sheets


def ours(app: Flask) -> None:
    """Query and workbook."""
    with app.app_context():
        build_ledger(tables()).close()


def bare(home: Path) -> None:
    """The same cells by XlsxWriter alone; the rows were read to a file before."""
    with tempfile.TemporaryFile() as target:
        book = xlsxwriter.Workbook(target, {"constant_memory": True})
        page = book.add_worksheet()
        with (home / "rows.jsonl").open(encoding="utf-8") as lines:
            for number, line in enumerate(lines):
                for column, value in enumerate(json.loads(line)):
                    if isinstance(value, str):
                        page.write_string(number, column, value)
                    elif value is not None:
                        page.write_number(number, column, value)
        book.close()


def prepare(home: Path, rows: int) -> int:
    """As many facts as asked in this year, and their rows as JSON lines."""
    init_keys(home / "keys")
    with open_app(home).app_context():
        upgrade()
        with transaction(db.session) as tx:
            load_plan(tx, read_pack(find_pack("liaocheng-2023")), now=now())
            seed_people(tx, now=now())
            grow(tx, activities=rows, check_ins=0, now=now())
        count = 0
        with (home / "rows.jsonl").open("w", encoding="utf-8") as lines:
            for sheet in tables():
                for row in sheet.rows:
                    lines.write(json.dumps([str(v) if hasattr(v, "isoformat") else v for v in row]) + "\n")
                    count += 1
    return count


def main() -> None:
    """Prints one line of JSON: seconds of each round, the peak in MiB, rows."""
    with tempfile.TemporaryDirectory(prefix="shiliu-ledger-") as folder:
        home = Path(folder)
        child = os.fork()  # filling takes memory that must not count
        if child == 0:
            (home / "count").write_text(str(prepare(home, int(sys.argv[1]))))
            os._exit(0)
        os.waitpid(child, 0)
        found: dict[str, list[float]] = {"ours": [], "bare": []}
        peaks = []
        for _ in range(ROUNDS):
            for work in ("bare", "ours"):
                seconds, mb = in_a_child(work, home)
                found[work].append(seconds)
                if work == "ours":
                    peaks.append(mb)
        print(json.dumps(found | {"peak_mb": max(peaks), "rows": int((home / "count").read_text())}))


if __name__ == "__main__":
    main()
