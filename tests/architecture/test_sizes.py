"""Files under 400 lines, functions under 40, every module says what it owns, and no drawer for odds and ends."""

from __future__ import annotations

import ast

from tests.architecture.tree import ROOT, name_of, our_files, python_files

MOST_LINES = 400
MOST_IN_A_FUNCTION = 40
DRAWERS = {"common", "utils", "util", "helpers", "misc", "core"}
FOLDERS = ("app", "bench", "tests", "tools", "migrations")


def long_functions(source: str) -> list[str]:
    """`name: lines` of each function over the limit."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
            lines = node.end_lineno - node.lineno + 1
            if lines > MOST_IN_A_FUNCTION:
                found.append(f"{node.name}: {lines}")
    return found


def has_docstring(source: str) -> bool:
    return ast.get_docstring(ast.parse(source)) is not None


def test_no_file_is_longer_than_400_lines() -> None:
    kinds = {".py", ".html", ".css", ".js", ".sh"}
    long = {
        name_of(path): lines
        for path in our_files()
        if path.suffix in kinds and "migrations/versions" not in name_of(path)
        if (lines := path.read_text("utf-8").count("\n")) > MOST_LINES
    }
    assert long == {}


def test_no_function_of_the_product_is_longer_than_40_lines() -> None:
    long = {name_of(path): found for path in python_files("app") if (found := long_functions(path.read_text("utf-8")))}
    assert long == {}


def test_a_long_function_is_found() -> None:
    source = "def long():\n" + "    pass\n" * 40 + "def short():\n" + "    pass\n" * 39
    assert long_functions(source) == ["long: 41"]


def test_every_module_says_in_a_sentence_what_it_owns() -> None:
    silent = [
        name_of(path)
        for path in python_files(*FOLDERS)
        if path.stat().st_size and not has_docstring(path.read_text("utf-8"))
    ]
    assert silent == []
    assert not has_docstring("import os\n")


def test_nothing_is_called_common_utils_helpers_misc_or_core() -> None:
    names = {part for path in python_files("app") for part in path.relative_to(ROOT).with_suffix("").parts}
    assert names & DRAWERS == set()
