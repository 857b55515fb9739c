"""docs/proof.json says what was proved, of which commit, and of tests that are still there."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tools import proof
from tools.proof import TARGET, still_there

ROOT = Path(__file__).resolve().parents[2]
# A test that leaves a figure in the report takes pytest's own fixture for it.
_FIGURE = re.compile(r"^def (test_\w+)\((?=[^)]*(?:\brecord_property\b))", re.M)


def _published() -> list[dict[str, Any]]:
    return json.loads(TARGET.read_text("utf-8"))["proofs"]  # type: ignore[no-any-return]


def faults(proofs: list[dict[str, Any]]) -> list[str]:
    """Proofs that did not hold, are of no clean commit, or of a test that is gone."""
    return [
        each["proof"]
        for each in proofs
        if each["result"] != "held"
        or not re.fullmatch(r"[0-9a-f]{7,}", each["commit"])
        or not still_there(each["proof"])
    ]


def test_every_proof_held_and_is_of_a_commit_and_of_a_test_that_is_there() -> None:
    assert faults(_published()) == []


@pytest.mark.parametrize("change", [{"result": "failed"}, {"result": "skipped"}, {"commit": "0fefd91+"}])
def test_a_proof_that_did_not_hold_or_is_of_changed_files_is_seen(change: dict[str, str]) -> None:
    """Negative control."""
    one = _published()[0]
    assert faults([one]) == []
    assert faults([one | change]) == [one["proof"]]


def test_a_test_that_leaves_a_figure_is_recognised() -> None:
    """Control: over several lines too, and no other test."""
    source = "def test_a(app: App, record_property: Note) -> None:\n\ndef test_b(\n    app: App,\n    record_property: Note\n):\n"
    assert _FIGURE.findall(source + "\ndef test_c(app: App):\n    record_property = 1\n") == ["test_a", "test_b"]


def test_every_test_that_leaves_a_figure_is_published() -> None:
    names = {each["proof"].partition("[")[0] for each in _published()}
    wanted = {
        f"{'.'.join(path.relative_to(ROOT).with_suffix('').parts)}::{test}"
        for path in (ROOT / "tests").rglob("test_*.py")
        for test in _FIGURE.findall(path.read_text("utf-8"))
    }
    assert len(wanted) > 10
    assert wanted - names == set()


@pytest.mark.parametrize(
    "name", ["tests.races.test_kill::test_of_another_time[sqlite]", "tests.races.test_gone::test_nothing"]
)
def test_a_proof_of_a_test_that_is_gone_is_seen(name: str) -> None:
    """Negative control."""
    assert not still_there(name)


def test_no_proof_begins_with_changed_files(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(proof, "changed_files", lambda: ["app/checkin/rules.py"])
    assert proof.main() == 2
    assert "app/checkin/rules.py" in capsys.readouterr().err
