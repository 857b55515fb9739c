"""Runs the groups of bench/, prints their table and writes bench/latest.json: `make bench BENCH=photo`.

A group is a module with `GROUP: str` and `run() -> tuple[dict[str, float], object]`: figures by key, and raw numbers.
"""

from __future__ import annotations

import importlib
import json
import os
import platform
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
LATEST = HERE / "latest.json"
NOT_GROUPS = {"__init__", "run"}

# docs/performance.md: (must, reach). `True` first: larger is better.
TARGETS: dict[str, tuple[bool, float, float]] = {
    "checkin.sqlite.vs_flask": (True, 0.20, 0.35),
    "checkin.postgresql.vs_flask": (True, 0.15, 0.30),
    "checkin.sqlite.p99_over_p50": (False, 3, 2),
    "checkin.sqlite.slow_disk_vs_commit": (True, 3, 6),
    "checkin.burst.p99_ms_over_idle_p50_ms": (False, 5, 2),
    "register.rush.vs_flask": (True, 0.03, 0.10),
    "page.activity.vs_static": (False, 6, 3),
    "page.list.vs_static": (False, 6, 3),
    "page.dashboard.vs_static": (False, 6, 3),
    "dashboard.growth": (False, 1.3, 1.0),
    "photo.vs_naive": (False, 0.55, 0.5),
    "ledger.vs_xlsxwriter": (False, 1.5, 1.1),
    "ledger.peak_mb": (False, 80, 50),
    "roster.vs_calamine": (False, 20, 8),
    "participant.first_visit_kb": (False, 60, 35),
}

Run = Callable[[], tuple[dict[str, float], object]]


@dataclass(frozen=True)
class Group:
    name: str
    module: str
    run: Run


def groups() -> list[Group]:
    """Every module here that names a group, in the order of their names."""
    found = []
    for path in sorted(HERE.glob("*.py")):
        if path.stem in NOT_GROUPS or path.stem.startswith("_"):
            continue
        module = importlib.import_module(f"bench.{path.stem}")
        if hasattr(module, "GROUP"):
            found.append(Group(module.GROUP, path.stem, module.run))
    return found


def machine() -> str:
    """Cores, memory and Python, without a name."""
    pages = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return f"{os.cpu_count()} cores, {pages / 2**30:.0f} GiB, {platform.system()} {platform.machine()}, Python {platform.python_version()}"


def commit() -> str:
    """The commit measured, with a + when files differ from it."""

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=HERE, capture_output=True, text=True, check=False).stdout.strip()

    return git("rev-parse", "--short", "HEAD") + ("+" if git("status", "--porcelain", "--untracked-files=no") else "")


def verdict(key: str, value: float) -> str:
    """`reached`, `holds`, `MISSED`, or nothing where no target is set."""
    if key not in TARGETS:
        return ""
    larger, must, reach = TARGETS[key]
    if value >= reach if larger else value <= reach:
        return "reached"
    return "holds" if (value >= must if larger else value <= must) else "MISSED"


def table(figures: dict[str, float]) -> str:
    """A Markdown table, as docs/performance.md shows it."""
    lines = ["| key | measured | must | reach | |", "|---|---|---|---|---|"]
    for key, value in figures.items():
        larger, must, reach = TARGETS.get(key, (True, float("nan"), float("nan")))
        sign = "≥" if larger else "≤"
        bounds = f"{sign} {must:g} | {reach:g}" if key in TARGETS else " | "
        lines.append(f"| `{key}` | {value:.3g} | {bounds} | {verdict(key, value)} |")
    return "\n".join(lines)


def write(figures: dict[str, float], raw: dict[str, Any]) -> None:
    """Into latest.json; groups that were not run now keep their last numbers."""
    old = json.loads(LATEST.read_text("utf-8")) if LATEST.exists() else {"figures": {}, "raw": {}}
    content = {
        "commit": commit(),
        "machine": machine(),
        "figures": old["figures"] | figures,
        "raw": old["raw"] | raw,
    }
    LATEST.write_text(json.dumps(content, ensure_ascii=False, indent=1, default=str) + "\n", "utf-8")


def main(wanted: list[str]) -> int:
    """0, or 1 when a group failed, is unknown, or missed what it must hold."""
    known = groups()
    unknown = set(wanted) - {group.name for group in known}
    if unknown:
        print(f"no group {', '.join(sorted(unknown))}; there are: {', '.join(group.name for group in known)}")
        return 1
    figures: dict[str, float] = {}
    raw: dict[str, Any] = {}
    failed = []
    for group in known:
        if wanted and group.name not in wanted:
            continue
        started = time.monotonic()
        print(f"{group.name} ({group.module}) …", flush=True)
        try:
            measured, raw[group.module] = group.run()
            figures |= measured
        except Exception:
            traceback.print_exc()
            failed.append(group.name)
        print(f"{group.name} ({group.module}): {time.monotonic() - started:.0f} s", flush=True)
    write(figures, raw)
    print(f"\n{machine()}; commit {commit()}\n\n{table(figures)}\n")
    missed = [key for key, value in figures.items() if verdict(key, value) == "MISSED"]
    if failed or missed:
        print(f"failed: {', '.join(failed) or '–'}; missed: {', '.join(missed) or '–'}")
    return 1 if failed or missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
