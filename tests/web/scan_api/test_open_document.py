"""The OpenAPI document is walked: bodies drawn from its own schemas, whole and broken, get documented answers only."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from app.checkin.models import CheckIn, CheckInEvent
from app.extensions import db
from app.web import scan_api
from tests.web.scan_api.conftest import Gate

Make = Callable[..., Gate]
EXAMPLES = 400 if os.environ.get("SHILIU_PROOF") == "full" else 25
WILD = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3), max_leaves=6,
)  # fmt: skip


def document(g: Gate) -> dict[str, Any]:
    found: dict[str, Any] = g.client.get("/api/v1/openapi.json").json
    return found


def resolved(doc: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """A schema without `$ref` at its top."""
    while "$ref" in schema:
        node: Any = doc
        for part in schema["$ref"].removeprefix("#/").split("/"):
            node = node[part.replace("~1", "/")]
        schema = node
    return schema


def drawn(doc: dict[str, Any], schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values that fit the schema."""
    schema = resolved(doc, schema)
    if "anyOf" in schema:
        return st.one_of(*(drawn(doc, each) for each in schema["anyOf"]))
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "const" in schema:
        return st.just(schema["const"])
    match schema.get("type"):
        case "object":
            needed = {name: drawn(doc, each) for name, each in schema.get("properties", {}).items()}
            optional = {name: needed.pop(name) for name in list(needed) if name not in schema.get("required", ())}
            return st.fixed_dictionaries(needed, optional=optional)
        case "array":
            return st.lists(drawn(doc, schema["items"]), max_size=4)
        case "string":
            return st.from_regex(schema["pattern"], fullmatch=True) if "pattern" in schema else st.text(max_size=20)
        case "integer":
            return st.integers(schema.get("minimum", 0), schema.get("maximum", 10**6))
        case "number":
            return st.floats(schema.get("minimum", 0), schema.get("maximum", 1e9), allow_nan=False)
        case "boolean":
            return st.booleans()
        case _:
            return st.none()


@st.composite
def broken(draw: st.DrawFn, whole: st.SearchStrategy[Any]) -> Any:
    """A fitting value with one part left out or replaced."""
    value = draw(whole)
    places: list[tuple[Any, Any]] = []

    def walk(node: Any) -> None:
        for key in node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ():
            places.append((node, key))
            walk(node[key])

    walk(value)
    if not places:
        return draw(WILD)
    node, key = draw(st.sampled_from(places))
    if draw(st.booleans()) and isinstance(node, dict):
        del node[key]
    else:
        node[key] = draw(WILD)
    return value


def misfits(doc: dict[str, Any], schema: dict[str, Any], value: Any, at: str = "") -> list[str]:
    """Where an answer is not what the document says."""
    schema = resolved(doc, schema)
    if "anyOf" in schema:
        return min((misfits(doc, each, value, at) for each in schema["anyOf"]), key=len)
    if "enum" in schema and value not in schema["enum"]:
        return [f"{at}: {value!r} is not listed"]
    kinds = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool, "null": type(None)}
    if schema.get("type") in kinds and not isinstance(value, kinds[schema["type"]]):
        return [f"{at}: {value!r} is no {schema['type']}"]
    found: list[str] = []
    if schema.get("type") == "object":
        properties = schema.get("properties", {})
        found += [f"{at}.{name} is missing" for name in schema.get("required", ()) if name not in value]
        found += [f"{at}.{name} is not documented" for name in value if properties and name not in properties]
        for name, each in properties.items():
            found += misfits(doc, each, value[name], f"{at}.{name}") if name in value else []
    if schema.get("type") == "array":
        for each in value:
            found += misfits(doc, schema["items"], each, f"{at}[]")
    return found


def faults(doc: dict[str, Any], path: str, verb: str, answer: Any) -> list[str]:
    """What is wrong with an answer, by the document."""
    listed = doc["paths"][path][verb]["responses"]
    if str(answer.status_code) not in listed:
        return [f"{verb} {path}: {answer.status_code} is not documented"]
    content = listed[str(answer.status_code)].get("content", {}).get("application/json")
    return misfits(doc, content["schema"], answer.json) if content else []


def operations(doc: dict[str, Any]) -> list[tuple[str, str]]:
    return [(path, verb) for path, verbs in doc["paths"].items() if "/scan/" in path for verb in verbs]


def test_every_call_of_the_scanner_is_documented(gate: Make) -> None:
    assert sorted(operations(document(gate()))) == [
        ("/api/v1/scan/end", "post"), ("/api/v1/scan/events", "post"), ("/api/v1/scan/roster", "get"),
    ]  # fmt: skip


def test_the_roster_is_as_documented_with_and_without_a_pairing(gate: Make) -> None:
    g = gate(sessions=2)
    ticket, _code = g.enrol(2)
    secret = g.pair(session=None)
    g.send(secret, g.scan(ticket))
    doc = document(g)
    for answer in (g.get(secret), g.get("x" * 22)):
        assert faults(doc, "/api/v1/scan/roster", "get", answer) == []


@pytest.mark.parametrize("what", ["events", "end"])
def test_drawn_bodies_whole_and_broken_get_documented_answers(gate: Make, what: str) -> None:
    g = gate()
    doc, path = document(g), f"/api/v1/scan/{what}"
    body = doc["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    whole = drawn(doc, body)
    ticket, _code = g.enrol()
    secret = g.pair()

    def at_home(sent: Any) -> Any:
        """Let drawn events name the session and a known ticket now and then, so that they reach the rules."""
        listed = sent.get("events") if isinstance(sent, dict) else None
        for number, event in enumerate(listed if isinstance(listed, list) else ()):
            if isinstance(event, dict) and "session" in event and number % 2 == 0:
                event["session"] = g.sessions[0]
                event["ticket"] = ticket
        return sent

    @settings(
        max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True,
        phases=(Phase.generate,),
    )  # fmt: skip
    @given(sent=st.one_of(whole.map(at_home), broken(whole).map(at_home), broken(whole), WILD))
    def walk(sent: Any) -> None:
        answer = g.client.post(
            path, data=json.dumps(sent), content_type="application/json", headers={"Authorization": f"Bearer {secret}"}
        )
        assert faults(doc, path, "post", answer) == []
        if what == "events" and answer.status_code == 200:
            assert len(answer.json["answers"]) == len(sent["events"])
            assert all(each["outcome"] != "retry" for each in answer.json["answers"])

    walk()
    with g.app.app_context():
        assert db.session.query(CheckIn).count() <= db.session.query(CheckInEvent).count()


def test_an_answer_that_the_document_does_not_know_is_found(gate: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    g = gate()
    doc, secret = document(g), g.pair()
    answer = g.post("end", secret, {"force": True})
    assert faults(doc, "/api/v1/scan/end", "post", answer) == []
    monkeypatch.setitem(scan_api.TROUBLE, "unpaired", 7)
    wrong = g.get("x" * 22)
    assert faults(doc, "/api/v1/scan/roster", "get", wrong) == [".message: 7 is no string"]
    assert faults(doc, "/api/v1/scan/roster", "get", g.client.post("/api/v1/scan/roster"))
