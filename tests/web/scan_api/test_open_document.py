"""schemathesis walks the OpenAPI document of the scanner's interface with a paired phone: bodies that fit it and bodies
that do not get documented answers of the documented shape, and never a 5xx."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode, checks
from schemathesis.core.failures import Failure, FailureGroup

from app.checkin.models import CheckIn, CheckInEvent
from app.extensions import db
from app.web import scan_api
from tests.web.scan_api.conftest import Gate

Make = Callable[..., Gate]
EXAMPLES = 300 if os.environ.get("SHILIU_PROOF") == "full" else 20
DOCUMENT = "/api/v1/openapi.json"
# What a refused body gets is not asked: one bad event among good ones is a 200 that says so of that event.
CHECKS = [
    checks.not_a_server_error, checks.status_code_conformance, checks.content_type_conformance,
    checks.response_headers_conformance, checks.response_schema_conformance,
]  # fmt: skip
QUICK = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None,
    phases=(Phase.generate,),
)  # fmt: skip


def operations(g: Gate) -> Iterator[Any]:
    """Every call of the scanner that the document knows."""
    found = schemathesis.openapi.from_wsgi(DOCUMENT, g.app).include(path_regex="/scan/")
    for each in found.get_all_operations():
        yield each.ok()


def operation(g: Gate, path: str) -> Any:
    return next(each for each in operations(g) if each.path == f"/api/v1/scan/{path}")


def call(case: Any, secret: str) -> Any:
    # identity: schemathesis asks for gzip and, without a network, does not unpack it.
    return case.call(headers={"Authorization": f"Bearer {secret}", "Accept-Encoding": "identity"})


def at_home(body: Any, session: str, ticket: str) -> None:
    """Every second event names the session and a known ticket, so that it reaches the rules."""
    listed = body.get("events") if isinstance(body, dict) else None
    for number, event in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(event, dict) and "session" in event and number % 2 == 0:
            event["session"], event["ticket"] = session, ticket


def test_every_call_of_the_scanner_is_documented(gate: Make) -> None:
    assert sorted((each.path, each.method) for each in operations(gate())) == [
        ("/api/v1/scan/end", "post"), ("/api/v1/scan/events", "post"), ("/api/v1/scan/roster", "get"),
    ]  # fmt: skip


def test_the_roster_is_as_documented_with_and_without_a_pairing(gate: Make) -> None:
    g = gate(sessions=2)
    ticket, _code = g.enrol(2)
    secret = g.pair(session=None)
    g.send(secret, g.scan(ticket))
    case = operation(g, "roster").Case()
    for held in (secret, "x" * 22):
        case.validate_response(call(case, held), checks=CHECKS)


@pytest.mark.parametrize("mode", list(GenerationMode), ids=["fitting", "broken"])
@pytest.mark.parametrize("what", ["events", "end"])
def test_whatever_is_sent_the_answer_is_a_documented_one(gate: Make, what: str, mode: GenerationMode) -> None:
    g = gate()
    ticket, _code = g.enrol()
    secret, seen = g.pair(), []

    @QUICK
    @given(case=operation(g, what).as_strategy(generation_mode=mode))
    def walk(case: Any) -> None:
        at_home(case.body, g.sessions[0], ticket)
        answer = call(case, secret)
        case.validate_response(answer, checks=CHECKS)
        seen.append(answer.status_code)
        if what == "events" and answer.status_code == 200:
            said = answer.json()["answers"]
            assert len(said) == len(case.body["events"])
            assert all(each["outcome"] != "retry" for each in said)

    walk()
    assert len(seen) >= EXAMPLES / 2
    assert (200 in seen) or mode is GenerationMode.NEGATIVE, "what fits is taken"
    assert (400 in seen) or mode is GenerationMode.POSITIVE, "what is broken is refused"
    with g.app.app_context():
        assert db.session.query(CheckIn).count() <= db.session.query(CheckInEvent).count()


def faults(case: Any, answer: Any) -> list[str]:
    """What schemathesis finds wrong with an answer."""
    try:
        case.validate_response(answer, checks=CHECKS)
    except FailureGroup as found:
        return [type(each).__name__ for each in found.exceptions]
    except Failure as found:
        return [type(found).__name__]
    return []


def test_what_the_document_does_not_know_is_found(gate: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Negative control: a wrong type, a status that nobody listed, a failure of the server."""
    g = gate()
    case = operation(g, "roster").Case()
    monkeypatch.setitem(scan_api.TROUBLE, "unpaired", 7)
    assert faults(case, call(case, "x" * 22)) == ["JsonSchemaError"]
    monkeypatch.setitem(scan_api.TROUBLE, "unpaired", "示例")
    assert faults(case, call(case, "x" * 22)) == []
    monkeypatch.setattr(scan_api, "_secret", lambda: 1 / 0)
    monkeypatch.setitem(g.app.config, "PROPAGATE_EXCEPTIONS", False)
    monkeypatch.setattr(g.app, "testing", False)
    assert "ServerError" in faults(case, call(case, ""))
