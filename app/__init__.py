"""The product: create_app binds settings, extensions, web and commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from app.config import Settings


def create_app(settings: Settings | None = None) -> Flask:
    """The WSGI app. Flask is imported here, so that the photo child may import `app` cheaply."""
    from app.factory import make_app

    return make_app(settings)
