"""How alike two pictures are, by their difference hashes. Pure."""

from __future__ import annotations

# Of 128 bits (row and column gradients). docs/decisions/0007-photo-duplicates.md holds what was measured.
NEAR = 12


def hamming(left: str, right: str) -> int:
    """Differing bits of two hex hashes of equal length."""
    return (int(left, 16) ^ int(right, 16)).bit_count()


def distance(row_a: str, column_a: str, row_b: str, column_b: str) -> int:
    """Bits of 128 that differ; ≤ NEAR is near."""
    return hamming(row_a, row_b) + hamming(column_a, column_b)


def bands(row_hash: str, column_hash: str) -> list[int]:
    """Sixteen 8-bit bands: two hashes that differ in at most 12 bits share at least four."""
    both = row_hash + column_hash
    return [int(both[start : start + 2], 16) for start in range(0, 32, 2)]
