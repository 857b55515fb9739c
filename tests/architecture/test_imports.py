"""The import contracts of .importlinter hold, and break when they should."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT

PLANTED = {
    "a feature that looks up": ("app/audit/chain.py", "from app.review import rules", "The order of features"),
    "queries that call their service": ("app/review/queries.py", "from app.review import service", "Inside a feature"),
    "a rule that reads the database": ("app/checkin/rules.py", "import sqlalchemy", "Rules and roll-up"),
    "a feature that knows Flask": ("app/registration/service.py", "import flask", "Features do not import Flask"),
    "a heavy photo process": ("app/evidence/imaging.py", "import app.kernel.database", "The photo process"),
    "a package without a place": ("app/newcomer.py", '"""New."""', "newcomer"),
}


@pytest.mark.parametrize("what", PLANTED)
def test_a_planted_import_breaks_its_contract(what: str, tmp_path: Path) -> None:
    place, line, contract = PLANTED[what]
    shutil.copytree(ROOT / "app", tmp_path / "app", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / ".importlinter", tmp_path)
    target = tmp_path / place
    target.write_text((target.read_text("utf-8") if target.exists() else "") + f"\n{line}\n", "utf-8")
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    broken = done.stdout.split("Broken contracts")[-1] if "Broken contracts" in done.stdout else done.stdout
    assert contract in broken
