"""Templates parse, import what they use, lead to addresses that exist, and hold nothing the CSP forbids."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

import pytest
from flask import Flask
from jinja2 import Environment, TemplateSyntaxError
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import RequestRedirect

from tests.architecture import templates as look
from tests.architecture.tree import TEMPLATES, python_files, template_files
from tests.house import make_app


@pytest.fixture(scope="module")
def one_app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    home = tmp_path_factory.mktemp("templates")
    return make_app(home, f"sqlite:///{home / 'none.db'}", base_url="http://localhost")


@pytest.fixture(scope="module")
def env(one_app: Flask) -> Environment:
    return one_app.jinja_env


def sources() -> dict[str, str]:
    return {path.relative_to(TEMPLATES).as_posix(): path.read_text("utf-8") for path in template_files()}


@pytest.fixture(scope="module")
def sound(env: Environment) -> dict[str, str]:
    """The templates that parse; one test alone speaks of the others."""
    found = {}
    for name, source in sources().items():
        with suppress(TemplateSyntaxError):
            env.parse(source)
            found[name] = source
    return found


def leads_somewhere(app: Flask, address: str) -> bool:
    """Whether a route takes this address, by any method."""
    adapter = app.url_map.bind("localhost")
    for filled in (address, address.replace("x", "1")):
        for method in ("GET", "POST"):
            try:
                adapter.match(filled, method=method)
                return True
            except (RequestRedirect, MethodNotAllowed):
                return True
            except NotFound:
                continue
    return False


def test_every_template_compiles(env: Environment) -> None:
    broken = {}
    for name in sources():
        try:
            env.get_template(name)
        except TemplateSyntaxError as error:  # an unknown filter or test is one too
            broken[name] = f"{error.lineno}: {error.message}"
    assert broken == {}
    with pytest.raises(TemplateSyntaxError):
        env.from_string("{% if %}")


def test_no_template_holds_what_the_csp_or_escaping_forbids() -> None:
    found = {name: faults for name, source in sources().items() if (faults := look.forbidden(source))}
    # Drawn shapes that stand as constants in the same file, once each.
    for name in ("components/icons.html", "components/grades.html"):
        if sources()[name].count("|safe") == 1 and found.get(name) == ["|safe"]:
            del found[name]
    assert found == {}


def test_every_import_of_a_template_is_used(env: Environment, sound: dict[str, str]) -> None:
    found = {name: unused for name, source in sound.items() if (unused := look.unused_imports(env, source))}
    assert found == {}


def test_every_macro_is_used(env: Environment, sound: dict[str, str]) -> None:
    asked = set().union(*(look.names_asked_for(env, source) for source in sound.values()))
    in_python = "\n".join(path.read_text("utf-8") for path in python_files("app"))
    idle = {
        (name, macro)
        for name, source in sound.items()
        for macro in look.macros(env, source) - asked
        if not re.search(rf"\.{macro}\b", in_python)
    }
    assert idle == set()


def test_every_template_is_asked_for_and_every_asked_for_template_is_there(
    env: Environment, sound: dict[str, str]
) -> None:
    have = set(sources())
    asked = set().union(*(look.templates_asked_for(env, source) for source in sound.values()))
    assert asked - have == set()
    in_python = "\n".join(path.read_text("utf-8") for path in python_files("app"))
    every_mention = "\n".join(sources().values()) + in_python
    assert {name for name in have if name not in every_mention} == set()


def test_every_address_written_in_a_template_is_a_route(one_app: Flask) -> None:
    dead = {
        (name, address)
        for name, source in sources().items()
        if not name.startswith("styleguide/")  # samples lead nowhere on purpose
        for address in look.addresses(source)
        if not leads_somewhere(one_app, address)
    }
    assert dead == set()
    assert not leads_somewhere(one_app, "/no/such/place")


@pytest.mark.parametrize(
    "planted",
    [
        '<p style="color:red">', "<style>p{}</style>", "<script>alert(1)</script>", '<a onclick="x()">', "{{ x|safe }}",
        '<a hx-on:click="x">', '<a href="javascript:x">', "{% autoescape false %}",
    ],
)  # fmt: skip
def test_a_planted_fault_is_found(planted: str) -> None:
    assert look.forbidden(planted)


@pytest.mark.parametrize("harmless", ['<script src="/a.js"></script>', "<p>", "{# |safe #}", '<a data-on="x">'])
def test_what_is_harmless_passes(harmless: str) -> None:
    assert look.forbidden(harmless) == []


def test_an_unused_import_and_an_unused_macro_are_found(env: Environment) -> None:
    source = "{% from 'components/icons.html' import icon, mark %}{{ icon('x') }}{% macro idle() %}{% endmacro %}"
    assert look.unused_imports(env, source) == ["mark"]
    assert look.macros(env, source) - look.names_asked_for(env, source) == {"idle"}


def test_double_ids_and_labels_without_a_field_are_found() -> None:
    assert look.page_faults('<p id="a"></p><p id="a"></p>') == ["id a × 2"]
    assert look.page_faults('<label for="b"></label>') == ["no element with id b"]
    assert look.page_faults("<html><h1></h1><h1></h1><main></main>") == ["2 <h1>"]


def test_this_test_reads_the_templates() -> None:
    assert len(sources()) > 20
    assert Path(TEMPLATES).is_dir()
