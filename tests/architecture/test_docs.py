"""Documents lead somewhere: every relative link, picture and make target that they name is there."""

from __future__ import annotations

import re
from pathlib import Path

from bench.run import TARGETS
from tests.architecture.tree import ROOT, name_of, our_files

_LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")
_MAKE = re.compile(r"`(?:sudo )?make ([a-z][a-z-]*)|^make ([a-z][a-z-]*)", re.M)


def documents() -> list[Path]:
    return [path for path in our_files() if path.suffix == ".md"]


def dead_links(text: str, folder: Path) -> list[str]:
    """The relative links of the text that lead to nothing."""
    return [link for link in _LINK.findall(text) if not (folder / link).exists()]


def unknown_targets(text: str) -> set[str]:
    """The make targets that the text names and the Makefile lacks."""
    known = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text("utf-8"), re.M))
    return {first or second for first, second in _MAKE.findall(text)} - known


def test_every_link_of_a_document_leads_to_a_file() -> None:
    found = {name_of(path): dead for path in documents() if (dead := dead_links(path.read_text("utf-8"), path.parent))}
    assert found == {}


def test_every_command_of_a_document_is_in_the_makefile() -> None:
    found = {name_of(path): unknown for path in documents() if (unknown := unknown_targets(path.read_text("utf-8")))}
    assert found == {}


def test_the_page_of_figures_names_every_target() -> None:
    page = (ROOT / "docs" / "performance.md").read_text("utf-8")
    assert [key for key in TARGETS if f"`{key}`" not in page] == []


def test_a_dead_link_and_an_unknown_command_are_found() -> None:
    assert dead_links("[x](nowhere.md) [y](README.md) [z](https://example.cn)", ROOT) == ["nowhere.md"]
    assert unknown_targets("`make run`, `make coffee`") == {"coffee"}
