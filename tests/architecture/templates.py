"""What can be wrong with a template, found in its source or in the page that came out."""

from __future__ import annotations

import re
from collections import Counter

from jinja2 import Environment, nodes

_COMMENT = re.compile(r"\{#.*?#\}|<!--.*?-->", re.S)
_FORBIDDEN = {
    "style attribute": re.compile(r"<[^>]*\sstyle\s*=", re.S),
    "style element": re.compile(r"<style\b", re.I),
    "inline script": re.compile(r"<script(?![^>]*\bsrc=)[^>]*>", re.I),
    "inline handler": re.compile(r"<[^>]*\son[a-z]+\s*=", re.S | re.I),
    "hx-on or js:": re.compile(r"\bhx-on\b|[\"']js:"),
    "|safe": re.compile(r"\|\s*safe\b"),
    "autoescape off": re.compile(r"autoescape\s+false", re.I),
    "javascript: address": re.compile(r"javascript:", re.I),
}
_ADDRESS = re.compile(r'(?:href|action|hx-get|hx-post)="(/[^"]*)"')
_ID = re.compile(r'\sid="([^"]*)"')
_POINTS = re.compile(r'\s(?:for|aria-describedby|aria-labelledby|aria-controls|list)="([^"]+)"')


def forbidden(source: str) -> list[str]:
    """What the content security policy or the escaping rule forbids, by name."""
    plain = _COMMENT.sub("", source)
    return [name for name, pattern in _FORBIDDEN.items() if pattern.search(plain)]


def addresses(source: str) -> list[str]:
    """Addresses written out in the source; each expression stands as `x`."""
    plain = re.sub(r"\{%.*?%\}", "", _COMMENT.sub("", source), flags=re.S)
    found = _ADDRESS.findall(re.sub(r"\{\{.*?\}\}", "x", plain, flags=re.S))
    return [re.split(r"[?#]", address)[0] for address in found]


def unused_imports(env: Environment, source: str) -> list[str]:
    """Names that the template imports and never says again."""
    tree = env.parse(source)
    imported: set[str] = set()
    for node in tree.find_all(nodes.FromImport):
        imported |= {name if isinstance(name, str) else name[1] for name in node.names}
    imported |= {node.target for node in tree.find_all(nodes.Import)}
    used = {node.name for node in tree.find_all(nodes.Name) if node.ctx == "load"}
    return sorted(imported - used)


def macros(env: Environment, source: str) -> set[str]:
    return {node.name for node in env.parse(source).find_all(nodes.Macro)}


def names_asked_for(env: Environment, source: str) -> set[str]:
    """Names that this template imports from others, calls itself or takes from a module."""
    tree = env.parse(source)
    found = {node.name for node in tree.find_all(nodes.Name) if node.ctx == "load"}
    found |= {node.attr for node in tree.find_all(nodes.Getattr)}
    for node in tree.find_all(nodes.FromImport):
        found |= {name if isinstance(name, str) else name[0] for name in node.names}
    return found


def templates_asked_for(env: Environment, source: str) -> set[str]:
    """Templates that this one extends, includes or imports, by plain name; those that may be missing left out."""
    found: set[str] = set()
    for node in env.parse(source).find_all((nodes.Extends, nodes.Include, nodes.Import, nodes.FromImport)):
        if getattr(node, "ignore_missing", False):
            continue
        named = node.template  # type: ignore[attr-defined]
        found |= (
            {each.value for each in named.find_all(nodes.Const)}
            if not isinstance(named, nodes.Const)
            else {named.value}
        )
    return {name for name in found if isinstance(name, str) and name.endswith(".html")}


def page_faults(html: str) -> list[str]:
    """Double ids, references to absent ids, more or less than one h1 and main, forbidden parts."""
    ids = Counter(_ID.findall(html))
    found = [f"id {name} × {times}" for name, times in ids.items() if times > 1]
    wanted = {name for names in _POINTS.findall(html) for name in names.split()}
    found += [f"no element with id {name}" for name in sorted(wanted - set(ids))]
    if "<html" in html:
        found += [f"{html.count(tag)} {tag}>" for tag in ("<h1", "<main") if html.count(tag) != 1]
    return found + forbidden(html)
