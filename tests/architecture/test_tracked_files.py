"""What we publish names no machine, no registry and no third party's file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.architecture.tree import name_of, our_files

# Spelled in parts, so that this file does not find itself.
MACHINE = re.compile("/" + r"(?:work|root|home/[a-z]\w*)/")
REGISTRY = re.compile(
    "|".join(re.escape(a + b) for a, b in (
        ("pypi", ".org"), ("pythonhosted", ".org"), ("registry.npm", "js.org"), ("registry.yarnpkg", ".com"),
        ("npmmirror", ".com"), ("/pypi/", "simple"), ("--index", "-url"), ("--extra-index", "-url"),
        ("mirrors.", "aliyun"), ("pypi.tuna", "."),
    ))
)  # fmt: skip
CDN = "cdn.jsdelivr.net"
CDN_MAY_STAND_IN = {"app/config.py", "tests/web/test_boot.py"}
THIRD_PARTY = re.compile(r"\.min\.(js|css)$|(^|/)(vendor|node_modules)/|\.(woff2?|ttf|otf|ttc|whl|tgz)$")


def leaks(text: str) -> list[str]:
    """Paths of a machine and addresses of registries in the text."""
    return [found[0] for pattern in (MACHINE, REGISTRY) if (found := pattern.search(text))]


def texts() -> list[tuple[str, str]]:
    found = []
    for path in our_files():
        try:
            found.append((name_of(path), path.read_text("utf-8")))
        except UnicodeDecodeError:
            continue  # a picture
    return found


def test_no_file_names_a_machine_or_a_registry() -> None:
    assert {name: found for name, text in texts() if (found := leaks(text))} == {}


def test_the_cdn_stands_in_the_settings_only() -> None:
    assert {name for name, text in texts() if CDN in text} - {name_of(Path(__file__))} <= CDN_MAY_STAND_IN


def test_no_third_party_file_is_ours() -> None:
    assert [name_of(path) for path in our_files() if THIRD_PARTY.search(name_of(path))] == []


@pytest.mark.parametrize(
    "text", ["see /" + "root/x", "/" + "home/li/x", "https://pypi" + ".org/simple", "--index" + "-url x"]
)
def test_a_leak_is_found(text: str) -> None:
    assert leaks(text)


@pytest.mark.parametrize("name", ["static/js/x.min.js", "static/vendor/a.js", "fonts/a.woff2"])
def test_a_third_partys_file_is_found(name: str) -> None:
    assert THIRD_PARTY.search(name)
