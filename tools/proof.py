"""Runs the published proofs in full length and writes docs/proof.json: `make proof`.

A proof is a test marked `proof` (or a race that lengthens itself under SHILIU_PROOF=full); it leaves its numbers by
`record_property("figure name", value)`. A proof is of a commit: with changed files it does not begin.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

from bench.run import machine

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "proof.json"
COMMAND = "make proof"


def still_there(proof: str) -> bool:
    """Whether the test that a name of the file means is in the project: `tests.a.test_b::test_c[sqlite]`."""
    module, _, test = proof.partition("::")
    path = ROOT / (module.replace(".", "/") + ".py")
    return (
        path.exists()
        and re.search(rf"^def {re.escape(test.partition('[')[0])}\(", path.read_text("utf-8"), re.M) is not None
    )


def changed_files() -> list[str]:
    """Tracked files that differ from the commit, but for the one that the proofs write."""
    found = subprocess.run(
        ["git", "diff", "--name-only", "HEAD", "--", ".", f":!{TARGET.relative_to(ROOT)}"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return found.stdout.split()


def commit() -> str:
    """The commit that is proved, abbreviated."""
    words = ["git", "rev-parse", "--short", "HEAD"]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def read(report: Path) -> list[dict[str, object]]:
    """Name, result, seconds and recorded figures of every test in a JUnit report of our own."""
    found: list[dict[str, object]] = []
    at = commit()
    for case in ET.parse(report).iter("testcase"):
        broken = case.find("failure") is not None or case.find("error") is not None
        skipped = case.find("skipped") is not None
        found.append(
            {
                "proof": f"{case.get('classname', '')}::{case.get('name', '')}",
                "commit": at,
                "result": "failed" if broken else "skipped" if skipped else "held",
                "seconds": round(float(case.get("time", 0)), 1),
                "figures": {each.get("name"): each.get("value") for each in case.iter("property")},
            }
        )
    return found


def main() -> int:
    """pytest's own exit code, and the file is written whatever happened; 2 where nothing was begun."""
    if changed := changed_files():
        print(f"not begun, as these differ from the commit: {', '.join(changed)}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="shiliu-proof-") as folder:
        report = Path(folder) / "report.xml"
        pytest = [
            sys.executable,
            "-m",
            "pytest",
            "-n",
            "0",
            "-m",
            "serial or published or proof or lengthens",
            "--timeout=0",  # a hundred kills take their time
            f"--junit-xml={report}",
        ]
        whole = os.environ | {"SHILIU_PROOF": "full"}
        code = subprocess.run([*pytest, *sys.argv[1:]], cwd=ROOT, env=whole, check=False).returncode
        if not report.exists():
            return code or 1
        proofs = read(report)
    if sys.argv[1:] and TARGET.exists():  # a part of them: the others keep what they showed, and at which commit
        again = {proof["proof"] for proof in proofs}
        proofs = [
            old
            for old in json.loads(TARGET.read_text("utf-8"))["proofs"]
            if old["proof"] not in again and still_there(old["proof"])
        ] + proofs
    content = {"machine": machine(), "command": COMMAND, "proofs": proofs}
    TARGET.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", "utf-8")
    held = sum(proof["result"] == "held" for proof in proofs)
    print(f"{held} of {len(proofs)} proofs held; {TARGET.relative_to(ROOT)}")
    return code


if __name__ == "__main__":
    sys.exit(main())
