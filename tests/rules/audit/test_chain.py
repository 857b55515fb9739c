"""The chain finds every altered row and field; a shortened log is found by its checkpoint."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from app.audit.chain import GENESIS, Link, canonical, link_hash
from app.audit.folder import verify_folder, verify_with_heads, write_folder
from app.audit.tree import TreeHash


def make_links(count: int) -> list[Link]:
    links, previous = [], GENESIS
    for seq in range(1, count + 1):
        body = canonical({"seq": seq, "prev": previous, "action": "user.signed_in", "payload": {"n": seq}})
        links.append(Link(seq, body, previous, link_hash(body), {"action": "user.signed_in"}))
        previous = links[-1].hash
    return links


def test_an_untouched_chain_holds() -> None:
    verdict = verify_with_heads(make_links(20), {})
    assert verdict.holds
    assert verdict.count == 20


@pytest.mark.parametrize("row", range(9))
@pytest.mark.parametrize("field", ["seq", "body", "previous", "hash", "columns"])
def test_every_altered_field_of_every_row_is_found(row: int, field: str) -> None:
    links = make_links(9)
    changes = {
        "seq": 99, "body": links[row].body.replace('"n":', '"m":'), "previous": "f" * 64, "hash": "0" * 64,
        "columns": {"action": "user.created"},
    }  # fmt: skip
    links[row] = replace(links[row], **{field: changes[field]})
    verdict = verify_with_heads(links, {})
    assert not verdict.holds
    assert verdict.count == row


def test_a_row_taken_out_is_found_and_a_cut_end_by_the_checkpoint() -> None:
    links = make_links(9)
    assert verify_with_heads(links[:4] + links[5:], {}).count == 4
    tree = TreeHash()
    for link in links:
        tree.add(link.body.encode())
    assert verify_with_heads(links[:7], {}).holds  # no chain alone can show it
    assert verify_with_heads(links[:7], {9: tree.root().hex()}).bad_seq == 8
    assert verify_with_heads(links, {9: tree.root().hex()}).holds


def test_a_chain_rewritten_as_a_whole_breaks_at_its_checkpoint() -> None:
    tree = TreeHash()
    for link in make_links(5):
        tree.add(link.body.encode())
    forged, previous = [], GENESIS
    for seq in range(1, 6):
        body = canonical({"seq": seq, "prev": previous, "action": "user.signed_in", "payload": {"n": 7}})
        forged.append(Link(seq, body, previous, link_hash(body), {}))
        previous = forged[-1].hash
    assert verify_with_heads(forged, {}).holds
    assert not verify_with_heads(forged, {5: tree.root().hex()}).holds


def test_an_altered_copy_names_its_bad_row(tmp_path: Path) -> None:
    write_folder(tmp_path, make_links(6), [])
    assert verify_folder(tmp_path).holds
    path = tmp_path / "log.jsonl"
    rows = path.read_text().splitlines()
    row = json.loads(rows[3])
    row["body"] = row["body"].replace('"n":4', '"n":40')
    rows[3] = json.dumps(row)
    path.write_text("\n".join(rows) + "\n")
    assert verify_folder(tmp_path).bad_seq == 4


def test_the_tree_hash_is_that_of_rfc_6962() -> None:
    """Section 2.1: the empty tree is SHA-256 of nothing; one leaf is SHA-256(0x00 ‖ leaf)."""
    assert TreeHash().root().hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    tree = TreeHash()
    tree.add(b"")
    assert tree.root().hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"


@pytest.mark.parametrize("body", ["[]", "7", '"text"', "null", "[" * 100_000, "\ud800"])
def test_a_body_that_is_no_record_is_a_bad_row_and_no_crash(body: str) -> None:
    links = make_links(3)
    hash_ = "0" * 64 if body == "\ud800" else link_hash(body)
    links[1] = replace(links[1], body=body, hash=hash_)
    assert verify_with_heads(links, {}).bad_seq == 2


@pytest.mark.parametrize("note", ["shiliu\n²\nAAAA\n", "shiliu\n3\n***\n", "", "shiliu\n3"])
def test_a_checkpoint_that_cannot_be_read_does_not_hold(tmp_path: Path, note: str) -> None:
    write_folder(tmp_path, make_links(6), [(3, note)])
    assert verify_folder(tmp_path).bad_seq == 3


def test_a_copy_with_rows_that_are_no_rows_names_the_first(tmp_path: Path) -> None:
    write_folder(tmp_path, make_links(3), [])
    for row in ("[]", "7", '{"seq": Infinity, "body": "", "previous": "", "hash": ""}'):
        path = tmp_path / "log.jsonl"
        rows = path.read_text().splitlines()
        rows[1] = row
        path.write_text("\n".join(rows) + "\n")
        assert verify_folder(tmp_path).bad_seq == 2
