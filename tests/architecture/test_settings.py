"""`.env.example` lists every setting, and nothing that is none."""

from __future__ import annotations

import re

from app.config import Settings
from tests.architecture.tree import ROOT

FOR_TESTS_ONLY = {"SHILIU_ARGON2_CHEAP"}
LINE = re.compile(r"^(?:# )?((?:SHILIU_)?[A-Z0-9_]+)=", re.M)


def named() -> list[str]:
    return LINE.findall((ROOT / ".env.example").read_text("utf-8"))


def known() -> set[str]:
    """The names that the product reads."""
    return {"PORT" if name == "port" else f"SHILIU_{name.upper()}" for name in Settings.model_fields}


def test_the_example_names_every_setting_once() -> None:
    assert sorted(named()) == sorted(known() - FOR_TESTS_ONLY)


def test_the_procfile_starts_what_the_units_start() -> None:
    programs = [line.split("exec ")[1] for line in (ROOT / "Procfile").read_text("utf-8").splitlines()]
    for name, program in zip(("web", "worker"), programs, strict=True):
        unit = (ROOT / "deploy" / f"shiliu-{name}.service").read_text("utf-8")
        assert program.split()[0] in unit
        for option in ("--respawn-failed-workers", "--blocking-threads 16", "app.worker"):
            assert (option in program) == (option in unit)
