"""The style sheets: what phones of 2019 understand, what the CSP allows, contrast of the tokens."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CSS = ROOT / "static" / "css"
TEMPLATES = ROOT / "templates"
OWN_FOLDERS = ("components", "layouts", "styleguide", "errors")

TOO_NEW = {
    "cascade layers": r"@layer",
    ":is() and :where()": r":(is|where)\(",
    "nesting": r"(^|[{};\s])&[\s.:\[>+~]",
    "inset": r"(?<![-\w(])inset\s*:",
    "translate and rotate as properties": r"(?<![-\w])(translate|rotate|scale)\s*:",
    "aspect-ratio": r"aspect-ratio\s*:",
    "logical shorthands": r"(padding|margin|inset)-(block|inline)\s*:",
    "a list inside :not()": r":not\([^()]*,[^()]*\)",
    "a function after var()": r":[^;{}]*var\([^;{}]*(?<![-\w])(min|max|clamp)\(",
    "var() in or after a function": r":[^;{}]*(?<![-\w])(min|max|clamp)\([^;{}]*var\(",
}


def without_comments(text: str) -> str:
    return re.sub(r"/\*.*?\*/", "", text, flags=re.S)


def without_supports(text: str) -> str:
    """The sheet as a browser reads it that fails every positive @supports."""
    kept, at = "", 0
    for found in re.finditer(r"@supports (?!not)[^{]*\{", text):
        if found.start() < at:
            continue
        depth, end = 1, found.end()
        while depth:
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
        kept += text[at : found.start()]
        at = end
    return kept + text[at:]


def too_new(text: str) -> list[str]:
    """The names of what this sheet uses and an old phone lacks."""
    plain = without_supports(without_comments(text))
    return [name for name, pattern in TOO_NEW.items() if re.search(pattern, plain)]


def test_participants_sheet_needs_nothing_newer_than_chrome_78() -> None:
    assert too_new((CSS / "shiliu.css").read_text("utf-8")) == []


@pytest.mark.parametrize(
    "bad",
    [
        "@layer base{a{color:red}}",
        "a:is(b, c){color:red}",
        ".x{inset:0}",
        ".x{translate:0 1px}",
        ".x{padding-block:1rem}",
        ".x:not(.a, .b){color:red}",
        ".x{padding:var(--a) max(1rem, 2px)}",
        ".x{ &:hover{color:red} }",
    ],
)
def test_the_check_finds_what_is_too_new(bad: str) -> None:
    assert too_new(bad)


def test_what_stands_inside_supports_is_allowed() -> None:
    assert too_new("@supports (width:max(1px,2px)){.x{width:max(var(--a),2px)}}") == []


def test_flex_without_gap_has_margins_for_every_container_with_gap() -> None:
    """Each container of the shared flex rule is named again in the block for old phones."""
    text = without_comments((CSS / "shiliu.css").read_text("utf-8"))
    shared = re.search(r"(?m)^(\.row,.*?)\{display:flex", text)
    block = text.split("@supports not (inset:0){", 1)[1].split("@media", 1)[0]
    assert shared is not None
    alone = {".bar nav a", ".join", ".btn", ".menu a", ".pick", ".steps li", ".brand", ".st", ".go"}
    for container in shared[1].split(","):
        name = container.strip()
        wanted = name if name in alone else f"{name}>*"
        spelled = {".menu a": ".menu .ico", ".pick": ".pick input", ".bar nav a": ".bar nav"}.get(name, wanted)
        assert spelled in block, name


@pytest.mark.parametrize("sheet", sorted(path.name for path in CSS.glob("*.css")))
def test_sheets_are_small_closed_and_load_nothing(sheet: str) -> None:
    text = without_comments((CSS / sheet).read_text("utf-8"))
    assert text.count("{") == text.count("}")
    assert len(text.encode()) < 25_000
    assert "url(" not in text and "@import" not in text


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, two: str) -> float:
    light, dark = sorted((luminance(one), luminance(two)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def tokens(mode: str) -> dict[str, str]:
    """The colours of a mode; dark overrides light."""
    text = without_comments((CSS / "shiliu.css").read_text("utf-8"))
    pattern = r"--([\w-]+):(#[0-9a-f]{3,6})"
    light_part, rest = text.split("@media (prefers-color-scheme:dark)", 1)
    found = dict(re.findall(pattern, light_part))
    if mode == "dark":
        found |= dict(re.findall(pattern, rest.split("[data-theme", 2)[1]))
    return {name: "#" + "".join(c * (2 if len(value) == 4 else 1) for c in value[1:]) for name, value in found.items()}


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_words_reach_4_5_and_marks_3_to_1_on_every_ground(mode: str) -> None:
    colour = tokens(mode)
    grounds = ("paper", "sheet", "wash")
    for word, ground in product(("ink", "ink-2", "accent", "good", "warn", "bad"), grounds):
        assert contrast(colour[word], colour[ground]) >= 4.5, (word, ground)
    for mark, ground in product(("edge", "seed"), grounds):
        assert contrast(colour[mark], colour[ground]) >= 3.0, (mark, ground)
    for state in ("good", "warn", "bad"):
        assert contrast(colour[state], colour[f"{state}-wash"]) >= 4.5, state
        assert contrast(colour["ink"], colour[f"{state}-wash"]) >= 4.5, state
    assert contrast(colour["on"], colour["fill"]) >= 4.5


def test_contrast_of_a_known_pair_and_of_a_bad_one() -> None:
    assert round(contrast("#ffffff", "#000000"), 1) == 21.0
    assert contrast("#cccccc", "#faf6ef") < 3.0


FORBIDDEN = {
    "style attribute": r"<[^>]*\sstyle\s*=",
    "inline handler": r"<[^>]*\son[a-z]+\s*=",
    "inline script": r"<script(?![^>]*\ssrc=)",
    "style element": r"<style",
    "hx-on or js:": r"hx-on|\"js:",
    "a foreign address": r"(src|href)=\"(https?:)?//",
}


def breaches(text: str) -> list[str]:
    """What the content security policy would stop."""
    plain = re.sub(r"\{#.*?#\}", "", text, flags=re.S)
    return [name for name, pattern in FORBIDDEN.items() if re.search(pattern, plain)]


def test_no_template_holds_what_the_csp_forbids() -> None:
    found = {str(path.relative_to(ROOT)): breaches(path.read_text("utf-8")) for path in TEMPLATES.rglob("*.html")}
    assert {name: bad for name, bad in found.items() if bad} == {}


@pytest.mark.parametrize(
    "bad", ['<p style="color:red">', '<a onclick="x()">', "<script>x()</script>", '<script src="//cdn.example/x.js">']
)
def test_the_csp_check_finds_a_breach(bad: str) -> None:
    assert breaches(bad)


def test_every_class_of_the_own_templates_is_in_a_sheet() -> None:
    known = set(re.findall(r"\.([a-zA-Z][\w-]*)", " ".join(p.read_text("utf-8") for p in CSS.glob("*.css"))))
    known |= {"ink", "has", "paper", "poster", "consent"}  # words with no rule of their own
    missing = set()
    for folder in OWN_FOLDERS:
        for path in (TEMPLATES / folder).glob("*.html"):
            for value in re.findall(r'class="([^"{}]*)"', path.read_text("utf-8")):
                missing |= {(path.name, name) for name in value.split() if name not in known}
    assert missing == set()
