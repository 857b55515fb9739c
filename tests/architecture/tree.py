"""What the architecture tests read: our files, their functions, their words."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = ROOT / "templates"


@cache
def our_files() -> tuple[Path, ...]:
    """Every file of ours, tracked or new, that is not ignored."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, check=True).stdout.decode().split("\0")
    return tuple(ROOT / name for name in listed if name and (ROOT / name).is_file())


def python_files(*folders: str) -> list[Path]:
    """Our Python files under these folders."""
    roots = [ROOT / folder for folder in folders]
    return [path for path in our_files() if path.suffix == ".py" and any(root in path.parents for root in roots)]


def template_files() -> list[Path]:
    return [path for path in our_files() if TEMPLATES in path.parents and path.suffix == ".html"]


def name_of(path: Path) -> str:
    """The path from the root, for messages."""
    return path.relative_to(ROOT).as_posix()


def strings_of(source: str) -> Iterator[tuple[int, str]]:
    """Line and value of every string literal that is not a docstring."""
    tree = ast.parse(source)
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node.lineno, node.value
