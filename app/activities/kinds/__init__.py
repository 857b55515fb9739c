"""The registry of activity kinds: one file each; to add a kind is to add a file."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from app.activities.kinds.shape import DetailField, Kind, Slot

__all__ = ["KINDS", "DetailField", "Kind", "Slot"]


def _discover() -> dict[str, Kind]:
    found = [
        import_module(f"{__name__}.{module.name}").KIND for module in iter_modules(__path__) if module.name != "shape"
    ]
    return {kind.key: kind for kind in sorted(found, key=lambda kind: kind.position)}


KINDS: dict[str, Kind] = _discover()
