"""Who asks, as far as an address tells."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Network, ip_address

WHOLE = 64  # one line or one phone holds all addresses of a /64 and takes another with every request if it likes


def network_of(address: str) -> str:
    """An IPv4 address as it is, also one that came mapped into IPv6; of IPv6 the /64; what is no address unchanged."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, IPv4Address):
        return str(found)
    return str(found.ipv4_mapped or IPv6Network((found, WHOLE), strict=False))
