"""The words and addresses of templates: written in when compiled, kept when made."""

from __future__ import annotations

import pytest
from flask import Flask, render_template_string, url_for
from markupsafe import Markup


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("<b>{{ _('报名') }}</b>", "<b>报名</b>"),
        ("{{- _('100%% of <i>') -}} x", "100% of <i>x"),
        ("{{ _('剩%(n)s个', n='<3>') }}", "剩&lt;3&gt;个"),
        ("{{ _('a') ~ '<' }}", "a&lt;"),
        ("{{ _(word) }}{{ _('a')|length }}", "<b>1"),
        ("{{ _('a') }}{{ _('b') if word else _('c') }}{{ word }}", "ab&lt;b&gt;"),
        ("{{ gettext('a') }}{% if _('a') == 'a' %}same{% endif %}", "asame"),
    ],
)
def test_words_in_a_template_read_as_babel_would_write_them(app: Flask, source: str, shown: str) -> None:
    with app.test_request_context():
        assert render_template_string(source, word="<b>") == shown


def test_printed_words_are_text_of_the_compiled_template(app: Flask) -> None:
    compiled = app.jinja_env.compile("{{ _('报名') }}", raw=True)
    assert "'报名'" in compiled and "context.call" not in compiled
    assert "context.call" in app.jinja_env.compile("{{ _(word) }}", raw=True)


def test_a_kept_address_is_the_one_that_flask_makes(app: Flask) -> None:
    with app.test_request_context("/"):
        for _again in range(2):
            assert url_for("metrics.facts", year=2026, task=3) == "/metrics/facts?year=2026&task=3"
            assert url_for("metrics.facts", year=2026) == "/metrics/facts?year=2026"
            assert url_for("metrics.facts", year=2026, _anchor="x") == "/metrics/facts?year=2026#x"
    with app.test_request_context("/", environ_overrides={"SCRIPT_NAME": "/shiliu"}):
        assert url_for("metrics.facts", year=2026) == "/shiliu/metrics/facts?year=2026"
    with app.test_request_context("/metrics"):
        assert url_for(".facts") == "/metrics/facts"


def test_what_a_template_is_given_stays_its_own(app: Flask) -> None:
    app.jinja_env.from_string("{{ own }}", globals={"own": Markup("1")})
    assert "own" not in app.jinja_env.globals
