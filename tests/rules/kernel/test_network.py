"""Who asks: one line and one phone are one, however many addresses they hold."""

from __future__ import annotations

import pytest

from app.kernel.network import network_of


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("10.20.30.40", "10.20.30.40"), ("::ffff:10.20.30.40", "10.20.30.40"), ("2001:db8:1:2::beef", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"), ("fe80::1%eth0", "fe80::/64"), ("::1", "::/64"),
        ("", ""), ("unix:", "unix:"), ("300.1.1.1", "300.1.1.1"),
    ],
)  # fmt: skip
def test_an_address_names_its_network(address: str, network: str) -> None:
    assert network_of(address) == network


def test_lines_side_by_side_stay_apart() -> None:
    """Negative control."""
    assert network_of("2001:db8:1:2::1") != network_of("2001:db8:1:3::1")
    assert network_of("10.20.30.40") != network_of("10.20.30.41")
