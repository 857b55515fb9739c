"""What time a phone's scan really was: its clock may be wrong, its uptime counter is not. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

SLACK = timedelta(minutes=2)  # a clamp of more than this is no slow network but an impossible time


@dataclass(frozen=True, slots=True)
class Sent:
    """When a batch left the phone: its wall clock and its uptime, in ms, and which life of the page this is."""

    at: int
    mono: float
    life: str


@dataclass(frozen=True, slots=True)
class Corrected:
    """`at` is within the bounds; `claimed` is what the phone's clocks say; `is_possible` when they nearly agree."""

    at: datetime
    claimed: datetime
    is_possible: bool


def correct(
    sent: Sent, *, device_at: int, mono: float, life: str, received: datetime, begins_at: datetime
) -> Corrected:
    """The moment of a scan on the server's clock, clamped to [begins_at, received].

    In the same life of the page the uptime counter tells how long ago it was, whatever anybody did to the clock.
    After a restart only the wall clock is left, shifted by how wrong it is now.
    """
    passed = sent.mono - mono if life and life == sent.life else sent.at - device_at
    claimed = received - _ms(passed)
    at = min(max(claimed, begins_at), received)
    return Corrected(at, claimed, abs(claimed - at) <= SLACK)


def _ms(number: float) -> timedelta:
    most = 10**11  # three years; a clock that stands in 1970 must not overflow ours
    return timedelta(milliseconds=max(-most, min(most, number)))
