"""Chromium for tests: Debian's, offline, with a Chinese font even where nobody could install one."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_FONTS = """<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><include ignore_missing="yes">/etc/fonts/fonts.conf</include><dir>{folder}</dir></fontconfig>"""


def in_turn(pages: Sequence[str], width: int) -> list[str]:
    """The pages for axe at this width (0 or 1): all of them in make proof; make test takes each at one of the two."""
    is_full = os.environ.get("SHILIU_PROOF") == "full"
    return [page for number, page in enumerate(pages) if is_full or number % 2 == width]


def chromium_path(*, is_whole: bool = os.environ.get("SHILIU_PROOF") == "full") -> str:
    """The whole browser, or where nothing needs it the shell of the same Chromium: half the processor time.

    Raises RuntimeError in words where there is none.
    """
    shell = [] if is_whole else ["chromium-headless-shell"]
    for name in [*shell, "chromium", "chromium-browser", "google-chrome"]:
        found = shutil.which(name)
        if found:
            return found
    raise RuntimeError("没有 Chromium。请运行 make test，它会安装；或者 sudo apt-get install chromium")


def has_chinese_font() -> bool:
    """Whether fontconfig knows a font with hanzi."""
    if shutil.which("fc-list") is None:
        return False
    return bool(subprocess.run(["fc-list", ":lang=zh"], check=False, capture_output=True).stdout.strip())


def font_environment(folder: Path) -> dict[str, str]:
    """The environment that shows Chromium the font of the wheel. Raises RuntimeError where it is missing."""
    spec = importlib.util.find_spec("manimgx_fonts_cjk")
    if spec is None or spec.origin is None:
        raise RuntimeError("没有中文字体。请运行 sudo apt-get install fonts-noto-cjk")
    conf = folder / "fonts.conf"
    conf.write_text(_FONTS.format(folder=Path(spec.origin).parent), "utf-8")
    return {"FONTCONFIG_FILE": str(conf)}


@contextmanager
def open_chromium() -> Iterator[Browser]:
    """One browser; two at once in one process are refused by playwright."""
    with tempfile.TemporaryDirectory(prefix="shiliu-fonts-") as folder, sync_playwright() as playwright:
        fonts = {} if has_chinese_font() else font_environment(Path(folder))
        browser = playwright.chromium.launch(
            executable_path=chromium_path(), args=FLAGS, env={**os.environ, **fonts} if fonts else None
        )
        yield browser
        browser.close()
